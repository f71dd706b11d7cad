"""An agency's feed: its messages are pulled, and acknowledged once they are safely stored."""

from __future__ import annotations

import json
from collections.abc import Sequence

from hub.adapters.channel import FeedChannel
from hub.adapters.context import agency_context
from hub.adapters.line import Line
from hub.adapters.messages import UNNAMED
from hub.adapters.reading import Meaning
from hub.adapters.talk import Talk
from hub.adapters.wire import Misfit
from hub.domain.errors import NotUnderstood
from hub.domain.exchange import Exchange, Feed
from hub.domain.referral import Via


def pull(talk: Talk) -> Feed:
    """The messages that wait. Raises ChannelError."""
    line = talk.line
    feed = _feed_of(line)
    first = {"page": {"number": 1, "cursor": ""}}
    heard, meaning, reading = talk.ask(feed.pull, {**agency_context(line.file), **first})
    if meaning is Meaning.NOT_FOUND or heard.status == 204:
        talk.understood("no messages")
        return Feed(exchanges=talk.exchanges)
    with talk.understanding():
        listed = feed.messages.evaluate(reading)
        if not isinstance(listed, list):
            raise Misfit("`messages` of the feed is no list")
        messages = [
            feed.message.read(
                one,
                raw=line.scrubber.body(json.dumps(one, ensure_ascii=False).encode()),
                via=Via.FEED,
                received_at=talk.heard_at,
            )
            for one in listed
        ]
        fresh = tuple(message for message in messages if line.is_news(message))
        bad = sum(message.trouble is not None for message in fresh)
        talk.understood(f"{len(fresh)} messages" + (f", {bad} not understood" if bad else ""))
        return Feed(messages=fresh, exchanges=talk.exchanges)


def acknowledgeable(message_ids: Sequence[str]) -> list[str]:
    """Those of these ids that the agency knows: a message without an id of its own has one of ours."""
    return [message_id for message_id in message_ids if not message_id.startswith(UNNAMED)]


def acknowledge(talk: Talk, ids: Sequence[str]) -> tuple[Exchange, ...]:
    """Tell the agency which messages are safely stored. Raises ChannelError."""
    line = talk.line
    listed = list(ids)
    context = {**agency_context(line.file), "ids": listed, "id": listed[0]}
    talk.ask(_feed_of(line).acknowledge, context)
    talk.understood(f"{len(listed)} acknowledged")
    return talk.exchanges


def _feed_of(line: Line) -> FeedChannel:
    feed = line.channel().feed
    if feed is None:
        raise NotUnderstood(f"{line.file.agency} has no feed")
    return feed
