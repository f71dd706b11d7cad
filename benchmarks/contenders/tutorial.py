"""
Tutorial: Temporal as introductions teach it.

A child workflow for each agency, an activity for every small step, polling by timer and activity.
"""

from __future__ import annotations

import asyncio
import json
import sys
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
    from benchmarks.common.calls import Decision, Reply, calls, directory, write
    from benchmarks.common.door import serve
    from benchmarks.common.settling import notice, settle
    from benchmarks.common.surroundings import surroundings

_QUEUE = "tutorial"
_PATIENCE = timedelta(seconds=30)


@dataclass
class Order:
    """What the workflow of a declaration is given."""

    mrn: str
    declaration: dict[str, Any]


@dataclass
class Referral:
    """What the workflow of a referral is given."""

    mrn: str
    agency: str
    declaration: dict[str, Any]


@dataclass
class Written:
    agency: str
    content: dict[str, Any]


@dataclass
class Asked:
    agency: str
    receipt: str


@dataclass
class Record:
    mrn: str
    agency: str
    operation: str
    reply: Reply


@dataclass
class Decided:
    mrn: str
    agency: str
    decision: Decision


@dataclass
class Called:
    """A callback, as it came."""

    decision: Decision
    message: str


@dataclass
class Settlement:
    mrn: str
    outcome: str
    reasons: list[dict[str, str]]


@dataclass
class Concluding:
    order: Order
    settlement: Settlement


@dataclass
class Told:
    mrn: str
    key: str
    acknowledgement: str


@activity.defn
def validate_declaration(order: Order) -> None:
    """Raises KeyError if it lacks what agencies need."""
    for key in ("importer", "declarant", "consignment", "items"):
        order.declaration[key]


@activity.defn
def record_declaration(order: Order) -> None:
    records.accept(order.mrn, order.declaration)


@activity.defn
def find_agencies(order: Order) -> dict[str, Kind]:
    return {slug: directory()[slug].kind for slug in directory().needed(order.declaration)}


@activity.defn
def map_request(referral: Referral) -> Written:
    agency = directory()[referral.agency]
    return Written(referral.agency, write(agency, referral.mrn, referral.declaration))


@activity.defn
def validate_request(written: Written) -> None:
    """Raises TypeError if it cannot be written."""
    json.dumps(written.content)


@activity.defn
def call_agency(written: Written) -> Reply:
    return calls().send(written.agency, written.content)


@activity.defn
def poll_agency(asked: Asked) -> Reply:
    return calls().poll(asked.agency, asked.receipt)


@activity.defn
def parse_reply(reply: Reply) -> Decision | None:
    return reply.decision


@activity.defn
def record_exchange(record: Record) -> None:
    records.exchanged(record.mrn, record.agency, record.operation, record.reply)


@activity.defn
def record_decision(decided: Decided) -> None:
    records.decided(decided.mrn, decided.agency, decided.decision.word, decided.decision.reference)


@activity.defn
def settle_declaration(decided: dict[str, Decision]) -> tuple[str, list[dict[str, str]]]:
    return settle({slug: directory()[slug].approves for slug in decided}, decided)


@activity.defn
def record_outcome(settlement: Settlement) -> None:
    records.settled(settlement.mrn, settlement.outcome, settlement.reasons)


@activity.defn
def make_notice(concluding: Concluding) -> dict[str, Any]:
    order, settlement = concluding.order, concluding.settlement
    return notice(order.mrn, order.declaration, settlement.outcome, settlement.reasons)


@activity.defn
def tell_cargo(telling: dict[str, Any]) -> str:
    return calls().tell_cargo(telling)


@activity.defn
def record_notice(told: Told) -> None:
    records.told(told.mrn, told.key, told.acknowledgement)


@workflow.defn
class ReferralWorkflow:
    """Puts a declaration to one agency, and waits for its decision."""

    def __init__(self) -> None:
        self._called: Called | None = None

    @workflow.run
    async def run(self, referral: Referral, kind: Kind) -> Decision:
        written = await _do(map_request, referral)
        await _do(validate_request, written)
        reply: Reply = await _do(call_agency, written)
        await _do(record_exchange, Record(referral.mrn, referral.agency, "submit", reply))
        decision: Decision | None = await _do(parse_reply, reply)
        if kind is Kind.REST_CALLBACK:
            await workflow.wait_condition(lambda: self._called is not None)
            assert self._called is not None
            decision = self._called.decision
            told = Reply("", decision, "", self._called.message, 202, 0)
            await _do(record_exchange, Record(referral.mrn, referral.agency, "callback", told))
        while decision is None:
            await workflow.sleep(POLL_EVERY)
            reply = await _do(poll_agency, Asked(referral.agency, reply.receipt))
            decision = await _do(parse_reply, reply)
            await _do(record_exchange, Record(referral.mrn, referral.agency, "poll", reply))
        await _do(record_decision, Decided(referral.mrn, referral.agency, decision))
        return decision

    @workflow.signal
    def decision_received(self, called: Called) -> None:
        self._called = called


@workflow.defn
class DeclarationWorkflow:
    """Takes one declaration from acceptance to the release of its cargo."""

    @workflow.run
    async def run(self, order: Order) -> str:
        await _do(validate_declaration, order)
        await _do(record_declaration, order)
        kinds: dict[str, Kind] = await _do(find_agencies, order)
        answers = await asyncio.gather(
            *[
                workflow.execute_child_workflow(
                    ReferralWorkflow.run,
                    args=[Referral(order.mrn, slug, order.declaration), kind],
                    id=f"{order.mrn}/{slug}",
                )
                for slug, kind in kinds.items()
            ]
        )
        outcome, reasons = await _do(settle_declaration, dict(zip(kinds, answers, strict=True)))
        settlement = Settlement(order.mrn, outcome, reasons)
        await _do(record_outcome, settlement)
        telling = await _do(make_notice, Concluding(order, settlement))
        acknowledgement = await _do(tell_cargo, telling)
        await _do(record_notice, Told(order.mrn, telling["key"], acknowledgement))
        return str(outcome)


async def _do(step: Any, subject: Any) -> Any:
    return await workflow.execute_activity(step, subject, start_to_close_timeout=_PATIENCE)


class _Inside:
    def __init__(self, client: Client) -> None:
        self._client = client

    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        await self._client.start_workflow(
            DeclarationWorkflow.run, Order(mrn, declaration), id=mrn, task_queue=_QUEUE
        )

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        handle = self._client.get_workflow_handle(f"{mrn}/{agency}")
        await handle.signal(ReferralWorkflow.decision_received, Called(decision, message))


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
            workflows=[DeclarationWorkflow, ReferralWorkflow],
            activities=[
                validate_declaration,
                record_declaration,
                find_agencies,
                map_request,
                validate_request,
                call_agency,
                poll_agency,
                parse_reply,
                record_exchange,
                record_decision,
                settle_declaration,
                record_outcome,
                make_notice,
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
