"""Five hundred referrals are tried again from the browser, and stopped half-way."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from hub.domain.stuck import Judging
from hub.ports import BulkState, ItemState, UserRole
from hub.relays.bulk import BulkRelay
from hub.relays.loop import keep_going
from hub.store import Store
from tests.api.support import EngineFake
from tests.console.browser import window
from tests.console.support import Console, TestClock, console_parts, desk_on, served, site_of
from tests.store.sample import PLANT, acceptance, failed

pytestmark = pytest.mark.slow


async def test_five_hundred_are_begun_from_the_stuck_work_and_stopped_half_way(
    browser: Browser, store: Store, clock: TestClock
) -> None:
    for _ in range(500):
        accepted = acceptance(PLANT, at=clock() - timedelta(hours=2))
        store.lodge(accepted)
        store.mark_started(accepted.mrn)
        store.record_hand_overs(accepted.mrn, [failed(accepted.mrn, PLANT)], clock() - timedelta(hours=1))
    while store.judge_stuck(Judging(now=clock()), 200):
        pass
    engine = EngineFake()
    operations = desk_on(store, clock, engine)
    console = Console(site_of(console_parts(store, clock, desk=operations)), store, clock)
    stop = asyncio.Event()
    relay = BulkRelay(store, operations.bulks, engine, clock)
    working = asyncio.create_task(keep_going(relay, stop))
    try:
        with served(console.app) as url:
            async with window(browser, url, token=console.session(UserRole.SUPERVISOR)) as at:
                await at.open("/console/stuck?agency=apqa&kind=unreachable")
                await at.page.get_by_role("button", name="Look at it first").first.click()
                await at.page.wait_for_url("**/console/bulks/new*")
                assert "500 referrals" in " ".join((await at.text()).split())
                await at.page.get_by_label("Referrals a second, at most").fill("50")
                await at.page.get_by_label("Reason").fill("their system is back")
                await at.page.get_by_role("button", name="Try now: 500 referrals").click()
                await at.page.wait_for_url("**/console/bulks/*")
                id = at.page.url.rpartition("/")[2]
                # Without a touch: the page refreshes itself.
                done_so_far = at.page.locator("#progress .count strong")
                await expect(done_so_far).to_have_text(re.compile(r"[2-4][0-9]{2}"), timeout=60_000)
                await at.page.get_by_role("button", name="Stop").click()
                await at.page.wait_for_selector("#progress .state.stop")
                bulk = store.bulk(id)
                assert bulk is not None
                assert bulk.state is BulkState.STOPPED
                done = bulk.counts[ItemState.DONE]
                assert 200 <= done < 500
                await asyncio.sleep(1)  # what would still be under way shows itself now
                later = store.bulk(id)
                assert later is not None
                assert later.counts == bulk.counts, "nothing is begun after the stop"
                assert len(engine.nudged) == len(set(engine.nudged)) == done
                assert await at.faults() == []
    finally:
        stop.set()
        await working
