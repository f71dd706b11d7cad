"""What has left the store for the archive, and what must not leave."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKeyConstraint,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from hub.store.tables.base import index, metadata
from hub.store.types import Document, Key, Utc, Words

archive_files = Table(
    "archive_files",
    metadata,
    Column("name", Key, primary_key=True),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("declarations", Integer, nullable=False),
    Column("made_at", Utc, nullable=False),
    Column("keep_until", Utc, nullable=False),
    Column("emptied_at", Utc),
    index("ix_archive_files_made_at", "made_at"),
    index("ix_archive_files_under_way", "made_at", where="emptied_at IS NULL"),
)

# What stays of a declaration: where it is, who may ask, and what whoever lodges it again is answered.
archived = Table(
    "archived",
    metadata,
    Column("mrn", Key, primary_key=True),
    Column("declarant", Key, nullable=False),
    Column("client", Words, nullable=False),
    Column("lrn", Key, nullable=False),
    Column("agencies", Document, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("closed_at", Utc, nullable=False),
    Column("archived_at", Utc, nullable=False),
    Column("keep_until", Utc, nullable=False),
    Column("file", Key, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("offset", BigInteger, nullable=False),
    # Declaration and acceptance as JSON, deflated.
    Column("acceptance", LargeBinary, nullable=False),
    UniqueConstraint("declarant", "lrn"),
    ForeignKeyConstraint(["file"], ["archive_files.name"]),
    index("ix_archived_file", "file", "mrn"),
    index("ix_archived_keep_until", "keep_until"),
)

# The agencies' own references, by which they may still write.
archived_references = Table(
    "archived_references",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("agency", Key, nullable=False),
    Column("reference", Key, nullable=False),
    PrimaryKeyConstraint("mrn", "service"),
    ForeignKeyConstraint(["mrn"], ["archived.mrn"]),
    index("ix_archived_references_reference", "agency", "reference"),
)

legal_holds = Table(
    "legal_holds",
    metadata,
    Column("mrn", Key, primary_key=True),
    Column("at", Utc, nullable=False),
    Column("by", Words, nullable=False),
    Column("reason", Words, nullable=False),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
)

# One row: who archives, and until when nobody else does.
retention_lease = Table(
    "retention_lease",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("process", Words, nullable=False),
    Column("until", Utc, nullable=False),
)
