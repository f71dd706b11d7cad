"""What the early warning has found, whom it has told, and what it measures."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.store.types import Document, Key, Utc, Words

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        "incidents",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("subject", Key(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("opened_at", Utc(), nullable=False),
        sa.Column("updated_at", Utc(), nullable=False),
        sa.Column("closed_at", Utc()),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
    )
    op.create_index(
        "uq_incidents_open", "incidents", ["kind", "subject"], unique=True, **_where("closed_at IS NULL")
    )
    op.create_index("ix_incidents_closed", "incidents", ["closed_at"], **_where("closed_at IS NOT NULL"))
    op.create_table(
        "incident_changes",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("incident", sa.Integer(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_changes"),
        sa.ForeignKeyConstraint(["incident"], ["incidents.id"], name="fk_incident_changes_incidents"),
    )
    op.create_index("ix_incident_changes_incident", "incident_changes", ["incident", "id"])
    op.create_table(
        "alerts",
        sa.Column("id", sa.Integer(), sa.Identity(), nullable=False),
        sa.Column("receiver", Key(), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
    )
    op.create_index("ix_alerts_receiver", "alerts", ["receiver", "id"])
    op.create_table(
        "bulletins",
        sa.Column("id", Key(), nullable=False),
        sa.Column("receiver", Key(), nullable=False),
        sa.Column("created_at", Utc(), nullable=False),
        sa.Column("document", Document(), nullable=False),
        sa.Column("due_at", Utc()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", Utc()),
        sa.Column("trouble", Words()),
        sa.PrimaryKeyConstraint("id", name="pk_bulletins"),
    )
    op.create_index("ix_bulletins_due", "bulletins", ["due_at"], **_where("due_at IS NOT NULL"))
    op.create_index("ix_bulletins_receiver", "bulletins", ["receiver", "created_at"])
    op.create_table(
        "beats",
        sa.Column("process", Key(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("version", Words(), nullable=False),
        sa.Column("started_at", Utc(), nullable=False),
        sa.Column("seen_at", Utc(), nullable=False),
        sa.Column("skew_seconds", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("process", name="pk_beats"),
    )
    op.create_table(
        "watch_lease",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process", Words(), nullable=False),
        sa.Column("until", Utc(), nullable=False),
        sa.Column("ended_at", Utc(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watch_lease"),
    )
    op.create_table(
        "tallies",
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("minute", Utc(), nullable=False),
        sa.Column("subject", Key(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("what", "minute", "subject", name="pk_tallies"),
    )
    op.create_table(
        "samples",
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("at", Utc(), nullable=False),
        sa.Column("subject", Key(), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("what", "at", "subject", name="pk_samples"),
    )
    # The oldest of what waits, found without looking at the rest.
    op.create_index(
        "ix_notices_unsent_oldest", "notices", ["issued_at"], **_where("acknowledged_at IS NULL")
    )
    op.create_index("ix_inbox_waiting_oldest", "inbox", ["received_at"], **_where("waiting"))
    op.create_index(
        "ix_inbox_trouble", "inbox", ["received_at", "agency", "via"], **_where("trouble IS NOT NULL")
    )
    op.create_index("ix_refused_callbacks_at", "refused_callbacks", ["at", "agency"])
