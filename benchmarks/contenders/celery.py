"""
Celery: a task for each referral, acknowledged late, on Redis; what is known of a declaration is in the
database.

Whichever task writes the last decision down starts the task that settles and tells. A task may be carried out
twice; so what it writes is written once, and the cargo system knows notices by their keys.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from celery import Celery
from celery.signals import worker_process_init
from sqlalchemy import func, select

from benchmarks.agencies import POLL_EVERY, Kind
from benchmarks.common import records
from benchmarks.common.calls import Decision, Reply, Unavailable, calls, directory
from benchmarks.common.door import serve
from benchmarks.common.settling import notice, settle
from benchmarks.common.surroundings import surroundings

app = Celery("bench", broker=surroundings().engine)
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
)
_TRIED = {"autoretry_for": (Unavailable,), "retry_backoff": True, "max_retries": None}


@worker_process_init.connect
def _build_clients(**_: Any) -> None:
    calls()


@app.task(name="refer", **_TRIED)
def refer(mrn: str, slug: str, declaration: dict[str, Any]) -> None:
    reply = calls().submit(slug, mrn, declaration)
    records.exchanged(mrn, slug, "submit", reply)
    if reply.decision is not None:
        _decide(mrn, slug, reply.decision)
    elif directory()[slug].kind is Kind.SOAP_POLL:
        ask.apply_async((mrn, slug, reply.receipt), countdown=POLL_EVERY)


@app.task(name="ask", **_TRIED)
def ask(mrn: str, slug: str, receipt: str) -> None:
    """One poll; the next is a task of its own."""
    reply = calls().poll(slug, receipt)
    if reply.decision is None:
        ask.apply_async((mrn, slug, receipt), countdown=POLL_EVERY)
        return
    records.exchanged(mrn, slug, "poll", reply)
    _decide(mrn, slug, reply.decision)


@app.task(name="take_callback", **_TRIED)
def take_callback(mrn: str, slug: str, word: str, reference: str, message: str) -> None:
    decision = Decision(word, reference)
    records.exchanged(mrn, slug, "callback", Reply("", decision, "", message, 202, 0))
    _decide(mrn, slug, decision)


@app.task(name="conclude", **_TRIED)
def conclude(mrn: str) -> None:
    with records.database().connect() as connection:
        table = records.decisions
        rows = connection.execute(select(table).where(table.c.mrn == mrn)).all()
        declaration = connection.scalar(
            select(records.declarations.c.content).where(records.declarations.c.mrn == mrn)
        )
    assert declaration is not None
    decided = {row.agency: Decision(row.word, row.reference) for row in rows}
    approves = {slug: directory()[slug].approves for slug in decided}
    outcome, reasons = settle(approves, decided)
    records.settled(mrn, outcome, reasons)
    telling = notice(mrn, declaration, outcome, reasons)
    records.told(mrn, telling["key"], calls().tell_cargo(telling))


def _decide(mrn: str, slug: str, decision: Decision) -> None:
    """Writers take turns, so one of them finds that all are there."""
    records.decided(mrn, slug, decision.word, decision.reference)
    with records.database().connect() as connection:
        table = records.decisions
        known = connection.scalar(select(func.count()).where(table.c.mrn == mrn))
        declaration = connection.scalar(
            select(records.declarations.c.content).where(records.declarations.c.mrn == mrn)
        )
    assert declaration is not None
    if known == len(directory().needed(declaration)):
        conclude.delay(mrn)


class _Inside:
    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        await asyncio.to_thread(self._lodge, mrn, declaration)

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        await asyncio.to_thread(take_callback.delay, mrn, agency, decision.word, decision.reference, message)

    @staticmethod
    def _lodge(mrn: str, declaration: dict[str, Any]) -> None:
        records.accept(mrn, declaration)
        for slug in directory().needed(declaration):
            refer.delay(mrn, slug, declaration)


@asynccontextmanager
async def _open() -> AsyncIterator[_Inside]:
    await asyncio.to_thread(records.create_tables)
    yield _Inside()


if __name__ == "__main__":
    serve(_open)
