"""The agency played by the simulator, on a port of its own; its ledger is evidence of what took effect."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import requests

from hub.simulator.contracts import contract
from hub.simulator.environment import environment
from hub.simulator.server import serve
from hub.workbench.bench import Bench

_TIMINGS = {"callback": 60, "poll": 150, "late": 400, "retry": 50, "retry_most": 500}
"""Milliseconds: long enough that an answer comes before the decision, and no longer."""
_TIMEOUT = 5.0


class SimulatedAgency:
    """The simulator's side of a run."""

    def __init__(self, url: str, agency: str) -> None:
        self.url = url
        self._agency = agency

    async def effects(self, mrn: str) -> int:
        """How often a submission about this declaration took effect, by the simulator's own ledger."""
        found = await self._get("ledger", agency=self._agency, mrn=mrn)
        return int(found["summary"]["effects"])

    async def shown(self, reference: str) -> dict[str, Any]:
        """What the ledger shows of an application that was submitted under our reference."""
        found = await self._get("ledger", agency=self._agency, mrn=reference.partition("/")[0])
        [entry] = [one for one in found["applications"] if one["reference"] == reference]
        return dict(entry)

    async def set_timings(self, milliseconds: Mapping[str, int]) -> None:
        """When it decides, and when it calls back."""
        url = f"{self.url}/_simulator/timings"
        answer = await asyncio.to_thread(requests.put, url, json=dict(milliseconds), timeout=_TIMEOUT)
        answer.raise_for_status()

    async def _get(self, name: str, **query: str) -> dict[str, Any]:
        def get() -> dict[str, Any]:
            answer = requests.get(f"{self.url}/_simulator/{name}", params=query, timeout=_TIMEOUT)
            answer.raise_for_status()
            read: dict[str, Any] = answer.json()
            return read

        return await asyncio.to_thread(get)


@dataclass(frozen=True)
class Secrets:
    """What the secrets of one run are derived from, for hub and simulator alike."""

    seed: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    def environment(self, bench: Bench, url: str = "http://127.0.0.1:9") -> dict[str, str]:
        """What the `env:` names of the channel mean where the simulator at `url` plays the agency."""
        return environment({bench.agency: bench.file}, url, self.seed)


@asynccontextmanager
async def playing(bench: Bench, hub_url: str) -> AsyncIterator[SimulatedAgency]:
    """
    The simulator, playing the bench's agency with the secrets of the bench's environment.

    Raises NotSimulated for a contract that it does not know, EnvironmentMissing.
    """
    contract(bench.configuration.folder / bench.file.channel.contract)
    stop = asyncio.Event()
    port: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(
            bench.configuration,
            host="127.0.0.1",
            port=0,
            hub_url=hub_url,
            environment={**bench.environment, "HUB_CARGO_TOKEN": "unused"},
            stop=stop,
            listening=port.set_result,
        )
    )
    # A simulator that ends instead of listening tells why.
    serving.add_done_callback(lambda _: port.done() or port.cancel())
    try:
        agency = SimulatedAgency(f"http://127.0.0.1:{await port}", bench.agency)
        await agency.set_timings(_TIMINGS)
        yield agency
    finally:
        stop.set()
        await serving
