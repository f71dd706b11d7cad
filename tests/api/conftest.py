"""An application on a fresh store of each kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import structlog

from hub import journal
from hub.api.app import create_app
from hub.store import Store, create_store
from tests.api.support import Api, DescribedTransport, EngineFake, parts


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, instead of a page of it on the terminal."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as events:
        yield events


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def database_url(request: pytest.FixtureRequest) -> str:
    """
    A fresh, migrated database of each kind. That both keep the store's promises is what tests/store is for;
    that the doors are the same on both is looked at by `make test-all`.
    """
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    store.announce(journal.tell)
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
        await app.state.starter.finish()
