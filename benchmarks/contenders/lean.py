"""
Lean: a bare Temporal workflow with one regular activity for each step, and default worker settings.

A step is one request or one thing written down. Nothing of the hub's is around it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from benchmarks.agencies import POLL_EVERY, Kind
    from benchmarks.common import records
    from benchmarks.common.calls import Decision, Reply, calls, directory
    from benchmarks.common.door import serve
    from benchmarks.common.settling import notice, settle
    from benchmarks.common.surroundings import surroundings

_QUEUE = "lean"
_PATIENCE = timedelta(seconds=30)
_DECIDES_WITHIN = timedelta(minutes=10)


@dataclass
class Order:
    """What the workflow is given."""

    mrn: str
    declaration: dict[str, Any]
    agencies: dict[str, Kind]
    approves: dict[str, str]
    """Each agency's word for an approval."""


@dataclass
class Application:
    """One declaration to one agency."""

    mrn: str
    agency: str
    declaration: dict[str, Any]


@dataclass
class Asked:
    """One case at one agency."""

    mrn: str
    agency: str
    receipt: str


@dataclass
class Referred:
    """What came of one referral: its exchanges, and the decision."""

    mrn: str
    agency: str
    exchanges: list[tuple[str, Reply]]
    decision: Decision


@dataclass
class Called:
    """A callback, as it came."""

    agency: str
    decision: Decision
    message: str


@dataclass
class Settlement:
    mrn: str
    outcome: str
    reasons: list[dict[str, str]]


@dataclass
class Telling:
    mrn: str
    notice: dict[str, Any]


@dataclass
class Told:
    mrn: str
    key: str
    acknowledgement: str


@activity.defn
def record_declaration(order: Order) -> None:
    records.accept(order.mrn, order.declaration)


@activity.defn
def submit(application: Application) -> Reply:
    return calls().submit(application.agency, application.mrn, application.declaration)


@activity.defn
def poll_until_decided(asked: Asked) -> Reply:
    """Ask until it is decided: in one activity with heartbeats, as is advised for frequent polls."""
    while True:
        activity.heartbeat()
        time.sleep(POLL_EVERY)
        reply = calls().poll(asked.agency, asked.receipt)
        if reply.decision is not None:
            return reply


@activity.defn
def record_referral(referred: Referred) -> None:
    for operation, reply in referred.exchanges:
        records.exchanged(referred.mrn, referred.agency, operation, reply)
    records.decided(referred.mrn, referred.agency, referred.decision.word, referred.decision.reference)


@activity.defn
def record_outcome(settlement: Settlement) -> None:
    records.settled(settlement.mrn, settlement.outcome, settlement.reasons)


@activity.defn
def tell_cargo(telling: Telling) -> str:
    return calls().tell_cargo(telling.notice)


@activity.defn
def record_notice(told: Told) -> None:
    records.told(told.mrn, told.key, told.acknowledgement)


@workflow.defn
class Clearance:
    """Takes one declaration from acceptance to the release of its cargo."""

    def __init__(self) -> None:
        self._called: dict[str, Called] = {}

    @workflow.run
    async def run(self, order: Order) -> str:
        await _do(record_declaration, order)
        answers = await asyncio.gather(*[self._refer(order, slug) for slug in order.agencies])
        outcome, reasons = settle(order.approves, dict(zip(order.agencies, answers, strict=True)))
        await _do(record_outcome, Settlement(order.mrn, outcome, reasons))
        telling = Telling(order.mrn, notice_of(order, outcome, reasons))
        acknowledgement = await _do(tell_cargo, telling)
        await _do(record_notice, Told(order.mrn, telling.notice["key"], acknowledgement))
        return outcome

    @workflow.signal
    def decision_received(self, called: Called) -> None:
        self._called[called.agency] = called

    async def _refer(self, order: Order, slug: str) -> Decision:
        reply: Reply = await _do(submit, Application(order.mrn, slug, order.declaration))
        exchanges, decision = [("submit", reply)], reply.decision
        match order.agencies[slug]:
            case Kind.REST_CALLBACK:
                await workflow.wait_condition(lambda: slug in self._called)
                called = self._called[slug]
                decision = called.decision
                exchanges.append(("callback", Reply("", decision, "", called.message, 202, 0)))
            case Kind.SOAP_POLL:
                reply = await workflow.execute_activity(
                    poll_until_decided,
                    Asked(order.mrn, slug, reply.receipt),
                    start_to_close_timeout=_DECIDES_WITHIN,
                    heartbeat_timeout=_PATIENCE,
                )
                decision = reply.decision
                exchanges.append(("poll", reply))
        assert decision is not None
        await _do(record_referral, Referred(order.mrn, slug, exchanges, decision))
        return decision


def notice_of(order: Order, outcome: str, reasons: list[dict[str, str]]) -> dict[str, Any]:
    """The same each time the workflow is replayed."""
    return {
        **notice(order.mrn, order.declaration, outcome, reasons),
        "issued_at": workflow.now().isoformat(),
    }


async def _do(step: Any, subject: Any) -> Any:
    return await workflow.execute_activity(step, subject, start_to_close_timeout=_PATIENCE)


class _Inside:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        needed = [directory()[slug] for slug in directory().needed(declaration)]
        order = Order(
            mrn,
            declaration,
            {agency.slug: agency.kind for agency in needed},
            {agency.slug: agency.approves for agency in needed},
        )
        await self._client.start_workflow(Clearance.run, order, id=mrn, task_queue=_QUEUE)

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        handle = self._client.get_workflow_handle(mrn)
        await handle.signal(Clearance.decision_received, Called(agency, decision, message))


@asynccontextmanager
async def _open() -> AsyncIterator[_Inside]:
    yield _Inside(await Client.connect(surroundings().engine))


async def _work() -> None:
    records.create_tables()
    calls()
    client = await Client.connect(surroundings().engine)
    with ThreadPoolExecutor(100) as threads:
        await Worker(
            client,
            task_queue=_QUEUE,
            workflows=[Clearance],
            activities=[
                record_declaration,
                submit,
                poll_until_decided,
                record_referral,
                record_outcome,
                tell_cargo,
                record_notice,
            ],
            activity_executor=threads,
        ).run()


if __name__ == "__main__":
    if sys.argv[1] == "door":
        serve(_open)
    else:
        asyncio.run(_work())
