"""A token that is kept until it is about to expire, and fetched by one thread at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from hub.domain.errors import ChannelError

_MARGIN = 30.0
"""Seconds before its end at which a token is renewed, or a tenth of its life where that is less."""
_UNSAID = 300.0
"""Seconds a token is kept where nobody says how long it lasts; one that ends sooner is turned down before."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it was given; `lasts` is seconds from when it was asked for, if that is known."""

    text: str = field(repr=False)
    lasts: float | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A token to be used now; `fresh` when this very use had to wait for it to be fetched."""

    text: str = field(repr=False)
    fresh: bool


class Held:
    """
    Where one channel's token is kept, for all its threads.

    Whoever comes while it is being fetched waits for that one, and shares its failure too: an agency that
    turns a password down is not asked once for every referral that waits.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._now = monotonic
        self._lock = threading.Lock()
        self._text = ""
        self._until = float("-inf")
        self._flight: Future[str] | None = None

    def get(self, fetch: Callable[[], Token]) -> Kept:
        """The token, fetched if there is none to be used. Raises what `fetch` raises."""
        with self._lock:
            if self._text and self._now() < self._until:
                return Kept(self._text, fresh=False)
            joined = self._flight
            own: Future[str] = Future()
            if joined is None:
                self._flight = own
        if joined is not None:
            return Kept(_shared(joined), fresh=True)
        return Kept(self._fetched(fetch, own), fresh=True)

    def drop(self, text: str) -> None:
        """This token is not taken any more; another that has been fetched meanwhile stays."""
        with self._lock:
            if self._text == text:
                self._text = ""

    def _fetched(self, fetch: Callable[[], Token], flight: Future[str]) -> str:
        asked_at = self._now()
        try:
            token = fetch()
        except BaseException as error:
            with self._lock:
                self._flight = None
            flight.set_exception(error)
            raise
        lasts = _UNSAID if token.lasts is None else token.lasts
        with self._lock:
            self._text = token.text
            self._until = asked_at + lasts - min(_MARGIN, lasts / 10)
            self._flight = None
        flight.set_result(token.text)
        return token.text


def _shared(flight: Future[str]) -> str:
    try:
        return flight.result()
    except ChannelError as error:
        # Its own copy: each piece of work puts its own exchanges on the error it ends with.
        raise type(error)(str(error), retry_after=error.retry_after) from error
