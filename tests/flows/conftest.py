"""The whole embedded stack, started once for all stories."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded import Ports, Stack
from tests.flows.doors import Doors


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stack(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stack]:
    """Temporal, simulator, API and worker, as `hub up` runs them."""
    folder = Path(__file__).parent.parent.parent / "adapters_config"
    stack = Stack(tmp_path_factory.mktemp("stack"), Ports.free(), folder)
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest.fixture
def doors(stack: Stack) -> Doors:
    """The stack's public doors."""
    return Doors(stack)
