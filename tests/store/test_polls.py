"""What is to be asked about: due, leased, never twice at once."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

from hub.domain.events import EventType
from hub.domain.names import referral_id
from hub.domain.referral import Answers, ReferralState, Verdict, Via
from hub.ports import Polled, Received
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

LEASE = timedelta(minutes=1)


def open_poll(store: Store, service: str = PLANT, due: int = 0) -> str:
    """A delivered referral that answers when asked; due `due` seconds after T0."""
    accepted = sample.acceptance(service, answers=Answers.POLL)
    store.lodge(accepted)
    result = sample.delivered(accepted.mrn, service, reference=None)
    store.record_hand_overs(accepted.mrn, [result], T0 + due * SECOND)
    return accepted.mrn


def leased(store: Store, at: int, limit: int = 10, busy: tuple[str, ...] = ()) -> list[str]:
    return [p.dossier.terms.mrn for p in store.lease_polls(T0 + at * SECOND, LEASE, limit, busy)]


def finish(store: Store, mrn: str, next_at: int | None, trouble: str | None = None) -> None:
    due = None if next_at is None else T0 + next_at * SECOND
    store.finish_polls(mrn, [Polled(referral=referral_id(mrn, PLANT), next_at=due, trouble=trouble)])


def trouble_of(store: Store, mrn: str) -> str | None:
    view = store.view(mrn)
    assert view is not None
    return view.referrals[0].trouble


def test_a_delivered_referral_is_asked_about_at_once(store: Store) -> None:
    """With its dossier and receipt; an agency that answers in another way is not asked."""
    mrn = open_poll(store)
    other = sample.acceptance(PLANT, answers=Answers.CALLBACK)
    store.lodge(other)
    store.record_hand_overs(other.mrn, [sample.delivered(other.mrn, PLANT)], T0)
    [poll] = store.lease_polls(T0, LEASE, 10, [])
    view = store.view(mrn)
    assert view is not None
    assert poll.dossier.declaration == view.acceptance.declaration
    assert poll.dossier.terms == view.referrals[0].terms
    assert poll.dossier.receipt == view.referrals[0].receipt
    assert (poll.dossier.accepted_at, poll.attempts) == (T0, 0)


def test_one_whose_reply_should_have_decided_and_has_not_is_asked_about(store: Store) -> None:
    """It was lost on the way, or the agency was still at work: nothing else would ever bring it."""
    lost, decided = (sample.acceptance(PLANT, answers=Answers.REPLY) for _ in range(2))
    for accepted in (lost, decided):
        store.lodge(accepted)
    store.record_hand_overs(lost.mrn, [sample.delivered(lost.mrn, PLANT)], T0)
    said = sample.decision(decided.mrn, PLANT)
    at_once = sample.delivered(decided.mrn, PLANT).model_copy(
        update={"state": ReferralState.DECIDED, "decisions": (said,)}
    )
    store.record_hand_overs(decided.mrn, [at_once], T0)
    assert leased(store, 0) == [lost.mrn]
    asked = Polled(referral=referral_id(lost.mrn, PLANT), next_at=T0 + SECOND)
    said = sample.decision(lost.mrn, PLANT, via=Via.LOOK_UP)
    found = sample.message(said, referral=asked.referral)
    store.finish_polls(lost.mrn, [asked.model_copy(update={"messages": (found,)})])
    assert leased(store, 99) == []


def test_an_agency_that_decides_in_its_reply_is_not_asked_while_its_question_stands(store: Store) -> None:
    """It is the declarant's turn; when he has answered it is the agency's."""
    accepted = sample.acceptance(PLANT, answers=Answers.REPLY)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    asks = sample.decision(accepted.mrn, PLANT, Verdict.INFORMATION_REQUIRED)
    store.receive(sample.message(asks, referral=asks.referral))
    assert leased(store, 99) == []


def test_one_decided_in_the_reply_is_not_asked_about(store: Store) -> None:
    """There is nothing left to hear."""
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    store.lodge(accepted)
    said = sample.decision(accepted.mrn, PLANT, via=Via.REPLY)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT, said)], T0)
    assert store.next_poll_at() is None
    assert leased(store, 99) == []


def test_a_leased_poll_is_nobody_elses_until_the_lease_runs_out(store: Store) -> None:
    """What a process that died was asking is asked by another."""
    mrn = open_poll(store)
    assert leased(store, 0) == [mrn]
    assert leased(store, 59) == []
    assert store.next_poll_at() == T0 + LEASE
    assert leased(store, 60) == [mrn]


def test_a_finished_poll_falls_due_again_and_counts_its_attempts(store: Store) -> None:
    """With the exchange recorded, and its trouble shown until a poll goes well."""
    mrn = open_poll(store)
    leased(store, 0)
    took_place = sample.exchange(mrn, PLANT, kind="poll", at=T0 + SECOND)
    polled = Polled(
        referral=referral_id(mrn, PLANT),
        next_at=T0 + 600 * SECOND,
        exchanges=(took_place,),
        trouble="503",
    )
    store.finish_polls(mrn, [polled])
    assert store.exchanges(mrn)[-1] == took_place
    assert trouble_of(store, mrn) == "503"
    assert store.next_poll_at() == T0 + 600 * SECOND
    assert leased(store, 599) == []
    [poll] = store.lease_polls(T0 + 600 * SECOND, LEASE, 10, [])
    assert poll.attempts == 1
    finish(store, mrn, None)
    assert trouble_of(store, mrn) is None
    assert store.next_poll_at() is None


def test_the_oldest_come_first_and_busy_agencies_not_at_all(store: Store) -> None:
    """An agency that is slow to answer keeps nobody else waiting."""
    late, early, other = open_poll(store, due=5), open_poll(store, due=1), open_poll(store, FOOD, due=3)
    assert leased(store, 0) == []
    assert leased(store, 9, busy=("apqa",)) == [other]
    assert leased(store, 9, limit=1) == [early]
    assert leased(store, 9) == [late]


def test_a_poll_ends_when_its_referral_is_decided(store: Store) -> None:
    """Whoever is asking at that moment does not open it again."""
    mrn = open_poll(store)
    leased(store, 0)
    store.receive(sample.message(sample.decision(mrn, PLANT, via=Via.POLL)))
    finish(store, mrn, 600)
    assert store.next_poll_at() is None


def test_a_poll_of_a_closed_case_stays_ended(store: Store) -> None:
    """Nothing more is awaited."""
    mrn = open_poll(store)
    leased(store, 0)
    store.close_case(mrn, T0)
    finish(store, mrn, 600)
    assert store.next_poll_at() is None


def test_one_that_asks_for_more_is_asked_on(store: Store) -> None:
    """Its final word is still to come; one that takes its word back is asked again."""
    mrn = open_poll(store)
    leased(store, 0)
    store.receive(sample.message(sample.decision(mrn, PLANT, Verdict.INFORMATION_REQUIRED)))
    finish(store, mrn, 600)
    assert store.next_poll_at() == T0 + 600 * SECOND
    store.receive(sample.message(sample.decision(mrn, PLANT, at=T0 + 2 * SECOND)))
    assert store.next_poll_at() is None
    back = sample.decision(mrn, PLANT, Verdict.INSPECTION_REQUIRED, at=T0 + 3 * SECOND)
    store.receive(sample.message(back, at=T0 + 3 * SECOND))
    assert store.next_poll_at() == T0 + 3 * SECOND


def test_one_that_takes_its_word_back_in_a_reply_is_asked_again(store: Store) -> None:
    """The reply says that it has the referral, too: that alone would begin nothing anew."""
    mrn = open_poll(store)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    assert store.next_poll_at() is None
    back = sample.decision(mrn, PLANT, Verdict.INSPECTION_REQUIRED, at=T0 + 3 * SECOND)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, back)], T0 + 3 * SECOND)
    assert store.next_poll_at() == T0 + 3 * SECOND


def test_an_expired_referral_is_still_asked_about(store: Store) -> None:
    """A late approval lifts a hold."""
    mrn = open_poll(store)
    store.record_expired(mrn, [PLANT], T0)
    assert leased(store, 0) == [mrn]


def test_many_callers_at_once_never_share_a_poll(store: Store) -> None:
    """Each of forty polls is leased to exactly one of eight callers."""
    mrns = [open_poll(store) for _ in range(40)]
    start = threading.Barrier(8)

    def take() -> list[str]:
        start.wait()
        taken: list[str] = []
        while more := leased(store, 0, limit=3):
            taken += more
        return taken

    with ThreadPoolExecutor(8) as pool:
        taken = [task.result() for task in [pool.submit(take) for _ in range(8)]]
    assert Counter(mrn for part in taken for mrn in part) == Counter(mrns)


def test_a_feed_is_pulled_by_one_at_a_time(store: Store) -> None:
    """Until it is finished, or the lease has run out."""
    assert store.lease_feed("apqa", T0, LEASE)
    assert not store.lease_feed("apqa", T0, LEASE)
    assert store.lease_feed("mfds", T0, LEASE)
    took_place = sample.exchange("6KR", PLANT, kind="pull")
    store.finish_feed("apqa", next_at=T0 + 5 * SECOND, exchanges=[took_place])
    assert store.exchanges("6KR") == [took_place]
    assert not store.lease_feed("apqa", T0 + 4 * SECOND, LEASE)
    assert store.lease_feed("apqa", T0 + 5 * SECOND, LEASE)
    assert not store.lease_feed("mfds", T0 + 59 * SECOND, LEASE)
    assert store.lease_feed("mfds", T0 + 60 * SECOND, LEASE)


def test_of_many_that_want_a_feed_at_once_one_gets_it(store: Store) -> None:
    """Also when nobody has ever pulled it, round after round."""
    for round_ in range(3):
        start = threading.Barrier(8)
        at = T0 + round_ * LEASE

        def pull(start: threading.Barrier = start, at: object = at) -> bool:
            start.wait()
            return store.lease_feed("apqa", at, LEASE)  # type: ignore[arg-type]

        with ThreadPoolExecutor(8) as pool:
            got = [task.result() for task in [pool.submit(pull) for _ in range(8)]]
        assert got.count(True) == 1


def test_a_feed_may_be_made_due_sooner_and_never_later(store: Store) -> None:
    """Its pace has changed; one that nobody has pulled yet is due at once as ever."""
    store.hasten_feed("rra", T0)
    assert store.lease_feed("rra", T0, LEASE)
    store.finish_feed("rra", next_at=T0 + timedelta(hours=1), exchanges=())
    store.hasten_feed("rra", T0 + 2 * LEASE)
    assert not store.lease_feed("rra", T0 + LEASE, LEASE)
    assert store.lease_feed("rra", T0 + 2 * LEASE, LEASE)
    store.finish_feed("rra", next_at=T0 + 3 * LEASE, exchanges=())
    store.hasten_feed("rra", T0 + timedelta(hours=1))
    assert store.lease_feed("rra", T0 + 3 * LEASE, LEASE)


def test_polls_of_one_declaration_are_written_down_together(store: Store) -> None:
    """Each as if alone: what was decided counts, what was not understood is told of, the rest is nothing."""
    accepted = sample.acceptance(PLANT, FOOD, RADIO, answers=Answers.POLL)
    mrn = accepted.mrn
    store.lodge(accepted)
    delivered = [sample.delivered(mrn, service, reference=service) for service in (PLANT, FOOD, RADIO)]
    store.record_hand_overs(mrn, delivered, T0)
    store.lease_polls(T0, LEASE, 10, [])
    took_place = {s: sample.exchange(mrn, s, kind="poll", at=T0 + SECOND) for s in (PLANT, FOOD, RADIO)}

    def polled(service: str, **came: Any) -> Polled:
        return Polled(
            referral=referral_id(mrn, service),
            next_at=T0 + 600 * SECOND,
            exchanges=(took_place[service],),
            **came,
        )

    said = sample.message(sample.decision(mrn, PLANT, via=Via.POLL))
    odd = {"trouble": "an unknown word", "not_understood_at": T0 + SECOND}
    [received] = store.finish_polls(
        mrn,
        [
            polled(PLANT, messages=(said,), says_something=False),
            polled(FOOD, says_something=False),
            polled(RADIO, **odd),
        ],
    )
    assert isinstance(received, Received)
    assert [decision.id for decision in received.decisions] == [said.decisions[0].id]
    kinds = [event.type for event in store.events(mrn, 0, 100)]
    assert kinds[-2:] == [EventType.MESSAGE_NOT_UNDERSTOOD, EventType.DECISION_RECEIVED]
    recorded = {exchange.id for exchange in store.exchanges(mrn)}
    assert {s for s, one in took_place.items() if one.id in recorded} == {PLANT, RADIO}
    leased = store.lease_polls(T0 + 600 * SECOND, LEASE, 10, [])
    assert {(p.dossier.terms.service, p.attempts, p.trouble) for p in leased} == {
        (FOOD, 1, None),
        (RADIO, 1, "an unknown word"),
    }
