"""Silence is consent only where a refusal would have been heard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from hub.domain.names import referral_id
from hub.domain.referral import Answers, OnExpiry, ReferralState
from hub.ports import Polled
from hub.store import Store
from hub.store.tables import beats
from tests.store import sample
from tests.store.sample import PLANT, T0

MINUTE = timedelta(minutes=1)
DUE = T0 + timedelta(days=3)
PATIENCE = 10 * MINUTE
LOOKED = DUE + PATIENCE
"""When silence counts, if it was silence."""


def silent(store: Store, answers: Answers, on_expiry: OnExpiry = OnExpiry.DEEMED_APPROVED) -> str:
    """A declaration that its agency has got, and says nothing of."""
    accepted = sample.silent(answers, on_expiry)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    return accepted.mrn


def state(store: Store, mrn: str) -> ReferralState:
    view = store.view(mrn)
    assert view is not None
    return view.referrals[0].state


def doors(database_url: str, store: Store, *open_for: tuple[float, float]) -> None:
    """Processes of the API that began and were last seen so many minutes ago."""
    engine = sa.create_engine(database_url)
    for number, (began, seen) in enumerate(open_for):
        process, now = f"api {number}", datetime.now(UTC)
        store.beat(process, "api", "1", now)
        moved = sa.update(beats).where(beats.c.process == process)
        with engine.begin() as connection:
            connection.execute(moved.values(started_at=now - began * MINUTE, seen_at=now - seen * MINUTE))
    engine.dispose()


@pytest.mark.parametrize(
    ("lives", "minutes"),
    [
        ([], 10),
        ([(60, 0)], 0),
        ([(4, 0)], 6),
        # A restart is no closed door, and a night without any is one, however long it was open before.
        ([(60, 4.5), (4, 0)], 0),
        ([(60, 8), (4, 0)], 6),
        # Of two that stand side by side one was always there.
        ([(60, 2), (7, 0), (90, 30)], 0),
        # It was open for long, and is not now.
        ([(600, 5)], 10),
    ],
)
def test_an_agency_that_calls_back_is_silent_when_the_doors_were_open(
    store: Store, database_url: str, lives: Sequence[tuple[float, float]], minutes: float
) -> None:
    """For as long as silence is to be listened to; else it is looked again when they will have been."""
    mrn = silent(store, Answers.CALLBACK)
    doors(database_url, store, *lives)
    put_off = store.record_expired(mrn, [PLANT], LOOKED)
    assert state(store, mrn) is (ReferralState.DELIVERED if minutes else ReferralState.EXPIRED)
    wait = put_off.get(PLANT, LOOKED) - LOOKED
    assert wait == pytest.approx(minutes * MINUTE, abs=timedelta(seconds=20))


def test_an_agency_that_is_asked_is_silent_when_it_has_answered_since(store: Store) -> None:
    """An answer of before, or none that could be understood, is no silence; it is asked at once."""
    mrn = silent(store, Answers.POLL)
    asked = Polled(referral=referral_id(mrn, PLANT), next_at=DUE + timedelta(days=1))
    for heard_at in (None, DUE - MINUTE, None):
        store.finish_polls(mrn, [asked.model_copy(update={"heard_at": heard_at})])
        [look_at] = store.record_expired(mrn, [PLANT], LOOKED).values()
        assert LOOKED < look_at <= LOOKED + 2 * MINUTE
        assert state(store, mrn) is ReferralState.DELIVERED
        assert store.next_poll_at() == LOOKED
    store.finish_polls(mrn, [asked.model_copy(update={"heard_at": DUE + MINUTE})])
    assert store.record_expired(mrn, [PLANT], LOOKED) == {}
    assert state(store, mrn) is ReferralState.EXPIRED


def test_who_said_what_was_not_understood_is_not_silent(store: Store, database_url: str) -> None:
    """It may have been the refusal; what is understood after it counts."""
    mrn = silent(store, Answers.CALLBACK)
    doors(database_url, store, (60, 0))
    store.receive(
        sample.message(referral=referral_id(mrn, PLANT), trouble="the verdict 'MAYBE' is unknown", at=DUE)
    )
    [look_at] = store.record_expired(mrn, [PLANT], LOOKED).values()
    assert LOOKED < look_at <= LOOKED + 2 * MINUTE
    assert state(store, mrn) is ReferralState.DELIVERED
    store.receive(sample.message(referral=referral_id(mrn, PLANT), at=DUE))
    assert store.record_expired(mrn, [PLANT], LOOKED) == {}


def test_the_longer_an_agency_does_not_answer_the_seldomer_it_is_looked(store: Store) -> None:
    """Every declaration that waits for it would be looked at every few seconds, for days."""
    mrn = silent(store, Answers.POLL)
    pauses = [
        store.record_expired(mrn, [PLANT], DUE + late)[PLANT] - (DUE + late)
        for late in (timedelta(0), timedelta(minutes=30), timedelta(days=2))
    ]
    assert pauses == [timedelta(seconds=10), timedelta(minutes=3), timedelta(minutes=10)]


def test_an_agency_with_a_feed_is_silent_when_the_feed_was_pulled_since(store: Store) -> None:
    """One pull is for all of its referrals."""
    mrn = silent(store, Answers.FEED)
    assert PLANT in store.record_expired(mrn, [PLANT], LOOKED)
    for heard_at in (DUE - MINUTE, None):
        assert store.lease_feed("apqa", LOOKED, MINUTE)
        assert store.finish_feed("apqa", next_at=LOOKED + 60 * MINUTE, exchanges=(), heard_at=heard_at)
        assert PLANT in store.record_expired(mrn, [PLANT], LOOKED)
    assert store.lease_feed("apqa", LOOKED, MINUTE)
    store.finish_feed("apqa", next_at=LOOKED + 60 * MINUTE, exchanges=(), heard_at=LOOKED)
    assert store.record_expired(mrn, [PLANT], LOOKED) == {}


@pytest.mark.parametrize("on_expiry", [OnExpiry.HOLD, OnExpiry.DEEMED_REFUSED, OnExpiry.ESCALATE])
def test_where_silence_releases_nothing_nobody_need_have_listened(store: Store, on_expiry: OnExpiry) -> None:
    """An approval that comes late lifts it."""
    mrn = silent(store, Answers.POLL, on_expiry)
    assert store.record_expired(mrn, [PLANT], DUE) == {}
    assert state(store, mrn) is ReferralState.EXPIRED
