"""Requests to agencies' systems, as they are counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hub.domain import latency
from hub.ports import CallCount, CallResult
from hub.store import Store

MINUTE = datetime(2026, 3, 2, 9, 58, tzinfo=UTC)


def counted(*milliseconds: int, agency: str = "apqa", minute: datetime = MINUTE) -> CallCount:
    return CallCount(
        agency=agency,
        operation="submit",
        minute=minute,
        result=CallResult.ANSWERED,
        count=len(milliseconds),
        total_ms=sum(milliseconds),
        slowest_ms=max(milliseconds),
        ladder=latency.together(latency.one(ms) for ms in milliseconds),
    )


def test_what_several_processes_count_adds_up(store: Store) -> None:
    """In its minute, and in its hour."""
    store.count_calls([counted(40, 900)])
    store.count_calls([counted(70), counted(30, agency="kats")])
    store.count_calls([counted(20, minute=MINUTE + timedelta(minutes=1))])

    ours = [call for call in store.calls(None, MINUTE) if call.agency == "apqa"]
    assert ours == [counted(40, 900, 70), counted(20, minute=MINUTE + timedelta(minutes=1))]
    assert store.calls("kats", MINUTE) == [counted(30, agency="kats")]
    day = MINUTE.replace(hour=0, minute=0)
    assert store.calls_by_day("apqa", day) == [counted(40, 900, 70, 20, minute=day)]
    hour = MINUTE.replace(minute=0)
    assert store.calls_by_hour("apqa", hour) == [counted(40, 900, 70, 20, minute=hour)]


def test_calls_of_one_request_in_two_hours_are_told_apart(store: Store) -> None:
    """Each where it began; and `since` leaves out what began before."""
    later = MINUTE + timedelta(minutes=5)
    store.count_calls([counted(40), counted(50, minute=later)])
    assert [call.minute for call in store.calls_by_hour("apqa", MINUTE - timedelta(hours=1))] == [
        MINUTE.replace(minute=0),
        later.replace(minute=0),
    ]
    assert store.calls("apqa", later) == [counted(50, minute=later)]


def test_old_minutes_and_hours_are_forgotten(store: Store) -> None:
    """Each after its own time."""
    old = MINUTE - timedelta(days=3)
    older = MINUTE - timedelta(days=500)
    store.count_calls([counted(10, minute=older), counted(20, minute=old), counted(30)])

    store.forget_calls(MINUTE - timedelta(days=2), MINUTE - timedelta(days=400))

    assert store.calls(None, older) == [counted(30)]
    assert [call.count for call in store.calls_by_hour(None, older - timedelta(hours=1))] == [1, 1]
