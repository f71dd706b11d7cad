"""A real engine, started once for each module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from hub.embedded import temporal_executable


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client() -> AsyncIterator[Client]:
    """A client of an engine of its own."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_executable(), data_converter=pydantic_data_converter
    ) as environment:
        yield environment.client
