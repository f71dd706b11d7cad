"""How the hub connects to its database: what is set on every connection, and what a transaction is."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Literal, NamedTuple

from psycopg.types.string import TextLoader
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from hub.domain.events import Event

Sync = Literal["full", "normal"]

_BUSY_TIMEOUT_MS = 10_000
_ASK_AGAIN = 0.001
"""Seconds between two tries for what another process holds."""
_BEGIN_WRITING = "BEGIN IMMEDIATE"
_POOL = 10
_OVERFLOW = 10
"""Beyond these a thread waits for a connection: a few processes must fit into what PostgreSQL allows."""


TransactionMeter = Callable[[str, float, bool], None]
"""Is told `read` or `write`, the seconds with those of waiting for its turn, and whether it was committed."""


def _unmeasured(kind: str, seconds: float, committed: bool) -> None:
    """The meter where nobody measures."""


class Recorded(NamedTuple):
    """An event that a transaction has appended, and the agency whose referral it is about, if one is."""

    event: Event
    agency: str | None


EventTeller = Callable[[Sequence[Recorded]], None]
"""Is told of events when they are committed, in their order. It must not raise: they are on record."""


_RECORDED = "hub.recorded"


def recorded_in(connection: Connection) -> list[Recorded]:
    """What the transaction of this connection has appended so far, to be told of when it is committed."""
    recorded: list[Recorded] = connection.info[_RECORDED]
    return recorded


class Database:
    """
    A database and the two kinds of transaction the store has.

    `sync` is for SQLite only. `full` makes every commit wait for the disk: a committed row survives a power
    cut. `normal` lets the disk lag behind: it survives the death of every process of ours, but a power cut
    may take the last commits back, and with them a promise the hub has already made to somebody.
    """

    def __init__(self, url: str | URL, *, sync: Sync = "full") -> None:
        self.url = make_url(url)
        self.engine = _engine(self.url, sync)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(begin=_BEGIN_WRITING)
        # Several statements of a read must see one state; SQLite's write-ahead log gives that by itself.
        self._reader = (
            self.engine
            if self.is_sqlite
            else self.engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        )
        # SQLite has one writer at a time. Threads of one process queue for it here, in order and at once,
        # instead of asking again and again; processes queue in a file.
        self._turn = threading.Lock() if self.is_sqlite else nullcontext()
        self._kept: Connection | None = None
        self.meter: TransactionMeter = _unmeasured
        """Is told of every transaction when it has ended."""
        self.tellers: list[EventTeller] = []

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A transaction that may write; it commits at the end, or leaves no trace."""
        began, committed = time.perf_counter(), False
        recorded: list[Recorded] = []
        try:
            with self._turn, self._writing() as connection:
                connection.info[_RECORDED] = recorded
                yield connection
            committed = True
        finally:
            self.meter("write", time.perf_counter() - began, committed)
        if recorded:
            # Nobody's turn is waited for meanwhile, and nothing is told that was taken back.
            for tell in self.tellers:
                tell(recorded)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A transaction that sees one state of the database throughout."""
        began, committed = time.perf_counter(), False
        try:
            with self._reader.begin() as connection:
                yield connection
            committed = True
        finally:
            self.meter("read", time.perf_counter() - began, committed)

    def close(self) -> None:
        """Close every connection. A database that is used again opens new ones."""
        with self._turn:
            if self._kept is not None:
                self._kept.close()
                self._kept = None
        self.engine.dispose()

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        if not self.is_sqlite:
            with self._writer.begin() as connection:
                yield connection
            return
        # As one thread writes at a time, one connection does: to take it out of the pool, and to put it back,
        # takes as long as many a transaction. One on which something went wrong is put back all the same.
        connection, self._kept = self._kept or self._writer.connect(), None
        try:
            with connection.begin():
                yield connection
        except BaseException:
            connection.close()
            raise
        self._kept = connection


def _engine(url: URL, sync: Sync) -> Engine:
    if url.get_backend_name() == "sqlite":
        return _sqlite(url, sync)
    if url.drivername == "postgresql+psycopg":
        return _postgresql(url)
    raise ValueError(
        f"{url.drivername} is not supported; write sqlite:///path or postgresql+psycopg://user@host/name"
    )


def _sqlite(url: URL, sync: Sync) -> Engine:
    if not url.database or url.database == ":memory:" or url.query:
        raise ValueError("SQLite needs a file, as sqlite:///path: several processes share it")
    Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url, pool_size=_POOL, max_overflow=_OVERFLOW, connect_args={"check_same_thread": False}
    )
    line = _Line(Path(f"{url.database}-line"))
    event.listen(engine, "engine_disposed", lambda _: line.close())

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # The driver's own transactions begin too late and with the wrong lock: `begin` below does it.
        connection.isolation_level = None
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {sync.upper()}")
        _use_write_ahead_log(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A transaction that reads first and writes later could find the file changed in between and fail.
        how = connection.get_execution_options().get("begin", "BEGIN")
        if how == _BEGIN_WRITING:
            _begin_writing(connection, line)
        else:
            connection.exec_driver_sql(how)

    return engine


class _Line:
    """
    The place of the process that may write next, in a file beside the database. Without it, a process whose
    threads queue for the write lock frees it for less than a millisecond at a time, and another one that asks
    for it now and then goes without for many seconds.

    A courtesy: who cannot have the place in good time asks for the write lock all the same, so a process that
    hangs while it is next holds up nobody for good.
    """

    def __init__(self, path: Path) -> None:
        # Not the database's own file: SQLite's locks on that go when this process closes it.
        self._path = path
        self._descriptor: int | None = None

    @contextmanager
    def as_next(self, until: float) -> Iterator[None]:
        """Be next, when that can be by `until`, as `time.monotonic` tells it. One thread at a time."""
        descriptor = self._open()
        if descriptor is None:
            yield
            return
        while not (is_next := _locks(descriptor)) and time.monotonic() < until:
            time.sleep(_ASK_AGAIN)
        try:
            yield
        finally:
            if is_next:
                fcntl.flock(descriptor, fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file. It is opened again when it is needed."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int | None:
        if self._descriptor is None:
            try:
                self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            except OSError:
                # As on a disk without room: then there is no line. What else is wrong, the database says.
                return None
        return self._descriptor


def _locks(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _begin_writing(connection: Connection, line: _Line) -> None:
    """
    Take SQLite's write lock as soon as it is free, and within the busy time-out.

    The driver's own waiting would ask ten times a second in the end.
    """
    driver: Any = connection.connection.driver_connection
    began = time.monotonic()
    until = began + _BUSY_TIMEOUT_MS / 1000
    with line.as_next((began + until) / 2):
        driver.execute("PRAGMA busy_timeout = 0")
        try:
            while time.monotonic() < until:
                try:
                    driver.execute(_BEGIN_WRITING)
                    return
                except sqlite3.OperationalError as error:
                    if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                        break
                time.sleep(_ASK_AGAIN)
            # Once more, for the error that callers know.
            connection.exec_driver_sql(_BEGIN_WRITING)
        finally:
            driver.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Readers and the writer do not wait for each other. It is a property of the file, set once."""
    [mode] = connection.execute("PRAGMA journal_mode").fetchone()
    while mode != "wal":
        try:
            [mode] = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError:
            # Two processes open a new file at once: changing the mode does not wait for a lock. Taking the
            # write lock does, up to the busy time-out; then the other one has done it, or it is our turn.
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("COMMIT")
            [mode] = connection.execute("PRAGMA journal_mode").fetchone()


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_size=_POOL, max_overflow=_OVERFLOW, pool_pre_ping=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        # Documents are read by their models, so the driver is to hand over the text.
        connection.adapters.register_loader("json", TextLoader)

    return engine
