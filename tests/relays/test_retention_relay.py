"""The hub archives by itself in the hours that are set aside for it, one worker at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.ports.retention import RetentionPolicy, Window
from hub.relays.retention import RetentionRelay
from hub.store import Store
from tests.store import sample

SEOUL = ZoneInfo("Asia/Seoul")
POLICY = RetentionPolicy(per_file=2, window=Window(time(1), time(5), SEOUL))
NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=SEOUL)


class Clock:
    """Stands still until it is set."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def closed(store: Store, count: int) -> list[str]:
    mrns = []
    for _ in range(count):
        accepted = sample.acceptance()
        store.lodge(accepted)
        store.mark_started(accepted.mrn)
        store.close_case(accepted.mrn, sample.T0)
        mrns.append(accepted.mrn)
    return mrns


def relay_of(store: Store, folder: Path, clock: Clock, policy: RetentionPolicy = POLICY) -> RetentionRelay:
    archiver = Archiver(store, ArchiveFolder(folder), clock, "worker 1", store.note_audit)
    return RetentionRelay(archiver, lambda: policy, clock)


async def test_a_file_at_a_time_until_nothing_is_left(store: Store, tmp_path: Path) -> None:
    """With a pause between two; then it looks again after a while, and has dropped what is old."""
    mrns = closed(store, 3)
    store.refuse_callback("apqa", "forged", "body", NIGHT - timedelta(days=500))
    relay = relay_of(store, tmp_path, Clock(NIGHT))
    pauses = [await relay.go_round() for _ in range(3)]
    assert pauses[0] == pauses[1] < pauses[2]
    assert all(store.tombstone(mrn) for mrn in mrns)
    assert store.refused_callbacks(5) == []


async def test_outside_its_hours_nothing_leaves(store: Store, tmp_path: Path) -> None:
    """Until they have come."""
    [mrn] = closed(store, 1)
    clock = Clock(NIGHT.replace(hour=12))
    relay = relay_of(store, tmp_path, clock)
    await relay.go_round()
    assert store.tombstone(mrn) is None
    clock.now = NIGHT + timedelta(days=1)
    await relay.go_round()
    assert store.tombstone(mrn) is not None


async def test_what_another_is_at_is_not_begun(store: Store, tmp_path: Path) -> None:
    """Two workers have the same hours."""
    [mrn] = closed(store, 1)
    assert store.lease_retention("worker 2", NIGHT, timedelta(minutes=1))
    clock = Clock(NIGHT)
    relay = relay_of(store, tmp_path, clock)
    await relay.go_round()
    assert store.tombstone(mrn) is None
    clock.now = NIGHT + timedelta(minutes=2)
    await relay.go_round()
    assert store.tombstone(mrn) is not None


async def test_what_has_not_been_closed_for_so_long_stays(store: Store, tmp_path: Path) -> None:
    """The policy that is in force when a round begins is gone by."""
    [mrn] = closed(store, 1)
    policy = replace(POLICY, after=timedelta(days=3650))
    await relay_of(store, tmp_path, Clock(NIGHT), policy).go_round()
    assert store.tombstone(mrn) is None
