"""Bulk actions: counted first, each item done once, stopped at once, gone on with after a crash."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from hub.domain.events import EventType
from hub.domain.steps import StepRefused
from hub.domain.stuck import Judging, StuckKind
from hub.operations.bulk import KINDS, Pick
from hub.operations.permission import ActionForbidden
from hub.ports import (
    ActionKind,
    Actor,
    Bulk,
    BulkOver,
    BulkState,
    ChangedMeanwhile,
    ItemState,
    StuckFilter,
)
from hub.relays.bulk import BulkRelay
from hub.relays.loop import keep_going
from hub.store import Store
from tests.operations.desk import ADMIN, CHOI, KIM, OF_APQA, VIEWER, Office, request
from tests.store.sample import FOOD, PLANT, decision, failed, message


@pytest.fixture
def office(store: Store) -> Office:
    return Office(store)


def relay_of(office: Office) -> BulkRelay:
    return BulkRelay(office.store, office.desk.bulks, office.engine, lambda: office.now)


async def begun(
    office: Office,
    mrns: list[str],
    *,
    kind: ActionKind = ActionKind.RETRY,
    rate: float = 50,
    by: Actor = CHOI,
) -> Bulk:
    pick = Pick(these=tuple((mrn, PLANT) for mrn in mrns))
    return await office.desk.bulks.begin(
        by, kind, pick, "their system is back", request(), count=len(mrns), rate=rate
    )


async def rounds(relay: BulkRelay, most: int = 10_000) -> int:
    """Go round, without the pauses, until there is nothing to do; how often."""
    for number in range(most):
        relay._next_at = 0.0
        if await relay.go_round() >= 0.5 and relay._bulk is None:
            return number
    return most


def asked(office: Office, mrn: str) -> int:
    """How often a retry was asked for."""
    kinds = Counter(event.type for event in office.store.events(mrn, 0, 1000))
    return kinds[EventType.REFERRAL_RETRY_ASKED]


# --- who may, and what --------------------------------------------------------------------------------


@pytest.mark.parametrize("actor", [VIEWER, KIM, OF_APQA], ids=["viewer", "operator", "agency"])
async def test_bulk_actions_are_for_supervisors(office: Office, actor: Actor) -> None:
    mrn = office.lodged().mrn
    pick = Pick(these=((mrn, PLANT),))
    with pytest.raises(ActionForbidden):
        await office.desk.bulks.preview(actor, ActionKind.RETRY, pick)
    with pytest.raises(ActionForbidden):
        await begun(office, [mrn], by=actor)
    assert office.lines() == []


@pytest.mark.parametrize("kind", sorted(set(ActionKind) - set(KINDS)))
async def test_nothing_that_a_person_must_weigh_one_by_one_is_done_in_bulk(
    office: Office, kind: ActionKind
) -> None:
    with pytest.raises(StepRefused) as refused:
        await begun(office, [office.lodged().mrn], kind=kind, by=ADMIN)
    assert refused.value.pointer == "/kind"


@pytest.mark.parametrize("rate", [0.0, -1.0, 50.1, float("inf"), float("nan")])
async def test_rates_that_no_agency_stands(office: Office, rate: float) -> None:
    with pytest.raises(StepRefused) as refused:
        await begun(office, [office.lodged().mrn], rate=rate)
    assert refused.value.pointer == "/rate"


async def test_the_count_comes_first(office: Office) -> None:
    both, one = office.lodged(PLANT, FOOD).mrn, office.lodged().mrn
    these = ((both, PLANT), (both, FOOD), (one, PLANT), (one, PLANT), ("26KR0000000000000X", PLANT))
    preview = await office.desk.bulks.preview(CHOI, ActionKind.RETRY, Pick(these=these))
    assert preview.count == 3, "each once, and only those that there are"
    assert preview.by_agency == {"apqa": 2, "mfds": 1}
    with pytest.raises(ChangedMeanwhile):
        await office.desk.bulks.begin(
            CHOI, ActionKind.RETRY, Pick(these=these), "because", request(), count=2
        )
    assert office.lines() == [], "there are more than were counted: nothing is begun"


async def test_what_a_filter_of_the_stuck_work_finds_is_counted_and_done(office: Office) -> None:
    stuck = [office.lodged().mrn for _ in range(3)]
    for mrn in stuck:
        office.store.record_hand_overs(mrn, [failed(mrn, PLANT)], office.now)
    fine = office.lodged(FOOD).mrn
    office.now += timedelta(hours=1)
    office.store.judge_stuck(Judging(now=office.now), 1000)
    pick = Pick(which=StuckFilter(agency="apqa", kind=StuckKind.UNREACHABLE))
    preview = await office.desk.bulks.preview(CHOI, ActionKind.RETRY, pick)
    assert (preview.count, preview.by_agency) == (3, {"apqa": 3})
    bulk = await office.desk.bulks.begin(
        CHOI,
        ActionKind.RETRY,
        pick,
        "their system is back",
        request(),
        count=3,
        picked={"agency": "apqa", "kind": "unreachable"},
    )
    assert bulk.size == 3
    await rounds(relay_of(office))
    assert [asked(office, mrn) for mrn in stuck] == [1, 1, 1]
    assert asked(office, fine) == 0
    assert office.lines(action="bulk.started")[0].data["kind"] == "unreachable"


# --- once ---------------------------------------------------------------------------------------------


async def test_each_item_is_done_once_with_a_line_of_its_own_and_the_bulk_is_done(office: Office) -> None:
    mrns = [office.lodged().mrn for _ in range(4)]
    office.store.receive(message(decision(mrns[2], PLANT)))
    bulk = await begun(office, mrns)
    assert (bulk.state, bulk.counts) == (BulkState.RUNNING, {ItemState.WAITING: 4})

    await rounds(relay_of(office))

    now = await office.desk.bulks.bulk(bulk.id)
    assert now is not None
    assert now.state is BulkState.DONE
    assert now.counts == {ItemState.DONE: 3, ItemState.REFUSED: 1}
    assert [asked(office, mrn) for mrn in mrns] == [1, 1, 0, 1]
    assert sorted(office.engine.nudged) == sorted([mrns[0], mrns[1], mrns[3]])
    items = await office.desk.bulks.items(bulk.id)
    assert [item.state for item in items] == [
        ItemState.DONE,
        ItemState.DONE,
        ItemState.REFUSED,
        ItemState.DONE,
    ]
    assert items[2].result.startswith("nothing-waits: ")
    lines = office.lines(action="retry")
    assert [line.mrn for line in lines] == mrns, "each with one line, also the one that was refused"
    assert {line.data["bulk"] for line in lines} == {bulk.id}
    assert {line.user for line in lines} == {"choi"}
    assert len(office.lines()) == 5


async def test_a_form_that_is_sent_twice_begins_one(office: Office) -> None:
    mrn = office.lodged().mrn
    once, pick = request(), Pick(these=((mrn, PLANT),))

    async def begin() -> Bulk:
        return await office.desk.bulks.begin(CHOI, ActionKind.RETRY, pick, "because", once, count=1)

    first, second = await asyncio.gather(begin(), begin())
    third = await begin()
    assert first.id == second.id == third.id
    assert len((await office.desk.bulks.bulks()).bulks) == 1
    assert len(office.lines()) == 1


async def test_an_item_is_never_done_twice_by_two_who_are_at_it_at_once(office: Office) -> None:
    mrns = [office.lodged().mrn for _ in range(12)]
    bulk = await begun(office, mrns)
    items = await office.desk.bulks.items(bulk.id)

    async def carry_out_all() -> int:
        """As a worker whose lease has run out without its knowing."""
        done = 0
        for item in items:
            try:
                await office.desk.bulks.carry_out_one(bulk, item)
                done += 1
            except BulkOver:
                continue
        return done

    await asyncio.gather(*(carry_out_all() for _ in range(3)))
    assert [asked(office, mrn) for mrn in mrns] == [1] * 12
    assert len(office.lines(action="retry")) == 12


async def test_another_takes_up_what_one_who_died_was_at(office: Office) -> None:
    mrns = [office.lodged().mrn for _ in range(6)]
    bulk = await begun(office, mrns)
    first, second = relay_of(office), relay_of(office)
    for _ in range(3):
        first._next_at = 0.0
        await first.go_round()
    assert sum(asked(office, mrn) for mrn in mrns) == 3
    await second.go_round()
    assert second._bulk is None, "the lease of the first still runs"
    assert sum(asked(office, mrn) for mrn in mrns) == 3

    office.now += timedelta(minutes=1)  # and the first is never heard of again
    await rounds(second)

    assert [asked(office, mrn) for mrn in mrns] == [1] * 6
    now = await office.desk.bulks.bulk(bulk.id)
    assert now is not None
    assert now.state is BulkState.DONE
    await rounds(first)
    assert [asked(office, mrn) for mrn in mrns] == [1] * 6, "should it come back after all, it finds nothing"


async def test_one_after_the_other_so_that_rates_never_add_up(office: Office) -> None:
    first = await begun(office, [office.lodged().mrn for _ in range(2)])
    office.now += timedelta(seconds=1)
    second = await begun(office, [office.lodged().mrn for _ in range(2)])
    preview = await office.desk.bulks.preview(
        CHOI, ActionKind.RETRY, Pick(these=((office.lodged().mrn, PLANT),))
    )
    assert preview.ahead == 4
    one, other = relay_of(office), relay_of(office)
    await one.go_round()
    await other.go_round()
    assert one._bulk is not None
    assert one._bulk.id == first.id
    assert other._bulk is None, "the second waits, whoever could carry it out"
    await rounds(one)
    ended = await office.desk.bulks.bulk(second.id)
    assert ended is not None
    assert ended.state is BulkState.DONE


async def test_while_the_engine_is_away_nothing_piles_up_for_its_return(office: Office) -> None:
    mrns = [office.lodged().mrn for _ in range(5)]
    await begun(office, mrns)
    relay = relay_of(office)
    office.engine.down = True
    for _ in range(8):
        relay._next_at = 0.0
        await relay.go_round()
    assert sum(asked(office, mrn) for mrn in mrns) == 1, "one found out; the others wait"
    office.engine.down = False
    await rounds(relay)
    assert [asked(office, mrn) for mrn in mrns] == [1] * 5


# --- stop ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [40, pytest.param(500, marks=pytest.mark.slow)])
async def test_many_with_a_stop_half_way(office: Office, number: int) -> None:
    half = number // 2
    mrns = [office.lodged().mrn for _ in range(number)]
    bulk = await begun(office, mrns)
    relay = relay_of(office)
    while len(office.engine.nudged) < half:
        relay._next_at = 0.0
        await relay.go_round()
    stopped = await office.desk.bulks.stop(KIM, bulk.id, request())
    done = stopped.counts[ItemState.DONE]
    assert (stopped.state, stopped.ended_by, done) == (BulkState.STOPPED, "kim", half)
    await rounds(relay)
    now = await office.desk.bulks.bulk(bulk.id)
    assert now is not None
    assert now.counts == {ItemState.DONE: half, ItemState.WAITING: half}
    assert Counter(asked(office, mrn) for mrn in mrns) == {1: half, 0: half}
    assert len(office.lines(action="retry")) == half
    assert len(office.lines(action="bulk")) == 2


async def test_it_keeps_to_its_rate_and_stops_within_a_second_while_it_runs(office: Office) -> None:
    mrns = [office.lodged().mrn for _ in range(40)]
    bulk = await begun(office, mrns, rate=20)
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    running = asyncio.create_task(keep_going(relay_of(office), stop))
    started = loop.time()
    while len(office.engine.nudged) < 10:
        await asyncio.sleep(0.01)
    took = loop.time() - started
    assert took >= 9 / 20, "no faster than 20 a second"
    await office.desk.bulks.stop(KIM, bulk.id, request())
    after = len(office.engine.nudged)
    while (now := await office.desk.bulks.bulk(bulk.id)) is None or now.state is BulkState.RUNNING:
        await asyncio.sleep(0.01)
    stop.set()
    await running
    # The one that was under way when the button was pressed had been done before the stop was on record.
    assert len(office.engine.nudged) <= after + 1
    assert now.counts[ItemState.DONE] == len(office.engine.nudged)


@pytest.mark.parametrize("actor", [VIEWER, OF_APQA], ids=["viewer", "agency"])
async def test_who_may_only_look_stops_nothing(office: Office, actor: Actor) -> None:
    bulk = await begun(office, [office.lodged().mrn])
    with pytest.raises(ActionForbidden):
        await office.desk.bulks.stop(actor, bulk.id, request())
    now = await office.desk.bulks.bulk(bulk.id)
    assert now is not None
    assert now.state is BulkState.RUNNING


async def test_stopping_twice_or_what_has_ended_changes_nothing(office: Office) -> None:
    bulk = await begun(office, [office.lodged().mrn])
    once = request()
    for each in (once, once, request()):
        await office.desk.bulks.stop(KIM, bulk.id, each)
    assert len(office.lines(action="bulk.stopped")) == 1
    with pytest.raises(StepRefused) as refused:
        await office.desk.bulks.stop(KIM, "nobody", request())
    assert refused.value.code == "not-found"


async def test_lists_go_on_where_they_ended(office: Office) -> None:
    made = []
    for _ in range(3):
        made.append((await begun(office, [office.lodged().mrn])).id)
        office.now += timedelta(seconds=1)
    page = await office.desk.bulks.bulks(limit=2)
    rest = await office.desk.bulks.bulks(page.cursor, limit=2)
    assert [bulk.id for bulk in (*page.bulks, *rest.bulks)] == made[::-1]
    assert rest.cursor is None
