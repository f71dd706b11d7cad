"""How agencies' systems have answered; what has been closed; and what pages count by."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Key, Utc

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_STEPS = 18


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "agency_calls",
        sa.Column("span", sa.String(length=6), nullable=False),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("begins_at", Utc(), nullable=False),
        sa.Column("operation", sa.String(length=16), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("total_ms", sa.BigInteger(), nullable=False),
        sa.Column("slowest_ms", sa.Integer(), nullable=False),
        *(sa.Column(f"step_{number}", sa.Integer(), nullable=False) for number in range(_STEPS)),
        sa.PrimaryKeyConstraint("span", "agency", "begins_at", "operation", "result", name="pk_agency_calls"),
    )
    op.create_index("ix_agency_calls_begins_at", "agency_calls", ["span", "begins_at"])
    op.create_table(
        "closed_days",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "outcome", name="pk_closed_days"),
    )
    op.drop_index("ix_referrals_awaited", "referrals")
    op.create_index(
        "ix_referrals_awaited",
        "referrals",
        ["agency", "accepted_at", "mrn", "service", "state"],
        **_where("awaited"),
    )
    op.drop_index("ix_attention_kind", "attention")
    op.create_index(
        "ix_attention_kind", "attention", ["kind", "agency", "kilograms"], **_where("kind IS NOT NULL")
    )
    op.create_index(
        "ix_declarations_open", "declarations", ["outcome", "accepted_at"], **_where("closed_at IS NULL")
    )
    op.create_index(
        "ix_declarations_closed", "declarations", ["closed_at", "outcome"], **_where("closed_at IS NOT NULL")
    )
