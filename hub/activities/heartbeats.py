"""Telling the engine that a worker is alive, so that its death is noticed soon."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import TypeVar

from temporalio import activity

HEARTBEAT = timedelta(seconds=1)

T = TypeVar("T")


async def with_heartbeats(work: asyncio.Future[T], beat: Callable[[], None] = activity.heartbeat) -> T:
    """Wait for work, with a sign of life every second. The work is not cancelled with whoever waits."""
    while not work.done():
        beat()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(work), HEARTBEAT.total_seconds())
    return work.result()
