"""What is left when a leg is over: the agencies' and the cargo system's own books, and the hub's events."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, select

from chaos.post import Forgery
from hub.store.tables import declarations, events


@dataclass(frozen=True)
class Said:
    """A ruling of an agency, as it stands in its own book."""

    word: str
    at: datetime
    items: tuple[int, ...]
    revision: int


@dataclass
class Case:
    """An application that took effect, as it stands in the agency's own book."""

    receipt: str
    opened_at: datetime
    revision: int
    withdrawn_at: datetime | None
    said: list[Said]
    supplements: int


@dataclass
class Application:
    """Everything an agency has under one of the hub's references."""

    agency: str
    reference: str
    service: str
    mrn: str
    ucr: str
    items: tuple[int, ...]
    masses: tuple[str, ...]
    """Kilograms of each of the items, as the agency was told."""
    cases: list[Case]

    @property
    def live(self) -> list[Case]:
        return [case for case in self.cases if case.withdrawn_at is None]


@dataclass
class Notice:
    """A notice as it stands in the cargo system's own book."""

    key: str
    number: int
    mrn: str
    ucr: str
    outcome: str
    released_items: tuple[int, ...]
    received_at: datetime
    times: int
    """How often it came."""


@dataclass
class Event:
    """A fact on the hub's record."""

    seq: int
    at: datetime
    type: str
    service: str | None
    data: Mapping[str, Any]


@dataclass
class Evidence:
    """All of it."""

    applications: list[Application] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    events: dict[str, list[Event]] = field(default_factory=dict)
    """By mrn, in order."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Every declaration that the hub has: its mrn, by its lrn."""
    outcomes: dict[str, str] = field(default_factory=dict)
    """What the hub shows of each, by its mrn."""
    forgeries: list[Forgery] = field(default_factory=list)
    balances: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of certificates, by their type."""
    failures: list[tuple[int, str, str]] = field(default_factory=list)
    """Answers with status 500: the lot, what was asked, what was said."""

    def __post_init__(self) -> None:
        self.index()

    def index(self) -> None:
        """Sort what was found by declaration. To be called after a change."""
        self.applications_of: defaultdict[str, list[Application]] = defaultdict(list)
        for one in self.applications:
            self.applications_of[one.mrn].append(one)
        self.notices_of: defaultdict[str, list[Notice]] = defaultdict(list)
        for notice in self.notices:
            self.notices_of[notice.mrn].append(notice)

    def words_at(self) -> Iterator[datetime]:
        """When agencies say what they say: a late one has written down what it is about to say."""
        return (said.at for one in self.applications for case in one.cases for said in case.said)


def gather(journal: Path, store_url: str) -> Evidence:
    """Read the books. `journal` is the simulator's, `store_url` leads to the hub's database."""
    applications = [_application(one) for one in _documents(journal, "application")]
    notices = [_notice(one) for one in _documents(journal, "notice")]
    found = Evidence(applications, notices)
    engine = create_engine(store_url)
    try:
        with engine.connect() as connection:
            for row in connection.execute(
                select(declarations.c.mrn, declarations.c.lrn, declarations.c.outcome)
            ):
                found.accepted[row.lrn] = row.mrn
                found.outcomes[row.mrn] = row.outcome
                found.events[row.mrn] = []
            query = select(events).order_by(events.c.mrn, events.c.seq)
            for row in connection.execute(query):
                found.events.setdefault(row.mrn, []).append(
                    Event(row.seq, row.at, row.type, row.service, _read(row.data))
                )
    finally:
        engine.dispose()
    return found


def concluded(journal: Path) -> int:
    """How many declarations the cargo system has heard of."""
    with closing(_opened(journal)) as book:
        [(count,)] = book.execute(
            "select count(distinct substr(key, 1, instr(key, '-notice-') - 1))"
            " from document where kind = 'notice'"
        )
        return int(count)


def _documents(journal: Path, kind: str) -> Iterable[dict[str, Any]]:
    with closing(_opened(journal)) as book:
        rows = book.execute("select body from document where kind = ? order by rowid", (kind,)).fetchall()
    return [json.loads(body) for (body,) in rows]


def _opened(journal: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{journal}?mode=ro", uri=True, timeout=30)


def _application(document: dict[str, Any]) -> Application:
    told = document["application"]
    return Application(
        agency=document["agency"],
        reference=told["reference"],
        service=told["service"],
        mrn=told["mrn"],
        ucr=told["ucr"],
        items=tuple(told["items"]),
        masses=tuple(told["masses"]),
        cases=[
            Case(
                receipt=case["receipt"],
                opened_at=_moment(case["opened_at"]),
                revision=case["revision"],
                withdrawn_at=_moment(case["withdrawn_at"]) if case["withdrawn_at"] else None,
                said=[
                    Said(one["word"], _moment(one["due_at"]), tuple(one["items"]), one["revision"])
                    for one in case["rulings"]
                ],
                supplements=len(case["supplements"]),
            )
            for case in document["cases"]
        ],
    )


def _notice(document: dict[str, Any]) -> Notice:
    told = document["notice"]
    return Notice(
        key=told["key"],
        number=told["number"],
        mrn=told["mrn"],
        ucr=told["ucr"],
        outcome=told["outcome"],
        released_items=tuple(told["released_items"]),
        received_at=_moment(document["received_at"]),
        times=document["times"],
    )


def _read(document: str | dict[str, Any]) -> dict[str, Any]:
    """A document as its database's driver gives it: PostgreSQL's has read it already."""
    return json.loads(document) if isinstance(document, str) else document


def _moment(said: str | datetime) -> datetime:
    moment = datetime.fromisoformat(said) if isinstance(said, str) else said
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
