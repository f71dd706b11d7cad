"""What has left the store for the archive; and an event may go once its declaration has."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "archive_files",
        sa.Column("name", Key(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("declarations", sa.Integer(), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("keep_until", Utc(), nullable=False),
        sa.Column("emptied_at", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_archive_files"),
    )
    op.create_index("ix_archive_files_made_at", "archive_files", ["made_at"])
    op.create_index(
        "ix_archive_files_under_way", "archive_files", ["made_at"], **_where("emptied_at IS NULL")
    )
    op.create_table(
        "archived",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("declarant", Key(), nullable=False),
        sa.Column("client", Words(), nullable=False),
        sa.Column("lrn", Key(), nullable=False),
        sa.Column("agencies", Document(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("accepted_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc(), nullable=False),
        sa.Column("archived_at", Utc(), nullable=False),
        sa.Column("keep_until", Utc(), nullable=False),
        sa.Column("file", Key(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("offset", sa.BigInteger(), nullable=False),
        sa.Column("acceptance", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["file"], ["archive_files.name"], name="fk_archived_archive_files"),
        sa.PrimaryKeyConstraint("mrn", name="pk_archived"),
        sa.UniqueConstraint("declarant", "lrn", name="uq_archived_declarant_lrn"),
    )
    op.create_index("ix_archived_file", "archived", ["file", "mrn"])
    op.create_index("ix_archived_keep_until", "archived", ["keep_until"])
    op.create_table(
        "archived_references",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("reference", Key(), nullable=False),
        sa.ForeignKeyConstraint(["mrn"], ["archived.mrn"], name="fk_archived_references_archived"),
        sa.PrimaryKeyConstraint("mrn", "service", name="pk_archived_references"),
    )
    op.create_index("ix_archived_references_reference", "archived_references", ["agency", "reference"])
    op.create_table(
        "legal_holds",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.Column("reason", Words(), nullable=False),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_legal_holds_declarations"),
        sa.PrimaryKeyConstraint("mrn", name="pk_legal_holds"),
    )
    op.create_table(
        "retention_lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process", Words(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention_lease"),
    )
    op.create_index("ix_inbox_mrn", "inbox", ["mrn"], **_where("mrn IS NOT NULL"))
    op.create_index("ix_exchanges_nobodys", "exchanges", ["started_at"], **_where("mrn IS NULL"))
    _let_archived_events_go()


def _let_archived_events_go() -> None:
    """Events stay append-only; those of a declaration that has a tombstone may be deleted, and no others."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER events_no_delete")
        op.execute(
            "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
            "WHEN NOT EXISTS (SELECT 1 FROM archived WHERE archived.mrn = OLD.mrn) "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )
        return
    op.execute("DROP TRIGGER events_no_change ON events")
    op.execute(
        "CREATE TRIGGER events_no_change BEFORE UPDATE OR TRUNCATE ON events "
        "FOR EACH STATEMENT EXECUTE FUNCTION events_are_append_only()"
    )
    op.execute(
        "CREATE FUNCTION events_go_when_archived() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN IF NOT EXISTS (SELECT 1 FROM archived WHERE archived.mrn = OLD.mrn) THEN "
        "RAISE EXCEPTION 'events are append-only' USING ERRCODE = 'restrict_violation'; END IF; "
        "RETURN OLD; END $$"
    )
    op.execute(
        "CREATE TRIGGER events_no_delete BEFORE DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION events_go_when_archived()"
    )
