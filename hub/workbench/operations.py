"""The operations of a channel by the names that the workbench calls them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum

from hub.config.faults import Key
from hub.config.models import AgencyFile, OperationFile
from hub.expressions import roots
from hub.workbench.unready import Unready

NO_REASON = "not understood"
"""Why a message is rejected, where nobody says."""


class OperationName(StrEnum):
    """What an agency can be asked."""

    SUBMIT = "submit"
    LOOK_UP = "look_up"
    POLL = "poll"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    INFORM = "inform"
    REMIND = "remind"
    LOGIN = "login"
    PULL = "pull"
    ACKNOWLEDGE = "acknowledge"
    REJECT = "reject"

    @property
    def is_about_a_referral(self) -> bool:
        return self is OperationName.SUBMIT or self in roots.FOLLOWING

    @property
    def is_about_messages(self) -> bool:
        return self in (OperationName.ACKNOWLEDGE, OperationName.REJECT)


@dataclass(frozen=True)
class Place:
    """One operation as the agency's file has it."""

    name: OperationName
    key: Key
    file: OperationFile
    writing: Collection[str]
    """What the expressions of its request see."""
    reading: Collection[str]
    """What the expressions that read its answer see."""


def operations_of(file: AgencyFile) -> Iterator[Place]:
    """The operations that the agency's file has."""
    channel, top = file.channel, ("channel",)
    if channel.login is not None:
        yield Place(OperationName.LOGIN, (*top, "login"), channel.login, roots.LOGIN, roots.LOGIN_READING)
    yield Place(OperationName.SUBMIT, (*top, "submit"), channel.submit, roots.SUBMIT, roots.READING)
    for name, writing in roots.FOLLOWING.items():
        following: OperationFile | None = getattr(channel, name)
        if following is not None:
            yield Place(OperationName(name), (*top, name), following, writing, roots.READING)
    if channel.feed is not None:
        feed, key = channel.feed, (*top, "feed")
        yield Place(OperationName.PULL, (*key, "pull"), feed.pull, roots.PULL, roots.FEED_READING)
        yield Place(
            OperationName.ACKNOWLEDGE,
            (*key, "acknowledge"),
            feed.acknowledge,
            roots.ACKNOWLEDGE,
            roots.FEED_READING,
        )
        if feed.reject is not None:
            yield Place(OperationName.REJECT, (*key, "reject"), feed.reject, roots.REJECT, roots.FEED_READING)


def operation_of(file: AgencyFile, name: OperationName) -> Place:
    """One operation. Raises Unready when the file does not have it, with those that it has."""
    places = {place.name: place for place in operations_of(file)}
    if name not in places:
        raise Unready(f"the file of {file.agency} has no {name}", f"it has {', '.join(places)}")
    return places[name]
