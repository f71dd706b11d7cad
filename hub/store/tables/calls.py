"""How agencies' systems have answered, and what has been concluded: counted once and for all."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Date, Integer, PrimaryKeyConstraint, String, Table

from hub.domain.latency import STEPS
from hub.store.tables.base import index, metadata
from hub.store.types import Key, Utc

# Each request counts in its minute, hour and day; minutes are kept for two days, the others for a year.
agency_calls = Table(
    "agency_calls",
    metadata,
    Column("span", String(6), nullable=False),
    Column("agency", Key, nullable=False),
    Column("begins_at", Utc, nullable=False),
    Column("operation", String(16), nullable=False),
    Column("result", String(16), nullable=False),
    Column("count", Integer, nullable=False),
    Column("total_ms", BigInteger, nullable=False),
    Column("slowest_ms", Integer, nullable=False),
    # On the ladder of hub.domain.latency.
    *(Column(f"step_{number}", Integer, nullable=False) for number in range(STEPS)),
    PrimaryKeyConstraint("span", "agency", "begins_at", "operation", "result"),
    index("ix_agency_calls_begins_at", "span", "begins_at"),
)

# Of the declarations that were closed on one day (UTC), once that day is over: what is closed stays so.
closed_days = Table(
    "closed_days",
    metadata,
    Column("day", Date, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("day", "outcome"),
)
