"""What operations do: decisions by hand that wait for a second person, bulk actions, the audit."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), sa.Identity()),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("user", Key(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("action", Key(), nullable=False),
        sa.Column("mrn", Key()),
        sa.Column("service", Key()),
        sa.Column("agency", Key()),
        sa.Column("reason", Words()),
        sa.Column("result", Words(), nullable=False),
        sa.Column("data", Document(), nullable=False),
        sa.Column("request", Key()),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.UniqueConstraint("request", name="uq_audit_request"),
    )
    op.create_index("ix_audit_newest", "audit", ["at", "id"])
    op.create_index("ix_audit_user", "audit", ["user", "at", "id"])
    op.create_index("ix_audit_action", "audit", ["action", "at", "id"])
    op.create_index("ix_audit_mrn", "audit", ["mrn", "at", "id"], **_where("mrn IS NOT NULL"))
    op.create_index("ix_audit_agency", "audit", ["agency", "at", "id"], **_where("agency IS NOT NULL"))
    op.create_table(
        "proposals",
        sa.Column("id", Key(), nullable=False),
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("ended_at", Utc()),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sa.ForeignKeyConstraint(
            ["mrn", "service"], ["referrals.mrn", "referrals.service"], name="fk_proposals_referrals"
        ),
    )
    op.create_index("ix_proposals_open", "proposals", ["at", "id"], **_where("ended_at IS NULL"))
    op.create_index("ix_proposals_ended", "proposals", ["ended_at", "id"], **_where("ended_at IS NOT NULL"))
    op.create_index("ix_proposals_mrn", "proposals", ["mrn", "at"])
    op.create_table(
        "bulks",
        sa.Column("id", Key(), nullable=False),
        sa.Column("begun_at", Utc(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("holder", Key()),
        sa.Column("leased_until", Utc()),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bulks"),
    )
    op.create_index("ix_bulks_running", "bulks", ["begun_at", "id"], **_where("state = 'running'"))
    op.create_index("ix_bulks_newest", "bulks", ["begun_at", "id"])
    op.create_table(
        "bulk_items",
        sa.Column("bulk", Key(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("result", Words(), nullable=False),
        sa.Column("at", Utc()),
        sa.PrimaryKeyConstraint("bulk", "place", name="pk_bulk_items"),
        sa.UniqueConstraint("bulk", "mrn", "service", name="uq_bulk_items_bulk_mrn_service"),
        sa.ForeignKeyConstraint(["bulk"], ["bulks.id"], name="fk_bulk_items_bulks"),
    )
    op.create_index("ix_bulk_items_state", "bulk_items", ["bulk", "state", "place"])
    _make_audit_append_only()


def _make_audit_append_only() -> None:
    """What somebody did stays told, whoever would rather it did not."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER audit_no_{change} BEFORE {change.upper()} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'restrict_violation'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE OR TRUNCATE "
        "ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )
