"""Who signs in to the console."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
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

users = Table(
    "users",
    metadata,
    Column("name", Key, nullable=False),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("subject", Key),
    # Argon2id, with its parameters and salt. None: signs in with the OpenID Connect provider only.
    Column("password_hash", Words),
    Column("document", Document, nullable=False),
    PrimaryKeyConstraint("name"),
    UniqueConstraint("subject"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", String(64), nullable=False),
    Column("user", Key, nullable=False),
    Column("opened_at", Utc, nullable=False),
    Column("seen_at", Utc, nullable=False),
    PrimaryKeyConstraint("token_hash"),
    ForeignKeyConstraint(["user"], ["users.name"]),
    index("ix_sessions_user", "user"),
    index("ix_sessions_opened", "opened_at"),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("key", Key, nullable=False),
    Column("at", Utc, nullable=False),
    index("ix_sign_in_attempts_key", "key", "at"),
    index("ix_sign_in_attempts_at", "at"),
)

sign_in_tickets = Table(
    "sign_in_tickets",
    metadata,
    Column("id_hash", String(64), nullable=False),
    Column("at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    PrimaryKeyConstraint("id_hash"),
    index("ix_sign_in_tickets_at", "at"),
)
