"""A store of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.store import Store, create_store


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()
