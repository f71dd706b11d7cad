"""Rounds of a feed: pages are stored, then acknowledged; nothing is lost, and nothing counts twice."""

from __future__ import annotations

from typing import Any, cast

import pytest

from hub.domain.errors import AgencyUnavailable
from hub.domain.exchange import Feed, FeedPage, Message
from hub.ports import AgencyGateway, Engine
from hub.relays.feeds import FeedRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGateway
from tests.relays.test_recording import Clock
from tests.store import sample
from tests.store.sample import SECOND, T0


def relay(store: Store, *script: Any) -> tuple[FeedRelay, ToldGateway]:
    gateway = ToldGateway(list(script))
    made = FeedRelay(
        "apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine()), lambda: T0, 300 * SECOND
    )
    return made, gateway


def message(number: int, trouble: str | None = None) -> Message:
    return sample.message(agency="apqa", agency_reference="R-1", message_id=f"M-{number}", trouble=trouble)


def page(*messages: Message, following: int | None = None, trouble: str | None = None) -> Feed:
    at = None if following is None else FeedPage(number=following, cursor=f"c{following}")
    return Feed(messages=messages, next=at, trouble=trouble)


async def test_every_page_is_stored_before_the_first_is_acknowledged(store: Store) -> None:
    """What is acknowledged leaves the feed, and would move those behind it to other pages."""
    going, gateway = relay(
        store, page(message(1), following=2), page(following=3), page(message(2), message(3)), (), ()
    )
    heard: list[str] = []
    pull, acknowledge = gateway.pull_feed, gateway.acknowledge_feed

    async def pulled(agency: str, at: FeedPage | None = None) -> Feed:
        heard.append(f"pull {at.cursor if at else 'first'}")
        return await pull(agency, at)

    async def acknowledged(agency: str, ids: Any, refused: Any) -> Any:
        heard.append(f"acknowledge {' '.join(ids)}")
        return await acknowledge(agency, ids, refused)

    gateway.pull_feed = pulled  # type: ignore[method-assign]
    gateway.acknowledge_feed = acknowledged  # type: ignore[assignment,method-assign]
    await going.go_round()
    assert heard == ["pull first", "pull c2", "pull c3", "acknowledge M-1", "acknowledge M-2 M-3"]


async def test_what_was_stored_before_a_page_failed_is_acknowledged(store: Store) -> None:
    """The page that failed comes with the next pull."""
    going, gateway = relay(store, page(message(1), following=2), AgencyUnavailable("closed"), ())
    await going.go_round()
    assert gateway.acknowledged == ["M-1"]
    assert gateway.script == []


async def test_a_crash_before_acknowledging_loses_nothing_and_repeats_nothing(store: Store) -> None:
    """The same messages come again, count once, and are acknowledged then."""
    first = page(message(1), following=2)
    going, gateway = relay(store, first, RuntimeError("power"))
    with pytest.raises(RuntimeError):
        await going.go_round()
    assert gateway.acknowledged == []
    assert store.counts()["messages_unmatched"] == 1
    # Another process takes over when the lease has run out.
    again = ToldGateway([first, page(message(2)), (), ()])
    later = FeedRelay(
        "apqa",
        store,
        cast(AgencyGateway, again),
        cast(Engine, ToldEngine()),
        lambda: T0 + 61 * SECOND,
        300 * SECOND,
    )
    await later.go_round()
    assert again.acknowledged == ["M-1", "M-2"]
    assert store.counts()["messages_unmatched"] == 2


async def test_messages_that_cannot_be_read_are_handed_on_with_the_reason(store: Store) -> None:
    """For the agency to be told, where it takes that."""
    going, gateway = relay(store, page(message(1), message(2, "the verdict 'X' is unknown")), ())
    await going.go_round()
    assert gateway.acknowledged == ["M-1", "M-2"]
    assert gateway.refused == {"M-2": "the verdict 'X' is unknown"}


async def test_a_feed_that_shows_the_same_again_is_left_alone_for_a_while(store: Store) -> None:
    """An agency that does not hear us acknowledge would be asked without end."""
    same = page(message(1))
    going, gateway = relay(
        store, same, AgencyUnavailable("closed"), same, AgencyUnavailable("closed"), page()
    )
    assert await going.go_round() == 0.0
    assert await going.go_round() > 0.0
    assert len(gateway.pulled) == 2
    assert await going.go_round() > 0.0
    assert len(gateway.pulled) == 2, "not due"


class Often:
    """Processes that pull one empty feed every second, and what they write."""

    def __init__(self, store: Store, processes: int) -> None:
        self.clock = Clock()
        self.written = 0
        self.gateways = [ToldGateway([Feed() for _ in range(100)]) for _ in range(processes)]
        self.relays = [
            FeedRelay(
                *("apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine())),
                self.clock,
                SECOND,
            )
            for gateway in self.gateways
        ]
        store.measure(self._measure)

    def _measure(self, kind: str, seconds: float, committed: bool) -> None:
        self.written += kind == "write"

    @property
    def pulls(self) -> list[int]:
        return [len(gateway.pulled) for gateway in self.gateways]

    async def go_round(self, *processes: int, seconds: int) -> None:
        for _ in range(seconds):
            for process in processes:
                await self.relays[process].go_round()
            self.clock.now += SECOND


async def test_a_feed_that_is_pulled_often_and_stays_empty_is_hardly_written_about(store: Store) -> None:
    """Else an idle hub would commit several times a second; and all the while it is one process' own."""
    often = Often(store, 2)
    await often.go_round(0, 1, seconds=20)
    assert often.pulls == [20, 0]
    assert often.written <= 5


async def test_the_feed_of_a_process_that_died_is_another_s_within_ten_seconds(store: Store) -> None:
    """What it kept between two pulls ends by itself."""
    often = Often(store, 2)
    await often.go_round(0, 1, seconds=5)
    await often.go_round(1, seconds=11)
    assert often.pulls[0] == 5
    assert often.pulls[1] >= 1


async def test_a_feed_that_another_process_has_begun_to_pull_is_let_go(store: Store) -> None:
    """A process that starts pulls at its own pace: the one before it is not to go on beside it."""
    often = Often(store, 2)
    await often.go_round(0, 1, seconds=5)
    store.hasten_feed("apqa", often.clock.now)
    await often.go_round(1, seconds=1)
    await often.go_round(1, 0, seconds=20)
    pulled = often.pulls[0]
    await often.go_round(1, 0, seconds=20)
    assert often.pulls == [pulled, 41]
