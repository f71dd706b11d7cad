"""
Run a campaign of bad input: `python -m fuzz --inputs 100000 --seed 1`.

Exit status 0 when nothing was found, 1 otherwise; what was sent at each finding is kept in a folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import requests

from fuzz.campaign import Door, Report, Scales, keep, lines_of, play
from fuzz.doors.answers import Answers
from fuzz.doors.configuration import ConfigurationFolder, YamlAndCel
from fuzz.doors.described import Described
from fuzz.doors.documents import Callbacks, LodgeJson, LodgeXml
from fuzz.doors.pages import Documents, Pages
from fuzz.doors.requests import Requests
from fuzz.target import Target, running

_SHARES: dict[str, float] = {
    LodgeXml.name: 0.17,
    LodgeJson.name: 0.08,
    Callbacks.name: 0.17,
    Described.name: 0.16,
    Requests.name: 0.12,
    Pages.name: 0.08,
    Documents.name: 0.03,
    Answers.name: 0.13,
    YamlAndCel.name: 0.055,
    ConfigurationFolder.name: 0.005,
}
"""Of all inputs; a folder takes a hundred times as long as a request."""


_BETWEEN_WEIGHINGS = 500
"""Inputs after which the processes are weighed."""


def main() -> int:
    """The campaign that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the same seed sends the same")
    parser.add_argument("--inputs", type=int, default=100_000, help="how many, at all doors together")
    parser.add_argument(
        "--door", action="append", choices=list(_SHARES), help="only this one; may be repeated"
    )
    parser.add_argument("--number", type=int, help="only the input of this number, as a finding names it")
    parser.add_argument(
        "--config", type=Path, default=Path("adapters_config"), help="the configuration folder"
    )
    parser.add_argument("--found", type=Path, default=Path(".hub/fuzz"), help="where findings are kept")
    asked = parser.parse_args()
    report, began = Report(asked.seed), time.monotonic()
    names = asked.door or list(_SHARES)
    whole = sum(_SHARES[name] for name in names)
    with (
        tempfile.TemporaryDirectory(prefix="hub-fuzz-") as folder,
        running(Path(folder), asked.config) as target,
    ):
        scales = Scales(target.pids)
        for name, make in _doors(target, asked.config).items():
            if name not in names:
                continue
            count = round(asked.inputs * _SHARES[name] / whole)
            numbers = range(count) if asked.number is None else range(asked.number, asked.number + 1)
            with closing(make()) as door:
                if not _play(report, door, numbers, scales):
                    break
        scales.weigh(report)
    report.seconds = time.monotonic() - began
    _tell("", *lines_of(report), *(f"FOUND {str(finding)[:500]}" for finding in report.findings))
    again = "".join(f" --door '{name}'" for name in asked.door or ())
    _tell(f"again: python -m fuzz --seed {asked.seed} --inputs {asked.inputs}{again}")
    _tell("one input alone: --door DOOR --number NUMBER, as a finding names them")
    keep(report, asked.found)
    return 1 if report.findings else 0


def _doors(target: Target, config: Path) -> dict[str, Callable[[], Door]]:
    """How each door is made: only when its turn has come."""

    def described() -> Described:
        return Described(target, requests.get(f"{target.stack.api_url}/openapi.json", timeout=30).json())

    return {
        LodgeXml.name: lambda: LodgeXml(target),
        LodgeJson.name: lambda: LodgeJson(target),
        Callbacks.name: lambda: Callbacks(target),
        Described.name: described,
        Requests.name: lambda: Requests(target),
        Pages.name: lambda: Pages(target),
        Documents.name: lambda: Documents(target),
        Answers.name: lambda: Answers(config),
        YamlAndCel.name: lambda: YamlAndCel(config),
        ConfigurationFolder.name: lambda: ConfigurationFolder(config),
    }


def _play(report: Report, door: Door, numbers: range, scales: Scales) -> bool:
    """All of these, or until a process has outgrown what it may hold; whether it was all."""
    began, before, found, some = time.monotonic(), report.inputs, len(report.findings), 0
    while some < len(numbers) and not scales.has_outgrown():
        play(report, door, numbers[some : some + _BETWEEN_WEIGHINGS])
        some += _BETWEEN_WEIGHINGS
    took, found = time.monotonic() - began, len(report.findings) - found
    _tell(f"{door.name}: {report.inputs - before} inputs in {took:.0f} s, {found} findings")
    return some >= len(numbers)


def _tell(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
