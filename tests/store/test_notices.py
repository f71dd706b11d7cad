"""Outcomes, and the notices that tell the cargo system of them."""

from __future__ import annotations

import pytest

from hub.domain.clearance import Clearance, Outcome, Reason, Rule
from hub.domain.events import Event, EventType
from hub.domain.names import notice_key
from hub.domain.referral import Verdict
from hub.ports import Acknowledgement, DeclarationView, Recorded, Settled
from hub.store import Store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0


@pytest.fixture
def mrn(store: Store) -> str:
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    return accepted.mrn


def view(store: Store, mrn: str) -> DeclarationView:
    found = store.view(mrn)
    assert found is not None
    return found


def events(store: Store, mrn: str) -> list[Event]:
    return store.events(mrn, 1, 100)


def test_an_outcome_and_its_notice_are_written_together(store: Store, mrn: str) -> None:
    """The view shows both; the event holds the reasons, which the next outcome will replace."""
    reason = Reason(rule=Rule.CONSENTED, item=1, service=PLANT, agency="apqa", verdict=Verdict.APPROVED)
    settled = Clearance(outcome=Outcome.HOLD, final=False, reasons=(reason,))
    notice = sample.notice(mrn, Outcome.HOLD)
    assert store.record_clearance(mrn, settled, notice, ["apqa"], T0 + SECOND) == notice
    shown = view(store, mrn)
    assert (shown.clearance, shown.settled_at) == (settled, T0 + SECOND)
    assert shown.notice is not None
    assert (shown.notice.number, shown.notice.outcome) == (1, Outcome.HOLD)
    assert (shown.notice.issued_at, shown.notice.acknowledged_at) == (notice.issued_at, None)
    [event] = events(store, mrn)
    assert (event.type, event.at) == (EventType.CLEARANCE_SETTLED, T0 + SECOND)
    assert event.data == {
        "outcome": "hold",
        "final": False,
        "reasons": [
            {
                "rule": "consented",
                "item": 1,
                "service": PLANT,
                "agency": "apqa",
                "verdict": "approved",
            }
        ],
        "pending_agencies": ["apqa"],
    }
    [row] = store.page(sample.everything(), None, 10).rows
    assert row.outcome is Outcome.HOLD


def test_repeating_an_outcome_returns_the_notice_as_first_written(store: Store, mrn: str) -> None:
    """An activity run again with the same notice number changes nothing."""
    first = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), first, [], T0)
    before = view(store, mrn), events(store, mrn)
    again = sample.notice(mrn, Outcome.HOLD, at=T0 + 99 * SECOND)
    assert store.record_clearance(mrn, sample.clearance(Outcome.HOLD), again, [], T0 + SECOND) == first
    assert (view(store, mrn), events(store, mrn)) == before


def test_repeating_it_after_the_acknowledgement_returns_none(store: Store, mrn: str) -> None:
    """There is nothing left to send."""
    notice = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), notice, [], T0)
    store.record_notice_sent(notice, Acknowledgement(at=T0 + SECOND, reference="C-1"), ())
    assert store.record_clearance(mrn, sample.clearance(Outcome.HOLD), notice, [], T0) is None


def test_what_is_settled_otherwise_under_one_number_is_a_notice_of_its_own(store: Store, mrn: str) -> None:
    """
    A workflow task recorded a hold, and the engine lost it with its worker; begun once more, the workflow has
    heard of an approval, and does not know that it has said anything yet.
    """
    lost = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), lost, [], T0)
    release = sample.notice(mrn, Outcome.RELEASE, at=T0 + SECOND)
    second = release.model_copy(update={"number": 2, "key": notice_key(mrn, 2)})
    settled = Settled(clearance=sample.clearance(Outcome.RELEASE), notice=release, pending_agencies=())
    recorded = store.conclude(mrn, lambda on_record: settled, T0 + SECOND, None)
    assert recorded == Recorded(number=2, unsent=(lost, second))
    assert view(store, mrn).clearance.outcome is Outcome.RELEASE
    assert store.conclude(mrn, lambda on_record: settled, T0 + SECOND, None) == recorded
    for notice in recorded.unsent:
        store.record_notice_sent(notice, Acknowledgement(at=T0 + SECOND, reference="C-1"), ())
    assert store.conclude(mrn, lambda on_record: settled, T0, None) == Recorded(number=2)


def test_the_same_outcome_without_a_notice_twice_is_one_event(store: Store, mrn: str) -> None:
    """And so is one that was settled at acceptance already."""
    for _ in range(2):
        assert store.record_clearance(mrn, sample.clearance(Outcome.HOLD), None, [], T0) is None
    assert len(events(store, mrn)) == 1
    at_once = sample.acceptance()
    store.lodge(at_once)
    notice = sample.notice(at_once.mrn, Outcome.RELEASE)
    store.record_clearance(at_once.mrn, at_once.clearance, notice, [], T0 + SECOND)
    assert [e.type for e in events(store, at_once.mrn)] == [EventType.CLEARANCE_SETTLED]
    assert store.unsent_notice(at_once.mrn) == notice


def test_new_reasons_of_the_same_outcome_are_recorded(store: Store, mrn: str) -> None:
    """The time of settling stays: the outcome has not changed."""
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), None, [], T0 + SECOND)
    other = Clearance(outcome=Outcome.HOLD, final=False, reasons=(Reason(rule=Rule.EXPIRED),))
    store.record_clearance(mrn, other, None, [], T0 + 9 * SECOND)
    assert (view(store, mrn).clearance, view(store, mrn).settled_at) == (other, T0 + SECOND)
    assert len(events(store, mrn)) == 2


@pytest.mark.parametrize(
    ("outcome", "event"),
    [
        (Outcome.RELEASE, EventType.CARGO_RELEASED),
        (Outcome.HOLD, EventType.CARGO_HELD),
        (Outcome.REFUSAL, EventType.CARGO_REFUSED),
    ],
)
def test_an_acknowledged_notice_is_an_event_once(
    store: Store, mrn: str, outcome: Outcome, event: EventType
) -> None:
    """With the number, the key and the cargo system's reference; the exchange is kept."""
    notice = sample.notice(mrn, outcome)
    store.record_clearance(mrn, sample.clearance(outcome), notice, [], T0)
    acknowledged = Acknowledgement(at=T0 + 3 * SECOND, reference="C-1")
    took_place = sample.exchange(mrn, PLANT, kind="notice")
    for _ in range(2):
        store.record_notice_sent(notice, acknowledged, [took_place])
    told = events(store, mrn)[-1]
    assert (told.type, told.at, told.seq) == (event, T0 + 3 * SECOND, 3)
    assert told.data == {"number": 1, "key": notice.key, "reference": "C-1"}
    assert store.exchanges(mrn) == [took_place]
    shown = view(store, mrn).notice
    assert shown is not None
    assert (shown.acknowledged_at, shown.reference) == (T0 + 3 * SECOND, "C-1")


def test_notices_go_out_in_order(store: Store, mrn: str) -> None:
    """The oldest that is not acknowledged comes first; the view shows the latest."""
    hold, release = sample.notice(mrn, Outcome.HOLD, 1), sample.notice(mrn, Outcome.RELEASE, 2)
    assert store.unsent_notice(mrn) is None
    for notice in (hold, release):
        store.record_clearance(mrn, sample.clearance(notice.outcome), notice, [], T0)
    assert store.counts()["notices_unsent"] == 2
    for notice in (hold, release):
        assert store.unsent_notice(mrn) == notice
        store.record_notice_sent(notice, Acknowledgement(at=T0), ())
    assert store.unsent_notice(mrn) is None
    assert store.counts()["notices_unsent"] == 0
    shown = view(store, mrn).notice
    assert shown is not None
    assert shown.number == 2


def test_each_different_trouble_of_a_notice_is_an_event_once(store: Store, mrn: str) -> None:
    """The view shows the last, until the notice is acknowledged."""
    notice = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), notice, [], T0)
    for trouble in ("refused", "refused", "timed out", "refused"):
        store.record_notice_delayed(notice, trouble, T0)
    delayed = [e for e in events(store, mrn) if e.type is EventType.NOTICE_DELAYED]
    assert [e.data["trouble"] for e in delayed] == ["refused", "timed out"]
    shown = view(store, mrn).notice
    assert shown is not None
    assert shown.trouble == "refused"
    store.record_notice_sent(notice, Acknowledgement(at=T0), ())
    store.record_notice_delayed(notice, "an answer that came too late", T0)
    shown = view(store, mrn).notice
    assert shown is not None
    assert shown.trouble is None


def test_every_attempt_at_a_notice_is_kept(store: Store, mrn: str) -> None:
    """Also when its trouble is no news, and when another attempt has been acknowledged meanwhile."""
    notice = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), notice, [], T0)
    attempts = [sample.exchange(mrn, PLANT, kind="notice", at=T0 + number * SECOND) for number in range(3)]
    for attempt in attempts[:2]:
        store.record_notice_delayed(notice, "refused", T0, exchanges=[attempt])
    store.record_notice_sent(notice, Acknowledgement(at=T0), ())
    store.record_notice_delayed(notice, "timed out", T0, exchanges=[attempts[2]])
    assert store.exchanges(mrn) == attempts


def test_a_notice_that_was_never_written_is_told(store: Store, mrn: str) -> None:
    """KeyError, for an unknown declaration too, and nothing is recorded."""
    notice = sample.notice(mrn, Outcome.HOLD)
    took_place = sample.exchange(mrn, PLANT, kind="notice")
    with pytest.raises(KeyError):
        store.record_notice_sent(notice, Acknowledgement(at=T0), [took_place])
    with pytest.raises(KeyError):
        store.record_notice_delayed(notice, "refused", T0, exchanges=[took_place])
    with pytest.raises(KeyError):
        store.record_clearance("none", sample.clearance(Outcome.HOLD), None, [], T0)
    assert store.exchanges(mrn) == []
