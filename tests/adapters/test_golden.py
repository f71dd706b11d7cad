"""Golden exchanges: what goes to an agency, what it answers, and what that means."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from hub.config.loader import Configuration, load
from hub.workbench.bench import Bench
from hub.workbench.golden.case import read_base, read_case
from hub.workbench.golden.running import play
from tests.adapters.support import FOLDER, GOLDEN, agency

CASES = sorted(GOLDEN.glob("*/*.yaml"))


@cache
def configuration() -> Configuration:
    return load(FOLDER, development=True)


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_an_exchange_is_as_written_down(path: Path) -> None:
    """The request goes out as the file says, and its answer is understood as the file says."""
    bench = Bench(configuration(), configuration().agencies[path.parent.name], {})
    played = await play(bench, read_case(path).file, read_base(FOLDER))
    assert not played.differences, "\n".join(map(str, played.differences))


def test_every_contract_has_golden_exchanges() -> None:
    """A contract without a case would be one that nobody has looked at."""
    covered = {agency(path.parent.name).channel.contract for path in CASES}
    contracts = {f"contracts/{path.name}" for path in (FOLDER / "contracts").iterdir()}
    assert contracts <= covered
