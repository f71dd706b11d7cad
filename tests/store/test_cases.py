"""Time that passes, events that are appended, cases that close."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from hub.domain.events import Event, EventType, NewEvent
from hub.domain.referral import Answers, OnExpiry, ReferralState
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0


def test_an_expired_referral_is_an_event_once(store: Store) -> None:
    """With its due time and what follows from it."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    for _ in range(2):
        store.record_expired(accepted.mrn, [PLANT], T0 + SECOND)
    view = store.view(accepted.mrn)
    assert view is not None
    assert view.referrals[0].state is ReferralState.EXPIRED
    [event] = store.events(accepted.mrn, 1, 10)
    assert (event.type, event.service, event.at) == (EventType.REFERRAL_EXPIRED, PLANT, T0 + SECOND)
    assert event.data == {
        "agency": "apqa",
        "due_at": "2026-03-05T01:30:00.123456Z",
        "on_expiry": "hold",
    }


def test_where_the_service_says_so_it_is_escalated(store: Store) -> None:
    """A second event calls for somebody."""
    accepted = sample.acceptance(PLANT, on_expiry=OnExpiry.ESCALATE)
    store.lodge(accepted)
    for _ in range(2):
        store.record_expired(accepted.mrn, [PLANT], T0)
    assert [e.type for e in store.events(accepted.mrn, 1, 10)] == [
        EventType.REFERRAL_EXPIRED,
        EventType.REFERRAL_ESCALATED,
    ]


def test_a_decided_referral_does_not_expire(store: Store) -> None:
    """Its decision was in time, or at least in time to be recorded first."""
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    store.receive(sample.message(sample.decision(accepted.mrn, PLANT)))
    store.record_expired(accepted.mrn, [PLANT, FOOD], T0)
    view = store.view(accepted.mrn)
    assert view is not None
    assert [r.state for r in view.referrals] == [ReferralState.DECIDED, ReferralState.EXPIRED]


def test_an_appended_event_is_returned_with_its_number(store: Store) -> None:
    """As it is then read."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    new = NewEvent(at=T0, type=EventType.DECISION_LATE, service=PLANT, data={"n": [1, "가", None, 1.5]})
    appended = store.append_event(accepted.mrn, new)
    assert appended == Event(**new.model_dump(), mrn=accepted.mrn, seq=2)
    assert store.events(accepted.mrn, 1, 10) == [appended]
    assert store.events(accepted.mrn, 0, 1)[0].seq == 1
    assert store.events(accepted.mrn, 2, 10) == []


def test_unknown_declarations_are_told(store: Store) -> None:
    """KeyError."""
    with pytest.raises(KeyError):
        store.append_event("none", NewEvent(at=T0, type=EventType.DECISION_LATE))
    with pytest.raises(KeyError):
        store.close_case("none", T0)
    with pytest.raises(KeyError):
        store.record_expired("none", [], T0)


def test_a_closed_case_awaits_nothing(store: Store) -> None:
    """Its polls end and its agencies are pending no more; closing again keeps the first time."""
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    store.lodge(accepted)
    mrn = accepted.mrn
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    assert store.counts()["open_polls"] == 1
    for later in (1, 9):
        store.close_case(mrn, T0 + later * SECOND)
    view = store.view(mrn)
    assert view is not None
    assert (view.closed_at, view.referrals[0].state) == (T0 + SECOND, ReferralState.DELIVERED)
    assert store.counts()["open_polls"] == 0
    assert store.open_referrals() == {}
    [row] = store.page(sample.everything(), None, 10).rows
    assert row.pending_agencies == ()
    # a hand-over that ends only now opens no poll
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    assert store.counts()["open_polls"] == 0


@pytest.mark.parametrize("statement", ["UPDATE events SET seq = 7", "DELETE FROM events"])
def test_nobody_changes_an_event(database_url: str, statement: str) -> None:
    """The database itself refuses, whoever asks."""
    store = create_store(database_url)
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    engine = sa.create_engine(database_url)
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))
    engine.dispose()
    assert len(store.events(accepted.mrn, 0, 10)) == 1
    store.close()
