"""What workflow tests are made of: a small catalogue, and agencies and a cargo system that do as told."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from temporalio.client import Client, WorkflowHandle
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from hub.activities.clearances import ClearanceActivities
from hub.activities.errands import ErrandActivities
from hub.activities.messages import ClearanceOrder, brief_case
from hub.activities.news import NewsActivities
from hub.activities.queueing import Queue
from hub.activities.referrals import ReferralActivities
from hub.activities.under_way import UnderWay
from hub.adapters.controlled import ControlledGateway
from hub.adapters.gate import LiveGate
from hub.domain import names
from hub.domain.case import Case, CasePolicy
from hub.domain.catalogue import Catalogue, Certified, Row, Service
from hub.domain.certificates import CertificateKey, CertificateStanding
from hub.domain.clearance import Notice, Outcome
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration, Procedure
from hub.domain.errors import AgencyUnavailable
from hub.domain.events import NewEvent
from hub.domain.exchange import (
    Answer,
    Asked,
    Dossier,
    Exchange,
    Feed,
    FeedPage,
    InformationContent,
    LookUp,
    Message,
    Submission,
)
from hub.domain.intake import Acceptance, Rulebook, accept
from hub.domain.policy import Control
from hub.domain.referral import Answers, Decision, OnExpiry, Receipt, ReferralTerms, Verdict, Via
from hub.domain.risk import Assessment, Channel
from hub.domain.steps.amending import amend
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.engine import TemporalEngine
from hub.ports import NONE_REFUSED, Acknowledgement, DeclarationView, HandOver
from hub.relays.drain import DrainRelay
from hub.store import Store
from hub.workflows.clearance import ClearanceWorkflow

AGENCIES = ("plant", "animal", "food", "radio")
ZONE = ZoneInfo("Asia/Seoul")
CALENDAR = WorkingCalendar(zone=ZONE, closes_at=clock_time(18), is_closed=lambda day: False)


def calendars(agency: str) -> WorkingCalendar:
    """All offices keep the same."""
    return CALENDAR


def catalogue(on_expiry: OnExpiry = OnExpiry.HOLD, within: str = "48h") -> Catalogue:
    """Four agencies with one service each, for the chapters 01 to 04 in turn."""
    return Catalogue(
        services=tuple(
            Service(
                code=f"{agency}-import",
                agency=agency,
                name={"en": f"{agency} consent"},
                law={"en": f"{agency} act"},
                law_code=f"{number:02}",
                procedures=frozenset({Procedure.IMPORT}),
                rows=(Row(prefix=f"{number:02}"), Row(prefix="990000", prohibited=number == 1)),
                document="Certificate",
                answers=Answers.CALLBACK,
                answer_within=within,
                on_expiry=on_expiry,
                certificate=Certified(types=(f"{agency}-permit",), reuse=True),
            )
            for number, agency in enumerate(AGENCIES, 1)
        ),
        attributes={},
        exemptions={},
        lists={},
        version="1",
    )


def acceptance(
    *hs_codes: str,
    now: datetime | None = None,
    on_expiry: OnExpiry = OnExpiry.HOLD,
    within: str = "48h",
    refusal_open_for: str = "30d",
    remind_before: tuple[str, ...] = (),
    channel: Channel = Channel.GREEN,
    permit: str | None = None,
    standings: Mapping[CertificateKey, CertificateStanding] | None = None,
    instead_of: Acceptance | None = None,
    mass: int = 1,
    **policy: Any,
) -> Acceptance:
    """
    An accepted declaration of one goods item for each code, of `mass` kilograms each; with a `permit` of that
    id presented for the first. `instead_of` is the version before it.
    """
    at = now or datetime.now(UTC)
    items: list[dict[str, Any]] = [
        {"number": n, "hs_code": code, "net_mass_kg": str(mass)} for n, code in enumerate(hs_codes, 1)
    ]
    if permit is not None:
        items[0]["lpcos"] = [{"type": "plant-permit", "id": permit}]
    before = instead_of.declaration if instead_of else None
    declaration = Declaration.model_validate(
        {
            "lrn": before.lrn if before else f"T-{at.timestamp()}",
            "procedure": "import",
            "declarant": {"id": "BROKER"},
            "consignment": {"ucr": "UCR1"},
            "items": items,
        }
    )
    rulebook = Rulebook(
        catalogue=catalogue(on_expiry, within),
        calendars=dict.fromkeys(AGENCIES, CALENDAR),
        versions=dict.fromkeys(AGENCIES, "v1"),
        policy=CasePolicy(version="1", refusal_open_for=refusal_open_for, **policy),
        country="KR",
        zone=ZONE,
        remind_before=remind_before,
        control=Control(
            answer_within="3wd", calendar=CALENDAR, law={"en": "Customs Act"}, name={"en": "Control"}
        ),
    )
    assessment = Assessment(channel=channel, score=9, seed="00", rules_version="1")
    return accept(
        declaration,
        rulebook,
        mrn=instead_of.mrn if instead_of else names.new_mrn("KR", at),
        client="test",
        at=at,
        policy=instead_of.case.policy if instead_of else None,
        version=instead_of.case.version + 1 if instead_of else 1,
        assessment=assessment,
        standings=standings or {},
    )


def decision(
    referral: str,
    verdict: Verdict = Verdict.APPROVED,
    *,
    id: str = "d1",
    at: datetime | None = None,
    items: tuple[int, ...] | None = None,
) -> Decision:
    """A decision of an agency."""
    now = at or datetime.now(UTC)
    return Decision(
        id=id,
        referral=referral,
        verdict=verdict,
        items=items,
        word=verdict,
        decided_at=now,
        received_at=now,
        via=Via.CALLBACK,
    )


Attempt = Callable[[Dossier], Awaitable[Submission]]


@dataclass
class ToldAgencies:
    """Agencies that answer each submission by the next of their script; the last goes on for ever."""

    scripts: dict[str, list[Attempt]] = field(default_factory=dict)
    found: dict[str, Submission] = field(default_factory=dict)
    """What looking up a referral finds."""
    submitted: list[str] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)
    looks_up: bool = False
    """Its contract has an operation for looking up: what is not found there is not there."""
    shows_after: timedelta = timedelta(0)
    """How long what was sent may still be on its way, and is not found."""
    can: frozenset[Asked] = frozenset(Asked)
    away: dict[str, int] = field(default_factory=dict)
    """By service: how often it is not reached when it is told anything after its submission."""
    told: list[tuple[str, str, int]] = field(default_factory=list)
    """What they were told after submissions, or were not reached for: what, referral, revision."""
    informed: list[InformationContent] = field(default_factory=list)
    amends: Attempt | None = None
    """How an amendment is answered; by default with a receipt."""

    async def submit(self, dossier: Dossier) -> Submission:
        service = dossier.terms.service
        self.submitted.append(service)
        script = self.scripts.get(service) or [approves]
        attempt = script.pop(0) if len(script) > 1 else script[0]
        return await attempt(dossier)

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        self.looked_up.append(dossier.terms.service)
        exchanges = (looking_up(dossier),) if self.looks_up else ()
        found = self.found.get(dossier.terms.service)
        return LookUp(submission=found, resend_from=sent_at + self.shows_after, exchanges=exchanges)

    async def amend(self, dossier: Dossier) -> Submission:
        await self._tell("amend", dossier)
        return await (self.amends or takes)(dossier)

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        await self._tell("withdraw", dossier)
        return ()

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        await self._tell("inform", dossier)
        self.informed.append(information)
        return Answer()

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        await self._tell("remind", dossier)
        return ()

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return self.can

    async def inputs_of(self, dossier: Dossier) -> str:
        items = [dossier.declaration.item(number) for number in dossier.terms.items]
        return repr([item.model_dump_json() for item in items])

    async def _tell(self, what: str, dossier: Dossier) -> None:
        terms = dossier.terms
        self.told.append((what, terms.id.partition("/")[2], terms.revision))
        if self.away.get(terms.service, 0) > 0:
            self.away[terms.service] -= 1
            raise AgencyUnavailable("connection refused")

    async def poll(self, dossier: Dossier) -> Answer:
        return Answer()

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        return Feed()

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        return ()

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        raise KeyError(agency)


def looking_up(dossier: Dossier) -> Exchange:
    terms = dossier.terms
    return Exchange(
        id=secrets.token_hex(8),
        agency=terms.agency,
        kind="look_up",
        mrn=terms.mrn,
        service=terms.service,
        started_at=datetime.now(UTC),
        milliseconds=1,
        request={},
        reply={"status": 404},
        reading="not found",
    )


def receipt(reference: str = "R1") -> Receipt:
    return Receipt(reference=reference, received_at=datetime.now(UTC))


def says(verdict: Verdict) -> Attempt:
    """Decides in the reply."""

    async def attempt(dossier: Dossier) -> Submission:
        return Submission(receipt=receipt(), decisions=(decision(dossier.terms.id, verdict),))

    return attempt


approves = says(Verdict.APPROVED)


async def takes(dossier: Dossier) -> Submission:
    """Takes it, and decides another time."""
    return Submission(receipt=receipt())


def raises(error: Exception) -> Attempt:
    async def attempt(dossier: Dossier) -> Submission:
        raise error

    return attempt


def waits_for(gate: asyncio.Event, then: Attempt) -> Attempt:
    async def attempt(dossier: Dossier) -> Submission:
        await gate.wait()
        return await then(dossier)

    return attempt


@dataclass
class ToldCargo:
    """A cargo system that fails as often as told, then acknowledges; it knows notices by their key."""

    failures: list[Exception] = field(default_factory=list)
    notices: dict[str, Notice] = field(default_factory=dict)
    calls: int = 0

    async def tell(self, notice: Notice) -> Acknowledgement:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        self.notices.setdefault(notice.key, notice)
        return Acknowledgement(at=datetime.now(UTC), reference=f"C-{notice.number}")

    @property
    def outcomes(self) -> list[Outcome]:
        return [notice.outcome for notice in self.notices.values()]


@dataclass
class Bench:
    """A worker on a time-skipping engine, with a real store."""

    env: WorkflowEnvironment
    store: Store
    agencies: ToldAgencies
    cargo: ToldCargo
    skipped: timedelta = timedelta(0)
    gate: LiveGate = field(init=False)
    drain: DrainRelay = field(init=False)
    started: list[WorkflowHandle[ClearanceWorkflow, Outcome]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = LiveGate(self.store, self.now, lambda agency: None, lambda agency: None)
        self.asking = ControlledGateway(self.agencies, self.gate)
        self.drain = DrainRelay(
            self.store,
            self.store,
            self.store,
            self.asking,
            TemporalEngine(self.client),
            self.gate,
            self.now,
        )

    @property
    def client(self) -> Client:
        return self.env.client

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skipped

    async def sleep(self, length: timedelta) -> None:
        """
        Let engine time pass at once, and the hub's clock with it.

        Not beyond the end of a workflow that may have let go of an activity: while that is carried out this
        engine skips no time, and where the workflow ends meanwhile it never skips any again. Such an end is
        waited for with `passed` and the result.
        """
        self.passed(length)
        await self.env.sleep(length)

    def passed(self, length: timedelta) -> None:
        """It is later for the hub; the engine's own time passes while a result is waited for."""
        self.skipped += length

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """A worker of the hub for as long as the context lasts."""
        submissions = UnderWay[HandOver]()
        queue = Queue(self.store, self.gate)
        store, asking = self.store, self.asking
        async with Worker(
            self.client,
            task_queue=names.TASK_QUEUE,
            workflows=[ClearanceWorkflow],
            activities=[
                *ReferralActivities(store, asking, self.now, submissions, queue).all(),
                *ErrandActivities(store, asking, self.now, calendars, submissions, queue).all(),
                *ClearanceActivities(self.store, self.store, self.cargo, self.now).all(),
                *NewsActivities(self.store, self.store, self.now, calendars).all(),
            ],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            yield

    async def start(self, accepted: Acceptance) -> WorkflowHandle[ClearanceWorkflow, Outcome]:
        """Lodge it in the store, and start its workflow."""
        await asyncio.to_thread(self.store.lodge, accepted)
        handle = await self.client.start_workflow(
            ClearanceWorkflow.run,
            ClearanceOrder(case=brief_case(accepted.case)),
            id=names.workflow_id(accepted.mrn),
            task_queue=names.TASK_QUEUE,
        )
        self.started.append(handle)
        return handle

    async def receive(self, *decisions: Decision) -> None:
        """The agency calls back: into the inbox, then to the workflow what it is to be told now."""
        for each in decisions:
            mrn, service = names.split_referral_id(each.referral)
            message = Message(
                agency=service.split("-")[0],
                message_id=each.id,
                referral=each.referral,
                decisions=(each,),
                raw="",
                via=Via.CALLBACK,
                received_at=each.received_at,
            )
            received = await asyncio.to_thread(self.store.receive, message)
            if received.to_tell:
                await self.client.get_workflow_handle(names.workflow_id(mrn)).signal(
                    names.SIGNAL_DECISIONS_RECEIVED, list(received.to_tell)
                )

    async def until(self, mrn: str, condition: Callable[[list[str]], bool]) -> list[str]:
        """Wait until the declaration's events, as `type` or `type:service`, fulfil a condition."""
        while True:
            events = await asyncio.to_thread(self.store.events, mrn, 0, 1000)
            told = [e.type if e.service is None else f"{e.type}:{e.service}" for e in events]
            if condition(told):
                return told
            await asyncio.sleep(0.01)

    async def change(
        self,
        accepted: Acceptance,
        step: Callable[[DeclarationView], Sequence[NewEvent]],
        new: Acceptance | None = None,
        *,
        told: bool = True,
    ) -> None:
        """Something happens to the declaration: into the store, then to the workflow."""
        await asyncio.to_thread(partial(self.store.change, accepted.mrn, step, acceptance=new))
        if told:
            await self.nudge(accepted.mrn)

    async def nudge(self, mrn: str) -> None:
        """The workflow is told that there is something to be read."""
        handle = self.client.get_workflow_handle(names.workflow_id(mrn))
        await handle.signal(names.SIGNAL_NEWS_RECORDED)

    async def amend(self, accepted: Acceptance, *hs_codes: str, **differing: Any) -> Acceptance:
        """The declarant amends, as at the door: compared by what each agency would be told."""
        new = acceptance(*hs_codes, now=self.now(), instead_of=accepted, **differing)
        view = await asyncio.to_thread(self.store.view, accepted.mrn)
        assert view is not None
        asked = {r.terms.service: r for r in new.case.referrals}
        digests = {
            r.terms.service: (
                await self.agencies.inputs_of(_dossier(view.acceptance, r.terms)),
                await self.agencies.inputs_of(_dossier(new, asked[r.terms.service].terms)),
            )
            for r in view.case.referrals
            if r.terms.service in asked
        }
        abilities = dict.fromkeys(asked, self.agencies.can)

        def step(now: DeclarationView) -> list[NewEvent]:
            sent = {r.terms.service: r.sent_at is not None for r in now.referrals}
            return amend(now, new, digests=digests, abilities=abilities, sent=sent)

        await self.change(accepted, step, new)
        return new

    async def withdraw(self, accepted: Acceptance, *, told: bool = True) -> None:
        """The declarant takes it back."""
        withdrawal = Withdrawal(reason="C01", requested_at=self.now(), by="test")
        await self.change(accepted, lambda view: withdraw(view, withdrawal), told=told)

    async def pause(self, agency: str) -> None:
        """A person pauses it, and this process has seen that."""
        await asyncio.to_thread(self.store.pause, agency, by="kim", reason="moves house", at=self.now())
        await self.gate.look()

    async def resume(self, agency: str) -> None:
        """A person resumes it, and its queue goes out."""
        await asyncio.to_thread(self.store.resume, agency, by="kim", reason="is back", at=self.now())
        await self.until_open()

    async def until_open(self) -> None:
        """Let the relay go round, a second each time, until all agencies are open."""
        while await asyncio.to_thread(self.store.controls):
            self.skipped += timedelta(seconds=1)
            await self.gate.look()
            await self.drain.go_round()
            await asyncio.sleep(0.05)
        await self.gate.look()

    async def case(self, mrn: str) -> Case:
        """As the store has it."""
        view = await asyncio.to_thread(self.store.view, mrn)
        assert view is not None
        return view.case


def _dossier(accepted: Acceptance, terms: ReferralTerms) -> Dossier:
    return Dossier(declaration=accepted.declaration, terms=terms, accepted_at=accepted.accepted_at)
