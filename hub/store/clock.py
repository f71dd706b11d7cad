"""The database's own clock: one for all processes, whatever their machines say."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, text


def database_now(connection: Connection) -> datetime:
    """The time at the database."""
    if connection.dialect.name == "sqlite":
        shown: str = connection.execute(text("SELECT strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")).scalar_one()
        return datetime.fromisoformat(shown)
    moment: datetime = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    return moment.astimezone(UTC)
