"""
A small world for the laws of a declaration's life: a few services, and agencies that do as they always do.

What an agency says is a function of what it was told, so two ways to the same content must come to the same
end. Everything takes a second: no two things happen at the same time.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from functools import partial
from random import Random
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

from hub.domain.case import Case, CasePolicy, Referral
from hub.domain.catalogue import Row
from hub.domain.clearance import Clearance, Rule
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Declaration
from hub.domain.errands import Errand, ErrandKind, errands
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked
from hub.domain.intake import Acceptance, Rulebook, accept
from hub.domain.life import apply, opened, revision_of
from hub.domain.policy import Control
from hub.domain.referral import Answers, Decision, Receipt, ReferralState, Verdict, Via
from hub.domain.risk import Assessment, Channel
from hub.domain.settling import is_live, settle, standing_questions
from hub.domain.steps import following
from hub.domain.steps.amending import amend
from hub.domain.steps.informing import BY_CHANNEL, information_of, passed_on
from hub.domain.steps.informing import answer as answer_question
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from tests.domain.support import catalogue, declaration, flag, service

MORNING = datetime(2026, 3, 2, 1, tzinfo=UTC)
MRN = "26KR00000000000001"
READABLE = ("origin", "net_mass_kg", "description")
"""What an agency may be told of a goods item beside its number."""
CALENDAR = WorkingCalendar(ZoneInfo("Asia/Seoul"), time(18), lambda day: False)
CONTROL = Control(CALENDAR, "3wd", {"en": "Customs Act"}, {"en": "Customs' own control"})


@dataclass(frozen=True)
class Agency:
    """One agency with one service: what it is asked about, what it is told, what its contract can do."""

    service: str
    needed_for: str | None
    """The boolean attribute of the items it is asked about; None for all of them."""
    reads: frozenset[str]
    abilities: frozenset[Asked]
    by_hand: bool = False
    states: bool = False
    """Whether its decisions say which revision they are about."""

    def told(self, lodged: Declaration, items: Iterable[int]) -> str:
        """What a submission would say: the same text, the same submission."""
        if self.by_hand:
            return repr([(n, lodged.item(n)) for n in items])
        return repr([(n, [str(getattr(lodged.item(n), name)) for name in sorted(self.reads)]) for n in items])

    def says(self, told: str, item: int, *, informed: bool) -> Verdict:
        """Its word on a goods item: always the same for the same content."""
        number = int(hashlib.sha256(f"{self.service} {told} {item} {informed}".encode()).hexdigest(), 16) % 6
        if number == 0 and not informed:
            return Verdict.INFORMATION_REQUIRED
        words = (Verdict.APPROVED, Verdict.REFUSED, Verdict.INSPECTION_REQUIRED)
        return words[number] if number < len(words) else Verdict.APPROVED_WITH_CONDITIONS


def rulebook(agencies: Iterable[Agency], **policy: Any) -> Rulebook:
    services = [
        service(
            agency.service,
            Row("01", needed_when=None if agency.needed_for is None else flag(agency.needed_for)),
            answers=Answers.DOOR if agency.by_hand else Answers.CALLBACK,
        )
        for agency in agencies
    ]
    names = {one.agency for one in services}
    return Rulebook(
        catalogue=catalogue(*services),
        calendars=dict.fromkeys(names, CALENDAR),
        versions=dict.fromkeys(names, "v1"),
        policy=CasePolicy(version="p1", refusal_open_for="30d", **policy),
        country="KR",
        zone=ZoneInfo("Asia/Seoul"),
        control=CONTROL,
    )


def lodged(*items: Mapping[str, Any]) -> Declaration:
    return declaration(*({"hs_code": "010101", **item} for item in items))


def assessed(content: Declaration) -> Assessment:
    """The risk channel of this world: goods from YY are looked at on paper, goods from RR themselves."""
    origins = {item.origin for item in content.items}
    channel = Channel.RED if "RR" in origins else Channel.YELLOW if "YY" in origins else Channel.GREEN
    return Assessment(channel=channel, score=0, seed="00", rules_version="r1")


@dataclass
class Application:
    """What an agency has under one of our references."""

    told: str
    items: tuple[int, ...]
    version: int = 1
    """Of what it was told, counted by the agency."""
    revision: int = 1
    """What the latest amendment called itself; 1 as submitted."""
    decided: int = 0
    """The version on which it has said its word."""
    informed: bool = False


@dataclass
class Letter:
    """A decision on its way to the hub."""

    decision: Decision
    service: str


@dataclass
class World:
    """A declaration, the agencies, and what is on its way between them."""

    agencies: Mapping[str, Agency]
    rules: Rulebook
    acceptance: Acceptance
    case: Case
    events: list[NewEvent] = field(default_factory=list)
    applications: dict[str, Application] = field(default_factory=dict)
    """By our reference: those that live."""
    under_way: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By service: submissions that the agency has, and the hub does not know of: reference and revision."""
    amending: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    """By service: amendments that the agency has, and the hub does not know of: revision and since when."""
    letters: list[Letter] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    """Services that were told that they are asked no more, in order."""
    now: datetime = MORNING
    closed_at: datetime | None = None
    lost: int = 0
    """How many answers to amendments may still be lost."""
    _said: int = 0

    @classmethod
    def begin(cls, agencies: Iterable[Agency], content: Declaration, **policy: Any) -> World:
        known = {agency.service: agency for agency in agencies}
        rules = rulebook(known.values(), **policy)
        made = accept(content, rules, mrn=MRN, client="c1", at=MORNING, assessment=assessed(content))
        event = NewEvent(
            at=MORNING,
            type=EventType.DECLARATION_ACCEPTED,
            data={"case": made.case.model_dump(mode="json")},
        )
        return cls(known, rules, made, opened(event), [event])

    # what steps read

    @property
    def clearance(self) -> Clearance:
        return settle(self.case)

    @property
    def referrals(self) -> list[Any]:
        """As the store has them: with the mark of a submission that was begun."""
        return [
            SimpleNamespace(terms=r.terms, sent_at=self.now if r.terms.service in self.under_way else None)
            for r in self.case.referrals
        ]

    # what happens

    def record(self, events: Iterable[NewEvent]) -> None:
        for event in events:
            self.case = apply(self.case, event)
            self.events.append(event)

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def amended(self, content: Declaration) -> None:
        at = self.tick()
        new = accept(
            content,
            self.rules,
            mrn=MRN,
            client="c1",
            at=at,
            day=self.acceptance.routing.day,
            policy=self.case.policy,
            version=self.case.version + 1,
            assessment=assessed(content),
        )
        asked = {r.terms.service: r.terms.items for r in new.case.referrals}
        before = {r.terms.service: r.terms.items for r in self.case.referrals}
        digests = {
            name: (
                agency.told(self.acceptance.declaration, before[name]),
                agency.told(content, asked[name]),
            )
            for name, agency in self.agencies.items()
            if name in asked and name in before and _has_items(self.acceptance.declaration, before[name])
        }
        abilities = {name: agency.abilities for name, agency in self.agencies.items()}
        sent = dict.fromkeys(self.under_way, True)
        # A consignment that was released may not be amended: here nothing is, until the world comes to rest.
        standing = SimpleNamespace(
            acceptance=self.acceptance,
            case=self.case,
            clearance=self.acceptance.clearance.model_copy(update={"outcome": "in_progress"}),
            closed_at=None,
        )
        self.record(amend(standing, new, digests=digests, abilities=abilities, sent=sent))
        self.acceptance = new

    def withdrawn(self) -> None:
        at = self.tick()
        standing = SimpleNamespace(
            acceptance=self.acceptance,
            case=self.case,
            clearance=self.acceptance.clearance.model_copy(update={"outcome": "in_progress"}),
            closed_at=None,
            referrals=self.referrals,
        )
        self.record(withdraw(standing, Withdrawal(reason="C01", requested_at=at, by="c1")))

    # what agencies are told

    def send(self, errand: Errand) -> None:
        """A submission reaches the agency; that it did is known when it is arrived."""
        self.tick()
        agency = self.agencies[errand.service]
        items = self.case.referral(errand.service).terms.items
        told = agency.told(self.acceptance.declaration, items)
        self.applications[errand.referral] = Application(told=told, items=items)
        self.under_way[errand.service] = (errand.referral, errand.revision)

    def arrive(self, service: str) -> None:
        """The hub learns that the agency has what was submitted."""
        referral, revision = self.under_way.pop(service)
        terms = self.case.referral(service).terms
        assert terms.id == referral
        at = self.tick()
        receipt = Receipt(reference=f"R-{referral}", received_at=at)
        data: dict[str, Any] = {"receipt": receipt.model_dump(mode="json")}
        if revision != terms.revision:
            data["revision"] = revision
        delivered = NewEvent(at=at, type=EventType.REFERRAL_DELIVERED, service=service, data=data)
        self.record([delivered])

    def send_amendment(self, errand: Errand) -> None:
        """An agency gets the new content; that it did is known when that is learned."""
        service = errand.service
        application = self.applications[errand.referral]
        application.items = self.case.referral(service).terms.items
        application.told = self.agencies[service].told(self.acceptance.declaration, application.items)
        application.version += 1
        application.revision = errand.revision
        application.informed = False
        self.amending[service] = (errand.revision, self.tick())

    def lose(self, service: str) -> None:
        """
        The answer was lost, and the amendment is told once more. The agency takes a revision once; the hub
        will not know since when it has had it, but only when it told it this time.
        """
        self.lost -= 1
        revision, _ = self.amending[service]
        self.amending[service] = (revision, self.tick())

    def learn(self, service: str) -> None:
        """The hub learns that the agency has the amendment, and since when."""
        revision, since = self.amending.pop(service)
        self.tick()
        self.record(following.amended(self.case, service, revision, None, since))

    def follow(self, errand: Errand) -> None:
        """Carry an errand out, whole; what is under way to that agency first."""
        service = errand.service
        if service in self.under_way:
            self.arrive(service)
            return
        if service in self.amending:
            self.learn(service)
            return
        at = self.tick()
        referral = self.case.referral(service)
        match errand.kind:
            case ErrandKind.SUBMIT:
                self.send(errand)
                self.arrive(service)
            case ErrandKind.AMEND:
                self.send_amendment(errand)
                self.learn(service)
            case ErrandKind.WITHDRAW:
                told = following.BY_CHANNEL if errand.referral in self.applications else "never_had_it"
                self.applications.pop(errand.referral, None)
                self.told.append(service)
                self.record(following.withdrawn(self.case, service, errand.referral, told, at))
            case ErrandKind.INFORM:
                assert errand.question is not None
                application = self.applications[errand.referral]
                application.informed, application.decided = True, 0
                due_at = referral.terms.due_at + timedelta(days=1)
                self.record(passed_on(self.case, service, errand.question, BY_CHANNEL, due_at, (), at))

    # what agencies say

    def decide(self, reference: str) -> None:
        """The agency says its word on what it has; it is on its way to the hub."""
        application = self.applications[reference]
        name = reference.partition("/")[2].partition(".")[0]
        agency = self.agencies[name]
        application.decided = application.version
        for item in application.items:
            at = self.tick()
            verdict = agency.says(application.told, item, informed=application.informed)
            decision = self._decision(reference, verdict, item, at, Via.CALLBACK)
            about = application.revision if agency.states else None
            self.letters.append(Letter(decision.model_copy(update={"about": about}), name))

    def receive(self, letter: Letter) -> None:
        """As the store does: what speaks of earlier content, or is not asked any more, is set aside."""
        self.letters.remove(letter)
        referral = self.case.referral(letter.service)
        decision = letter.decision.model_copy(update={"revision": revision_of(referral, letter.decision)})
        if not is_live(referral) or decision.revision != referral.terms.revision:
            return
        self._hear(referral, decision)

    def decide_by_hand(self, service: str) -> None:
        """The office's own people decide at the hub's door, on what stands there."""
        referral = self.case.referral(service)
        told = repr([(n, self.acceptance.declaration.item(n)) for n in referral.terms.items])
        for item in referral.terms.items:
            number = int(hashlib.sha256(f"{service} {told} {item}".encode()).hexdigest(), 16) % 3
            verdict = Verdict.REFUSED if number == 0 else Verdict.APPROVED
            referral = self.case.referral(service)
            decision = self._decision(referral.terms.id, verdict, item, self.tick(), Via.DOOR)
            self._hear(referral, decision.model_copy(update={"revision": referral.terms.revision}))

    def answer(self, service: str, question: str) -> None:
        """The declarant answers."""
        information = information_of(question, "here it is", (), self.tick(), "c1")
        self.record(answer_question(self, service, information))

    def _decision(self, reference: str, verdict: Verdict, item: int, at: datetime, via: Via) -> Decision:
        self._said += 1
        return Decision(
            id=f"d{self._said}",
            referral=reference,
            verdict=verdict,
            items=(item,),
            word=verdict,
            decided_at=at,
            received_at=at,
            via=via,
        )

    def _hear(self, referral: Referral, decision: Decision) -> None:
        said = decision.model_dump(mode="json", exclude_none=True, exclude={"id"})
        data: dict[str, Any] = {"decision": decision.id, **said}
        if decision.verdict is Verdict.INFORMATION_REQUIRED:
            data["question"] = {"due_at": None}
        event = NewEvent(
            at=self.now, type=EventType.DECISION_RECEIVED, service=referral.terms.service, data=data
        )
        self.record([event])

    # what may happen next

    def possible(self) -> list[Callable[[], None]]:
        """Everything that may happen now, in an order that depends on nothing but what happened."""
        steps: list[Callable[[], None]] = []
        for errand in errands(self.case):
            steps.append(partial(self.follow, errand))
            if errand.kind is ErrandKind.SUBMIT and errand.service not in self.under_way:
                steps.append(partial(self.send, errand))
            if errand.kind is ErrandKind.AMEND and not {*self.under_way, *self.amending} & {errand.service}:
                steps.append(partial(self.send_amendment, errand))
        steps += [partial(self.arrive, service) for service in self.under_way]
        steps += [partial(self.learn, service) for service in self.amending]
        steps += [partial(self.lose, service) for service in self.amending if self.lost]
        steps += [
            partial(self.decide, reference)
            for reference, application in self.applications.items()
            if application.decided < application.version
        ]
        steps += [partial(self.receive, letter) for letter in self.letters]
        for referral in self.case.referrals:
            if self.case.withdrawal is not None or not is_live(referral):
                continue
            service = referral.terms.service
            steps += [
                partial(self.answer, service, question.id)
                for question in standing_questions(referral)
                if question.answer is None
            ]
            by_hand = referral.terms.answers is Answers.DOOR
            if by_hand and referral.state is not ReferralState.DECIDED:
                steps.append(partial(self.decide_by_hand, service))
        return steps

    def live_on(self, random: Random, steps: int) -> None:
        """That many things happen, whichever chance picks of those that may."""
        for _ in range(steps):
            if not (possible := self.possible()):
                return
            random.choice(possible)()

    def come_to_rest(self, random: Random) -> None:
        """Everything happens that is still to happen, in any order."""
        for _ in range(1000):
            if not (possible := self.possible()):
                return
            random.choice(possible)()
        raise AssertionError("it never comes to rest")


def _has_items(content: Declaration, items: Iterable[int]) -> bool:
    return {item.number for item in content.items}.issuperset(items)


def standing_of(clearance: Clearance) -> dict[tuple[str | None, int | None], tuple[Rule, Verdict | None]]:
    """The outcome as the rule and the verdict for each service and goods item."""
    return {(r.service, r.item): (r.rule, r.verdict) for r in clearance.reasons}
