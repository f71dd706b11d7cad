"""A short leg of the fault campaign, played once for all that is asked of it."""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chaos.campaign import Leg, play
from chaos.plan import Kind, Plan
from chaos.planning import make_plan
from chaos.world import World, read_world

ROOT = Path(__file__).parent.parent.parent
CONFIGURATION = ROOT / "adapters_config"
QUICK = frozenset({Kind.CONSENTED, Kind.REFUSED, Kind.AMENDED, Kind.WITHDRAWN, Kind.CERTIFIED, Kind.FAULTY})
"""Kinds that are at rest within seconds."""


@pytest.fixture(scope="session")
def world() -> World:
    """The catalogue that is shipped."""
    return read_world(CONFIGURATION)


def quick_plan(world: World) -> Plan:
    """A few lots of these kinds, with three kills, a forgery and other faults among them."""
    return make_plan("short/6441", world, declarations=9, kills=3, faults=4, database="sqlite", kinds=QUICK)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def played(tmp_path_factory: pytest.TempPathFactory, world: World) -> AsyncIterator[Leg]:
    """A leg as it was played and found."""
    yield await play(
        quick_plan(world),
        world,
        CONFIGURATION,
        tmp_path_factory.mktemp("chaos") / "leg",
        minutes=3,
        rest_minutes=3,
        say=print,
    )


@pytest.fixture
def leg(played: Leg) -> Leg:
    """The same, to be tampered with."""
    return copy.deepcopy(played)
