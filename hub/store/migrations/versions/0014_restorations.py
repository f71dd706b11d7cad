"""When the database was brought back from a backup: what was numbered since that one may be used up."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Utc, Words

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restorations",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("backup_at", Utc(), nullable=False),
        sa.Column("by", Words(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_restorations"),
    )
