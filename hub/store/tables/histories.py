"""How long services have taken to answer: counted when they do."""

from __future__ import annotations

from sqlalchemy import Column, Date, Integer, PrimaryKeyConstraint, Table

from hub.store.tables.base import metadata
from hub.store.types import Key

# By the day (UTC) on which it was decided, in the buckets of `hub.domain.history`. `part` only spreads what
# many transactions count at once over several rows; what is read adds them up.
answer_times = Table(
    "answer_times",
    metadata,
    Column("day", Date, nullable=False),
    Column("service", Key, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("part", Integer, nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("day", "service", "bucket", "part"),
    # On SQLite the rows lie in the order of the key: a stretch of days is read in one go.
    sqlite_with_rowid=False,
)
