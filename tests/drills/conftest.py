"""A whole stack that is broken on purpose, and the people who mend it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded import Ports, Stack
from tests.drills.operations import Operations
from tests.flows.doors import Doors

ROOT = Path(__file__).parent.parent.parent
QUICK = {"HUB_WATCH_SCALE": "0.1"}
"""The early warning looks ten times as often as it does where nobody waits for it."""


def configuration(folder: Path) -> Path:
    """A copy of the project's configuration, for drills to break."""
    copy = folder / "adapters_config"
    shutil.copytree(ROOT / "adapters_config", copy)
    return copy


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Temporal, simulator, API and worker, as `hub up` runs them."""
    folder = tmp_path_factory.mktemp("drills")
    stack = Stack(folder / "stack", Ports.free(), configuration(folder), overrides=QUICK)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest.fixture
def doors(stack: Stack) -> Doors:
    """Of customs, agencies and the cargo system."""
    return Doors(stack)


@pytest.fixture(scope="session")
def operations(stack: Stack) -> Operations:
    """Of whoever operates it."""
    return Operations(stack)
