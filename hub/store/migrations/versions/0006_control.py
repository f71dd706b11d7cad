"""Agencies that are paused, and what waits for them."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Key, Utc, Words

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "agency_controls",
        sa.Column("agency", Key(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("by", Words()),
        sa.Column("reason", Words()),
        sa.Column("next_probe_at", Utc()),
        sa.Column("probe_pause", sa.Float()),
        sa.Column("probing_until", Utc()),
        sa.Column("probe_mrn", Key()),
        sa.Column("probe_service", Key()),
        sa.Column("rate", sa.Float()),
        sa.Column("drained_until", Utc()),
        sa.PrimaryKeyConstraint("agency", name="pk_agency_controls"),
    )
    op.create_table(
        "referral_queue",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("queued_at", Utc(), nullable=False),
        sa.Column("due_at", Utc(), nullable=False),
        sa.Column("told_at", Utc()),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("mrn", "service", name="pk_referral_queue"),
        sa.ForeignKeyConstraint(
            ["mrn", "service"], ["referrals.mrn", "referrals.service"], name="fk_referral_queue_referrals"
        ),
    )
    op.create_index(
        "ix_referral_queue_next",
        "referral_queue",
        ["agency", "due_at", "queued_at"],
        **_where("told_at IS NULL"),
    )
    op.create_index(
        "ix_referral_queue_told", "referral_queue", ["agency", "told_at"], **_where("told_at IS NOT NULL")
    )
