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
