"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "clients",
        sa.Column("id", Key(), nullable=False),
        sa.Column("key_hash", Key(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clients"),
        sa.UniqueConstraint("key_hash", name="uq_clients_key_hash"),
    )
    op.create_table(
        "declarations",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("client", Words(), nullable=False),
        sa.Column("declarant", Key(), nullable=False),
        sa.Column("lrn", Key(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("procedure", sa.String(length=16), nullable=False),
        sa.Column("ucr", Words(), nullable=False),
        sa.Column("accepted_at", Utc(), nullable=False),
        sa.Column("due_at", Utc()),
        sa.Column("declaration", Document(), nullable=False),
        sa.Column("acceptance", Document(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("clearance", Document(), nullable=False),
        sa.Column("settled_at", Utc(), nullable=False),
        sa.Column("pending_agencies", Document(), nullable=False),
        sa.Column("started", sa.Boolean(), nullable=False),
        sa.Column("closed_at", Utc()),
        sa.Column("last_seq", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", name="pk_declarations"),
        sa.UniqueConstraint("declarant", "lrn", name="uq_declarations_declarant_lrn"),
    )
    op.create_index("ix_declarations_declarant", "declarations", ["declarant", "accepted_at", "mrn"])
    op.create_index("ix_declarations_lrn", "declarations", ["lrn"])
    op.create_index("ix_declarations_newest", "declarations", ["accepted_at", "mrn"])
    op.create_index("ix_declarations_not_started", "declarations", ["accepted_at"], **_where("NOT started"))
    op.create_index("ix_declarations_outcome", "declarations", ["outcome", "accepted_at", "mrn"])
    op.create_table(
        "exchanges",
        sa.Column("id", Key(), nullable=False),
        sa.Column("mrn", Key()),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_exchanges"),
    )
    op.create_index("ix_exchanges_mrn", "exchanges", ["mrn", "started_at"], **_where("mrn IS NOT NULL"))
    op.create_table(
        "feeds",
        sa.Column("agency", Key(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("agency", name="pk_feeds"),
    )
    op.create_table(
        "inbox",
        sa.Column("agency", Key(), nullable=False),
        sa.Column("message_id", Key(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("via", Words(), nullable=False),
        sa.Column("agency_reference", Key()),
        sa.Column("mrn", Key()),
        sa.Column("service", Key()),
        sa.Column("waiting", sa.Boolean(), nullable=False),
        sa.Column("trouble", Words()),
        sa.Column("decisions", Document(), nullable=False),
        sa.Column("raw", Words(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "message_id", name="pk_inbox"),
    )
    op.create_index("ix_inbox_waiting", "inbox", ["agency", "agency_reference"], **_where("waiting"))
    op.create_table(
        "refused_callbacks",
        sa.Column("id", sa.Integer(), sa.Identity()),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("message_id", Key()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.Column("body", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_refused_callbacks"),
        sa.UniqueConstraint("agency", "message_id", name="uq_refused_callbacks_agency_message_id"),
    )
    op.create_table(
        "events",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("service", Key()),
        sa.Column("data", Document(), nullable=False),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_events_declarations"),
        sa.PrimaryKeyConstraint("mrn", "seq", name="pk_events"),
    )
    op.create_table(
        "notices",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("key", Key(), nullable=False),
        sa.Column("issued_at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.Column("acknowledged_at", Utc()),
        sa.Column("reference", Words()),
        sa.Column("trouble", Words()),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_notices_declarations"),
        sa.PrimaryKeyConstraint("mrn", "number", name="pk_notices"),
        sa.UniqueConstraint("key", name="uq_notices_key"),
    )
    op.create_index("ix_notices_unsent", "notices", ["mrn", "number"], **_where("acknowledged_at IS NULL"))
    op.create_table(
        "referrals",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("accepted_at", Utc(), nullable=False),
        sa.Column("terms", Document(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("awaited", sa.Boolean(), nullable=False),
        sa.Column("sent_at", Utc()),
        sa.Column("delivered_at", Utc()),
        sa.Column("receipt", Document()),
        sa.Column("receipt_reference", Key()),
        sa.Column("trouble", Words()),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_referrals_declarations"),
        sa.PrimaryKeyConstraint("mrn", "service", name="pk_referrals"),
    )
    op.create_index(
        "ix_referrals_awaited", "referrals", ["agency", "accepted_at", "mrn"], **_where("awaited")
    )
    op.create_index(
        "ix_referrals_reference",
        "referrals",
        ["agency", "receipt_reference"],
        **_where("receipt_reference IS NOT NULL"),
    )
    op.create_table(
        "decisions",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("received_at", Utc(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mrn", "service"], ["referrals.mrn", "referrals.service"], name="fk_decisions_referrals"
        ),
        sa.PrimaryKeyConstraint("mrn", "service", "id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_untold", "decisions", ["received_at", "mrn"], **_where("NOT told"))
    op.create_table(
        "polls",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("due_at", Utc()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mrn", "service"], ["referrals.mrn", "referrals.service"], name="fk_polls_referrals"
        ),
        sa.PrimaryKeyConstraint("mrn", "service", name="pk_polls"),
    )
    op.create_index("ix_polls_due", "polls", ["due_at"], **_where("due_at IS NOT NULL"))
    _make_events_append_only()


def _make_events_append_only() -> None:
    """An event is a fact. The code has no statement that changes one; these stop every other hand too."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER events_no_{change} BEFORE {change.upper()} ON events "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION events_are_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_are_append_only()"
    )
