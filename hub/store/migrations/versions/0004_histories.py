"""How long services have taken to answer."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Key

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_times",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("service", Key(), nullable=False),
        sa.Column("bucket", sa.Integer(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "service", "bucket", "part", name="pk_answer_times"),
        sqlite_with_rowid=False,
    )
