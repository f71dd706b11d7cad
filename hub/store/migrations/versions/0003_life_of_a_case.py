"""What may happen to a case: its versions, information, documents, certificates, and the cargo itself."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    # None of these columns is filled for what is there: None means as it was accepted, or recorded before.
    op.add_column("referrals", sa.Column("life", Document()))
    op.add_column("decisions", sa.Column("seq", sa.Integer()))
    op.add_column("decisions", sa.Column("set_aside", sa.Boolean()))
    op.add_column("declarations", sa.Column("life", Document()))
    op.add_column("declarations", sa.Column("cargo_management_number", Key()))
    number = (
        "json_extract(declaration, '$.consignment.cargo_management_number')"
        if op.get_bind().dialect.name == "sqlite"
        else "declaration #>> '{consignment,cargo_management_number}'"
    )
    op.execute(f"UPDATE declarations SET cargo_management_number = {number}")
    op.create_index(
        "ix_declarations_cargo_management_number",
        "declarations",
        ["cargo_management_number"],
        **_where("cargo_management_number IS NOT NULL"),
    )
    op.create_table(
        "declaration_versions",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("lodged_at", Utc(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("declaration", Document(), nullable=False),
        sa.Column("acceptance", Document(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", "version", name="pk_declaration_versions"),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_declaration_versions_declarations"),
    )
    op.create_table(
        "untold_news",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", "seq", name="pk_untold_news"),
        sa.ForeignKeyConstraint(["mrn", "seq"], ["events.mrn", "events.seq"], name="fk_untold_news_events"),
    )
    op.create_index("ix_untold_news_oldest", "untold_news", ["at", "mrn"])
    op.create_table(
        "information",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("given_at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", "service", "id", name="pk_information"),
        sa.ForeignKeyConstraint(
            ["mrn", "service"], ["referrals.mrn", "referrals.service"], name="fk_information_referrals"
        ),
    )
    op.create_table(
        "documents",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("sha256", Key(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", "sha256", name="pk_documents"),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_documents_declarations"),
    )
    op.create_table(
        "certificates",
        sa.Column("type", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.Column("issued", Words(), nullable=False),
        sa.Column("reserved", Words(), nullable=False),
        sa.Column("written_off", Words(), nullable=False),
        sa.Column("last_number", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("type", "id", name="pk_certificates"),
    )
    op.create_table(
        "certificate_entries",
        sa.Column("type", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("quantity", Words(), nullable=False),
        sa.Column("mrn", Key()),
        sa.Column("service", Key()),
        sa.Column("item", sa.Integer()),
        sa.Column("by", Words()),
        sa.PrimaryKeyConstraint("type", "id", "number", name="pk_certificate_entries"),
        sa.ForeignKeyConstraint(
            ["type", "id"], ["certificates.type", "certificates.id"], name="fk_certificate_entries_certificates"
        ),
    )
    op.create_index(
        "ix_certificate_entries_mrn", "certificate_entries", ["mrn"], **_where("mrn IS NOT NULL")
    )
    op.create_table(
        "certificate_waits",
        sa.Column("type", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("item", sa.Integer(), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("quantity", Words(), nullable=False),
        sa.PrimaryKeyConstraint("type", "id", "mrn", "service", "item", name="pk_certificate_waits"),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_certificate_waits_declarations"),
    )
    op.create_index("ix_certificate_waits_mrn", "certificate_waits", ["mrn"])
    op.create_table(
        "cargo_events",
        sa.Column("reporter", Key(), nullable=False),
        sa.Column("message_id", Key(), nullable=False),
        sa.Column("cargo_management_number", Key(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("reporter", "message_id", name="pk_cargo_events"),
    )
    op.create_index("ix_cargo_events_number", "cargo_events", ["cargo_management_number", "at"])
    _make_ledger_append_only()


def _make_ledger_append_only() -> None:
    """A line of a ledger is a fact, as an event is."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER certificate_entries_no_{change} BEFORE {change.upper()} ON certificate_entries "
                "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER certificate_entries_no_change BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON certificate_entries FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only()"
    )
