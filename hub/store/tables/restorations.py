"""When the database was brought back from a backup."""

from __future__ import annotations

from sqlalchemy import Column, Identity, Integer, Table

from hub.store.tables.base import metadata
from hub.store.types import Utc, Words

# Few rows: each moves the numbers of notices on, since those after the backup were used and are not known.
restorations = Table(
    "restorations",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("backup_at", Utc, nullable=False),
    Column("by", Words, nullable=False),
)
