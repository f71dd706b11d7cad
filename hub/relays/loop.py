"""The one way a relay goes round: work, wait, and never die of one bad round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

_LONGEST_PAUSE = 30.0
_RESTS = 10
"""
Times as long as it has worked, a relay rests before it is called: on a busy machine it finds more to do at
once, and on an idle one that is a moment.
"""

log = structlog.get_logger(__name__)


class Relay(Protocol):
    """Work that comes round again."""

    name: str

    async def go_round(self) -> float:
        """Do what is due; return the seconds until it is worth looking again."""


RoundMeter = Callable[[str, float, bool], None]
"""Is told of each round: the relay, the seconds, and whether it failed."""


def unmeasured(relay: str, seconds: float, failed: bool) -> None:
    """The meter where nobody measures."""


class Bell:
    """Calls a relay that rests to its next round: so it need not look often whether there is any work."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def ring(self) -> None:
        """From any thread. What rings during a round calls to the one after it."""
        with suppress(RuntimeError):  # the loop is closed: the process is ending
            self._loop.call_soon_threadsafe(self._rung.set)

    def heard(self) -> None:
        """A round begins."""
        self._rung.clear()

    async def rung(self) -> None:
        """Wait until it rings."""
        await self._rung.wait()


async def keep_going(
    relay: Relay, stop: asyncio.Event, meter: RoundMeter = unmeasured, bell: Bell | None = None
) -> None:
    """
    Go round until told to stop, and when the bell rings. A round that fails is logged and tried again, ever
    more slowly.

    Every relay works from rows in the store, so a round lost with its process is done by the next one.
    """
    failures = 0
    while not stop.is_set():
        began = time.perf_counter()
        if bell is not None:
            bell.heard()
        try:
            pause = await relay.go_round()
            failures = 0
        except Exception:
            failures += 1
            pause = min(_LONGEST_PAUSE, 0.5 * 2**failures)
            log.exception("relay.failed", relay=relay.name, again_in_s=pause)
        took = time.perf_counter() - began
        meter(relay.name, took, failures > 0)
        # A round that failed is not called for again: what rings may be what fails.
        await _rest(stop, bell if failures == 0 else None, pause, min(pause, took * _RESTS))


async def _rest(stop: asyncio.Event, bell: Bell | None, seconds: float, least: float) -> None:
    """Until told to stop or called, and no longer than this; a call is heard after `least` seconds."""
    if bell is not None:
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), least)
        seconds -= least
    waits = (stop.wait(),) if bell is None else (stop.wait(), bell.rung())
    calls: list[asyncio.Future[object]] = [asyncio.ensure_future(each) for each in waits]
    await asyncio.wait(calls, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for call in calls:
        call.cancel()
