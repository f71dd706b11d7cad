"""The one way a relay goes round: work, wait, and never die of one bad round."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import structlog

_LONGEST_PAUSE = 30.0

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


async def keep_going(relay: Relay, stop: asyncio.Event, meter: RoundMeter = unmeasured) -> None:
    """
    Go round until told to stop. A round that fails is logged and tried again, ever more slowly.

    Every relay works from rows in the store, so a round lost with its process is done by the next one.
    """
    failures = 0
    while not stop.is_set():
        began = time.perf_counter()
        try:
            pause = await relay.go_round()
            failures = 0
        except Exception:
            failures += 1
            pause = min(_LONGEST_PAUSE, 0.5 * 2**failures)
            log.exception("relay.failed", relay=relay.name, again_in_s=pause)
        meter(relay.name, time.perf_counter() - began, failures > 0)
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
