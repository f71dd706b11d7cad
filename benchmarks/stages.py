"""
What each stage of the hub costs: `python -m benchmarks.stages`.

The reference job runs on the hub as shipped, so many in flight, while py-spy looks a hundred times a second
at what API and worker are at. Each look counts for the innermost stage on the stack; processor time comes
from /proc, and that of the engine's own client, which is no Python, from its threads. A table, and a flame
graph of both processes.

py-spy reads other processes' memory: be root, or have kernel.yama.ptrace_scope at 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import flames
from benchmarks.agencies import Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.load import Customs
from benchmarks.meter import Meter, native_threads
from benchmarks.stacks import Hub

_RESULTS = Path(__file__).parent / "results"
_LOOKS = 100
"""A second."""
_PROCESSES = ("worker", "api")

_STAGES: tuple[tuple[str, str], ...] = (
    ("route", r"hub/domain/routing|hub/domain/facts|hub/domain/explaining"),
    ("settle and fold", r"hub/domain/(settling|life|case|errands|verifying|steps)"),
    ("accept", r"hub/domain/(intake|deadlines|declaration|certificates|risk)"),
    ("map (CEL)", r"hub/expressions/"),
    ("soap (zeep, lxml)", r"hub/adapters/soap/|/zeep/"),
    ("rest and openapi", r"hub/adapters/(rest|openapi)/|/jsonschema/"),
    ("send (requests)", r"hub/adapters/transport|/requests/|/urllib3/"),
    ("record and scrub", r"hub/adapters/(recording|secrets|hearing|messages)|hub/domain/exchange"),
    ("gateway and limits", r"hub/adapters/"),
    ("store", r"hub/store/|/sqlalchemy/"),
    ("validate and lodge", r"hub/api/|hub/config/|/jsonschema/"),
    ("workflow", r"hub/workflows/"),
    ("relays", r"hub/relays/"),
    ("activities", r"hub/activities/"),
    ("engine client", r"hub/engine|/temporalio/"),
    ("early warning", r"hub/operations/"),
    ("log and measures", r"/structlog/|hub/(logs|measuring|tracing|telemetry)|/prometheus_client/"),
    ("http", r"/uvicorn/|/fastapi/|/starlette/|/httptools/"),
)
"""From the inside out: the first that fits the innermost frame which fits any."""
_WAITS = re.compile(
    r"/selectors\.py|/threading\.py|/queue\.py|/socket\.py|/concurrent/futures/thread\.py|/anyio/_backends/|"
    r"/asyncio/runners\.py|/hub/process\.py|"
    r"(Database\.write|_begin_writing|_Line\.\w+) \("
)
"""
Where a thread stands that waits for work, for its turn or for an answer: py-spy now and then takes it for
busy, and it is left out. What a commit waits for the disk cannot be told from its work: the store's share is
somewhat overstated.
"""
_ELSE = "event loop and threads"
_NATIVE = "engine client (native)"


@dataclass(frozen=True)
class Cost:
    """Of one process, in milliseconds of processor time per declaration."""

    stages: Mapping[str, float]
    libraries: Mapping[str, float]
    """By the package of the innermost frame that is not Python's own."""
    functions: Mapping[str, float]
    """Of the hub's own code, each with what it calls."""


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="What each stage of the hub costs.")
    parser.add_argument("--job", type=Job, choices=list(Job), default=Job.MIX_4)
    parser.add_argument("--in-flight", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=30, help="that py-spy looks")
    parser.add_argument("--functions", type=int, default=0, help="also show so many of the hub's functions")
    parser.add_argument("--results", type=Path, default=_RESULTS)
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    costs = asyncio.run(measure(options.job, options.in_flight, options.seconds, options.results))
    print(table(costs))
    for process, cost in costs.items():
        for name, spent in Counter(cost.functions).most_common(options.functions):
            print(f"{process:8} {spent:7.2f}  {name}")


async def measure(job: Job, in_flight: int, seconds: int, results: Path) -> dict[str, Cost]:
    """Run the job and look; writes `stages.json` and `stages.svg`. Raises StackFailed, LookFailed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        make_folder(folder / "config")
        async with Cargo() as cargo:
            hub = Hub(folder / "hub", folder / "config", cargo.url)
            try:
                door = await hub.start()
                async with Customs(door.url, door.key, cargo) as customs:
                    await customs.at_once(job, 4, 8, 60)
                    meter = Meter(hub.pids)
                    before, native = meter.processor(), _native(hub)
                    raw, run = await asyncio.gather(
                        asyncio.gather(
                            *[_look(hub.pids[name], folder / name, seconds) for name in _PROCESSES]
                        ),
                        customs.at_once(job, in_flight, 1_000_000, seconds + 1),
                    )
                    count = len(run.passages)
                    spent = _per_declaration(before, meter.processor(), count)
                    outside = _per_declaration(native, _native(hub), count)
            finally:
                await hub.stop()
    seen = {
        name: _seen(text, spent[name] - outside[name]) for name, text in zip(_PROCESSES, raw, strict=True)
    }
    costs = {name: _cost(stacks, outside[name]) for name, stacks in seen.items()}
    trees = {name: flames.grow(stacks, _stage) for name, stacks in seen.items()}
    flames.draw(trees, results / "stages.svg", way=_ELSE)
    costs["temporal"] = Cost({"engine's server": spent["temporal"]}, {}, {})
    document = {name: {"stages": dict(c.stages), "libraries": dict(c.libraries)} for name, c in costs.items()}
    (results / "stages.json").write_text(json.dumps(document, indent=1))
    return costs


class LookFailed(RuntimeError):
    """py-spy could not look; the message is its own."""


async def _look(pid: int, path: Path, seconds: int) -> str:
    """
    Have py-spy look at a process, and read the stacks that it wrote. Raises LookFailed.

    The process goes on meanwhile: held up at each look, one of many threads would be at a stand half of the
    time, and its tasks would outlast their time-outs.
    """
    looking = await asyncio.create_subprocess_exec(
        *[str(Path(sys.executable).parent / "py-spy"), "record", "--pid", str(pid), "--format", "raw"],
        *["--output", str(path), "--rate", str(_LOOKS), "--duration", str(seconds)],
        *["--full-filenames", "--nonblocking"],
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await looking.communicate()
    if looking.returncode:
        raise LookFailed(said.decode())
    return await asyncio.to_thread(path.read_text)


def _native(hub: Hub) -> dict[str, float]:
    return {name: native_threads(hub.pids[name]) for name in _PROCESSES}


def _per_declaration(before: Mapping[str, float], after: Mapping[str, float], count: int) -> dict[str, float]:
    return {name: (after[name] - before[name]) / count for name in before}


def _seen(text: str, spent: float) -> list[tuple[list[str], float]]:
    """Every stack, outermost frames first, and its share of what the process spent, for one declaration."""
    looks = [line.rpartition(" ") for line in text.splitlines()]
    stacks = [(stack.split(";"), int(count)) for stack, _, count in looks]
    at_work = [(frames, count) for frames, count in stacks if not _WAITS.search(frames[-1])]
    each = spent / (sum(count for _, count in at_work) or 1)
    return [(frames, count * each) for frames, count in at_work]


def _cost(stacks: Iterable[tuple[list[str], float]], native: float) -> Cost:
    """`native` is what the process spent outside Python."""
    stages: dict[str, float] = {}
    libraries: dict[str, float] = {}
    functions: dict[str, float] = {}
    for frames, spent in stacks:
        _add(stages, [_stage(frames)], spent)
        _add(libraries, [_library(frames)], spent)
        _add(functions, {_function(frame) for frame in frames if "/hub/" in frame}, spent)
    return Cost({**_dearest_first(stages), _NATIVE: native}, _dearest_first(libraries), functions)


def _add(costs: dict[str, float], names: Iterable[str], spent: float) -> None:
    for name in names:
        costs[name] = costs.get(name, 0.0) + spent


def _dearest_first(costs: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(costs.items(), key=lambda one: -one[1]))


def _stage(frames: list[str]) -> str:
    for frame in reversed(frames):
        for name, pattern in _STAGES:
            if re.search(pattern, frame):
                return name
    return _ELSE


def _library(frames: list[str]) -> str:
    for frame in reversed(frames):
        if found := re.search(r"site-packages/([^/)]+)", frame):
            return found[1].removesuffix(".py")
        if found := re.search(r"/hub/([^/):]+)", frame):
            return f"hub/{found[1].removesuffix('.py')}"
    return "python"


def _function(frame: str) -> str:
    """`name (file:line)` without the line, and the file without the folder that the hub lies in."""
    return re.sub(r"\(.*?/(hub/[^:]+):\d+\)", r"(\1)", frame)


def table(costs: Mapping[str, Cost]) -> str:
    """Milliseconds of processor time per declaration, by stage and by library."""
    lines = []
    for heading, chosen in (("stage", "stages"), ("library", "libraries")):
        lines += ["", f"{heading:28}" + "".join(f"{name:>10}" for name in costs)]
        rows: dict[str, dict[str, float]] = {name: getattr(cost, chosen) for name, cost in costs.items()}
        sums: Counter[str] = Counter()
        for row in rows.values():
            sums.update(row)
        for key, total in sums.most_common():
            if total >= 0.05:
                lines.append(f"{key:28}" + "".join(f"{row.get(key, 0.0):10.2f}" for row in rows.values()))
        lines.append(f"{'all':28}" + "".join(f"{sum(row.values()):10.2f}" for row in rows.values()))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
