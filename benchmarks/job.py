"""The reference job: one declaration, as a customs system lodges it."""

from __future__ import annotations

import itertools
import time
from typing import Any

from benchmarks.agencies import HS_CODE, Job

_numbers = itertools.count(1)
_RUN = f"{time.time_ns() // 1_000_000:X}"
"""So that a store which is kept between two runs takes no declaration for one that it knows."""


def declaration(job: Job) -> dict[str, Any]:
    """A declaration of one goods item, whose tariff code needs the agencies of the job; no two are alike."""
    return declaration_of(HS_CODE[job])


def declaration_of(code: str) -> dict[str, Any]:
    """The same with a tariff code of six digits of its own."""
    number = next(_numbers)
    return {
        "lrn": f"BENCH-{_RUN}-{number}",
        "procedure": "import",
        "declarant": {"id": "KR-BROKER-1", "name": "Hanbit Customs Brokers"},
        "importer": {"id": "123-45-67890", "name": "Saebyeok Trading", "country": "KR"},
        "exporter": {"name": "Cascade Farms", "country": "US"},
        "office": "KRICN",
        "consignment": {"ucr": f"26KR{_RUN}{number:06}", "transport_mode": "4", "country_of_dispatch": "US"},
        "items": [
            {
                "number": 1,
                "hs_code": code + "0000",
                "description": "Goods of the benchmark, by air",
                "origin": "US",
                "net_mass_kg": "1200.5",
                "quantity": {"value": "240", "unit": "CT"},
                "value": {"amount": "14400.00", "currency": "USD"},
                "attributes": {"intended_use": "food"},
            }
        ],
    }
