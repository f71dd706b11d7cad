"""
What every process of the hub does for the early warning: it says that it lives, counts, tells, and stands in.

Rounds are the engine's to schedule. When none has been gone for a while, because the engine or every worker
is down, whichever process notices first goes one.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, deque
from dataclasses import replace

import structlog

from hub.operations.watch.memory import Memory
from hub.operations.watch.pace import AS_USUAL, Pace
from hub.operations.watch.rounds import Watch
from hub.operations.watch.teller import Teller
from hub.ports import Clock, DatabaseState, Incident, Tallied, WatchStore

_BEAT_WITHIN = 10.0
"""Seconds for which a database may be silent before it counts as away."""
_BEATS_KEPT = 3
_PATIENCE = 4.0
"""Seconds for which the beats wait for a round that this process goes in another's place."""

log = structlog.get_logger(__name__)


class Tally:
    """What this process has counted since that was last written down. From any thread; at once."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = threading.Lock()

    def __call__(self, what: Tallied, subject: str) -> None:
        """One more of these."""
        with self._lock:
            self._counts[what.value, subject] += 1

    def take(self) -> dict[tuple[str, str], int]:
        """What was counted; it is not here any more."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return dict(taken)

    def give_back(self, counts: dict[tuple[str, str], int]) -> None:
        """It could not be written down."""
        with self._lock:
            self._counts.update(counts)


class Keeper:
    """A relay, in API and worker alike."""

    name = "watch"

    def __init__(
        self,
        watch: Watch,
        teller: Teller,
        memory: Memory,
        tally: Tally,
        store: WatchStore,
        clock: Clock,
        *,
        process: str,
        role: str,
        version: str,
        pace: Pace = AS_USUAL,
    ) -> None:
        self.memory = memory
        self.tally = tally
        self._watch = watch
        self._teller = teller
        self._store = store
        self._clock = clock
        self._process = process
        self._role = role
        self._version = version
        self._pace = pace
        self._began = time.monotonic()
        self._seconds: deque[float] = deque(maxlen=_BEATS_KEPT)
        self._beating: asyncio.Task[DatabaseState] | None = None
        self._standing_in: asyncio.Task[bool] | None = None
        self._open: list[Incident] = []

    def open_incidents(self) -> list[Incident]:
        """
        What is open, as it was at the latest beat: for who must not wait for the store. What this process
        could not write down comes first.
        """
        remembered = self.memory.incidents()
        told = {(one.kind, one.subject) for one in remembered}
        return [*remembered, *(one for one in self._open if (one.kind, one.subject) not in told)]

    async def go_round(self) -> float:
        try:
            state = await self._beat()
            # One slow answer on a busy machine is no slow database: the fastest of the last few counts.
            self._seconds.append(state.seconds)
            self._watch.database = replace(state, seconds=min(self._seconds))
            await self._write_down()
            await self._stand_in()
            await self._teller.go_round()
            self._open = await asyncio.to_thread(self._store.open_incidents)
        except Exception as error:
            # Whatever a store raises when it is gone, or has no room; telling of it is what this is for.
            if not await self.memory.failed(error):
                raise
            log.warning("watch.store_failed", reason=str(error).partition("\n")[0])
        else:
            await self.memory.went_well()
        return self._pace.beat.total_seconds()

    async def _stand_in(self) -> None:
        """Go a round if nobody has lately; one that takes long goes on by itself, and holds up no beat."""
        if self._standing_in is None:
            if time.monotonic() - self._began < self._pace.standby.total_seconds():
                return
            self._standing_in = asyncio.create_task(self._watch.go_round(idle=self._pace.standby))
        done, _ = await asyncio.wait({self._standing_in}, timeout=_PATIENCE)
        if done:
            task, self._standing_in = self._standing_in, None
            task.result()

    async def finish(self) -> None:
        """This process has been told to end, and is not to be missed."""
        if self._standing_in is not None:
            await asyncio.wait({self._standing_in}, timeout=_BEAT_WITHIN)
        try:
            async with asyncio.timeout(_BEAT_WITHIN):
                await self._write_down()
                await asyncio.to_thread(self._store.end_beat, self._process)
        except Exception:
            # It will be missed for a day; nobody is told so while another of its role lives.
            log.warning("watch.not_ended", process=self._process, exc_info=True)

    async def _beat(self) -> DatabaseState:
        """One beat at a time: a database that hangs holds one thread, and not one more every few seconds."""
        if self._beating is None:
            self._beating = asyncio.create_task(
                asyncio.to_thread(self._store.beat, self._process, self._role, self._version, self._clock())
            )
        task = self._beating
        done, _ = await asyncio.wait({task}, timeout=_BEAT_WITHIN)
        if not done:
            raise TimeoutError(f"the database has not answered for {_BEAT_WITHIN:.0f} s")
        self._beating = None
        return task.result()

    async def _write_down(self) -> None:
        counts = self.tally.take()
        if not counts:
            return
        minute = self._clock().replace(second=0, microsecond=0)
        try:
            await asyncio.to_thread(self._store.tally, counts, minute)
        except Exception:
            self.tally.give_back(counts)
            raise
