"""Whether the engine is away: one that does not answer is left alone for a while, one that is slow is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.service import RPCError, RPCStatusCode

from hub.ports import EngineUnavailable

RPC_TIMEOUT = timedelta(seconds=3)
"""For one attempt of a call."""
PATIENCE = 4.0
"""
Seconds for a call with its retries: the client's own outlast the time-out of a single attempt. An engine with
much to do answers late, and who gives a call up makes it twice.
"""
_AWAY_AFTER = 1.5
"""Seconds in which an engine that is there has answered somebody."""
_PAUSE = 5.0
"""Seconds for which an engine that is away is not asked again: not everybody must wait to see it."""


class Reach:
    """What the calls of one process have seen of the engine."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._answered_at = float("-inf")
        self._silent_until = float("-inf")

    def answered(self) -> None:
        """It is there."""
        self._answered_at, self._silent_until = self._clock(), float("-inf")

    @asynccontextmanager
    async def call(self) -> AsyncIterator[None]:
        """
        One call, not longer than our patience, if the engine was not away a moment ago. Raises
        EngineUnavailable.
        """
        began = self._clock()
        if began < self._silent_until:
            raise EngineUnavailable("the engine did not answer a moment ago")
        try:
            async with asyncio.timeout(PATIENCE):
                yield
        except TimeoutError as error:
            self._gave_up(began)
            raise EngineUnavailable(f"the engine did not answer within {PATIENCE:.0f} s") from error
        except asyncio.CancelledError:
            # Whoever asked has less patience than we.
            self._gave_up(began)
            raise
        except RuntimeError as error:  # of a lazy client that has never connected
            self._is_away()
            raise EngineUnavailable(str(error)) from error
        except RPCError as error:
            if error.status is RPCStatusCode.UNAVAILABLE:
                self._is_away()
            elif error.status is RPCStatusCode.DEADLINE_EXCEEDED:
                self._gave_up(began)
            else:
                self.answered()
            raise EngineUnavailable(f"{error.status.name}: {error.message}") from error
        self.answered()

    def _gave_up(self, began: float) -> None:
        """A call was not answered. Where another one was meanwhile, the engine is slow and not away."""
        if self._answered_at <= began <= self._clock() - _AWAY_AFTER:
            self._is_away()

    def _is_away(self) -> None:
        self._silent_until = self._clock() + _PAUSE
