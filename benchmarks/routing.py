"""
Routing a long declaration by a long table: `python -m benchmarks.routing`.

The services of `adapters_config` with all their conditions, and their table made longer until it has 10,000
rows, each new one for a longer code below one that is there, by the same condition. 1,000 goods items take
their codes from that table, so that every item has services to be judged for.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import time
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.agencies import Job
from benchmarks.job import declaration
from hub import process
from hub.config.loader import load
from hub.domain.catalogue import Catalogue, Row
from hub.domain.declaration import Declaration
from hub.domain.routing import route

_FOLDER = Path(__file__).parent.parent / "adapters_config"
_LONGEST = 10
"""Digits of the tariff."""
_SAID: tuple[dict[str, Any], ...] = (
    {"intended_use": "food"},
    {"intended_use": "household", "radio_equipment": True},
    {"used": True, "tracked": True},
    {"live": True, "intended_use": "ornamental"},
    {"chemical_form": "mixture"},
    {},
)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description="Routing a long declaration by a long table.")
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--rules", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args()
    spent = measure(options.items, options.rules, options.repeats)
    print(f"{options.items} goods items against {options.rules} rules: {spent:.1f} ms of processor time")


def measure(items: int, rules: int, repeats: int) -> float:
    """Milliseconds of processor time for one declaration, the median of some, after one that warms up."""
    catalogue = _longer(load(_FOLDER, development=True).catalogue, rules)
    content = _declaration(catalogue, items)
    day = date(2026, 3, 2)
    found = route(content, catalogue, day)
    if not found.required or not found.ruled_out:
        raise AssertionError("the declaration needs nobody, or everybody")
    process.settle()  # as every process of the hub does once it has what it keeps
    spent = []
    for _ in range(repeats):
        began = time.process_time()
        route(content, catalogue, day)
        spent.append(1000 * (time.process_time() - began))
    return statistics.median(spent)


def _longer(catalogue: Catalogue, rules: int) -> Catalogue:
    """The same services with so many rows between them."""
    more: dict[str, list[Row]] = {service.code: list(service.rows) for service in catalogue.services}
    known = Counter({code: len(rows) for code, rows in more.items()})
    bases = itertools.cycle(
        (service.code, row) for service in catalogue.services for row in service.rows if len(row.prefix) <= 8
    )
    turn: Counter[tuple[str, str]] = Counter()
    while known.total() < rules:
        code, row = next(bases)
        turn[code, row.prefix] += 1
        if turn[code, row.prefix] < 100:
            more[code].append(replace(row, prefix=f"{row.prefix}{turn[code, row.prefix]:02}"))
            known[code] += 1
    return replace(
        catalogue,
        services=tuple(replace(service, rows=tuple(more[service.code])) for service in catalogue.services),
        version="benchmark",
    )


def _declaration(catalogue: Catalogue, items: int) -> Declaration:
    chance = random.Random(1)  # noqa: S311 - the same declaration each time
    prefixes = sorted({row.prefix for service in catalogue.services for row in service.rows})
    content = declaration(Job.MIX_4)
    [model] = content["items"]
    content["items"] = [
        {
            **model,
            "number": number,
            "hs_code": chance.choice(prefixes).ljust(_LONGEST, "0"),
            "attributes": chance.choice(_SAID),
        }
        for number in range(1, items + 1)
    ]
    return Declaration.model_validate(content)


if __name__ == "__main__":
    main()
