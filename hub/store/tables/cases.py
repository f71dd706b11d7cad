"""Declarations, and what belongs to them. Documents hold what was said; columns, what is searched."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKeyConstraint,
    Identity,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from hub.store.tables.base import index, metadata
from hub.store.types import Document, Key, Utc, Words

declarations = Table(
    "declarations",
    metadata,
    Column("mrn", Key, primary_key=True),
    Column("client", Words, nullable=False),
    Column("declarant", Key, nullable=False),
    Column("lrn", Key, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("procedure", String(16), nullable=False),
    Column("ucr", Words, nullable=False),
    Column("accepted_at", Utc, nullable=False),
    Column("due_at", Utc),
    Column("declaration", Document, nullable=False),
    # Everything else of the acceptance: hand-overs read the declaration without parsing the routing.
    Column("acceptance", Document, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("clearance", Document, nullable=False),
    Column("settled_at", Utc, nullable=False),
    Column("pending_agencies", Document, nullable=False),
    Column("started", Boolean, nullable=False),
    Column("closed_at", Utc),
    Column("last_seq", Integer, nullable=False),
    # What the case is beside its referrals. None: as it was accepted.
    Column("life", Document),
    Column("cargo_management_number", Key),
    UniqueConstraint("declarant", "lrn"),
    index("ix_declarations_newest", "accepted_at", "mrn"),
    index("ix_declarations_outcome", "outcome", "accepted_at", "mrn"),
    index("ix_declarations_declarant", "declarant", "accepted_at", "mrn"),
    index("ix_declarations_lrn", "lrn"),
    index("ix_declarations_ucr", "ucr"),
    index("ix_declarations_not_started", "accepted_at", where="NOT started"),
    # Counted by outcome and age; those that are closed, by the day.
    index("ix_declarations_open", "outcome", "accepted_at", where="closed_at IS NULL"),
    index("ix_declarations_closed", "closed_at", "outcome", where="closed_at IS NOT NULL"),
    index(
        "ix_declarations_cargo_management_number",
        "cargo_management_number",
        where="cargo_management_number IS NOT NULL",
    ),
)

# Every version of a declaration that has been amended; one that has not has no rows.
declaration_versions = Table(
    "declaration_versions",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("lodged_at", Utc, nullable=False),
    Column("by", Words, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("declaration", Document, nullable=False),
    Column("acceptance", Document, nullable=False),
    PrimaryKeyConstraint("mrn", "version"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
)

referrals = Table(
    "referrals",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("place", Integer, nullable=False),
    Column("agency", Key, nullable=False),
    # Of the terms, where it can be counted.
    Column("config_version", Key),
    Column("accepted_at", Utc, nullable=False),
    Column("terms", Document, nullable=False),
    Column("state", String(16), nullable=False),
    # Not decided, and the case is open: what lists and gauges count.
    Column("awaited", Boolean, nullable=False),
    Column("sent_at", Utc),
    Column("delivered_at", Utc),
    Column("receipt", Document),
    Column("receipt_reference", Key),
    # What operations are shown; why it is undeliverable, as the events say, is in `life`.
    Column("trouble", Words),
    # What the referral is beside these columns and its decisions. None: as it was accepted.
    Column("life", Document),
    # From when on it may be stuck, so that it is worth looking; None: not before something happens to it.
    Column("look_at", Utc),
    PrimaryKeyConstraint("mrn", "service"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
    # In their order; with service and state, so that hundred thousands are counted from the index alone.
    index("ix_referrals_awaited", "agency", "accepted_at", "mrn", "service", "state", where="awaited"),
    index(
        "ix_referrals_reference",
        "agency",
        "receipt_reference",
        where="receipt_reference IS NOT NULL",
    ),
    index("ix_referrals_version", "agency", "config_version"),
    index("ix_referrals_look_at", "look_at", where="look_at IS NOT NULL"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("received_at", Utc, nullable=False),
    # The workflow knows it, or needs not: it came with a hand-over's result, or too late to count.
    Column("told", Boolean, nullable=False),
    Column("document", Document, nullable=False),
    # Of the event that recorded it: the order in which decisions came. None in what was recorded before.
    Column("seq", Integer),
    # It came too late, or speaks of content that was amended: kept, and no part of the case.
    Column("set_aside", Boolean),
    PrimaryKeyConstraint("mrn", "service", "id"),
    ForeignKeyConstraint(["mrn", "service"], ["referrals.mrn", "referrals.service"]),
    index("ix_decisions_untold", "received_at", "mrn", where="NOT told"),
)

events = Table(
    "events",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("type", String(40), nullable=False),
    Column("service", Key),
    Column("data", Document, nullable=False),
    PrimaryKeyConstraint("mrn", "seq"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
)

# Facts that the workflow has not read. Events never change, so this is told beside them.
untold_news = Table(
    "untold_news",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    PrimaryKeyConstraint("mrn", "seq"),
    ForeignKeyConstraint(["mrn", "seq"], ["events.mrn", "events.seq"]),
    index("ix_untold_news_oldest", "at", "mrn"),
)

# No foreign key: what took place on the wire is recorded whatever became of the declaration.
exchanges = Table(
    "exchanges",
    metadata,
    Column("id", Key, primary_key=True),
    Column("mrn", Key),
    Column("agency", Key, nullable=False),
    Column("started_at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    index("ix_exchanges_mrn", "mrn", "started_at", where="mrn IS NOT NULL"),
    index("ix_exchanges_nobodys", "started_at", where="mrn IS NULL"),
)

inbox = Table(
    "inbox",
    metadata,
    Column("agency", Key, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("received_at", Utc, nullable=False),
    Column("via", Words, nullable=False),
    Column("agency_reference", Key),
    Column("mrn", Key),
    Column("service", Key),
    # No referral is known by its reference yet.
    Column("waiting", Boolean, nullable=False),
    Column("trouble", Words),
    Column("decisions", Document, nullable=False),
    Column("raw", Words, nullable=False),
    PrimaryKeyConstraint("agency", "message_id"),
    index("ix_inbox_mrn", "mrn", where="mrn IS NOT NULL"),
    index("ix_inbox_waiting", "agency", "agency_reference", where="waiting"),
    index("ix_inbox_waiting_oldest", "received_at", where="waiting"),
    index("ix_inbox_trouble", "received_at", "agency", "via", where="trouble IS NOT NULL"),
)

refused_callbacks = Table(
    "refused_callbacks",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("agency", Key, nullable=False),
    # None: refused at the door, before it could be read.
    Column("message_id", Key),
    Column("at", Utc, nullable=False),
    Column("reason", Words, nullable=False),
    Column("body", Words, nullable=False),
    UniqueConstraint("agency", "message_id"),
    index("ix_refused_callbacks_at", "at", "agency"),
)

polls = Table(
    "polls",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("agency", Key, nullable=False),
    # A lease moves it to the lease's end: what is lost with its process falls due again. None: ended.
    Column("due_at", Utc),
    Column("attempts", Integer, nullable=False),
    # When it was last asked and answered so that it could be understood.
    Column("heard_at", Utc),
    PrimaryKeyConstraint("mrn", "service"),
    ForeignKeyConstraint(["mrn", "service"], ["referrals.mrn", "referrals.service"]),
    index("ix_polls_due", "due_at", where="due_at IS NOT NULL"),
)

feeds = Table(
    "feeds",
    metadata,
    Column("agency", Key, primary_key=True),
    # As of polls: a lease moves it.
    Column("due_at", Utc, nullable=False),
    # When the last pull began of which nothing went wrong.
    Column("heard_at", Utc),
)

notices = Table(
    "notices",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("key", Key, nullable=False),
    Column("issued_at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    Column("acknowledged_at", Utc),
    Column("reference", Words),
    Column("trouble", Words),
    PrimaryKeyConstraint("mrn", "number"),
    UniqueConstraint("key"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
    index("ix_notices_unsent", "mrn", "number", where="acknowledged_at IS NULL"),
    index("ix_notices_unsent_oldest", "issued_at", where="acknowledged_at IS NULL"),
)

information = Table(
    "information",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("given_at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    PrimaryKeyConstraint("mrn", "service", "id"),
    ForeignKeyConstraint(["mrn", "service"], ["referrals.mrn", "referrals.service"]),
)

# By their content, in each declaration: what one declarant hands in is never read by way of another's.
documents = Table(
    "documents",
    metadata,
    Column("mrn", Key, nullable=False),
    Column("sha256", Key, nullable=False),
    Column("content", LargeBinary, nullable=False),
    PrimaryKeyConstraint("mrn", "sha256"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
)

# Quantities are decimals, kept as text: no database rounds them.
certificates = Table(
    "certificates",
    metadata,
    Column("type", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("document", Document, nullable=False),
    # What the ledger adds up to, and the number of its last line.
    Column("issued", Words, nullable=False),
    Column("reserved", Words, nullable=False),
    Column("written_off", Words, nullable=False),
    Column("last_number", Integer, nullable=False),
    PrimaryKeyConstraint("type", "id"),
)

certificate_entries = Table(
    "certificate_entries",
    metadata,
    Column("type", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", Utc, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("quantity", Words, nullable=False),
    Column("mrn", Key),
    Column("service", Key),
    Column("item", Integer),
    Column("by", Words),
    PrimaryKeyConstraint("type", "id", "number"),
    ForeignKeyConstraint(["type", "id"], ["certificates.type", "certificates.id"]),
    index("ix_certificate_entries_mrn", "mrn", where="mrn IS NOT NULL"),
)

# Claims for which there is not enough left, in the order in which they are served.
certificate_waits = Table(
    "certificate_waits",
    metadata,
    Column("type", Key, nullable=False),
    Column("id", Key, nullable=False),
    Column("mrn", Key, nullable=False),
    Column("service", Key, nullable=False),
    Column("item", Integer, nullable=False),
    Column("since", Utc, nullable=False),
    Column("quantity", Words, nullable=False),
    PrimaryKeyConstraint("type", "id", "mrn", "service", "item"),
    ForeignKeyConstraint(["mrn"], ["declarations.mrn"]),
    index("ix_certificate_waits_mrn", "mrn"),
)

# No foreign key: cargo may arrive before it is declared.
cargo_events = Table(
    "cargo_events",
    metadata,
    Column("reporter", Key, nullable=False),
    Column("message_id", Key, nullable=False),
    Column("cargo_management_number", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("document", Document, nullable=False),
    PrimaryKeyConstraint("reporter", "message_id"),
    index("ix_cargo_events_number", "cargo_management_number", "at"),
)

clients = Table(
    "clients",
    metadata,
    Column("id", Key, primary_key=True),
    Column("key_hash", Key, nullable=False),
    Column("document", Document, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("created_at", Utc, nullable=False),
    UniqueConstraint("key_hash"),
)

# By their own content: versions share the files that did not change, and agencies their contracts.
configuration_files = Table(
    "configuration_files",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

agency_versions = Table(
    "agency_versions",
    metadata,
    Column("agency", Key, nullable=False),
    Column("version", Key, nullable=False),
    Column("first_applied_at", Utc, nullable=False),
    # Digests by name below the configuration folder.
    Column("files", Document, nullable=False),
    PrimaryKeyConstraint("agency", "version"),
)

# What became of the files, in order: the same version may come into force again.
agency_changes = Table(
    "agency_changes",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("agency", Key, nullable=False),
    Column("at", Utc, nullable=False),
    Column("process", Words, nullable=False),
    Column("kind", String(16), nullable=False),
    # None: removed. Of files that were refused, what would have been their version.
    Column("version", Key),
    Column("faults", Document, nullable=False),
    index("ix_agency_changes_agency", "agency", "id"),
)
