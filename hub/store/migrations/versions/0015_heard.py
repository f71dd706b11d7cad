"""When each agency that is asked was last heard: what is silence is told by that."""

import sqlalchemy as sa
from alembic import op

from hub.store.types import Utc

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("polls", "feeds"):
        op.add_column(table, sa.Column("heard_at", Utc()))
