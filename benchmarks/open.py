"""
What very many open declarations cost those that are lodged now: `python -m benchmarks.open URL`.

`URL` is a store that `benchmarks.fill` has filled: rows only, nothing runs. So this measures the store's side
of it; the engine's side is `benchmarks.restart`. Takes declarations through every step, in turn on this store
and on an empty one of the same kind, and asks what the relays and the early warning ask all day. Prints the
processor time of both, and how many rows of which tables PostgreSQL has read one after the other, or which
statements SQLite answers by going over a whole table. What it lodges stays there.

With `--whole`, the processor milliseconds of hub and engine for one declaration as `make bench` measures
them, it says how much of the throughput is left; the exit status is 1 when that is less than nine tenths.
"""

from __future__ import annotations

import argparse
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, create_engine, event, make_url, text

from benchmarks.store import measure
from hub.clock import utc_now
from hub.domain.stuck import Judging
from hub.logs import configure
from hub.ports import DeclarationFilter
from hub.store import Store, create_store, upgrade

LEAST = 0.9
"""Of the throughput with none open, how much is to be left."""
_SHORT_TABLE = 1000
"""Rows of a table that may be gone over: it does not grow with declarations, or holds only what waits."""

_Asked = Mapping[str, Callable[[Store], object]]


def asked_all_day() -> _Asked:
    """What relays, API and early warning ask again and again, whether or not there is anything to do."""
    now = utc_now()
    before = now - timedelta(days=365)
    """Nothing has waited for so long: what it costs to find that out."""
    return {
        "starts: what is not started": lambda store: store.not_started(before, 200),
        "news: what is not told": lambda store: store.untold_news(before, 200),
        "decisions: what is not told": lambda store: store.untold_messages(before, 200),
        "allot: who waits for a certificate": lambda store: store.allot(now, 200),
        "polls: what is due": lambda store: store.lease_polls(before, timedelta(minutes=1), 50, ()),
        "polls: when the next is due": lambda store: store.next_poll_at(()),
        "drain: who is paused": lambda store: store.controls(counted=False),
        "drain: whose queue is left": lambda store: store.queues_left(),
        "feeds: who has left and owes answers": lambda store: store.agencies_left(),
        "bulk: what runs": lambda store: store.running_bulks(),
        "attention: what is due": lambda store: store.judge_stuck(Judging(now=before), 200, compare=False),
        "attention: what has changed": lambda store: store.judge_stuck(Judging(now=before), 200),
        "early warning: what waits": lambda store: store.outboxes(),
        "early warning: what came in": lambda store: store.doors(now - timedelta(minutes=15)),
        "early warning: who is told": lambda store: store.receivers_waiting(),
        "list, newest first": lambda store: store.page(DeclarationFilter(), None, 50),
        "ready": lambda store: store.is_ready(),
    }


def ask(store: Store, repeats: int = 20) -> dict[str, float]:
    """Processor milliseconds of each of these questions."""
    took = {}
    for name, question in asked_all_day().items():
        question(store)
        began = time.thread_time()
        for _again in range(repeats):
            question(store)
        took[name] = (time.thread_time() - began) * 1000 / repeats
    return took


@contextmanager
def empty_like(url: str) -> Iterator[str]:
    """The URL of a new, empty store of the same kind, which is gone afterwards."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            yield f"sqlite:///{folder}/empty.sqlite"
        return
    name = f"{parsed.database}_empty"
    server = create_engine(parsed.set(database="postgres"), isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
        try:
            yield parsed.set(database=name).render_as_string(hide_password=False)
        finally:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
    server.dispose()


class Scans:
    """What a database answers by going over a table that holds a row for each declaration, or several."""

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self._statements: dict[str, str] = {}
        """Of SQLite: one of each shape, as it was run."""
        self._before: dict[str, int] = {}
        self._long: set[str] = set()

    def watch(self) -> None:
        """From now on look at what is run."""
        if self._url.get_backend_name() == "sqlite":
            event.listen(Engine, "connect", self._listen)
        else:
            self._before = self._read_in_turn()

    def found(self) -> list[str]:
        """Sentences about each, and none where there was no such thing."""
        if self._url.get_backend_name() != "sqlite":
            now = self._read_in_turn()
            return [
                f"{table}: {rows - self._before.get(table, 0)} rows read one after the other"
                for table, rows in sorted(now.items())
                if rows - self._before.get(table, 0) > _SHORT_TABLE
            ]
        event.remove(Engine, "connect", self._listen)
        with closing(sqlite3.connect(str(self._url.database))) as connection:
            self._long = {
                name
                for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
                if connection.execute(
                    f'SELECT 1 FROM "{name}" LIMIT 1 OFFSET {_SHORT_TABLE}'  # noqa: S608 - our own names
                ).fetchone()
            }
            return [
                f"{shape}: {step}"
                for shape, statement in sorted(self._statements.items())
                for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {statement}")
                if step.startswith("SCAN") and "INDEX" not in step and step.split()[1] in self._long
            ]

    def _listen(self, connection: Any, _: object) -> None:
        connection.set_trace_callback(self._note)

    def _note(self, statement: str) -> None:
        if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            shape = re.sub(r"'(?:[^']|'')*'|\b\d+\b", "?", " ".join(statement.split()))
            self._statements.setdefault(shape, statement)

    def _read_in_turn(self) -> dict[str, int]:
        server = create_engine(self._url)
        with server.connect() as connection:
            rows = connection.execute(text("SELECT relname, seq_tup_read FROM pg_stat_user_tables")).all()
        server.dispose()
        return {name: int(read) for name, read in rows}


def _print(title: str, empty: Sequence[Mapping[str, float]], full: Sequence[Mapping[str, float]]) -> None:
    table = Table(title=title)
    table.add_column("")
    for name in ("none open", "with them", "ratio"):
        table.add_column(name, justify="right")
    for step in full[0]:
        one = statistics.median(each[step] for each in empty)
        other = statistics.median(each[step] for each in full)
        table.add_row(step, f"{one:.2f}", f"{other:.2f}", f"{other / one:.2f}" if one else "")
    Console(width=100).print(table)


def main() -> None:
    reading = argparse.ArgumentParser(description="What open declarations cost those that are lodged now.")
    reading.add_argument("url", help="of a store that benchmarks.fill has filled")
    reading.add_argument("--rounds", type=int, default=5)
    reading.add_argument("--declarations", type=int, default=30, help="in each round")
    reading.add_argument("--whole", type=float, help="milliseconds of hub and engine for one declaration")
    told = reading.parse_args()
    configure("json")
    upgrade(told.url)
    walks: dict[str, list[dict[str, float]]] = {"empty": [], "full": []}
    asked: dict[str, list[dict[str, float]]] = {"empty": [], "full": []}
    scans = Scans(told.url)
    with empty_like(told.url) as empty:
        for number in range(told.rounds):
            for which, url in (("empty", empty), ("full", told.url)):
                if which == "full" and not number:
                    scans.watch()
                milliseconds = measure(url, told.declarations)
                walks[which].append({step: each for step, (each, _statements) in milliseconds.items()})
                with closing(create_store(url)) as store:
                    asked[which].append(ask(store))
            if not number:
                found = scans.found()
    with closing(create_store(told.url)) as store:
        print(f"{store.count_open()} declarations open")
    _print("A declaration's steps, processor milliseconds", walks["empty"], walks["full"])
    _print("Asked all day, processor milliseconds", asked["empty"], asked["full"])
    for sentence in found:
        print(sentence)
    none, many = (
        statistics.median(each["all steps"] for each in walks[which]) for which in ("empty", "full")
    )
    print(f"{many - none:+.1f} ms of processor time for each declaration")
    if told.whole is not None:
        left = told.whole / (told.whole + many - none)
        print(f"{left:.2f} of the throughput are left")
        sys.exit(0 if left >= LEAST else 1)


if __name__ == "__main__":
    main()
