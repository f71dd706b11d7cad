"""Starting workflows: nobody who lodges waits for it, and what is not come to is the relay's."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from hub.api.app import create_app
from hub.api.starting import MOST_AT_ONCE
from hub.domain.intake import Acceptance
from hub.store import Store
from tests.api.support import NOW, Api, DescribedTransport, EngineFake, beef, parts


class _Slow(EngineFake):
    """An engine that takes its time until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.goes_on = asyncio.Event()

    async def until_asked(self, mrns: list[str]) -> None:
        """Wait until it is being asked to start these; fails when it is asked for another."""
        while self.asked != mrns:
            assert self.asked == mrns[: len(self.asked)]
            await asyncio.sleep(0)

    async def start_clearance(self, acceptance: Acceptance, *, in_turn: bool = False) -> None:
        self.asked.append(acceptance.mrn)
        await self.goes_on.wait()
        await super().start_clearance(acceptance)


@pytest.fixture
async def slow(store: Store) -> AsyncIterator[Api]:
    engine = _Slow()
    app = create_app(parts(store, engine))
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        yield Api(app, store, engine, http)
        engine.goes_on.set()
        await app.state.starter.finish()


def _not_started(api: Api) -> set[str]:
    return {one.mrn for one in api.store.not_started(NOW.replace(year=2027), 100)}


async def test_an_answer_does_not_wait_for_the_engine(slow: Api) -> None:
    assert isinstance(slow.engine, _Slow)
    mrn = (await slow.lodge())["mrn"]
    await slow.engine.until_asked([mrn])
    assert slow.engine.started == []
    assert _not_started(slow) == {mrn}
    slow.engine.goes_on.set()
    await slow.starts_are_over()
    assert slow.engine.started == [mrn]
    assert _not_started(slow) == set()


async def test_what_is_lodged_beyond_the_starts_under_way_is_left_to_the_relay(slow: Api) -> None:
    assert isinstance(slow.engine, _Slow)
    mrns = [(await slow.lodge(beef(lrn=f"LRN-{number}")))["mrn"] for number in range(MOST_AT_ONCE + 2)]
    await slow.engine.until_asked(mrns[:MOST_AT_ONCE])
    slow.engine.goes_on.set()
    await slow.starts_are_over()
    assert _not_started(slow) == set(mrns[MOST_AT_ONCE:])


async def test_what_cannot_be_started_is_told_in_the_log_and_left_to_the_relay(
    api: Api, monkeypatch: pytest.MonkeyPatch, logged: list[dict[str, object]]
) -> None:
    async def broken(acceptance: Acceptance) -> None:
        raise RuntimeError("the client is out of order")

    monkeypatch.setattr(api.engine, "start_clearance", broken)
    mrn = (await api.lodge())["mrn"]
    await api.starts_are_over()
    assert _not_started(api) == {mrn}
    [line] = [line for line in logged if line["event"] == "clearance.start_failed"]
    assert line["mrn"] == mrn
