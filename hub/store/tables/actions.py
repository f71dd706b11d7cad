"""What operations do: the audit, decisions by hand that wait for a second person, bulk actions."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Identity,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from hub.store.tables.base import index, metadata
from hub.store.types import Document, Key, Utc, Words

# No foreign key: what was done is told whatever becomes of what it was done to.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("at", Utc, nullable=False),
    Column("user", Key, nullable=False),
    Column("role", String(16), nullable=False),
    Column("action", Key, nullable=False),
    Column("mrn", Key),
    Column("service", Key),
    Column("agency", Key),
    Column("reason", Words),
    Column("result", Words, nullable=False),
    Column("data", Document, nullable=False),
    # Given by whoever asks: what comes again under it is not done again.
    Column("request", Key),
    UniqueConstraint("request"),
    index("ix_audit_newest", "at", "id"),
    index("ix_audit_user", "user", "at", "id"),
    index("ix_audit_action", "action", "at", "id"),
    index("ix_audit_mrn", "mrn", "at", "id", where="mrn IS NOT NULL"),
    index("ix_audit_agency", "agency", "at", "id", where="agency IS NOT NULL"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Key, primary_key=True),
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("state", String(16), nullable=False),
    Column("ended_at", Utc),
    Column("document", Document, nullable=False),
    ForeignKeyConstraint(["mrn", "service"], ["referrals.mrn", "referrals.service"]),
    index("ix_proposals_open", "at", "id", where="ended_at IS NULL"),
    index("ix_proposals_ended", "ended_at", "id", where="ended_at IS NOT NULL"),
    index("ix_proposals_mrn", "mrn", "at"),
)

bulks = Table(
    "bulks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("begun_at", Utc, nullable=False),
    Column("state", String(16), nullable=False),
    # Who is at it, and until when nobody else takes it up.
    Column("holder", Key),
    Column("leased_until", Utc),
    Column("document", Document, nullable=False),
    index("ix_bulks_running", "begun_at", "id", where="state = 'running'"),
    index("ix_bulks_newest", "begun_at", "id"),
)

bulk_items = Table(
    "bulk_items",
    metadata,
    Column("bulk", Key, nullable=False),
    Column("place", Integer, nullable=False),
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("agency", Key, nullable=False),
    Column("state", String(16), nullable=False),
    Column("result", Words, nullable=False),
    Column("at", Utc),
    PrimaryKeyConstraint("bulk", "place"),
    UniqueConstraint("bulk", "mrn", "service"),
    ForeignKeyConstraint(["bulk"], ["bulks.id"]),
    index("ix_bulk_items_state", "bulk", "state", "place"),
)
