"""The benchmark: `python -m benchmarks.run`, or `make bench`."""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.agencies import Job, make_folder
from benchmarks.cargo import Cargo
from benchmarks.measuring import Effort, Figures, folder_of, own_processor, run_session
from benchmarks.stacks import CONTENDERS

_LEAST = Effort(single=6, many=60, most=0, open_loop=0, wide=12)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="The reference job on the hub, and on others beside it.")
    parser.add_argument("--contenders", default=",".join(CONTENDERS), help="by name, with commas between")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="little of everything, to see that it works")
    parser.add_argument("--wide", action="store_true", help="with 38 agencies, too")
    options = parser.parse_args()
    effort = _LEAST if options.quick else Effort()
    jobs = [Job.REPLY_4, Job.REPLY_38, Job.MIX_38] if options.wide else []
    sys.exit(asyncio.run(run(options.contenders.split(","), options.rounds, effort, jobs)))


async def run(names: Sequence[str], rounds: int, effort: Effort, jobs: Sequence[Job]) -> int:
    """Every contender once in each round, in turn; the exit status."""
    kept: dict[str, list[Figures]] = {name: [] for name in names}
    failed: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        base = Path(made)
        make_folder(base / "config")
        for number in range(rounds):
            for name in names:
                async with Cargo() as cargo:
                    contender = CONTENDERS[name](folder_of(base, name, number), base / "config", cargo.url)
                    print(f"round {number + 1}: {name}", flush=True)
                    try:
                        kept[name].append(await run_session(contender, cargo, effort, jobs))
                    except Exception as error:
                        failed[name] = f"{error!r}\n{contender.log_tail()}"
                        print(f"{name} failed: {failed[name]}", flush=True)
    for name, sessions in kept.items():
        for key in sessions[0].values if sessions else ():
            values = [session.values[key] for session in sessions]
            print(
                f"{name:10} {key:24} {statistics.median(values):12.1f}   {min(values):.1f} to {max(values):.1f}"
            )
        for job in sessions[0].processor if sessions else ():
            own = [own_processor(session, Job(job)) for session in sessions]
            by = {process: round(spent, 1) for process, spent in sessions[0].processor[job].items()}
            print(f"{name:10} processor {job:14} {statistics.median(own):12.1f}   {by}")
    return 1 if failed else 0


if __name__ == "__main__":
    main()
