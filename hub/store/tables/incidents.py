"""What the early warning has found, whom it has told, and what it measures."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    Float,
    ForeignKeyConstraint,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
)

from hub.store.tables.base import index, metadata
from hub.store.types import Document, Key, Utc, Words

incidents = Table(
    "incidents",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("subject", Key, nullable=False),
    Column("severity", String(16), nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("updated_at", Utc, nullable=False),
    Column("closed_at", Utc),
    # The whole of it, as hub.ports.Incident.
    Column("document", Document, nullable=False),
    # One is open for each kind and subject.
    index("uq_incidents_open", "kind", "subject", where="closed_at IS NULL", unique=True),
    index("ix_incidents_closed", "closed_at", where="closed_at IS NOT NULL"),
)

incident_changes = Table(
    "incident_changes",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("incident", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    ForeignKeyConstraint(["incident"], ["incidents.id"]),
    index("ix_incident_changes_incident", "incident", "id"),
)

# What somebody is to be told, until it is in a bulletin; then its bulletin has it.
alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("receiver", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    index("ix_alerts_receiver", "receiver", "id"),
)

bulletins = Table(
    "bulletins",
    metadata,
    Column("id", Key, primary_key=True),
    Column("receiver", Key, nullable=False),
    Column("created_at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    # A lease moves it to the lease's end. None: sent, or given up.
    Column("due_at", Utc),
    Column("attempts", Integer, nullable=False),
    Column("sent_at", Utc),
    Column("trouble", Words),
    index("ix_bulletins_due", "due_at", where="due_at IS NOT NULL"),
    index("ix_bulletins_receiver", "receiver", "created_at"),
)

# Of every process that lives, or did a day ago; times are the database's.
beats = Table(
    "beats",
    metadata,
    Column("process", Key, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("version", Words, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    Column("skew_seconds", Float, nullable=False),
)

# One row: who goes a round of the early warning, until when, and when the last one ended.
watch_lease = Table(
    "watch_lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("process", Words, nullable=False),
    Column("until", Utc, nullable=False),
    Column("ended_at", Utc, nullable=False),
)

tallies = Table(
    "tallies",
    metadata,
    Column("what", String(32), nullable=False),
    Column("minute", Utc, nullable=False),
    Column("subject", Key, nullable=False),
    Column("count", Integer, nullable=False),
    PrimaryKeyConstraint("what", "minute", "subject"),
)

samples = Table(
    "samples",
    metadata,
    Column("what", String(32), nullable=False),
    Column("at", Utc, nullable=False),
    Column("subject", Key, nullable=False),
    Column("value", Float, nullable=False),
    PrimaryKeyConstraint("what", "at", "subject"),
)
