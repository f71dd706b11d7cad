"""What the doctor has found."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Utc

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "examinations",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_examinations"),
    )
