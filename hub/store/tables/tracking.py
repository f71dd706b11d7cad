"""Links by which a declaration is followed without an account, and how often somebody may guess."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKeyConstraint, PrimaryKeyConstraint, Table, UniqueConstraint

from hub.store.tables.base import index, metadata
from hub.store.types import Key, Utc, Words

tracking_links = Table(
    "tracking_links",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("code_hash", Key, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("made_by", Words, nullable=False),
    Column("revoked_at", Utc),
    PrimaryKeyConstraint("mrn", "id"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
    UniqueConstraint("code_hash"),
)

# Who has failed lately, and when all of that is forgotten; a row whose time has passed says nothing.
tracking_failures = Table(
    "tracking_failures",
    metadata,
    Column("who", Key, primary_key=True),
    Column("forgotten_at", Utc, nullable=False),
    index("ix_tracking_failures_forgotten_at", "forgotten_at"),
)
