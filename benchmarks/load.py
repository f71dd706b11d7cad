"""Lodging declarations: one after the other, so many at once, or at a rate."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.agencies import Job
from benchmarks.cargo import Cargo
from benchmarks.job import declaration

_PATIENCE = 180.0
"""Seconds that a declaration may take at most."""


_KEPT = 2.0
"""Seconds; servers keep idle connections for five."""


class NotAccepted(Exception):
    """A declaration was not answered with 202."""


class NotSettled(Exception):
    """A declaration has come to no outcome for a long time."""


@dataclass(frozen=True)
class Passage:
    """One declaration's way."""

    accepted: float
    """Seconds from POST to 202."""
    settled: float
    """Seconds from POST to the moment at which the cargo system was told."""


@dataclass(frozen=True)
class Run:
    """A run of many declarations, from the first POST until the cargo system was told of the last."""

    passages: Sequence[Passage]
    seconds: float

    @property
    def per_second(self) -> float:
        return len(self.passages) / self.seconds


class Customs:
    """The customs system that lodges at one contender's door."""

    def __init__(self, url: str, key: str, cargo: Cargo) -> None:
        self._cargo = cargo
        self._http = httpx.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=_PATIENCE,
            trust_env=False,
            # An idle connection is let go before the server lets go of it: else one that is just being closed
            # would be used for a POST.
            limits=httpx.Limits(max_connections=256, max_keepalive_connections=256, keepalive_expiry=_KEPT),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def lodge(self, job: Job) -> Passage:
        """Lodge one and wait until its cargo is released. Raises NotAccepted, NotSettled, NotReleased."""
        content = declaration(job)
        posted = time.perf_counter()
        mrn = await self.post(content)
        accepted = time.perf_counter()
        try:
            told = await asyncio.wait_for(self._cargo.told(mrn), _PATIENCE)
        except TimeoutError:
            raise NotSettled(f"{mrn} has no outcome after {_PATIENCE:.0f} s") from None
        return Passage(accepted - posted, told - posted)

    async def post(self, content: dict[str, Any]) -> str:
        """Lodge one, and wait for no more than its mrn. Raises NotAccepted."""
        answer = await self._http.post("/v1/declarations", json=content)
        if answer.status_code != 202:
            raise NotAccepted(f"{answer.status_code} {answer.text[:500]}")
        return str(answer.json()["mrn"])

    async def one_by_one(self, job: Job, count: int, seconds: float) -> list[Passage]:
        """So many, or as many as there is time for; three at least."""
        began = time.perf_counter()
        passages: list[Passage] = []
        while len(passages) < count and (len(passages) < 3 or time.perf_counter() - began < seconds):
            passages.append(await self.lodge(job))
        return passages

    async def at_once(self, job: Job, in_flight: int, count: int, seconds: float) -> Run:
        """So many in flight, until `count` are lodged or the seconds are over; each is waited for."""
        began = time.perf_counter()
        left = iter(range(count))
        passages: list[Passage] = []

        async def one_after_the_other() -> None:
            for _ in left:
                passages.append(await self.lodge(job))
                if time.perf_counter() - began > seconds:
                    return

        async with asyncio.TaskGroup() as group:
            for _ in range(min(in_flight, count)):
                group.create_task(one_after_the_other())
        return Run(passages, time.perf_counter() - began)

    async def at_rate(self, job: Job, per_second: float, count: int) -> Run:
        """Lodged at random moments, whether or not the contender keeps up; the same moments each time."""
        began = time.perf_counter()
        chance = random.Random(1)  # noqa: S311 - the same moments each time
        async with asyncio.TaskGroup() as group:
            tasks = []
            moment = began
            for _ in range(count):
                moment += chance.expovariate(per_second)
                await asyncio.sleep(max(0.0, moment - time.perf_counter()))
                tasks.append(group.create_task(self.lodge(job)))
        return Run([task.result() for task in tasks], time.perf_counter() - began)
