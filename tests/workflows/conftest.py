"""The engine that skips time, started once for each worker of the test run."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment

from hub.engine import SEARCH_ATTRIBUTES
from hub.store import create_store
from tests.workflows.support import Bench, ToldAgencies, ToldCargo

HISTORIES = Path(__file__).parent / "histories"


@pytest.fixture
async def bench(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[Bench]:
    """A worker-to-be on a time-skipping engine, a store on SQLite, and peers that do as told."""
    executable = shutil.which("temporal-test-server", path=str(Path(sys.executable).parent))
    store = create_store(sqlite_url, sync="normal")
    async with await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=executable, data_converter=pydantic_data_converter
    ) as env:
        # This server adds search attributes and cannot list them.
        await env.client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=env.client.namespace, search_attributes=SEARCH_ATTRIBUTES)
        )
        bench = Bench(env, store, ToldAgencies(), ToldCargo())
        yield bench
        if "HUB_RECORD_HISTORIES" in os.environ:
            await record(request.node.name, bench)
    store.close()


async def record(test: str, bench: Bench) -> None:
    """Keep the histories a test made, for `test_replay`; see `docs/workflow-changes.md`."""
    name = re.sub(r"[^a-z0-9]+", "-", test.removeprefix("test_").lower()).strip("-")
    for number, handle in enumerate(bench.started):
        history = await handle.fetch_history()
        path = HISTORIES / f"{name}{f'-{number}' if number else ''}.json"
        path.parent.mkdir(exist_ok=True)
        # Stack traces show where the recording machine keeps its files, and nothing that is replayed.
        path.write_text(re.sub(r'"stackTrace": "(?:[^"\\]|\\.)*"', '"stackTrace": ""', history.to_json()))
