"""The database itself: how it is set up, upgraded and connected to."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from hub.store import create_store, upgrade
from hub.store.engine import Database
from hub.store.schema import REVISION
from hub.store.tables import metadata
from hub.store.types import Utc, storable
from tests.store import sample
from tests.store.sample import PLANT


def test_the_migrations_make_the_tables_the_code_uses(database_url: str) -> None:
    """Alembic finds no difference between the two."""
    engine = sa.create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_expects_the_newest_migration() -> None:
    """`is_ready` compares with it."""
    config = Config()
    config.set_main_option("script_location", "hub.store:migrations")
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_an_upgrade_makes_an_empty_database_ready_and_may_be_repeated(empty_database_url: str) -> None:
    """What is there already is left as it is."""
    store = create_store(empty_database_url)
    assert not store.is_ready()
    upgrade(empty_database_url)
    assert store.is_ready()
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    upgrade(empty_database_url)
    assert store.lodged("1234567890", accepted.declaration.lrn) == accepted
    store.close()


@pytest.mark.slow
def test_several_processes_may_upgrade_at_once(empty_database_url: str) -> None:
    """API and worker start together on a new database: both succeed."""
    code = "import sys; from hub.store import upgrade; sys.stdin.readline(); upgrade(sys.argv[1])"
    processes = [
        subprocess.Popen([sys.executable, "-c", code, empty_database_url], stdin=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.close()
    assert [process.wait(60) for process in processes] == [0] * 4
    store = create_store(empty_database_url)
    assert store.is_ready()
    store.close()


def test_a_database_that_is_away_is_not_ready(tmp_path: Path) -> None:
    """The question is answered, not raised."""
    store = create_store(f"postgresql+psycopg://nobody@/none?host={tmp_path}")
    assert not store.is_ready()
    store.close()


def test_sqlite_connections_are_safe_for_several_processes(sqlite_url: str) -> None:
    """Write-ahead log, foreign keys, waiting for locks, and commits that reach the disk."""
    for sync, expected in (("full", 2), ("normal", 1)):
        database = Database(sqlite_url, sync=sync)  # type: ignore[arg-type]
        with database.read() as connection:

            def pragma(name: str, connection: sa.Connection = connection) -> Any:
                return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()

            assert pragma("journal_mode") == "wal"
            assert pragma("foreign_keys") == 1
            assert pragma("busy_timeout") == 10_000
            assert pragma("synchronous") == expected
        database.close()


def test_a_sqlite_writer_holds_the_lock_from_its_first_statement(sqlite_url: str) -> None:
    """So that nothing it has read can change before it writes; readers go on."""
    database = Database(sqlite_url)
    other = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), timeout=0, isolation_level=None)
    with database.write():
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)
        with database.read() as connection:
            assert connection.execute(sa.text("SELECT count(*) FROM events")).scalar_one() == 0
    other.close()
    database.close()


def test_a_transaction_that_fails_leaves_no_trace(database_url: str) -> None:
    """And its connection goes back whole."""
    database = Database(database_url)
    first = sa.text("INSERT INTO feeds VALUES ('apqa', '2026-01-01T00:00:00.000000Z')")
    with pytest.raises(sa.exc.DBAPIError), database.write() as connection:
        # the second clashes with the first, so both are undone
        [connection.execute(first) for _ in range(2)]
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT count(*) FROM feeds")).scalar_one() == 0
    database.close()


def test_the_folder_of_a_new_sqlite_file_is_made(tmp_path: Path) -> None:
    """The default lies in a folder that a fresh checkout does not have."""
    upgrade(f"sqlite:///{tmp_path / 'new' / 'folder' / 'hub.sqlite'}")
    assert (tmp_path / "new" / "folder" / "hub.sqlite").is_file()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://x/y", "postgresql://x/y"])
def test_a_database_that_cannot_serve_is_refused(url: str) -> None:
    """With a word on what would."""
    with pytest.raises(ValueError, match="sqlite:///path"):
        create_store(url)


def test_a_datetime_without_an_offset_is_refused() -> None:
    """Nobody could tell which instant it means."""
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the point of it
    for dialect in (sqlite.dialect(), postgresql.dialect()):
        with pytest.raises(ValueError, match="no offset"):
            Utc().process_bind_param(naive, dialect)


_ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_INSTANTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=_ZONES)  # noqa: DTZ001


@given(_INSTANTS, _INSTANTS)
def test_sqlite_texts_sort_as_the_instants_do(first: datetime, second: datetime) -> None:
    """Whatever their offsets, and they read back as the same instants in UTC."""
    dialect, utc = sqlite.dialect(), Utc()
    one, two = (utc.process_bind_param(moment, dialect) for moment in (first, second))
    assert (one < two, one == two) == (first < second, first == second)
    read = utc.process_result_value(one, dialect)
    assert read == first
    assert read is not None
    assert read.tzinfo is UTC


@given(st.text(st.characters(codec=None)))
def test_any_text_can_be_made_storable(text: str) -> None:
    """No NUL, no lone surrogate, and what was storable stays as it was."""
    kept = storable(text)
    assert "\x00" not in kept
    kept.encode()
    assert storable(kept) == kept
