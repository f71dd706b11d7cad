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
from hub.simulator.errors import Unavailable
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


def kpta(journal: Journal) -> SimulatedAgency:
    """As it is when it has just been started."""

    def tell(_: Waiting) -> asyncio.Task[None]:
        return asyncio.create_task(asyncio.sleep(0))

    return SimulatedAgency(
        load(FOLDER, development=True).agencies["kpta"],
        ledger=Ledger(journal),
        timings=Timings(),
        agencies=("kpta",),
        repeatable=True,
        tell=tell,
        zone=UTC,
    )


def application(behaviour: str) -> Application:
    return Application("M/kpta-drug", "kpta-drug", "M", f"U-{behaviour}", (1,), ("5",))


@pytest.mark.parametrize("last", [1, 2, 3])
async def test_whoever_has_opened_a_case_tells_what_it_decides(tmp_path: Path, last: int) -> None:
    """Between the two it must not be killed: the hub would wait for its decision for ever."""

    with suppress(_Killed):
        await kpta(_Deadly(tmp_path, last)).submit(application("SIM-KPTA-RECONSIDER"))
    [entry] = Ledger(Journal(tmp_path)).entries()
    assert len(entry.messages) == sum(len(case.rulings) for case in entry.cases)
    assert last == 1 or entry.cases


async def test_a_stubborn_agency_lets_go_in_the_end_however_often_it_is_killed(tmp_path: Path) -> None:
    """It counts how often it was asked, and not since when it runs."""
    await kpta(Journal(tmp_path)).submit(application("SIM-STUBBORN"))
    for _ in range(2):
        with pytest.raises(Unavailable):
            await kpta(Journal(tmp_path)).withdraw(reason="C05", reference="M/kpta-drug")
    let_go = await kpta(Journal(tmp_path)).withdraw(reason="C05", reference="M/kpta-drug")
    assert let_go.withdrawn_at is not None
