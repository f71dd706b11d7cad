"""What is asked all day is answered from what waits, and not from all that there is."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from hub.ports.doctor import FindingKind
from hub.store import Store, create_store
from tests.store.sample import T0

LATER = T0 + timedelta(days=400)

ASKED: dict[str, Callable[[Store], object]] = {
    "starts": lambda store: store.not_started(LATER, 200),
    "decisions": lambda store: store.untold_messages(LATER, 200),
    "polls": lambda store: store.lease_polls(LATER, timedelta(minutes=1), 50, ()),
    "next poll": lambda store: store.next_poll_at(()),
    "what waits": lambda store: store.outboxes(),
    "doctor": lambda store: store.count_disagreements(FindingKind.DECISIONS_UNTOLD, LATER),
}


@pytest.fixture
def ran(sqlite_url: str) -> Iterator[tuple[Store, list[str]]]:
    """A store, and the statements it is given."""
    statements: list[str] = []

    def listen(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(statements.append)

    event.listen(Engine, "connect", listen)
    with closing(create_store(sqlite_url)) as store:
        yield store, statements
    event.remove(Engine, "connect", listen)


@pytest.mark.parametrize("name", ASKED)
def test_no_table_of_declarations_is_gone_over(
    ran: tuple[Store, list[str]], sqlite_url: str, name: str
) -> None:
    """A table with an index for all of it may be long; one for what waits is short."""
    store, statements = ran
    store.is_ready()
    statements.clear()
    ASKED[name](store)
    asked = [statement for statement in statements if statement.startswith("SELECT")]
    assert asked
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
        steps = [step for each in asked for *_, step in connection.execute(f"EXPLAIN QUERY PLAN {each}")]
    over = [
        step
        for step in steps
        if step.startswith(("SCAN decisions", "SCAN declarations", "SCAN referrals", "SCAN polls"))
        and not step.endswith(tuple(_SHORT))
    ]
    assert over == []


_SHORT = ("ix_declarations_not_started", "ix_decisions_untold", "ix_polls_due")
"""Indexes that hold only what waits."""
