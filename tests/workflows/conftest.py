"""The engine that skips time, started once for each worker of the test run."""

from __future__ import annotations

import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from hub.engine import SEARCH_ATTRIBUTES
from hub.store import create_store, upgrade
from tests.workflows.support import Bench, ToldAgencies, ToldCargo


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A worker-to-be on a time-skipping engine, a store on SQLite, and peers that do as told."""
    executable = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    url = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    upgrade(url)
    store = create_store(url, sync="normal")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=executable, data_converter=pydantic_data_converter
    ) as env:
        # This server adds search attributes and cannot list them.
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=env.client.namespace, search_attributes=SEARCH_ATTRIBUTES)
        )
        yield Bench(env, store, ToldAgencies(), ToldCargo())
    store.close()
