"""What is kept of a declaration: how it came in, every exchange, every decision, outcome and notice."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)

from benchmarks.common.calls import Reply
from benchmarks.common.surroundings import surroundings

metadata = MetaData()

declarations = Table(
    "declarations",
    metadata,
    Column("mrn", String(18), primary_key=True),
    Column("content", JSON, nullable=False),
    Column("accepted_at", DateTime(timezone=True), nullable=False),
)
exchanges = Table(
    "exchanges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("mrn", String(18), nullable=False, index=True),
    Column("agency", String(40), nullable=False),
    Column("operation", String(40), nullable=False),
    Column("request", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("milliseconds", Integer, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
decisions = Table(
    "decisions",
    metadata,
    Column("mrn", String(18), primary_key=True),
    Column("agency", String(40), primary_key=True),
    Column("word", String(80), nullable=False),
    Column("reference", String(80), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
outcomes = Table(
    "outcomes",
    metadata,
    Column("mrn", String(18), primary_key=True),
    Column("outcome", String(20), nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)
notices = Table(
    "notices",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("mrn", String(18), nullable=False, index=True),
    Column("acknowledgement", Text, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
)


@cache
def database() -> Engine:
    """That of this process. SQLite is as durable as the hub's: write-ahead, every commit on the disk."""
    engine = create_engine(surroundings().database_url, pool_size=20, max_overflow=80)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _set_up(connection: Any, record: object) -> None:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


def create_tables() -> None:
    metadata.create_all(database())


# Everything may be written twice, as every step may be carried out twice; the second time changes nothing.


def accept(mrn: str, content: dict[str, Any]) -> None:
    _put(declarations, mrn=mrn, content=content, accepted_at=_now())


def exchanged(mrn: str, agency: str, operation: str, reply: Reply) -> None:
    with database().begin() as connection:
        connection.execute(
            exchanges.insert().values(
                mrn=mrn,
                agency=agency,
                operation=operation,
                request=reply.request,
                answer=reply.answer,
                status=reply.status,
                milliseconds=reply.milliseconds,
                at=_now(),
            )
        )


def decided(mrn: str, agency: str, word: str, reference: str) -> None:
    _put(decisions, mrn=mrn, agency=agency, word=word, reference=reference, at=_now())


def settled(mrn: str, outcome: str, reasons: list[dict[str, str]]) -> None:
    _put(outcomes, mrn=mrn, outcome=outcome, reasons=reasons, at=_now())


def told(mrn: str, key: str, acknowledgement: str) -> None:
    _put(notices, key=key, mrn=mrn, acknowledgement=acknowledgement, at=_now())


def _put(table: Table, **values: Any) -> None:
    with database().begin() as connection:
        statement = table.insert().prefix_with("OR IGNORE", dialect="sqlite").values(**values)
        if connection.dialect.name == "postgresql":
            from sqlalchemy.dialects.postgresql import insert

            statement = insert(table).values(**values).on_conflict_do_nothing()
        connection.execute(statement)


def _now() -> datetime:
    return datetime.now(UTC)
