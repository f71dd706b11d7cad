"""Fixtures of the store's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store import Store, create_store
from tests.plugins.databases import (  # noqa: F401 - fixtures
    database_url,
    empty_database_url,
    empty_postgres_url,
    postgres_url,
    sqlite_url,
)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:  # noqa: F811 - a fixture
    """A store on a fresh database; the test runs once on each kind."""
    store = create_store(database_url, sync="normal")
    yield store
    store.close()
