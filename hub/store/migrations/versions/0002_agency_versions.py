"""Versions of the agencies' files, what became of them, and which one serves each referral."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "configuration_files",
        sa.Column("digest", Key(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_configuration_files"),
    )
    op.create_table(
        "agency_versions",
        sa.Column("agency", Key(), nullable=False),
        sa.Column("version", Key(), nullable=False),
        sa.Column("first_applied_at", Utc(), nullable=False),
        sa.Column("files", Document(), nullable=False),
        sa.PrimaryKeyConstraint("agency", "version", name="pk_agency_versions"),
    )
    op.create_table(
        "agency_changes",
        sa.Column("id", sa.Integer(), sa.Identity()),
        sa.Column("agency", Key(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("process", Words(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("version", Key()),
        sa.Column("faults", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_agency_changes"),
    )
    op.create_index("ix_agency_changes_agency", "agency_changes", ["agency", "id"])
    # Not in a batch: on SQLite that would make the table anew, under the rows that refer to it.
    op.add_column("referrals", sa.Column("config_version", Key()))
    read = (
        "json_extract(terms, '$.config_version')"
        if op.get_bind().dialect.name == "sqlite"
        else "terms ->> 'config_version'"
    )
    op.execute(f"UPDATE referrals SET config_version = {read}")
    op.create_index("ix_referrals_version", "referrals", ["agency", "config_version"])
