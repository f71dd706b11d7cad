"""What the worker's log says."""

from __future__ import annotations

from typing import Any

from structlog.testing import capture_logs

from hub.activities.telling import Teller
from hub.domain.clearance import Outcome
from hub.domain.referral import Receipt, ReferralState, Verdict
from hub.ports import Acknowledgement, HandOver
from tests.store import sample
from tests.store.sample import PLANT, T0


def lines(logged: list[Any]) -> list[tuple[Any, ...]]:
    return [(line["event"], line.get("agency"), line.get("service"), line.get("reason")) for line in logged]


def test_each_reason_is_told_once_and_again_after_a_delivery() -> None:
    """An agency that is away for a day is a line, not a line for each attempt."""
    terms = sample.acceptance(PLANT).case.referrals[0].terms
    tell = Teller()

    def attempt(state: ReferralState, trouble: str | None = None) -> None:
        receipt = Receipt(reference="R-1", received_at=T0) if state is ReferralState.DELIVERED else None
        ended = HandOver(referral=terms.id, state=state, trouble=trouble, receipt=receipt)
        tell.handed_over(terms, ended, ended)

    with capture_logs() as logged:
        for trouble in ("closed", "closed", "no connection", "closed"):
            attempt(ReferralState.PENDING, trouble)
        attempt(ReferralState.DELIVERED)
        attempt(ReferralState.UNDELIVERABLE, "no such firm")
    about = (terms.agency, terms.service)
    assert lines(logged) == [
        ("referral.delayed", *about, "closed"),
        ("referral.delayed", *about, "no connection"),
        ("referral.delivered", *about, None),
        ("referral.undeliverable", *about, "no such firm"),
    ]
    assert {line["mrn"] for line in logged} == {terms.mrn}
    assert logged[2]["reference"] == "R-1"


def test_a_decision_in_the_reply_is_told() -> None:
    """With what was decided, and how it came."""
    terms = sample.acceptance(PLANT).case.referrals[0].terms
    decision = sample.decision(terms.mrn, terms.service, Verdict.APPROVED)
    ended = HandOver(referral=terms.id, state=ReferralState.DECIDED, decisions=(decision,))
    with capture_logs() as logged:
        Teller().handed_over(terms, ended, ended)
    assert [line["event"] for line in logged] == ["referral.delivered", "decision.received"]
    assert (logged[1]["verdict"], logged[1]["via"]) == (Verdict.APPROVED, decision.via)


def test_notices_are_told_by_what_the_cargo_system_did() -> None:
    """Delayed once for each reason, then released, held or refused."""
    tell = Teller()
    with capture_logs() as logged:
        for outcome in (Outcome.RELEASE, Outcome.HOLD, Outcome.REFUSAL):
            notice = sample.notice("26KR", outcome)
            tell.notice_delayed(notice, "closed")
            tell.notice_delayed(notice, "closed")
            tell.notice_taken(notice, Acknowledgement(at=T0, reference="C-1"))
    assert [line["event"] for line in logged] == [
        *("notice.delayed", "cargo.released"),
        *("notice.delayed", "cargo.held"),
        *("notice.delayed", "cargo.refused"),
    ]
