"""What operations do: decisions by hand that wait for a second person, bulk actions, the audit."""

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass
