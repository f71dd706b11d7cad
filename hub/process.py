"""The one place where a process of ours runs its event loop and ends, and what it is called."""

from __future__ import annotations

import asyncio
import atexit
import gc
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn

_WHILE_BUILDING = 50_000
"""Objects more than before after which garbage is looked for, while most of what is made is kept."""
_SWITCH_INTERVAL = 0.0005
"""Seconds after which a busy thread lets another one go on."""
_USUAL = gc.get_threshold()
_QUIET_TIME = 0.02
"""Seconds for the engine's own threads to finish with the interpreter after the event loop has ended."""


def run(main: Callable[[asyncio.Event], Awaitable[int]]) -> NoReturn:
    """
    Run `main` until it returns an exit status, and end the process with exactly that status.

    `main` is given an event that SIGTERM or SIGINT sets. The native client of the engine may abort a
    process that tears its interpreter down (status 134 or 139 about one time in eight, temporalio 1.35), so
    exit handlers are run and streams flushed here, and the process then ends without the tear-down: an exit
    status never lies.
    """
    end(asyncio.run(_with_signals(main)))


async def _with_signals(main: Callable[[asyncio.Event], Awaitable[int]]) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return await main(stop)


def name(role: str) -> str:
    """What this process is called where it writes down that it did something, or lives."""
    return f"{role} {os.getpid()} on {socket.gethostname()}"


def begin() -> None:
    """
    Call before anything is loaded: garbage is looked for less often, until a process settles.

    What a process makes at first it keeps, and looking for garbage in it takes a tenth of the time to ready.
    """
    gc.set_threshold(_WHILE_BUILDING)


def settle() -> None:
    """
    Call when everything that lives as long as the process is built: garbage collection then leaves it alone.

    Catalogue, contracts and compiled expressions are hundreds of thousands of objects, and going over them
    again and again would hold a request up for a tenth of a second now and then. A thread that fills a
    request with thousands of goods items gives way more often than Python's 5 ms, for the same reason.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_USUAL)
    sys.setswitchinterval(_SWITCH_INTERVAL)


def end(status: int) -> NoReturn:
    """End this process now, with this status."""
    time.sleep(_QUIET_TIME)
    atexit._run_exitfuncs()
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
