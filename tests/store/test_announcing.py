"""Events are announced: each once, when it is committed, with the agency that it is about."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from sqlalchemy.exc import IntegrityError

from hub.domain.events import Event, EventType, NewEvent
from hub.store import Recorded, Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0


class Listener:
    """What the store has announced, and what was on record when it did."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.heard: list[Recorded] = []
        store.announce(self.hear)

    def hear(self, recorded: Sequence[Recorded]) -> None:
        for event, _ in recorded:
            # It is committed, and the store may be written to: no lock is held meanwhile.
            assert event in self._store.events(event.mrn, 0, 100)
            self._store.mark_started(event.mrn)
        self.heard += recorded

    def told(self) -> list[tuple[Event, str | None]]:
        return [(event, agency) for event, agency in self.heard]


def test_each_event_is_announced_once_when_it_is_committed(store: Store) -> None:
    """Of lodging, of hand-overs, of messages: all that the store shows afterwards, in order."""
    listener = Listener(store)
    accepted = sample.acceptance(PLANT, FOOD)
    mrn = accepted.mrn
    store.lodge(accepted)
    store.lodge(accepted)
    said = sample.decision(mrn, PLANT)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, said)], T0 + SECOND)
    store.record_expired(mrn, [FOOD], T0 + 10**8 * SECOND)
    assert [event for event, _ in listener.told()] == store.events(mrn, 0, 100)
    agencies = {r.terms.service: r.terms.agency for r in accepted.case.referrals}
    assert [agency for _, agency in listener.told()] == [
        None if event.service is None else agencies[event.service] for event, _ in listener.told()
    ]
    assert {event.service for event, _ in listener.told()} == {None, PLANT, FOOD}


def test_the_agency_is_told_where_the_event_does_not_say_it(store: Store) -> None:
    listener = Listener(store)
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    about = accepted.case.referral(PLANT).terms
    late = NewEvent(at=T0, type=EventType.DECISION_LATE, service=PLANT, data={"decision": "D"})
    store.append_event(accepted.mrn, late)
    [_, (event, agency)] = listener.told()
    assert (event.type, agency) == (EventType.DECISION_LATE, about.agency)
    assert "agency" not in event.data


def test_what_is_taken_back_is_not_announced(store: Store) -> None:
    """Its event is written when its referrals fail: one service twice is more than the table has room for."""
    listener = Listener(store)
    twice = sample.acceptance(PLANT, PLANT)
    with pytest.raises(IntegrityError):
        store.lodge(twice)
    assert listener.heard == []
    assert store.events(twice.mrn, 0, 100) == []


def test_several_may_be_told(store: Store) -> None:
    """Whoever comes later takes nothing away from who was told before."""
    first, second = Listener(store), Listener(store)
    store.lodge(sample.acceptance(PLANT))
    assert first.told() == second.told() != []
