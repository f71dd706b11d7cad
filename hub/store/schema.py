"""The schema this code expects, and how a database is brought to it."""

from __future__ import annotations

from sqlalchemy import text

from hub.store.engine import Database

REVISION = "0015"
"""The newest migration."""

_UPGRADING = 0x68756264625F
"""Key of the PostgreSQL advisory lock under which one process at a time upgrades."""


def upgrade(url: str) -> None:
    """
    Bring a database to the schema of this code; one that is there already is left as it is.

    Several processes may do it at once: one migrates, the others wait and find it done. All of it is one
    transaction, so an upgrade that fails changes nothing.
    """
    # Imported here: whoever only reads and writes never needs it, and it is slow to load.
    from alembic import command
    from alembic.config import Config

    database = Database(url)
    try:
        with database.write() as connection:
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADING})
            config = Config()
            config.set_main_option("script_location", "hub.store:migrations")
            config.set_main_option("path_separator", "os")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        database.close()
