"""Agencies that are not simply open, and what waits for them."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Float, ForeignKeyConstraint, Integer, PrimaryKeyConstraint, String, Table

from hub.store.tables.base import index, metadata
from hub.store.types import Key, Utc, Words

NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""When one is due whose clock stands still: it goes last."""

# A row for each agency that is paused, failing or draining: a handful, read by every process every second.
agency_controls = Table(
    "agency_controls",
    metadata,
    Column("agency", Key, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("since", Utc, nullable=False),
    Column("by", Words),
    Column("reason", Words),
    # While it fails: when the next probe is due, and the pause that it is doubled from, in seconds.
    Column("next_probe_at", Utc),
    Column("probe_pause", Float),
    # The probe that is under way: until when it is waited for, and what asks.
    Column("probing_until", Utc),
    Column("probe_mrn", Key),
    Column("probe_service", Key),
    # While it drains: referrals a second, and up to when what may go has gone.
    Column("rate", Float),
    Column("drained_until", Utc),
)

referral_queue = Table(
    "referral_queue",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("agency", Key, nullable=False),
    Column("queued_at", Utc, nullable=False),
    # The deadline; NEVER for one whose clock stands still.
    Column("due_at", Utc, nullable=False),
    # Let go: when its workflow was told so last, and how often. None: it waits.
    Column("told_at", Utc),
    Column("told", Integer, nullable=False),
    PrimaryKeyConstraint("mrn", "service"),
    ForeignKeyConstraint(["mrn", "service"], ["referrals.mrn", "referrals.service"]),
    index("ix_referral_queue_next", "agency", "due_at", "queued_at", where="told_at IS NULL"),
    index("ix_referral_queue_told", "agency", "told_at", where="told_at IS NOT NULL"),
)
