"""
DBOS: a durable workflow for each declaration, in the process that serves HTTP, as its quickstart has it.

A step does one thing and writes it down; DBOS keeps each step's result in PostgreSQL, and goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from dbos import DBOS, DBOSConfig, SetWorkflowID

from benchmarks.agencies import POLL_EVERY, Kind
from benchmarks.common import records
from benchmarks.common.calls import Decision, Reply, calls, directory
from benchmarks.common.door import serve
from benchmarks.common.settling import notice, settle
from benchmarks.common.surroundings import surroundings

_DECIDES_WITHIN = 600.0


@DBOS.step(retries_allowed=True, max_attempts=100)
async def submit(mrn: str, slug: str, declaration: dict[str, Any]) -> tuple[str, Decision | None]:
    """The receipt, and the decision if there is one already."""
    return await asyncio.to_thread(_submit, mrn, slug, declaration)


def _submit(mrn: str, slug: str, declaration: dict[str, Any]) -> tuple[str, Decision | None]:
    reply = calls().submit(slug, mrn, declaration)
    records.exchanged(mrn, slug, "submit", reply)
    if reply.decision is not None:
        records.decided(mrn, slug, reply.decision.word, reply.decision.reference)
    return reply.receipt, reply.decision


@DBOS.step(retries_allowed=True, max_attempts=100)
async def poll_until_decided(mrn: str, slug: str, receipt: str) -> Decision:
    """Ask until it is decided; if the process dies meanwhile, it is asked anew."""
    while True:
        await asyncio.sleep(POLL_EVERY)
        reply = await asyncio.to_thread(calls().poll, slug, receipt)
        if reply.decision is not None:
            await asyncio.to_thread(_record, mrn, slug, "poll", reply)
            return reply.decision


@DBOS.step()
async def record_callback(mrn: str, slug: str, decision: Decision, message: str) -> None:
    reply = Reply("", decision, "", message, 202, 0)
    await asyncio.to_thread(_record, mrn, slug, "callback", reply)


def _record(mrn: str, slug: str, operation: str, reply: Reply) -> None:
    assert reply.decision is not None
    records.exchanged(mrn, slug, operation, reply)
    records.decided(mrn, slug, reply.decision.word, reply.decision.reference)


@DBOS.step()
async def record_outcome(
    mrn: str, declaration: dict[str, Any], outcome: str, reasons: list[dict[str, str]]
) -> dict[str, Any]:
    """The notice of it."""
    await asyncio.to_thread(records.accept, mrn, declaration)
    await asyncio.to_thread(records.settled, mrn, outcome, reasons)
    return notice(mrn, declaration, outcome, reasons)


@DBOS.step(retries_allowed=True, max_attempts=100)
async def tell_cargo(mrn: str, telling: dict[str, Any]) -> None:
    acknowledgement = await asyncio.to_thread(calls().tell_cargo, telling)
    await asyncio.to_thread(records.told, mrn, telling["key"], acknowledgement)


@DBOS.workflow()
async def clear(mrn: str, declaration: dict[str, Any]) -> str:
    """Take one declaration from acceptance to the release of its cargo."""
    needed = directory().needed(declaration)
    answers = await asyncio.gather(*[submit(mrn, slug, declaration) for slug in needed])
    decided = {
        slug: decision for slug, (_, decision) in zip(needed, answers, strict=True) if decision is not None
    }
    polled = {
        slug: receipt
        for slug, (receipt, _) in zip(needed, answers, strict=True)
        if directory()[slug].kind is Kind.SOAP_POLL
    }
    found = await asyncio.gather(*[poll_until_decided(mrn, slug, polled[slug]) for slug in polled])
    decided |= dict(zip(polled, found, strict=True))
    for slug in needed:
        if slug not in decided:
            word, reference, message = await DBOS.recv_async(slug, _DECIDES_WITHIN)
            decided[slug] = Decision(word, reference)
            await record_callback(mrn, slug, decided[slug], message)
    outcome, reasons = settle({slug: directory()[slug].approves for slug in needed}, decided)
    telling = await record_outcome(mrn, declaration, outcome, reasons)
    await tell_cargo(mrn, telling)
    return outcome


class _Inside:
    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        with SetWorkflowID(mrn):
            await DBOS.start_workflow_async(clear, mrn, declaration)

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        # The agency repeats a callback that was not taken; the same message counts once.
        await DBOS.send_async(
            mrn, (decision.word, decision.reference, message), topic=agency, idempotency_key=f"{mrn}/{agency}"
        )


@asynccontextmanager
async def _open() -> AsyncIterator[_Inside]:
    await asyncio.to_thread(records.create_tables)
    calls()
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": surroundings().database_url,
        "log_level": "WARNING",
    }
    DBOS(config=config)
    DBOS.launch()
    try:
        yield _Inside()
    finally:
        DBOS.destroy()


if __name__ == "__main__":
    serve(_open)
