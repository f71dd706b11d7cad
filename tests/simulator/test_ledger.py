"""What a simulated agency knows again after it was killed."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest

from hub.config.loader import load
from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.behaviour import Timings
from hub.simulator.journal import Journal
from hub.simulator.ledger import Application, Ledger
from tests.simulator.support import FOLDER


class _Killed(BaseException):
    """As -9 does it: nothing after it is carried out."""


class _Deadly(Journal):
    """A journal of a process that is killed right after one of its writes."""

    def __init__(self, folder: Path, last: int) -> None:
        super().__init__(folder)
        self._left = last

    def write(self, kind: str, key: str, document: Any) -> None:
        super().write(kind, key, document)
        self._left -= 1
        if self._left == 0:
            raise _Killed


@pytest.mark.parametrize("last", [1, 2, 3])
async def test_whoever_has_opened_a_case_tells_what_it_decides(tmp_path: Path, last: int) -> None:
    """Between the two it must not be killed: the hub would wait for its decision for ever."""

    def tell(_: Waiting) -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.sleep(0))

    agency = SimulatedAgency(
        load(FOLDER, development=True).agencies["kpta"],
        ledger=Ledger(_Deadly(tmp_path, last)),
        timings=Timings(),
        agencies=("kpta",),
        repeatable=True,
        tell=tell,
        zone=UTC,
    )
    application = Application("M/kpta-drug", "kpta-drug", "M", "U-SIM-KPTA-RECONSIDER", (1,), ("5",))
    with suppress(_Killed):
        await agency.submit(application)
    [entry] = Ledger(Journal(tmp_path)).entries()
    assert len(entry.messages) == sum(len(case.rulings) for case in entry.cases)
    assert last == 1 or entry.cases
