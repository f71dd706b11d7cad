"""What is said to an agency's own worker, and what it says: small beside, and packed inside."""

from __future__ import annotations

import base64
import binascii
import zlib
from datetime import timedelta
from enum import StrEnum
from typing import TypeVar

from pydantic import ValidationError

from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Dossier, Exchange, FeedPage, InformationContent
from hub.domain.model import Model, UtcDatetime
from hub.domain.withdrawal import Withdrawal

LARGEST = 1_500_000
"""Characters of packed content. The engine takes two megabytes for a whole message, and keeps it twice."""

M = TypeVar("M", bound=Model)


class CallKind(StrEnum):
    """What the agency's worker is asked to do: a method of `hub.ports.AgencyGateway`."""

    SUBMIT = "submit"
    LOOK_UP = "look_up"
    POLL = "poll"
    AMEND = "amend"
    WITHDRAW = "withdraw"
    INFORM = "inform"
    REMIND = "remind"
    PULL = "pull"
    ACKNOWLEDGE = "acknowledge"

    @property
    def changes_something(self) -> bool:
        """A call whose end is not known may have had an effect."""
        return self in _CHANGING


_CHANGING = frozenset({CallKind.SUBMIT, CallKind.AMEND, CallKind.WITHDRAW, CallKind.INFORM, CallKind.REMIND})


class AgencyRequest(Model):
    """One exchange that an agency's worker is to carry out."""

    agency: str
    kind: CallKind
    about: str | None
    """The referral; for people who look at the engine's pages."""
    begin_by: UtcDatetime
    """
    Not begun by then, it must not be begun any more: whoever asked has given it up, and may ask once more.
    """
    content: str
    """Packed: a Dossier, LookUpContent, WithdrawContent, InformContent, PageContent or MessageIds."""


class AgencyOrder(Model):
    """A request, and how long the engine waits for it."""

    request: AgencyRequest
    worker_within: timedelta
    """For a worker of the agency to take it up."""
    answer_within: timedelta
    """For that worker to come back with an answer."""


class CallEnd(StrEnum):
    """How a call ended."""

    ANSWERED = "answered"
    NOT_BEGUN = "not_begun"
    """Nothing was sent, and nothing will be."""
    LOST = "lost"
    """A worker took it up and was not heard of again: whether anything was sent is not known."""


class AgencyAnswer(Model):
    """What came of a request."""

    end: CallEnd
    why: str = ""
    """In words, unless it was answered."""
    content: str = ""
    """Packed: what the gateway gave, or ToldError when it raised."""
    is_error: bool = False


class LookUpContent(Model):
    """What is looked up, and when it was sent."""

    dossier: Dossier
    sent_at: UtcDatetime


class WithdrawContent(Model):
    """What is withdrawn, and why; None where the declaration goes on without it."""

    dossier: Dossier
    withdrawal: Withdrawal | None


class InformContent(Model):
    """What the declarant answers, and about which referral."""

    dossier: Dossier
    information: InformationContent


class PageContent(Model):
    """Which page of the feed is pulled; None for the first."""

    page: FeedPage | None


class MessageIds(Model):
    """Messages of the agency's feed that are safely stored, and why some of them were not understood."""

    ids: tuple[str, ...]
    refused: dict[str, str]


class Exchanges(Model):
    """What was said."""

    exchanges: tuple[Exchange, ...]


class ToldError(Model):
    """A `ChannelError`, as it travels."""

    name: str
    words: str
    retry_after: float | None
    exchanges: tuple[Exchange, ...]
    failing: bool = False


_ERRORS: dict[str, type[ChannelError]] = {
    kind.__name__: kind for kind in (AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt)
}


def told(error: ChannelError) -> ToldError:
    """An error to be sent."""
    name = next(name for name, kind in _ERRORS.items() if isinstance(error, kind))
    return ToldError(
        name=name,
        words=str(error),
        retry_after=error.retry_after,
        exchanges=tuple(error.exchanges),
        failing=error.failing,
    )


def as_raised(error: ToldError) -> ChannelError:
    """The error that was sent."""
    raised = _ERRORS[error.name](error.words, exchanges=error.exchanges, retry_after=error.retry_after)
    raised.failing = error.failing
    return raised


class TooLarge(Exception):
    """Content that the engine would not take. The message says how large it is."""


class Unpackable(Exception):
    """Content that is not what was expected: the two sides are of different versions."""


def packed(content: Model) -> str:
    """A value as text, compressed. Raises TooLarge."""
    text = base64.b64encode(zlib.compress(content.model_dump_json().encode())).decode()
    if len(text) > LARGEST:
        raise TooLarge(f"{len(text)} characters, compressed; the engine takes {LARGEST}")
    return text


def unpacked(kind: type[M], text: str) -> M:
    """The value that was packed. Raises Unpackable."""
    try:
        return kind.model_validate_json(zlib.decompress(base64.b64decode(text, validate=True)))
    except (binascii.Error, zlib.error, ValidationError) as wrong:
        raise Unpackable(str(wrong)) from wrong
