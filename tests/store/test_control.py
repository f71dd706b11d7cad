"""Agencies that are paused or fail, and their queues: the same for everybody who asks."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hub.domain.event_data import DeadlineMoved
from hub.domain.events import EventType, NewEvent
from hub.domain.intake import Acceptance
from hub.ports import ControlState, Pace, QueuedReferral
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

LEASE = 30 * SECOND
QUICK = Pace(slowest=2.0, fastest=4.0, at_once=3)


@pytest.fixture
def other(database_url: str) -> Iterator[Store]:
    """Another process."""
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


def lodged(store: Store, *services: str) -> Acceptance:
    accepted = sample.acceptance(*services)
    store.lodge(accepted)
    return accepted


def waits(accepted: Acceptance, service: str = PLANT, due: int | None = 60) -> QueuedReferral:
    """It waits for its agency; its deadline is so many seconds ahead."""
    terms = accepted.case.referral(service).terms
    return QueuedReferral(
        mrn=terms.mrn,
        service=service,
        agency=terms.agency,
        queued_at=T0,
        due_at=None if due is None else T0 + due * SECOND,
    )


def state(store: Store) -> ControlState:
    control = store.controls().get("apqa")
    return ControlState.OPEN if control is None else control.state


def queued(store: Store, *dues: int | None) -> list[QueuedReferral]:
    """As many referrals, in the order of these deadlines."""
    waiting = [waits(lodged(store, PLANT), due=due) for due in dues]
    for one in waiting:
        store.queue(one)
    return waiting


def test_a_person_s_pause_outlasts_failures_and_ends_when_a_person_resumes(store: Store) -> None:
    """Each is news once."""
    assert store.controls() == {}
    assert store.pause("apqa", by="kim", reason="moves house", at=T0)
    assert not store.pause("apqa", by="lee", reason="again", at=T0 + SECOND)
    assert not store.fails("apqa", reason="refused", at=T0)
    control = store.controls()["apqa"]
    assert (control.state, control.by, control.reason, control.since) == ("paused", "kim", "moves house", T0)
    assert store.take_probe("apqa", T0 + timedelta(days=1), LEASE) is None
    assert store.resume("apqa", by="kim", reason="has moved", at=T0)
    assert not store.resume("apqa", by="kim", reason="has moved", at=T0)
    assert store.let_go("apqa", T0 + SECOND, QUICK).opened
    assert store.controls() == {}


def test_a_probe_that_failed_is_not_the_next_one(store: Store) -> None:
    """What one referral asks may be what the agency does not answer; the others are tried in turn."""
    waiting = queued(store, 60, 90, 90, 120)
    assert store.fails("apqa", reason="refused", at=T0, pause=SECOND)
    tried = []
    for _ in range(6):
        at = store.controls()["apqa"].next_probe_at or T0
        probe = store.take_probe("apqa", at, LEASE)
        assert probe is not None
        assert probe.queued is not None
        tried.append(probe.queued.mrn)
        # The attempt fails, and what it was about waits anew.
        store.queue(probe.queued)
        assert store.probe_failed("apqa", reason="reset", at=at, longest=SECOND, least=0 * SECOND)
    by_due = [waiting[0].mrn, *sorted([waiting[1].mrn, waiting[2].mrn]), waiting[3].mrn]
    assert tried == [*by_due, *by_due[:2]]


def test_one_probe_at_a_time_after_ever_longer_pauses(store: Store, other: Store) -> None:
    """Whoever comes first takes it; a probe that was lost falls due again."""
    [first, second] = queued(store, 60, 90)
    assert store.fails("apqa", reason="refused", at=T0, pause=4 * SECOND)
    assert not other.fails("apqa", reason="refused", at=T0)
    assert store.take_probe("apqa", T0 + 3 * SECOND, LEASE) is None
    at = T0 + 4 * SECOND
    probe = store.take_probe("apqa", at, LEASE)
    assert probe is not None
    assert probe.queued is not None
    assert probe.queued.mrn == first.mrn
    assert other.take_probe("apqa", at, LEASE) is None
    assert other.is_let_through(first.mrn, PLANT, "apqa", at)
    assert not other.is_let_through(second.mrn, PLANT, "apqa", at)
    lost = at + LEASE
    assert not store.is_let_through(first.mrn, PLANT, "apqa", lost)
    assert other.take_probe("apqa", lost, LEASE) is not None
    assert store.probe_failed("apqa", reason="reset", at=lost, longest=15 * SECOND, least=0 * SECOND)
    assert not store.probe_failed("apqa", reason="reset", at=lost, longest=15 * SECOND, least=0 * SECOND)
    assert store.controls()["apqa"].next_probe_at == lost + 8 * SECOND
    for pause in (15, 15):
        lost = store.controls()["apqa"].next_probe_at or T0
        assert store.take_probe("apqa", lost, LEASE) is not None
        assert store.probe_failed("apqa", reason="reset", at=lost, longest=15 * SECOND, least=0 * SECOND)
        assert store.controls()["apqa"].next_probe_at == lost + pause * SECOND


def test_a_queue_goes_out_by_deadline_at_its_rate_whoever_asks(store: Store, other: Store) -> None:
    """Two a second to begin with, and never more than three that are not handed over."""
    waiting = queued(store, 50, None, 20, 40, 30, 10)
    in_order = [waiting[n].mrn for n in (5, 2, 4, 3, 0, 1)]
    store.fails("apqa", reason="refused", at=T0)
    assert store.recovered("apqa", T0, QUICK.slowest)
    assert not store.recovered("apqa", T0, QUICK.slowest)
    gone: list[str] = []
    for tenths in range(0, 11, 5):
        for process in (store, other):
            gone += [one.mrn for one in process.let_go("apqa", T0 + tenths * SECOND / 10, QUICK).referrals]
    assert gone == in_order[:2]
    assert store.is_let_through(gone[0], PLANT, "apqa", T0)
    late = T0 + 30 * SECOND
    gone += [one.mrn for one in other.let_go("apqa", late, QUICK).referrals]
    assert gone == in_order[:3]
    assert store.let_go("apqa", late + SECOND, QUICK).referrals == ()
    for mrn in gone:
        store.unqueue(mrn, PLANT)
        store.unqueue(mrn, PLANT)
    for second in range(2, 9):
        let_go = store.let_go("apqa", late + second * SECOND, QUICK)
        for one in let_go.referrals:
            gone.append(one.mrn)
            store.unqueue(one.mrn, PLANT)
    assert gone == in_order
    assert state(store) is ControlState.OPEN


def test_what_fails_while_it_drains_fails_for_longer(store: Store) -> None:
    """It was let go too early."""
    [one] = queued(store, 60)
    store.fails("apqa", reason="refused", at=T0, pause=4 * SECOND)
    assert store.take_probe("apqa", T0 + 4 * SECOND, LEASE) is not None
    store.recovered("apqa", T0 + 5 * SECOND, 1.0)
    assert store.fails("apqa", reason="refused", at=T0 + 6 * SECOND, pause=4 * SECOND)
    control = store.controls()["apqa"]
    assert (control.state, control.next_probe_at) == (ControlState.FAILING, T0 + 14 * SECOND)
    assert not store.is_let_through(one.mrn, PLANT, "apqa", T0 + 6 * SECOND)


def test_what_fails_after_it_has_served_for_longer_than_it_was_left_alone_fails_anew(store: Store) -> None:
    """A long queue is not held up for five minutes by each of its applications that cannot be served."""
    queued(store, 60)
    store.fails("apqa", reason="refused", at=T0, pause=4 * SECOND)
    for begins in (10, 20, 30):
        at = T0 + begins * SECOND
        assert store.recovered("apqa", at, 1.0)
        assert store.fails("apqa", reason="refused", at=at + 5 * SECOND, pause=4 * SECOND)
        assert store.controls()["apqa"].next_probe_at == at + 9 * SECOND


def test_who_comes_while_a_long_queue_drains_stands_behind_it(store: Store) -> None:
    """And walks past a short one, which is gone in a moment."""
    new = lodged(store, PLANT)
    waiting = queued(store, *range(10, 18))
    store.resume("apqa", by=None, reason=None, at=T0)
    assert store.is_let_through(new.mrn, PLANT, "apqa", T0)
    assert not store.is_let_through(waiting[0].mrn, PLANT, "apqa", T0)
    queued(store, 18)
    assert not store.is_let_through(new.mrn, PLANT, "apqa", T0)


def test_where_nothing_is_queued_one_is_asked_about_that_the_agency_has(store: Store) -> None:
    """Its dossier; and nothing where the agency has nothing."""
    store.fails("apqa", reason="refused", at=T0)
    empty = store.take_probe("apqa", T0 + 9 * SECOND, LEASE)
    assert empty is not None
    assert (empty.queued, empty.known) == (None, None)
    accepted = lodged(store, PLANT, FOOD)
    delivered = sample.delivered(accepted.mrn, PLANT)
    store.begin_hand_over(accepted.mrn, [PLANT], T0)
    store.record_hand_overs(accepted.mrn, [delivered], T0)
    later = T0 + timedelta(minutes=1)
    probe = store.take_probe("apqa", later, LEASE)
    assert probe is not None
    assert probe.known is not None
    assert probe.known.terms.id == delivered.referral
    assert probe.known.receipt == delivered.receipt
    assert store.is_let_through(accepted.mrn, PLANT, "apqa", later)


def test_what_has_been_queued_since_is_not_taken_out_by_what_was_let_go(store: Store) -> None:
    """An errand that was let go may end when a later one of its referral has been put in its place."""
    [one] = queued(store, 60)
    store.fails("apqa", reason="refused", at=T0, pause=SECOND)
    assert store.take_probe("apqa", T0 + SECOND, LEASE) is not None
    store.queue(one)
    store.unqueue(one.mrn, PLANT)
    assert [waiting.mrn for waiting in store.queued("apqa", 9)] == [one.mrn]
    assert store.take_probe("apqa", T0 + 2 * LEASE, LEASE) is not None
    store.unqueue(one.mrn, PLANT)
    assert store.queued("apqa", 9) == []


def test_after_a_probe_that_failed_the_agency_is_asked_about_what_it_has(store: Store) -> None:
    """In turn with what waits, and never about the one that has just failed."""
    accepted = lodged(store, PLANT)
    store.begin_hand_over(accepted.mrn, [PLANT], T0)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    [one] = queued(store, 60)
    store.fails("apqa", reason="refused", at=T0, pause=SECOND)
    asked = []
    for _ in range(4):
        at = store.controls()["apqa"].next_probe_at or T0
        probe = store.take_probe("apqa", at, LEASE)
        assert probe is not None
        asked.append((probe.queued and probe.queued.mrn, probe.known and probe.known.terms.mrn))
        if probe.queued is not None:
            store.queue(probe.queued)
        store.probe_failed("apqa", reason="reset", at=at, longest=SECOND, least=0 * SECOND)
    assert asked == [(one.mrn, None), (None, accepted.mrn)] * 2


def test_what_was_let_go_and_is_still_there_is_told_again(store: Store) -> None:
    """And a queue that nobody looks after is found."""
    [one] = queued(store, 60)
    assert store.queues_left() == ["apqa"]
    store.resume("apqa", by=None, reason=None, at=T0)
    assert store.queues_left() == []
    [gone] = store.let_go("apqa", T0 + SECOND, QUICK).referrals
    assert gone.mrn == one.mrn
    assert store.untold(T0 + SECOND, 10) == []
    [late] = store.untold(T0 + 2 * SECOND, 10)
    assert late.told == 1
    store.told_again(one.mrn, PLANT, T0 + 3 * SECOND)
    assert store.untold(T0 + 3 * SECOND, 10) == []
    [late] = store.queued("apqa", 10)
    assert late.told == 2
    store.queue(waits_again := one)
    assert waits_again.queued_at == T0
    assert store.untold(T0 + timedelta(days=1), 10) == []


def test_who_is_given_another_deadline_waits_at_another_place(store: Store) -> None:
    """As long as it waits."""
    first, second = queued(store, 60, 90)
    moved = DeadlineMoved(due_at=T0 + timedelta(days=9), reason="strike", by="kim").model_dump(mode="json")
    event = NewEvent(at=T0, type=EventType.DEADLINE_MOVED, service=PLANT, data=moved)
    store.change(first.mrn, lambda view: [event])
    assert [one.mrn for one in store.queued("apqa", 10)] == [second.mrn, first.mrn]


def test_no_two_let_the_same_go(store: Store, other: Store) -> None:
    """However many ask at the same moment."""
    queued(store, *range(10, 30))
    store.resume("apqa", by=None, reason=None, at=T0)
    pace = Pace(slowest=1.0, fastest=1.0, at_once=20)
    at = T0 + 2 * SECOND
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(process.let_go, "apqa", at, pace) for process in (store, other) * 4]
        gone = [one.mrn for each in asked for one in each.result().referrals]
    assert len(gone) == len(set(gone)) == 2
