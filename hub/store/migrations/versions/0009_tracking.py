"""Links by which a declaration is followed without an account, and how often somebody may guess."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Key, Utc, Words

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tracking_links",
        sa.Column("mrn", Key(), nullable=False),
        sa.Column("id", Key(), nullable=False),
        sa.Column("code_hash", Key(), nullable=False),
        sa.Column("made_at", Utc(), nullable=False),
        sa.Column("made_by", Words(), nullable=False),
        sa.Column("revoked_at", Utc()),
        sa.PrimaryKeyConstraint("mrn", "id", name="pk_tracking_links"),
        sa.ForeignKeyConstraint(["mrn"], ["declarations.mrn"], name="fk_tracking_links_declarations"),
        sa.UniqueConstraint("code_hash", name="uq_tracking_links_code_hash"),
    )
    op.create_table(
        "tracking_failures",
        sa.Column("who", Key(), nullable=False),
        sa.Column("forgotten_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("who", name="pk_tracking_failures"),
    )
    op.create_index("ix_tracking_failures_forgotten_at", "tracking_failures", ["forgotten_at"])
