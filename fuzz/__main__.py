"""Run a campaign: `python -m fuzz --inputs 100000 --seed 1`."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import requests

from fuzz.campaign import Report, Scales, keep, lines_of, play
from fuzz.doors.described import Described
from fuzz.doors.documents import Callbacks, LodgeJson, LodgeXml
from fuzz.target import running


def main() -> int:
    """0 if nothing was found, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--number", type=int)
    asked = parser.parse_args()
    report = Report(asked.seed)
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="hub-fuzz-") as folder,
        running(Path(folder), Path("adapters_config")) as target,
    ):
        document = requests.get(target.stack.api_url + "/openapi.json", timeout=10).json()
        doors = [LodgeXml(target), LodgeJson(target), Callbacks(target), Described(target, document)]
        scales = Scales(target.pids)
        for door in doors:
            if asked.only and not any(o in door.name for o in asked.only):
                continue
            t = time.monotonic()
            play(report, door, [asked.number] if asked.number is not None else range(asked.inputs))
            print(door.name, time.monotonic() - t, flush=True)
            door.close()
        scales.weigh(report)
        report.seconds = time.monotonic() - began
    keep(report, Path("/tmp/b6/fuzz-found"))
    for line in lines_of(report):
        print(line)
    for f in report.findings[:40]:
        print(str(f)[:600])
    return 1 if report.findings else 0


if __name__ == "__main__":
    sys.exit(main())
