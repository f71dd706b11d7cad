"""What is stuck, and why."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "attention",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("agency", Key()),
        sa.Column("kind", sa.String(length=24)),
        sa.Column("since", Utc(), nullable=False),
        sa.Column("since_s", sa.Float(), nullable=False),
        sa.Column("stuck", Document()),
        sa.Column("lrn", Key(), nullable=False),
        sa.Column("ucr", Words(), nullable=False),
        sa.Column("declarant", Key(), nullable=False),
        sa.Column("office", Key()),
        sa.Column("cargo_management_number", Key()),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("accepted_at", Utc(), nullable=False),
        sa.Column("cargo", Document()),
        sa.Column("kilograms", sa.Float()),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("chapters", Words(), nullable=False),
        sa.Column("judged_seq", sa.Integer(), nullable=False),
        sa.Column("judged_trouble", Words()),
        sa.Column("again_at", Utc()),
        sa.PrimaryKeyConstraint("mrn", "service", name="pk_attention"),
    )
    for name, columns, condition in (
        ("ix_attention_kind", ["kind"], "kind IS NOT NULL"),
        ("ix_attention_agency", ["agency"], "kind IS NOT NULL"),
        ("ix_attention_again", ["again_at"], "again_at IS NOT NULL"),
    ):
        op.create_index(name, "attention", columns, **_where(condition))
    op.add_column("referrals", sa.Column("look_at", Utc()))
    # What is open is looked at once; from then on when it is worth it.
    op.execute("UPDATE referrals SET look_at = accepted_at WHERE awaited")
    op.create_index("ix_referrals_look_at", "referrals", ["look_at"], **_where("look_at IS NOT NULL"))
    op.create_index("ix_declarations_ucr", "declarations", ["ucr"])
