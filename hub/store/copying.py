"""
A copy of the whole database at one moment, made while it is in use, and brought back.

SQLite by its own online backup, PostgreSQL by its own tools, `pg_dump` and `pg_restore`, which must be there.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import URL, make_url

SQLITE = "database.sqlite"
POSTGRESQL = "database.dump"
_PASSWORD = "PGPASSWORD"  # noqa: S105 - the name of a variable
_MISSING = "{} is not found: install PostgreSQL's client tools (postgresql-client), of the server's version"


class CannotCopy(Exception):
    """The copy cannot be made, or not be brought back; the message says why and what to do."""


def copy_out(url: str, folder: Path) -> Path:
    """Copy the database into a folder; the file that was written. Raises CannotCopy, OSError."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        target = folder / SQLITE
        _copy_sqlite(Path(parsed.database or ""), target)
        _check(target)
    else:
        target = folder / POSTGRESQL
        _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}", _plain(parsed)], parsed)
    descriptor = os.open(target, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return target


def bring_back(url: str, copy: Path) -> None:
    """
    Put a copy in the place of the database, where there is none yet: an SQLite file that is not there, or a
    PostgreSQL database without tables. Raises CannotCopy, OSError.
    """
    parsed = make_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if (copy.name == SQLITE) is not is_sqlite:
        raise CannotCopy(f"{copy.name} is not of a database as {parsed.drivername}")
    if not is_sqlite:
        # All of it or nothing; a table that is there already is an error.
        _run(
            [
                *("pg_restore", "--single-transaction", "--exit-on-error", "--no-owner"),
                *(f"--dbname={_plain(parsed)}", str(copy)),
            ],
            parsed,
        )
        return
    place = Path(parsed.database or "")
    if place.exists():
        raise CannotCopy(f"{place} is there already: move it away, with its -wal and -shm, and try again")
    for left in ("-wal", "-shm"):
        if Path(f"{place}{left}").exists():
            raise CannotCopy(f"{place}{left} is left of another database: move it away, and try again")
    _check(copy)
    place.parent.mkdir(parents=True, exist_ok=True)
    begun = place.with_name(f"{place.name}.part")
    shutil.copyfile(copy, begun)
    begun.rename(place)


def _copy_sqlite(source: Path, target: Path) -> None:
    if not source.exists():
        raise CannotCopy(f"there is no database at {source}")
    with (
        closing(sqlite3.connect(source.as_uri() + "?mode=ro", uri=True)) as original,
        closing(sqlite3.connect(target)) as copy,
    ):
        # All pages in one go: whoever writes meanwhile goes on in the write-ahead log, and is not waited for.
        original.backup(copy, pages=-1)
        # Alone in its file, without a log beside it.
        copy.execute("PRAGMA journal_mode = DELETE")


def _check(path: Path) -> None:
    with closing(sqlite3.connect(path.as_uri() + "?mode=ro", uri=True)) as copy:
        try:
            [said] = copy.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            said = str(error)
    if said != "ok":
        raise CannotCopy(f"{path} is not a sound database: {said}")


def _run(command: list[str], url: URL) -> None:
    tool = shutil.which(command[0])
    if tool is None:
        raise CannotCopy(_MISSING.format(command[0]))
    # Not on the command line, where every process of the machine could read it.
    environment = {**os.environ, **({_PASSWORD: str(url.password)} if url.password else {})}
    ended = subprocess.run(  # noqa: S603 - its own tools
        [tool, *command[1:]], env=environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise CannotCopy(f"{command[0]}: {ended.stderr.strip() or f'status {ended.returncode}'}")


def _plain(url: URL) -> str:
    """As PostgreSQL's own tools take it, without the password."""
    return url.set(drivername="postgresql", password=None).render_as_string()
