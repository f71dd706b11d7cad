"""The whole embedded stack, started once for all stories; and once more as another country has it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded import Ports, Stack
from tests.flows.doors import Doors
from tests.plugins.databases import new_postgres_database

ROOT = Path(__file__).parent.parent.parent
OTHER_COUNTRY = Path(__file__).parent / "data" / "other_country"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Temporal, simulator, API and worker, as `hub up` runs them."""
    stack = Stack(tmp_path_factory.mktemp("stack"), Ports.free(), ROOT / "adapters_config")
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """The same processes on PostgreSQL, with a copy of another country's two agencies."""
    folder = tmp_path_factory.mktemp("elsewhere")
    configuration = folder / "configuration"
    shutil.copytree(OTHER_COUNTRY, configuration)
    shutil.copytree(ROOT / "adapters_config" / "contracts", configuration / "contracts")
    stack = Stack(
        folder / "stack",
        Ports.free(),
        configuration,
        overrides={"HUB_DATABASE_URL": new_postgres_database()},
    )
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest.fixture
def doors(stack: Stack) -> Doors:
    """The stack's public doors."""
    return Doors(stack)
