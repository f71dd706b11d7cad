"""An application on a fresh store of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog

from hub.api.app import create_app
from hub.store import Store, create_store
from tests.api.support import Api, DescribedTransport, EngineFake, parts


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, instead of a page of it on the terminal."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as events:
        yield events


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


@pytest.fixture
async def api(store: Store) -> AsyncIterator[Api]:
    engine = EngineFake()
    made = parts(
        store,
        engine,
        temporal_ui_url="http://127.0.0.1:8233/workflows",
        engine_patience=timedelta(milliseconds=100),
    )
    app = create_app(made)
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        yield Api(app, store, engine, http)
