"""
How hard one agency may be pushed: a rate, a number of requests at a time, and a breaker.

One set per agency, so that one that hangs or fails costs nobody else. All of them are told the time by a
monotonic clock in seconds, and may be used from several threads.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import StrEnum

PATIENCE = 1.0
"""Seconds a request waits for a slot, or for its turn in the rate, before the agency counts as busy."""

Monotonic = Callable[[], float]


class TokenBucket:
    """At most `per_second` requests a second on average, and `burst` at once."""

    def __init__(self, per_second: float, burst: float, monotonic: Monotonic = time.monotonic) -> None:
        self._rate = per_second
        self._burst = max(1.0, burst)
        self._now = monotonic
        self._tokens = self._burst
        self._at = monotonic()
        self._lock = threading.Lock()

    def reserve(self, patience: float) -> float | None:
        """
        Take a place in the queue: the seconds to wait before sending, at most `patience`.

        None when the wait would be longer; then nothing was taken, and `wait` tells how long it would be.
        """
        with self._lock:
            self._refill()
            wait = max(0.0, (1.0 - self._tokens) / self._rate)
            if wait > patience:
                return None
            self._tokens -= 1.0
            return wait

    def wait(self) -> float:
        """Seconds until a request could go out."""
        with self._lock:
            self._refill()
            return max(0.0, (1.0 - self._tokens) / self._rate)

    def _refill(self) -> None:
        now = self._now()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """
    Opens after so many consecutive failures; after a pause lets one request through to see.

    Every admitted request must be answered by exactly one of `succeeded`, `failed` and `abandoned`.
    """

    def __init__(self, failures: int, pause: float, monotonic: Monotonic = time.monotonic) -> None:
        self._limit = failures
        self._pause = pause
        self._now = monotonic
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False
        self._lock = threading.Lock()

    @property
    def state(self) -> BreakerState:
        with self._lock:
            if self._opened_at is None:
                return BreakerState.CLOSED
            return BreakerState.HALF_OPEN if self._trying or self._left() <= 0 else BreakerState.OPEN

    @property
    def is_open(self) -> bool:
        """Whether too many in a row have failed, and none has been answered since."""
        with self._lock:
            return self._opened_at is not None

    def admit(self) -> float | None:
        """None when the request may go; otherwise the seconds after which it is worth asking again."""
        with self._lock:
            if self._opened_at is None:
                return None
            left = self._left()
            if left > 0:
                return left
            if self._trying:
                # The one trial is under way; its end, not the clock, decides. Ask again soon.
                return min(1.0, self._pause)
            self._trying = True
            return None

    def wait(self) -> float | None:
        """As `admit`, but takes nothing: for turning requests away before any effort is spent on them."""
        with self._lock:
            if self._opened_at is None:
                return None
            left = self._left()
            if left > 0:
                return left
            return min(1.0, self._pause) if self._trying else None

    def succeeded(self) -> None:
        with self._lock:
            self._failures = 0
            self._opened_at = None
            self._trying = False

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._trying or self._failures >= self._limit:
                self._opened_at = self._now()
                self._trying = False

    def abandoned(self) -> None:
        """The request was never sent, so it says nothing about the agency."""
        with self._lock:
            self._trying = False

    def _left(self) -> float:
        assert self._opened_at is not None
        return self._opened_at + self._pause - self._now()


class Pause:
    """
    For how long the agency has asked not to be asked (429 or 503 with Retry-After, RFC 9110 section 10.2.3).

    It is asked of whoever sends, so it holds for all that would be sent, and not for the one request that was
    answered so. It is no failure: the agency is there and guards itself.
    """

    def __init__(self, monotonic: Monotonic = time.monotonic) -> None:
        self._now = monotonic
        self._until: float | None = None
        self._lock = threading.Lock()

    def ask(self, seconds: float) -> None:
        """Nothing for so many seconds; a shorter pause does not end a longer one."""
        with self._lock:
            until = self._now() + seconds
            self._until = until if self._until is None else max(self._until, until)

    def wait(self) -> float | None:
        """Seconds until a request may go out again; None when one may go now."""
        with self._lock:
            left = 0.0 if self._until is None else self._until - self._now()
            return left if left > 0 else None


class Slots:
    """So many requests at a time. Waiting for one is bounded. For one event loop."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._taken = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def take(self, patience: float) -> bool:
        """Whether a slot came free within `patience` seconds. Each one taken must be given back."""
        if self._taken < self._size and not self._waiting:
            self._taken += 1
            return True
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            async with asyncio.timeout(patience):
                await turn
        except TimeoutError:
            # It may have come in the very moment in which patience ended.
            return turn.done() and not turn.cancelled()
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.give_back()
            raise
        return True

    def give_back(self) -> None:
        self._taken -= 1
        self._admit()

    def resize(self, size: int) -> None:
        """From now on so many. Where more are taken, none is given until enough have come back."""
        self._size = size
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._taken < self._size:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                self._taken += 1
