"""What is written down when a declaration is accepted: policy, clocks, certificates, customs' own control."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.domain.case import CasePolicy, OnInformationExpiry
from hub.domain.catalogue import Certified, Row, Service, Validity
from hub.domain.certificates import Balance, Certificate, CertificateKey, CertificateStanding, ClaimState
from hub.domain.clearance import Outcome
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration, Procedure
from hub.domain.duties import Duties
from hub.domain.intake import Acceptance, Rulebook, accept, control_demand
from hub.domain.model import Measure
from hub.domain.policy import Control, DatedPolicy
from hub.domain.referral import Answers, ReferralState, Verdict, Via
from hub.domain.risk import Assessment, Channel, RiskReason
from tests.domain.support import catalogue, declaration, service

SEOUL = ZoneInfo("Asia/Seoul")
MRN = "26KR0000000000A001"
AT = datetime(2026, 3, 3, 1, tzinfo=UTC)
"""A Tuesday, ten in the morning in Seoul."""
OFFICE = WorkingCalendar(SEOUL, time(18), lambda day: day == date(2026, 3, 5))
DEFAULT = CasePolicy(version="p", refusal_open_for="30d")
KEY = CertificateKey(type="13101", id="C-1")


def policy(name: str, **more: Any) -> CasePolicy:
    return CasePolicy(version=f"p/{name}", refusal_open_for="30d", **more)


def rulebook(*services: Service, **more: Any) -> Rulebook:
    known = catalogue(*(services or (service("plants-a", "06"), service("animals-b", "06"))))
    agencies = {each.agency for each in known.services}
    return Rulebook(
        catalogue=known,
        calendars=dict.fromkeys(agencies, OFFICE),
        versions={agency: f"{agency}-1" for agency in agencies},
        policy=more.pop("policy", DEFAULT),
        country="KR",
        zone=SEOUL,
        control=Control(
            calendar=OFFICE,
            answer_within="3wd",
            law={"en": "Customs Act"},
            name={"en": "Customs control"},
        ),
        **more,
    )


def flowers(count: int = 1, **more: Any) -> Declaration:
    return declaration(*({"hs_code": "060110"} for _ in range(count)), **more)


def accepted(lodged: Declaration, rules: Rulebook, **more: Any) -> Acceptance:
    return accept(lodged, rules, mrn=MRN, client="broker", **{"at": AT, **more})


# --- policy ------------------------------------------------------------------

POLICIES = (
    DatedPolicy("everywhere", policy("everywhere"), Validity(date(2026, 2, 1), date(2026, 2, 28))),
    DatedPolicy("exports", policy("exports"), procedures=frozenset({Procedure.EXPORT, Procedure.TRANSIT})),
    DatedPolicy("port", policy("port"), Validity(date(2026, 3, 3)), offices=frozenset({"PORT", "QUAY"})),
    DatedPolicy(
        "port-exports",
        policy("port-exports"),
        procedures=frozenset({Procedure.TRANSIT}),
        offices=frozenset({"PORT"}),
    ),
)


@pytest.mark.parametrize(
    ("day", "procedure", "office", "version"),
    [
        ("2026-02-01", "import", None, "p/everywhere"),
        ("2026-02-28", "import", "QUAY", "p/everywhere"),
        ("2026-01-31", "import", None, "p"),
        ("2026-03-01", "import", None, "p"),
        ("2026-02-15", "export", None, "p/exports"),
        ("2026-03-02", "import", "PORT", "p"),
        ("2026-03-03", "import", "PORT", "p/port"),
        ("2026-03-03", "import", "QUAY", "p/port"),
        ("2026-03-03", "import", "QUAYSIDE", "p"),
        ("2026-03-03", "transit", "PORT", "p/port-exports"),
    ],
)
def test_of_the_policies_that_fit_the_one_that_asks_most_is_frozen(
    day: str, procedure: str, office: str | None, version: str
) -> None:
    """By the administration's own day, procedure and office; where none fits, the default."""
    lodged = flowers(procedure=procedure, office=office)
    noon = datetime.combine(date.fromisoformat(day), time(12), SEOUL)
    assert accepted(lodged, rulebook(policies=POLICIES), at=noon).case.policy.version == version


def test_another_version_goes_by_the_law_and_the_policy_of_the_first() -> None:
    """Its clocks begin at its own time."""
    rows = (Row("06", Validity(date(2026, 1, 1), date(2026, 3, 31))),)
    rules = rulebook(service("plants-a", *rows), policies=POLICIES)
    later = datetime(2026, 4, 14, 1, tzinfo=UTC)
    assert accepted(flowers(), rules, at=later).case.referrals == ()
    again = accepted(flowers(), rules, at=later, day=date(2026, 3, 3), policy=policy("port"), version=3)
    (referral,) = again.case.referrals
    assert again.case.policy.version == "p/port"
    assert again.case.version == 3
    assert referral.terms.opened_at == later
    assert referral.terms.due_at == OFFICE.due(later, "3wd")


def test_duties_are_waited_for_where_the_policy_says_so() -> None:
    assert accepted(flowers(), rulebook()).case.duties is None
    gated = accepted(flowers(2), rulebook(policy=policy("x", duty_gate=True)))
    assert gated.case.duties == Duties(version=1)
    assert gated.case.items == (1, 2)


# --- clocks ------------------------------------------------------------------


def test_reminders_are_frozen_with_the_terms() -> None:
    """As the service says, else as the administration does; none where the service says so."""
    rules = rulebook(
        service("plants-a", "06"),
        service("animals-b", "06", remind_before=("4h", "2wd")),
        service("foods-c", "06", remind_before=()),
        remind_before=("1wd", "30d"),
    )
    plants, animals, foods = (r.terms for r in accepted(flowers(), rules).case.referrals)
    assert plants.due_at == datetime(2026, 3, 9, 18, tzinfo=SEOUL)
    assert plants.opened_at == AT
    assert plants.remind_before == ("1wd", "30d")
    assert plants.remind_at == (datetime(2026, 3, 6, 18, tzinfo=SEOUL),)
    assert animals.remind_at == (
        datetime(2026, 3, 4, 18, tzinfo=SEOUL),
        datetime(2026, 3, 9, 14, tzinfo=SEOUL),
    )
    assert (foods.remind_before, foods.remind_at) == ((), ())


# --- certificates ------------------------------------------------------------------

CERTIFIED = service("plants-a", "06", certificate=Certified(("13101",), reserve=True, reuse=True))


def ledger(quantity: str) -> dict[CertificateKey, CertificateStanding]:
    certificate = Certificate(
        type="13101", id="C-1", agency="plants", quantity=Measure(value=Decimal(quantity), unit="KGM")
    )
    return {KEY: CertificateStanding(certificate=certificate, balance=Balance(issued=Decimal(quantity)))}


def bulbs(*masses: str) -> Declaration:
    return declaration(
        *({"hs_code": "060110", "net_mass_kg": mass} for mass in masses),
        lpcos=[{"type": "13101", "id": "C-1"}, {"type": "851", "id": "PC-1"}],
    )


@pytest.mark.parametrize(
    ("left", "reuse", "state", "claims", "outcome"),
    [
        ("10", True, ReferralState.DECIDED, ["reserved", "reserved"], Outcome.RELEASE),
        ("10", False, ReferralState.PENDING, ["reserved", "reserved"], Outcome.IN_PROGRESS),
        ("5", True, ReferralState.PENDING, ["reserved", "wanted"], Outcome.HOLD),
    ],
)
def test_a_certificate_may_stand_for_the_consent(
    left: str, reuse: bool, state: ReferralState, claims: list[str], outcome: Outcome
) -> None:
    """Where policy and service allow it and there is enough left for every item; else the agency is asked."""
    rules = rulebook(CERTIFIED, policy=policy("x", reuse=reuse))
    made = accepted(bulbs("4", "6"), rules, standings=ledger(left))
    (referral,) = made.case.referrals
    assert referral.state is state
    assert [claim.state for claim in made.case.claims] == [ClaimState(word) for word in claims]
    assert made.clearance.outcome is outcome
    assert (made.due_at is None) is (state is ReferralState.DECIDED)


def test_only_certificates_that_a_service_uses_are_looked_up() -> None:
    assert rulebook(CERTIFIED).certificates_of(bulbs("4")) == (KEY,)
    assert rulebook().certificates_of(bulbs("4")) == ()


# --- customs' own control ------------------------------------------------------------------


def assessment(channel: Channel, *items: int | None, drawn: bool = False) -> Assessment:
    reasons = tuple(RiskReason(rule=f"rule-{item}", weight=60, item=item) for item in items)
    return Assessment(
        channel=channel, score=60 * len(items), reasons=reasons, drawn=drawn, seed="00", rules_version="r"
    )


@pytest.mark.parametrize(
    ("channel", "verdict", "word", "outcome_rules"),
    [
        (Channel.YELLOW, Verdict.INFORMATION_REQUIRED, "documents", Outcome.HOLD),
        (Channel.RED, Verdict.INSPECTION_REQUIRED, "goods", Outcome.HOLD),
    ],
)
def test_the_risk_channel_calls_for_customs_own_control(
    channel: Channel, verdict: Verdict, word: str, outcome_rules: Outcome
) -> None:
    """One more referral, which customs has from the start, with the demand as its first decision."""
    rules = rulebook(policy=policy("x", information_within="10d"))
    made = accepted(flowers(3), rules, assessment=assessment(channel, 2, 2))
    control = made.case.referral("customs-control")
    (demand,) = control.decisions
    assert made.case.referrals[-1] is control
    assert (control.terms.agency, control.terms.id) == ("customs", f"{MRN}/customs-control")
    assert (control.terms.answers, control.terms.items) == (Answers.DOOR, (2,))
    assert control.terms.due_at == OFFICE.due(AT, "3wd")
    assert control.terms.law == {"en": "Customs Act"}
    assert control.terms.config_version == "p/x"
    assert (control.state, control.delivered_revision) == (ReferralState.DELIVERED, 1)
    assert (demand.id, demand.verdict, demand.word, demand.via) == ("risk-1", verdict, word, Via.RISK)
    assert demand.remarks is not None
    assert demand.remarks.startswith(f"Customs looks at the {word}")
    assert (demand.decided_at, demand.revision) == (AT, 1)
    assert made.clearance.outcome is outcome_rules
    assert made.assessment == assessment(channel, 2, 2)


def test_who_is_asked_for_documents_has_the_time_of_the_policy_and_customs_clock_runs_on() -> None:
    rules = rulebook(
        policy=policy("x", information_within="10d", on_information_expiry=OnInformationExpiry.REFUSE)
    )
    control = accepted(flowers(), rules, assessment=assessment(Channel.YELLOW, 1)).case.referrals[-1]
    (question,) = control.questions
    assert question.due_at == datetime(2026, 3, 13, 1, tzinfo=UTC)
    assert question.items == (1,)
    assert control.stops == ()


@pytest.mark.parametrize(
    ("made", "items"),
    [
        (assessment(Channel.RED, 1, 3), (1, 3)),
        (assessment(Channel.RED, 1, None), (1, 2, 3)),
        (assessment(Channel.YELLOW, drawn=True), (1, 2, 3)),
        (assessment(Channel.YELLOW, 2, drawn=True), (1, 2, 3)),
    ],
)
def test_customs_looks_at_the_goods_that_are_named_or_at_all(
    made: Assessment, items: tuple[int, ...]
) -> None:
    """At all of them for what is wrong with the declaration as a whole, and for what chance picked."""
    control = accepted(flowers(3), rulebook(), assessment=made).case.referral("customs-control")
    assert control.terms.items == items


def test_green_ones_and_prohibited_ones_are_not_looked_at() -> None:
    """The assessment is kept all the same."""
    green = accepted(flowers(), rulebook(), assessment=assessment(Channel.GREEN, 1))
    assert [r.terms.service for r in green.case.referrals] == ["plants-a", "animals-b"]
    assert green.assessment is not None
    forbidden = rulebook(service("plants-a", Row("06", prohibited=True)))
    assert accepted(flowers(), forbidden, assessment=assessment(Channel.RED, 1)).case.referrals == ()


def test_a_control_that_customs_calls_for_alone_holds_what_nobody_else_is_asked_about() -> None:
    nobody = rulebook(service("plants-a", "99"))
    assert accepted(flowers(), nobody).clearance.outcome is Outcome.RELEASE
    red = accepted(flowers(), nobody, assessment=assessment(Channel.RED, None))
    assert red.clearance.outcome is Outcome.HOLD
    assert red.due_at == OFFICE.due(AT, "3wd")


def test_the_demand_on_a_later_version_is_another_decision() -> None:
    """Of the revision that is asked about."""
    red = assessment(Channel.RED, 1)
    terms = accepted(flowers(), rulebook(), assessment=red).case.referral("customs-control").terms
    demand = control_demand(terms.model_copy(update={"revision": 2}), red, AT)
    assert (demand.id, demand.revision) == ("risk-2", 2)
    with pytest.raises(KeyError):
        control_demand(terms, assessment(Channel.GREEN), AT)


def test_a_control_without_terms_is_a_fault_of_the_rulebook() -> None:
    without = replace(rulebook(), control=None)
    with pytest.raises(ValueError, match="nothing says what that is"):
        accepted(flowers(), without, assessment=assessment(Channel.RED, 1))
