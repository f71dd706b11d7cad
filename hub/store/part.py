"""What the parts of the store have in common: the one database they work on."""

from __future__ import annotations

from typing import Any, TypeAlias

from sqlalchemy import Row

from hub.store.engine import Database

AnyRow: TypeAlias = Row[*tuple[Any, ...]]
"""A row whose columns are known by name only."""


class Part:
    """A group of the store's methods over its database."""

    def __init__(self, database: Database) -> None:
        self._database = database
