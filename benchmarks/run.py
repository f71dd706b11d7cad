"""The benchmark: `python -m benchmarks.run`, or `make bench`."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import routing
from benchmarks.agencies import Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.measuring import CORE, FULL, QUICK, Effort, Figures, run_session
from benchmarks.report import Result, tables
from benchmarks.stacks import CONTENDERS

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="The reference job on the hub, and on others beside it.")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="by name, with commas between")
    parser.add_argument(
        "--rounds", type=int, default=3, help="the first measures everything, the others the core"
    )
    parser.add_argument("--minutes", type=float, default=12, help="no round is begun that would end later")
    parser.add_argument("--quick", action="store_true", help="one short round, to see that it works")
    parser.add_argument("--add", action="store_true", help="add rounds to the result that is there")
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    names = options.contenders.split(",")
    if unknown := [name for name in names if name not in CONTENDERS]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(CONTENDERS)}")
    efforts = [QUICK] if options.quick else [FULL, *[CORE] * (options.rounds - 1)]
    options.results.mkdir(parents=True, exist_ok=True)
    kept = options.results / "result.json"
    result = Result.read(kept) if options.add and kept.exists() else Result()
    asyncio.run(run(names, efforts, 60 * options.minutes, result, kept))
    if not options.quick:
        asyncio.run(measure_singles(result))
        result.write(kept)
    if result.contenders:
        from benchmarks.pictures import draw

        draw(result, options.results)
    text = tables(result)
    (options.results / "result.txt").write_text(text + "\n")
    print(text)
    print(f"\nKept in {options.results}: result.json, result.txt and the pictures.")
    sys.exit(1 if result.failed else 0)


async def run(
    names: Sequence[str], efforts: Sequence[Effort], seconds: float, result: Result, kept: Path
) -> None:
    """Each contender once in each round, in turn. What fails is noted, and the others go on."""
    began = time.monotonic()
    took: dict[Effort, float] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        base = Path(made)
        await asyncio.to_thread(base.chmod, 0o755)
        make_folder(base / "config")
        for number, effort in enumerate(efforts, 1):
            since = time.monotonic()
            if since - began + took.get(effort, 0.0) > seconds:
                print(f"round {number} is left out: there is no time for it", flush=True)
                break
            each: dict[str, Figures] = {}
            result.rounds.append(each)
            for name in names:
                print(f"round {number} of {len(efforts)}: {name} ...", end=" ", flush=True)
                try:
                    each[name] = await _session(name, base, effort)
                except Exception as error:
                    result.failed[name] = str(error)
                    print(f"failed: {error}", flush=True)
                else:
                    if trouble := each[name].trouble:
                        result.failed[name] = trouble
                        print(f"failed in part: {trouble}", flush=True)
                    else:
                        speed = each[name].values["per_second_50"]
                        print(f"{speed:.1f} declarations a second", flush=True)
                result.write(kept)
            took[effort] = time.monotonic() - since


async def measure_singles(result: Result) -> None:
    """What needs no contenders: routing alone, and a call through an adapter."""
    print("routing, and a call through an adapter ...", flush=True)
    result.routing = routing.measure(items=1000, rules=10_000, repeats=20)
    calling = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "benchmarks.adapters", "--calls", "100", "--rounds", "5"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await calling.communicate()
    if calling.returncode:
        result.failed["adapters"] = said.decode()
    else:
        result.adapters = said.decode().rstrip()


async def _session(name: str, base: Path, effort: Effort) -> Figures:
    """Raises CannotBeHad; ChildFailed or StackFailed with the tail of a log when it does not start."""
    folder = await asyncio.to_thread(_open_folder, base, name)
    try:
        async with Cargo() as cargo:
            contender = CONTENDERS[name](folder / "run", base / "config", cargo.url)
            try:
                return await run_session(contender, cargo, effort, _JOBS.get(name, (Job.MIX_38,)))
            except ImportError as missing:
                raise CannotBeHad(f"it cannot be had here: {missing}") from missing
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _open_folder(base: Path, name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=base))
    # PostgreSQL does not run as root, but as a user of its own, who must get through.
    folder.chmod(0o755)
    return folder


class CannotBeHad(Exception):
    """What a contender runs on is not installed."""


_JOBS = {"hub": (Job.REPLY_4, Job.REPLY_38, Job.MIX_38)}


if __name__ == "__main__":
    main()
