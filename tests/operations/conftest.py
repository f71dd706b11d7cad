"""A store of each kind: on SQLite each time, on PostgreSQL too with the slow ones."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store import Store, create_store


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def store_url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    store = create_store(store_url, sync="normal")
    yield store
    store.close()
