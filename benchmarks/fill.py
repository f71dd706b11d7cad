"""
Fill a store with declarations: `python -m benchmarks.fill URL --declarations 100000`.

A few hundred are really lodged and really treated (see `patterns`); the others are copies of their rows under
numbers of their own, written in bulk. With them come the histories that pages show: answer times and
requests to agencies of three months.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Boolean, Table, make_url

from benchmarks.patterns import Maker, Pattern
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.domain import history, latency
from hub.domain.names import new_mrn
from hub.domain.stuck import Judging
from hub.ports import CallResult
from hub.store import create_store, upgrade
from hub.store.tables import metadata

_BATCH = 200
"""Declarations that are written at once."""
_DAYS = 90
_CALL_MINUTES = 24 * 60


@dataclass(frozen=True)
class _Rows:
    """The rows of one table about one pattern, as SQLite keeps them."""

    table: Table
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def fill(url: str, declarations: int, folder: Path, *, contents: int | None = None, say: bool = True) -> None:
    """
    Fill an empty store. With `contents`, only so many are really treated in each state: that is quicker.

    Raises ValueError if it holds declarations already.
    """
    began = time.monotonic()
    upgrade(url)
    target = create_store(url, sync="normal")
    if any(name.startswith("declarations.") and count for name, count in target.counts().items()):
        raise ValueError("the store is not empty")
    target.close()
    configuration = load(folder, development=True)
    now = utc_now()
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "patterns.sqlite"
        patterns = _make_patterns(path, configuration, now, contents)
        _tell(say, began, f"{len(patterns)} patterns")
        with closing(sqlite3.connect(path)) as connection:
            rows = {pattern.mrn: list(_rows_of(connection, pattern)) for pattern in patterns}
    with closing(_sink(url)) as sink:
        chosen = random.Random(1).choices(  # noqa: S311 - the same store each time
            patterns, [pattern.weight for pattern in patterns], k=declarations
        )
        copies = (_copy(rows[pattern.mrn], pattern, number, now) for number, pattern in enumerate(chosen, 1))
        for written, batch in enumerate(_batched(copies), 1):
            for table, columns, values in _together(batch):
                sink.write(table, columns, values)
            if written % 50 == 0:
                _tell(say, began, f"{written * _BATCH} declarations")
        sink.write(*_answers(configuration, now))
        for table_rows in _calls(configuration, now):
            sink.write(*table_rows)
        sink.finish()
    _tell(say, began, f"{declarations} declarations, done")


def _batched(copies: Iterator[list[_Rows]]) -> Iterator[list[list[_Rows]]]:
    while batch := list(itertools.islice(copies, _BATCH)):
        yield batch


def _make_patterns(
    path: Path, configuration: Configuration, now: datetime, contents: int | None
) -> list[Pattern]:
    url = f"sqlite:///{path}"
    upgrade(url)
    store = create_store(url, sync="normal")
    patterns = Maker(store, configuration.rulebook(), now).make(contents)
    for _round in range(len(patterns)):
        if not store.judge_stuck(Judging(now=now), _BATCH):
            break
    store.close()
    return patterns


def _rows_of(connection: sqlite3.Connection, pattern: Pattern) -> Iterator[_Rows]:
    """Everything that is kept about it; parents before children."""
    for table in metadata.sorted_tables:
        if "mrn" not in table.columns:
            continue
        columns = tuple(column.name for column in table.columns if not _is_numbered(table, column.name))
        quoted = ", ".join(f'"{name}"' for name in columns)
        found = connection.execute(
            f'SELECT {quoted} FROM "{table.name}" WHERE mrn = ?',  # noqa: S608 - our own names
            (pattern.mrn,),
        ).fetchall()
        if found:
            yield _Rows(table, columns, tuple(found))


def _is_numbered(table: Table, column: str) -> bool:
    """Whether the database itself counts the rows by this column."""
    return table.columns[column].identity is not None


def _copy(rows: Sequence[_Rows], pattern: Pattern, number: int, now: datetime) -> list[_Rows]:
    """The same under other numbers, wherever these stand in its documents."""
    names = {
        pattern.mrn: new_mrn("KR", now),
        pattern.lrn: f"COPY-{number:07d}",
        pattern.ucr: f"6KRCOPY{number:07d}",
        pattern.cargo_management_number: f"26COPY{number:07d}I",
    }

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            for old, new in names.items():
                if old in value:
                    value = value.replace(old, new)
        return value

    return [
        _Rows(part.table, part.columns, tuple(tuple(map(renamed, row)) for row in part.rows)) for part in rows
    ]


def _together(
    copies: Sequence[Sequence[_Rows]],
) -> Iterator[tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]]:
    """The rows of several declarations, table by table; parents before children."""
    by_table: dict[str, tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]] = {}
    for copy in copies:
        for part in copy:
            by_table.setdefault(part.table.name, (part.table, part.columns, []))[2].extend(part.rows)
    for table in metadata.sorted_tables:
        if table.name in by_table:
            yield by_table[table.name]


_TableRows = tuple[Table, tuple[str, ...], list[tuple[Any, ...]]]


def _answers(configuration: Configuration, now: datetime) -> _TableRows:
    """What services took, by the day."""
    chance = random.Random(2)  # noqa: S311 - the same store each time
    rows: list[tuple[Any, ...]] = []
    for number, service in enumerate(_services(configuration)):
        usual = timedelta(hours=3 + number * 2)
        for back in range(_DAYS):
            counts: dict[int, int] = {}
            for _answer in range(30):
                bucket = history.bucket_of(usual * chance.lognormvariate(0, 0.7))
                counts[bucket] = counts.get(bucket, 0) + 1
            day = (now - timedelta(days=back)).date().isoformat()
            rows += [(day, service, bucket, 0, count) for bucket, count in sorted(counts.items())]
    return metadata.tables["answer_times"], ("day", "service", "bucket", "part", "count"), rows


def _services(configuration: Configuration) -> list[str]:
    return sorted(code for file in configuration.agencies.values() for code in file.services)


def _calls(configuration: Configuration, now: datetime) -> Iterator[_TableRows]:
    """Requests to every agency: by the minute of one day, and by hour and day of three months."""
    table = metadata.tables["agency_calls"]
    columns = tuple(column.name for column in table.columns)
    minute = now.replace(second=0, microsecond=0)
    hour = minute.replace(minute=0)
    spans = [
        ("minute", [minute - timedelta(minutes=back) for back in range(_CALL_MINUTES)]),
        ("hour", [hour - timedelta(hours=back) for back in range(_DAYS * 24)]),
        ("day", [hour.replace(hour=0) - timedelta(days=back) for back in range(_DAYS)]),
    ]
    for number, agency in enumerate(sorted(configuration.agencies)):
        chance = random.Random(number)  # noqa: S311 - the same store each time
        usual = 60 * 1.12**number
        rows: list[tuple[Any, ...]] = []
        for span, times in spans:
            for at in times:
                for operation in ("submit", "poll"):
                    for result, share in ((CallResult.ANSWERED, 1.0), (CallResult.UNAVAILABLE, 0.1)):
                        if chance.random() < share:
                            took = [round(usual * chance.lognormvariate(0, 0.5)) for _request in range(6)]
                            rows.append((span, agency, _text(at), operation, result.value, *_counted(took)))
        yield table, columns, rows


def _counted(took: Sequence[int]) -> tuple[int, ...]:
    ladder = latency.together(latency.one(milliseconds) for milliseconds in took)
    return (len(took), sum(took), max(took), *ladder)


def _text(at: datetime) -> str:
    """An instant as SQLite keeps it; PostgreSQL reads it so, too."""
    return at.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


class _Sqlite:
    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode = WAL", "synchronous = OFF", "cache_size = -400000"):
            self._connection.execute(f"PRAGMA {pragma}")

    def write(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        places = ", ".join("?" * len(columns))
        self._connection.execute("BEGIN")
        self._connection.executemany(
            f'INSERT INTO "{table.name}" ({names}) VALUES ({places})',  # noqa: S608 - our own names
            rows,
        )
        self._connection.execute("COMMIT")

    def finish(self) -> None:
        self._connection.execute("ANALYZE")

    def close(self) -> None:
        self._connection.close()


class _Postgres:
    def __init__(self, url: str) -> None:
        parsed = make_url(url).set(drivername="postgresql")
        self._connection = psycopg.connect(parsed.render_as_string(hide_password=False), autocommit=True)

    def write(self, table: Table, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        booleans = {
            place for place, name in enumerate(columns) if isinstance(table.columns[name].type, Boolean)
        }
        with (
            self._connection.cursor() as cursor,
            cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy,
        ):
            for row in rows:
                copy.write_row(
                    [
                        bool(value) if place in booleans and value is not None else value
                        for place, value in enumerate(row)
                    ]
                )

    def finish(self) -> None:
        self._connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._connection.close()


def _sink(url: str) -> _Sqlite | _Postgres:
    parsed = make_url(url)
    return _Sqlite(str(parsed.database)) if parsed.get_backend_name() == "sqlite" else _Postgres(url)


def _tell(say: bool, began: float, words: str) -> None:
    if say:
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {words}\n")


def main() -> None:
    reading = argparse.ArgumentParser(description="Fill an empty store with declarations.")
    reading.add_argument("url", help="sqlite:///path, or postgresql+psycopg://user@host/name")
    reading.add_argument("--declarations", type=int, default=100_000)
    reading.add_argument("--config", type=Path, default=Path("adapters_config"))
    told = reading.parse_args()
    fill(told.url, told.declarations, told.config)


if __name__ == "__main__":
    main()
