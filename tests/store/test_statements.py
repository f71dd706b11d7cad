"""Statements that the driver runs itself: types, errors and connections as with SQLAlchemy."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.store.engine import Database
from hub.store.statements import Statement
from hub.store.tables import decisions, feeds, polls
from hub.store.types import key
from hub.store.vitals import is_away
from tests.store.sample import SECOND, T0

_ALL = Statement(sa.select(feeds.c.agency, feeds.c.due_at).order_by(feeds.c.agency))
_ADD = Statement(sa.insert(feeds))
_PUT = Statement(
    lambda insert: (add := insert(feeds)).on_conflict_do_update(
        index_elements=["agency"], set_={"due_at": add.excluded.due_at}
    )
)
_MOVE = Statement(sa.update(feeds).where(feeds.c.agency >= sa.bindparam("from_")).values(due_at=T0))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, sync="normal")
    yield database
    database.close()


def test_types_are_applied_both_ways(database: Database) -> None:
    """An instant of any offset is read back in UTC, and what is too long for a key is kept as its hash."""
    long = "a" * 300
    at_seoul = T0.astimezone(timezone(timedelta(hours=9)))
    with database.write() as connection:
        assert _ADD.run(connection, {"agency": long, "due_at": at_seoul}) == 1
    with database.read() as connection:
        [row] = _ALL.all(connection, {})
        [as_ever] = connection.execute(sa.select(feeds.c.agency, feeds.c.due_at)).all()
    assert (row.agency, row.due_at) == (key(long), T0) == tuple(as_ever)
    assert row.due_at.utcoffset() == timedelta(0)


def test_each_kind_of_database_is_spoken_to_in_its_words(database: Database) -> None:
    with database.write() as connection:
        for at in (T0, T0 + SECOND):
            _PUT.run_each(connection, [{"agency": name, "due_at": at} for name in ("a", "b")])
        assert [tuple(row) for row in _ALL.all(connection, {})] == [("a", T0 + SECOND), ("b", T0 + SECOND)]


def test_what_the_statement_says_itself_need_not_be_given(database: Database) -> None:
    """The number of rows changed is told."""
    with database.write() as connection:
        _ADD.run_each(connection, [{"agency": name, "due_at": T0 + SECOND} for name in "abc"])
        assert _MOVE.run(connection, {"from_": "b"}) == 2
        assert [row.due_at for row in _ALL.all(connection, {})] == [T0 + SECOND, T0, T0]


def test_the_same_statement_sets_the_columns_it_is_given(database: Database) -> None:
    """First some of them, then others: nothing is remembered of the first."""
    change = Statement(sa.update(polls).where(polls.c.mrn == sa.bindparam("mrn_")))
    with database.write() as connection:
        assert change.run(connection, {"mrn_": "none", "attempts": 1}) == 0
        assert change.run(connection, {"mrn_": "none", "due_at": None, "agency": "a"}) == 0


def test_truth_is_read_as_truth(database: Database) -> None:
    """SQLite keeps it as a number."""
    unknown = sa.cast(None, decisions.c.told.type).label("unknown")
    told = Statement(sa.select(sa.literal(True).label("told"), unknown))
    with database.read() as connection:
        row = told.first(connection, {})
    assert row is not None
    assert (row.told, row.unknown) == (True, None)
    assert isinstance(row.told, bool)


def test_an_error_is_told_as_sqlalchemy_tells_it_and_leaves_no_trace(database: Database) -> None:
    twice = [{"agency": "a", "due_at": T0}] * 2
    with pytest.raises(IntegrityError, match="INSERT INTO feeds") as refused, database.write() as connection:
        _ADD.run_each(connection, twice)
    assert not refused.value.connection_invalidated
    with database.write() as connection:
        assert _ALL.all(connection, {}) == []
        _ADD.run(connection, twice[0])
    with database.read() as connection:
        assert len(_ALL.all(connection, {})) == 1


def test_a_connection_that_has_gone_is_given_up(postgres_url: str) -> None:
    """The caller learns that the database is away; the next transaction has another connection."""
    database = Database(postgres_url)
    with pytest.raises(DBAPIError) as gone:
        _lose_the_connection(database, postgres_url)
    assert gone.value.connection_invalidated
    assert is_away(gone.value)
    with database.write() as connection:
        assert _ALL.all(connection, {}) == []
    database.close()


def _lose_the_connection(database: Database, url: str) -> None:
    with database.write() as connection:
        [pid] = connection.execute(sa.text("SELECT pg_backend_pid()")).scalars()
        with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        _ALL.all(connection, {})
