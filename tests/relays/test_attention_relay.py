"""The list of what is stuck follows what happens, a few seconds behind at most."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from hub.domain.stuck import Judging, StuckKind
from hub.ports import StuckFilter, StuckOrder
from hub.relays.attention import AttentionRelay
from hub.store import Store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0


def kinds(store: Store, now: datetime) -> list[StuckKind]:
    page = store.stuck(StuckFilter(), StuckOrder.OLDEST, None, 1000, now)
    return [row.stuck.kind for row in page.rows]


async def test_the_list_follows_what_happens_and_time(store: Store) -> None:
    """Each round is soon enough, and says that it may be a while until it is worth looking again."""
    now = T0
    relay = AttentionRelay(store, lambda: Judging(now=now), lambda: 0.0)
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    store.mark_started(accepted.mrn)
    store.begin_hand_over(accepted.mrn, [PLANT], T0)
    store.record_hand_overs(accepted.mrn, [sample.failed(accepted.mrn, PLANT)], T0)
    assert await relay.go_round() >= 2.0
    assert kinds(store, now) == [StuckKind.UNREACHABLE]
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0 + SECOND)
    await relay.go_round()
    assert kinds(store, now) == []
    now = T0 + timedelta(days=2, hours=12)
    await relay.go_round()
    assert kinds(store, now) == [StuckKind.DUE_SOON]


@pytest.mark.parametrize(("took", "again_after"), [(0.3, 29.0), (4.0, 31.0)])
async def test_the_longer_comparing_takes_the_more_seldom_it_is_done(
    store: Store, took: float, again_after: float
) -> None:
    """
    What is new is found all the same; what has been mended is gone with the next comparison, which is never
    far: on a busy machine one may take much longer than the next.
    """
    times = iter([0.0, 0.0, took, took + 2.0, took + 2.1, again_after, again_after + 0.1])
    now = T0
    relay = AttentionRelay(store, lambda: Judging(now=now), lambda: next(times))
    first, second = (sample.acceptance(PLANT) for _ in range(2))
    for accepted in (first, second):
        store.lodge(accepted)
        store.mark_started(accepted.mrn)
        store.begin_hand_over(accepted.mrn, [PLANT], T0)
    store.record_hand_overs(first.mrn, [sample.failed(first.mrn, PLANT)], T0)
    await relay.go_round()
    assert stuck(store) == {first.mrn}
    store.record_hand_overs(first.mrn, [sample.delivered(first.mrn, PLANT)], T0 + SECOND)
    store.record_hand_overs(second.mrn, [sample.failed(second.mrn, PLANT)], T0 + SECOND)
    await relay.go_round()
    assert stuck(store) == {first.mrn, second.mrn}
    await relay.go_round()
    assert stuck(store) == {second.mrn}


def stuck(store: Store) -> set[str]:
    return {row.stuck.mrn for row in store.stuck(StuckFilter(), StuckOrder.OLDEST, None, 1000, T0).rows}


async def test_much_that_is_stuck_at_once_is_taken_in_parts(store: Store) -> None:
    """A round takes so many declarations, and the next comes as soon as the others have had their turn."""
    for _ in range(205):
        store.lodge(sample.acceptance())
    relay = AttentionRelay(store, lambda: Judging(now=T0 + timedelta(hours=1)))
    first = await relay.go_round()
    assert len(kinds(store, T0)) == 200
    assert first < 60.0
    await relay.go_round()
    assert kinds(store, T0) == [StuckKind.NOT_STARTED] * 205
