"""
Everything starts again with 100,000 declarations in the store: `python -m benchmarks.restart`.

The store is filled with rows (`benchmarks.fill`); of some thousand of the open declarations the workflows are
begun, as `hub doctor --begin-anew` does it. Then every process is killed with -9 and started again, with the
polls of all open declarations overdue. It tells how long it takes until the doors are open, until the worker
is at work, and until a declaration that is lodged now has its outcome, which it also tells of those that are
lodged while workflows are begun; and how many requests each agency got in its busiest five seconds, against
what its file allows. Status 1 when an agency got more.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import shutil
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psutil
import requests

from benchmarks.fill import fill
from hub.clock import utc_now
from hub.config.loader import load
from hub.embedded import Ports, Stack
from hub.engine import TemporalEngine, connect
from hub.loopback import free_port
from hub.operations.doctor import Doctor
from hub.ports import EngineUnavailable, UserRole
from hub.ports.doctor import OpenDeclaration, Records
from hub.settings import Settings
from hub.store import Store, create_store

_CONFIG = Path("adapters_config")
_PROCESSES = ("temporal", "api", "worker")
_WINDOW = 5.0
_BETWEEN = 2.0
"""Seconds between two declarations that are lodged while workflows are begun."""
_WITHIN = 300.0
_REQUESTS = re.compile(r'^hub_agency_requests_total\{agency="([^"]+)".*\} ([0-9.e+]+)$', re.MULTILINE)
_FRESH = {
    "lrn": "RESTART-1",
    "procedure": "import",
    "declarant": {"id": "KR-BROKER-1"},
    "importer": {"id": "123-45-67890", "name": "Saebyeok Trading"},
    "exporter": {"name": "Overseas Supply", "country": "US"},
    "consignment": {"ucr": "26KRRESTART1"},
    "items": [
        {
            "number": 1,
            "hs_code": "8518220000",
            "origin": "US",
            "description": "Loudspeakers",
            "attributes": {"radio_equipment": True},
        }
    ],
}


@dataclass
class Watched:
    """What was seen after the restart."""

    busiest: dict[str, float] = field(default_factory=dict)
    """By agency, requests a second in its busiest five seconds."""
    all_at_once: float = 0.0
    """The same of all agencies together."""
    memory: float = 0.0
    """Of the worker, at most, in MB."""
    processor: float = 0.0
    """Of the worker, in milliseconds a second."""


async def main(declarations: int, workflows: int, watch: float, keep: Path | None) -> int:
    """Run it; the exit status."""
    with tempfile.TemporaryDirectory(prefix="hub-restart-") as made:
        folder = Path(made) / "hub"
        folder.mkdir()
        database = folder / "hub.sqlite"
        if keep is not None and await asyncio.to_thread(keep.exists):
            await asyncio.to_thread(shutil.copyfile, keep, database)
        else:
            await asyncio.to_thread(fill, f"sqlite:///{database}", declarations, _CONFIG)
            if keep is not None:
                await asyncio.to_thread(shutil.copyfile, database, keep)
        metrics = f"127.0.0.1:{free_port()}"
        stack = Stack(folder, Ports.free(), _CONFIG, {"HUB_METRICS_ADDRESS": metrics, "HUB_POLL_SCALE": "1"})
        store = create_store(f"sqlite:///{database}")
        try:
            await stack.start()
            print(f"{store.count_open()} declarations open, {database.stat().st_size / 1e6:.0f} MB")
            await _until_all_are_started(store)
            await _begin_workflows(stack, store, workflows)
            return await _restart(stack, metrics, watch)
        except EngineUnavailable:
            print(stack.log_tail("temporal"))
            raise
        finally:
            await stack.stop()
            store.close()


async def _until_all_are_started(store: Store) -> None:
    """What was accepted while no engine was there goes before all that is lodged: it is older."""
    began = time.monotonic()
    while await asyncio.to_thread(store.not_started, utc_now(), 1):
        if time.monotonic() - began > _WITHIN:
            raise TimeoutError("what was accepted before is not started")
        await asyncio.sleep(0.5)
    print(f"what had been accepted and not started was, after {time.monotonic() - began:.0f} s")


async def _begin_workflows(stack: Stack, store: Store, count: int) -> None:
    settings = Settings(environment="development", temporal_address=f"127.0.0.1:{stack.ports.temporal}")
    engine = TemporalEngine(await connect(settings))
    doctor = Doctor(cast("Records", _Some(store, count)), store, engine, engine, utc_now, store.note_audit)
    began = time.monotonic()
    anew = asyncio.create_task(doctor.begin_anew("bench", UserRole.ADMIN, "bench"))
    meanwhile = []
    while not anew.done():
        meanwhile.append((await _lodge(stack))[1])
        await asyncio.wait([anew], timeout=_BETWEEN)
    begun, _ = await anew
    rate = begun / (time.monotonic() - began)
    everything = store.count_open() / rate / 60
    print(f"{begun} workflows begun, {rate:.0f} a second; all that are open would take {everything:.0f} min")
    print(
        f"{len(meanwhile)} lodged meanwhile: outcome after {statistics.median(meanwhile):.1f} s, "
        f"at most {max(meanwhile):.1f} s"
    )


class _Some:
    """A store of which only the first open declarations are seen."""

    def __init__(self, store: Store, count: int) -> None:
        self._store = store
        self._left = count

    def list_open(self, after: OpenDeclaration | None, limit: int) -> list[OpenDeclaration]:
        page = self._store.list_open(after, min(limit, self._left)) if self._left else []
        self._left -= len(page)
        return page

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


async def _restart(stack: Stack, metrics: str, watch: float) -> int:
    for name in _PROCESSES:
        stack.kill_child(name)
    for name in _PROCESSES:
        await stack.wait_child(name)
    began = time.monotonic()
    for name in _PROCESSES:
        await stack.start_child(name)
    await stack.wait_ready()
    print(f"doors open after {time.monotonic() - began:.1f} s")
    await _until_worker_is_ready(metrics)
    print(f"worker at work after {time.monotonic() - began:.1f} s")
    watching = asyncio.create_task(_watch(stack, metrics, watch))
    accepted, settled = await _lodge(stack)
    print(f"a new declaration: accepted within {1000 * accepted:.0f} ms, outcome after {settled:.1f} s")
    seen = await watching
    return _tell(seen)


async def _until_worker_is_ready(metrics: str) -> None:
    deadline = time.monotonic() + _WITHIN
    while not await asyncio.to_thread(_scraped, metrics):
        if time.monotonic() > deadline:
            raise TimeoutError("the worker shows no metrics")
        await asyncio.sleep(0.2)


async def _lodge(stack: Stack) -> tuple[float, float]:
    """Seconds until a new declaration is accepted, and until it has an outcome."""
    http = requests.Session()
    http.headers["Authorization"] = f"Bearer {stack.api_key}"
    posted = time.monotonic()
    answer = await asyncio.to_thread(
        http.post, f"{stack.api_url}/v1/declarations", json={**_FRESH, "lrn": f"RESTART-{time.time_ns()}"}
    )
    answer.raise_for_status()
    accepted = time.monotonic() - posted
    while True:
        view = await asyncio.to_thread(http.get, f"{stack.api_url}/v1/declarations/{answer.json()['mrn']}")
        if view.json()["outcome"] != "in_progress":
            return accepted, time.monotonic() - posted
        if time.monotonic() - posted > _WITHIN:
            return accepted, float("nan")
        await asyncio.sleep(0.1)


async def _watch(stack: Stack, metrics: str, seconds: float) -> Watched:
    worker = psutil.Process(stack.pid("worker"))
    seen = Watched()
    began, used = time.monotonic(), sum(worker.cpu_times()[:2])
    history: list[tuple[float, Mapping[str, float]]] = []
    while time.monotonic() - began < seconds:
        counted = await asyncio.to_thread(_scraped, metrics)
        if counted is not None:
            history.append((time.monotonic(), counted))
        seen.memory = max(seen.memory, worker.memory_info().rss / 1e6)
        await asyncio.sleep(0.5)
    seen.processor = 1000 * (sum(worker.cpu_times()[:2]) - used) / (time.monotonic() - began)
    for place, (moment, now) in enumerate(history):
        before = next((one for one in reversed(history[:place]) if moment - one[0] >= _WINDOW), None)
        if before is None:
            continue
        past = moment - before[0]
        rates = {agency: (count - before[1].get(agency, 0.0)) / past for agency, count in now.items()}
        for agency, rate in rates.items():
            seen.busiest[agency] = max(rate, seen.busiest.get(agency, 0.0))
        seen.all_at_once = max(seen.all_at_once, sum(rates.values()))
    return seen


def _scraped(metrics: str) -> dict[str, float] | None:
    """Requests by agency since the worker began; None while it does not answer."""
    try:
        text = requests.get(f"http://{metrics}/metrics", timeout=5).text
    except requests.RequestException:
        return None
    counted: defaultdict[str, float] = defaultdict(float)
    for agency, count in _REQUESTS.findall(text):
        counted[agency] += float(count)
    return dict(counted)


def _tell(seen: Watched) -> int:
    limits = {
        slug: file.channel.limits.per_second
        for slug, file in load(_CONFIG, development=True).agencies.items()
    }
    print(f"worker: {seen.memory:.0f} MB at most, {seen.processor:.0f} ms of processor time a second")
    print(f"all agencies together: {seen.all_at_once:.1f} requests a second in the busiest {_WINDOW:.0f} s")
    print(f"{'agency':12}{'busiest':>10}{'allowed':>10}")
    over = []
    for agency, rate in sorted(seen.busiest.items(), key=lambda one: -one[1])[:10]:
        allowed = limits.get(agency)
        print(f"{agency:12}{rate:10.1f}{allowed if allowed is not None else '-':>10}")
    for agency, rate in seen.busiest.items():
        # One more in the window than its rate: a bucket that was full when it began.
        if (allowed := limits.get(agency)) is not None and rate > allowed * (1 + 1 / _WINDOW):
            over.append(agency)
    print(f"more than allowed: {', '.join(over) or 'none'}")
    return 1 if over else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[1])
    parser.add_argument("--declarations", type=int, default=100_000)
    parser.add_argument("--workflows", type=int, default=2_000, help="of so many the workflows are begun")
    parser.add_argument("--watch", type=float, default=60, help="seconds")
    parser.add_argument("--keep", type=Path, help="the filled store is kept there, or taken from there")
    asked = parser.parse_args()
    sys.exit(asyncio.run(main(asked.declarations, asked.workflows, asked.watch, asked.keep)))
