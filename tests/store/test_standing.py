"""How everything stands, counted."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from hub.domain.clearance import Outcome
from hub.domain.referral import Answers, ReferralState
from hub.ports import ClosedDay, OpenDeclarations, OpenReferrals
from hub.relays.closed_days import ClosedDaysRelay
from hub.store import Store
from tests.store.sample import FOOD, PLANT, RADIO, T0, acceptance

HOUR = timedelta(hours=1)


def lodge(store: Store, *services: str, at: datetime = T0) -> str:
    accepted = acceptance(*services, at=at, answers=Answers.CALLBACK)
    store.lodge(accepted)
    return accepted.mrn


def close(store: Store, *, at: datetime, lodged_at: datetime = T0) -> str:
    """One that needs nobody's consent is released when it is lodged."""
    mrn = lodge(store, at=lodged_at)
    store.close_case(mrn, at)
    return mrn


def test_open_declarations_are_counted_by_outcome_and_age(store: Store) -> None:
    """A time parts the ages so that what was accepted at it is of the younger."""
    for hours in (0, 1, 2, 3, 30):
        lodge(store, PLANT, at=T0 - hours * HOUR)
    lodge(store, at=T0)
    close(store, at=T0)
    assert store.open_declarations([T0 - HOUR, T0 - 24 * HOUR]) == [
        OpenDeclarations(outcome=Outcome.RELEASE, by_age=(1, 0, 0)),
        OpenDeclarations(outcome=Outcome.IN_PROGRESS, by_age=(2, 2, 1)),
    ]


def test_what_is_closed_is_counted_by_day_and_goes_on_being_counted_once(store: Store) -> None:
    """Before its day is rolled, after, and when something is closed on the next."""
    first = date(2026, 3, 2)
    close(store, at=datetime(2026, 3, 2, 0, 0, tzinfo=UTC))
    close(store, at=datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC))
    close(store, at=datetime(2026, 3, 4, tzinfo=UTC))
    expected = [
        ClosedDay(day=first, outcome=Outcome.RELEASE, count=2),
        ClosedDay(day=date(2026, 3, 4), outcome=Outcome.RELEASE, count=1),
    ]
    assert store.closed_declarations(first) == expected
    counts = store.counts()

    assert store.roll_closed(date(2026, 3, 4), 10) == 2
    assert store.roll_closed(date(2026, 3, 4), 10) == 0
    assert store.closed_declarations(first) == expected
    assert store.closed_declarations(date(2026, 3, 3)) == expected[1:]
    assert store.counts() == counts
    assert counts["declarations.release"] == 3

    close(store, at=datetime(2026, 3, 4, 5, tzinfo=UTC))
    assert store.closed_declarations(date(2026, 3, 3)) == [
        ClosedDay(day=date(2026, 3, 4), outcome=Outcome.RELEASE, count=2)
    ]
    assert store.counts()["declarations.release"] == 4


async def test_a_day_is_rolled_an_hour_after_its_end(store: Store) -> None:
    """Not before: somebody's clock may be behind."""
    close(store, at=datetime(2026, 3, 2, 12, tzinfo=UTC))
    now = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
    relay = ClosedDaysRelay(store, lambda: now)
    await relay.go_round()
    assert store.roll_closed(date(2026, 3, 3), 1) == 1  # it was still to be done
    now += HOUR
    await relay.go_round()
    assert store.roll_closed(date(2026, 3, 3), 1) == 0


def test_what_waits_for_agencies_is_counted(store: Store) -> None:
    """By agency with the oldest, by service and state, by age; without what is closed."""
    oldest = lodge(store, PLANT, "apqa-animal-import", at=T0 - 30 * HOUR)
    lodge(store, PLANT, FOOD, at=T0)
    gone = lodge(store, RADIO, at=T0)
    store.close_case(gone, T0)

    assert store.open_by_agency() == {
        "apqa": OpenReferrals(count=3, oldest=T0 - 30 * HOUR),
        "mfds": OpenReferrals(count=1, oldest=T0),
    }
    assert [(queue.service, queue.state, queue.count) for queue in store.open_by_service("apqa")] == [
        ("apqa-animal-import", ReferralState.PENDING, 1),
        (PLANT, ReferralState.PENDING, 2),
    ]
    assert store.open_by_age("apqa", [T0 - HOUR]) == (1, 2)
    assert store.open_by_age("rra", [T0 - HOUR]) == (0, 0)
    assert [one.mrn for one in store.waiting_longest("apqa", 2)] == [oldest, oldest]


@pytest.mark.parametrize("since", [(), (T0,)])
def test_of_nothing_there_is_nothing(store: Store, since: tuple[datetime, ...]) -> None:
    assert store.open_declarations(since) == []
    assert store.closed_declarations(date(2026, 1, 1)) == []
    assert store.open_by_agency() == {}
    assert store.open_by_age("apqa", since) == (0,) * (len(since) + 1)
