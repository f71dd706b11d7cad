"""
An agency's feed: its messages are pulled page by page, and acknowledged once they are safely stored.

How the next page is asked for depends on what the pull reads: `page.cursor`, then what `next_page` gives is a
cursor; `page.number`, then true will do; neither, then it is the address of the next page.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol

from hub.adapters.channel import FeedChannel, Operation
from hub.adapters.context import agency_context
from hub.adapters.line import Line
from hub.adapters.messages import UNNAMED, unreadable
from hub.adapters.reading import Kind, Meaning, as_text
from hub.adapters.rest import RestCall
from hub.adapters.talk import Talk
from hub.adapters.wire import Context, Misfit, Plain
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, ChannelError, NotUnderstood
from hub.domain.exchange import Exchange, Feed, FeedPage, Message
from hub.domain.referral import ReferralTerms, Via
from hub.expressions import ExpressionFailed

_OUR_OWN_PAUSE = 5.0
"""Seconds that acknowledging waits for its turn in the agency's rate."""


def pull(talk: Talk, page: FeedPage | None = None) -> Feed:
    """One page of the messages that wait. Raises ChannelError."""
    line, page = talk.line, page or FeedPage()
    feed = _feed_of(line)
    context = {
        **agency_context(line.file),
        "page": {"number": page.number, "cursor": page.cursor},
    }
    operation = feed.pull
    if page.address is not None and isinstance(operation.call, RestCall):
        operation = replace(operation, call=operation.call.at(page.address))
    heard, meaning, reading = talk.ask(operation, context)
    if meaning is Meaning.NOT_FOUND or heard.status == 204:
        talk.understood("no messages")
        return Feed(exchanges=talk.exchanges)
    with talk.understanding():
        listed = feed.messages.evaluate(reading)
        if not isinstance(listed, list):
            raise Misfit("`messages` of the feed is no list")
        messages = [_read(talk, feed, one) for one in listed]
        fresh = tuple(message for message in messages if line.is_news(message))
        bad = sum(message.trouble is not None for message in fresh)
        following, trouble = _following(feed, operation, page, talk, reading)
        words = [f"{len(fresh)} messages", f"{bad} not understood" if bad else "", trouble or ""]
        talk.understood(", ".join(word for word in words if word))
        return Feed(messages=fresh, exchanges=talk.exchanges, next=following, trouble=trouble)


def _read(talk: Talk, feed: FeedChannel, one: Plain) -> Message:
    """One message. It comes back whatever it holds: it must not keep the others waiting."""
    try:
        raw = talk.line.scrubber.body(json.dumps(one, ensure_ascii=False, default=str).encode())
        return feed.message.read(one, raw=raw, via=Via.FEED, received_at=talk.heard_at)
    except (ValueError, RecursionError) as wrong:
        return unreadable(
            talk.line.file.agency,
            raw=str(type(wrong).__name__),
            content=repr(type(one)).encode(),
            trouble=f"the message cannot be taken apart: {wrong}",
            via=Via.FEED,
            received_at=talk.heard_at,
        )


# --- pages ------------------------------------------------------------------------------------------------


def _following(
    feed: FeedChannel, operation: Operation, page: FeedPage, talk: Talk, reading: Context
) -> tuple[FeedPage | None, str | None]:
    """The page after this one, or why it cannot be told. The messages of this one count all the same."""
    told = talk.line.file.channel.feed
    assert told is not None
    if feed.next_page is None:
        return None, None
    try:
        following = _next_page(feed, operation, page, talk, feed.next_page.evaluate(reading))
    except (Misfit, ExpressionFailed) as wrong:
        return None, f"the next page cannot be told: {wrong}"
    if following is not None and following.number > told.max_pages:
        return None, None  # what is left comes with the next pull
    return following, None


def _next_page(
    feed: FeedChannel, operation: Operation, page: FeedPage, talk: Talk, told: object
) -> FeedPage | None:
    """Raises Misfit, ExpressionFailed."""
    number = page.number + 1
    if told is None or told is False:
        return None
    if told is True:
        if "number" not in feed.asks_by:
            raise Misfit("`next_page` is true, and the pull does not ask by `page.number`")
        return FeedPage(number=number)
    text = as_text(told)
    if text is None:
        return None
    if "cursor" in feed.asks_by:
        # The same cursor again would bring the same page: the agency keeps its place for the next pull.
        return None if text == page.cursor else FeedPage(number=number, cursor=text)
    if not isinstance(operation.call, RestCall):
        raise Misfit("`next_page` gives a cursor, and the pull does not ask by `page.cursor`")
    address = operation.call.neighbour(talk.asked_with, text)
    return None if address == page.address else FeedPage(number=number, address=address)


# --- acknowledging ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Errand:
    """One request about messages that are stored."""

    kind: Kind
    ids: tuple[str, ...]
    reason: str = ""

    def __call__(self, talk: Talk) -> tuple[Exchange, ...]:
        """Raises ChannelError."""
        line = talk.line
        feed = _feed_of(line)
        operation = feed.reject if self.kind is Kind.REJECT else feed.acknowledge
        if operation is None:
            raise NotUnderstood(f"the file of {line.file.agency} does not say how to reject a message")
        context: dict[str, Any] = {
            **agency_context(line.file),
            "ids": list(self.ids),
            "id": self.ids[0],
            "reason": self.reason,
        }
        talk.ask(operation, context)
        done = "rejected" if self.kind is Kind.REJECT else "acknowledged"
        talk.understood(f"{len(self.ids)} {done}")
        return talk.exchanges


class Run(Protocol):
    """Carries out one piece of work within the agency's limits."""

    def __call__(
        self, kind: Kind, terms: ReferralTerms | None, work: Callable[[Talk], tuple[Exchange, ...]]
    ) -> Awaitable[tuple[Exchange, ...]]: ...


def errands(file: AgencyFile, message_ids: Sequence[str], refused: Mapping[str, str]) -> list[Errand]:
    """
    The requests by which the agency is told: one for all messages, or for each where the file says so.

    Messages that were refused for the same reason are rejected together.
    """
    feed = file.channel.feed
    if feed is None:
        return []
    # A message without an id of its own has one that the agency does not know.
    ids = [one for one in dict.fromkeys(message_ids) if not one.startswith(UNNAMED)]
    rejected: dict[str, list[str]] = {}
    if feed.reject is not None:
        for one in ids:
            if one in refused:
                rejected.setdefault(refused[one], []).append(one)
    turned_down = {one for listed in rejected.values() for one in listed}
    taken = [one for one in ids if one not in turned_down]
    whole = [Errand(Kind.ACKNOWLEDGE, tuple(taken))] if taken else []
    whole += [Errand(Kind.REJECT, tuple(listed), reason) for reason, listed in rejected.items()]
    if not feed.each:
        return whole
    return [replace(errand, ids=(one,)) for errand in whole for one in errand.ids]


async def run_errands(work: Sequence[Errand], run: Run) -> tuple[Exchange, ...]:
    """Carry out each, whatever becomes of the others; raises the first ChannelError at the end."""
    exchanges: tuple[Exchange, ...] = ()
    failed: ChannelError | None = None
    for errand in work:
        try:
            exchanges += await _in_turn(partial(run, errand.kind, None, errand))
        except ChannelError as error:
            exchanges += tuple(error.exchanges)
            failed = failed or error
            if isinstance(error, AgencyUnavailable):
                break  # the others would fare no better, and are told with the next pull
    if failed is not None:
        failed.exchanges = exchanges
        raise failed
    return exchanges


async def _in_turn(request: Callable[[], Awaitable[tuple[Exchange, ...]]]) -> tuple[Exchange, ...]:
    """Ask once more after waiting for our own turn: many messages may be told of one by one."""
    try:
        return await request()
    except AgencyUnavailable as busy:
        if busy.exchanges or busy.retry_after is None or busy.retry_after > _OUR_OWN_PAUSE:
            raise
        await asyncio.sleep(busy.retry_after)
    return await request()


def _feed_of(line: Line) -> FeedChannel:
    feed = line.channel().feed
    if feed is None:
        raise NotUnderstood(f"{line.file.agency} has no feed")
    return feed
