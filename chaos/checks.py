"""What must hold when a leg is over. Each check finds what is broken; none asks the hub for its opinion."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import pairwise

from chaos.evidence import Application, Event, Evidence, Notice
from chaos.law import RELEASING, Judge, Lawful, Stand, services_needed
from chaos.plan import Act, Kind
from chaos.record import History
from chaos.world import World
from hub.domain.clearance import Outcome
from hub.domain.events import Event as HubEvent
from hub.domain.verifying import SentNotice, verify


class Invariant(StrEnum):
    """What is promised."""

    ACCEPTED_IS_KEPT = "whatever was answered with 202 is on record, once"
    ONE_LAWFUL_OUTCOME = "every declaration has the outcome that the agencies' own books come to"
    CONSENTS_BEFORE_RELEASE = "nothing was released before every service had consented"
    APPLIED_ONCE = "no application took effect twice at an agency"
    NOBODY_LEFT_OVER = "no agency has an application that is not asked for any more"
    QUANTITIES = "what the agencies were told, and what was written off, is what was declared"
    NOTICES = "no notice was lost, doubled or out of order"
    CHAINS = "every chain of events is whole, and comes to what was recorded"
    NOTHING_HALF_DONE = "what was answered with an error left nothing behind"
    NO_FORGERY = "no forged callback was taken"
    NO_FAILURE = "nothing was answered with status 500"


@dataclass(frozen=True)
class Breach:
    """A promise that was broken."""

    invariant: Invariant
    mrn: str
    """Empty where it is about no declaration on record."""
    lot: int | None
    expected: str
    found: str


def check(
    world: World,
    histories: Sequence[History],
    evidence: Evidence,
    *,
    clocks_jumped: bool = False,
    at: datetime | None = None,
) -> list[Breach]:
    """Everything that is broken; `at` is when the evidence was gathered."""
    checker = _Checker(world, histories, evidence, clocks_jumped, at or datetime.now(UTC))
    return list(checker.breaches())


class _Checker:
    def __init__(
        self,
        world: World,
        histories: Sequence[History],
        evidence: Evidence,
        clocks_jumped: bool,
        at: datetime,
    ) -> None:
        self._world = world
        self._histories = histories
        self._found = evidence
        self._clocks_jumped = clocks_jumped
        self._at = at

    def breaches(self) -> Iterator[Breach]:
        for history in self._histories:
            self._take_up_what_was_accepted(history)
            if history.mrn is None:
                yield from self._nothing_half_done(history)
                continue
            yield from self._kept(history)
            judge = self._judge(history)
            yield from self._outcome(history, judge)
            yield from self._released_lawfully(history, judge)
            yield from self._applied_once(history)
            yield from self._nobody_left_over(history)
            yield from self._quantities(history)
            yield from self._notices(history)
            yield from self._chain(history)
        yield from self._nothing_from_nowhere()
        yield from self._certificates()
        for forgery in self._found.forgeries:
            if forgery.status is not None and forgery.status < 300:
                said = f"status {forgery.status} for {forgery.body[:200]!r}"
                yield Breach(Invariant.NO_FORGERY, "", None, f"{forgery.agency}'s is turned away", said)
        for lot, asked, said in self._found.failures:
            yield Breach(Invariant.NO_FAILURE, "", lot, f"an answer to {asked}", said)

    def _take_up_what_was_accepted(self, history: History) -> None:
        """A declarant who hung up does not know whether he was heard; if he was, the same is due to him."""
        if history.mrn is None and history.hung_up:
            history.mrn = self._found.accepted.get(history.lot.lrn)

    def _judge(self, history: History) -> Judge:
        mrn = history.mrn or ""
        return Judge(
            self._world,
            history,
            self._found.applications_of[mrn],
            self._found.events.get(mrn, ()),
            clocks_jumped=self._clocks_jumped,
        )

    def _nothing_half_done(self, history: History) -> Iterator[Breach]:
        lot = history.lot

        def breach(found: str) -> Breach:
            return Breach(Invariant.NOTHING_HALF_DONE, "", lot.number, "nothing of it anywhere", found)

        if not history.refused and not history.hung_up:
            yield Breach(Invariant.ACCEPTED_IS_KEPT, "", lot.number, "an answer", f"{history.tries} tries")
        if history.refused and lot.kind is not Kind.FAULTY:
            yield Breach(Invariant.ACCEPTED_IS_KEPT, "", lot.number, "202", str(history.answers[0]))
        if mrn := self._found.accepted.get(lot.lrn):
            yield breach(f"declaration {mrn}")
        for one in self._found.applications:
            if one.ucr == lot.ucr:
                yield breach(f"application {one.reference} at {one.agency}")
        for notice in self._found.notices:
            if notice.ucr == lot.ucr:
                yield breach(f"notice {notice.key}")

    def _kept(self, history: History) -> Iterator[Breach]:
        mrn, lot = history.mrn or "", history.lot
        on_record = self._found.accepted.get(lot.lrn)
        if on_record != mrn:
            yield Breach(Invariant.ACCEPTED_IS_KEPT, mrn, lot.number, f"{mrn} for {lot.lrn}", str(on_record))
        if lot.kind is Kind.FAULTY:
            yield Breach(Invariant.ACCEPTED_IS_KEPT, mrn, lot.number, "422", "202")
        for one in history.answers:
            expected = _expected_status(one.act)
            if one.status not in expected:
                yield Breach(
                    Invariant.ACCEPTED_IS_KEPT,
                    mrn,
                    lot.number,
                    f"{one.act} answered with one of {sorted(expected)}",
                    f"{one.status} {one.body}",
                )

    def _outcome(self, history: History, judge: Judge) -> Iterator[Breach]:
        mrn = history.mrn or ""
        notices = self._found.notices_of[mrn]
        lawful = self._lawful(judge, notices)
        shown = self._found.outcomes.get(mrn)
        told = Lawful(notices[-1].outcome, notices[-1].released_items) if notices else None
        waiting = Lawful("in_progress") in lawful
        # What waits is told to nobody; what the cargo system has heard before, if anything, keeps the goods.
        as_told = told in lawful or (waiting and (told is None or told.outcome not in RELEASING))
        as_shown = shown in {one.outcome for one in lawful}
        if not as_told or not as_shown:
            yield Breach(
                Invariant.ONE_LAWFUL_OUTCOME,
                mrn,
                history.lot.number,
                " or ".join(_said(one) for one in sorted(lawful, key=str)),
                f"the cargo system was told {_said(told) if told else 'nothing'}, the hub shows {shown};"
                f" {history.lot.kind}, {self._books(mrn)}",
            )

    def _lawful(self, judge: Judge, notices: Sequence[Notice]) -> set[Lawful]:
        """What is lawful now. What has been let go lawfully stays so, whatever is said later."""
        for notice in notices:
            if notice.outcome == "release":
                return {Lawful("release")}
        gone = {item for notice in notices for item in notice.released_items}
        lawful = judge.outcomes(self._at)
        if not gone:
            return lawful
        return {
            one
            if one.outcome == "release"
            else Lawful("partial_release", tuple(sorted(gone.union(one.released_items))))
            for one in lawful
        }

    def _released_lawfully(self, history: History, judge: Judge) -> Iterator[Breach]:
        mrn = history.mrn or ""
        for notice in self._found.notices_of[mrn]:
            if notice.outcome not in RELEASING:
                continue
            at = notice.received_at
            lacking = [
                f"{service} on item {item} {'/'.join(sorted(judge.stands(service, item, at)))}"
                for service, items in judge.needed().items()
                for item in items
                if (notice.outcome == "release" or item in notice.released_items)
                and Stand.CONSENTS not in judge.stands(service, item, at)
            ]
            if any(self._world.goods[line.good].prohibited for line in self._lines(history)):
                lacking.append("the goods are prohibited")
            if history.accepted(Act.WITHDRAW):
                lacking.append("the declarant has withdrawn it")
            if history.lot.office == "PILOT-DUTY" and not any(
                one.asked_at <= at for one in history.accepted(Act.COVER)
            ):
                lacking.append("duties are not covered")
            if lacking:
                yield Breach(
                    Invariant.CONSENTS_BEFORE_RELEASE,
                    mrn,
                    history.lot.number,
                    f"every consent before {notice.key}",
                    "; ".join(lacking),
                )

    def _applied_once(self, history: History) -> Iterator[Breach]:
        mrn = history.mrn or ""
        for one in self._found.applications_of[mrn]:
            if len(one.cases) > 1:
                yield Breach(
                    Invariant.APPLIED_ONCE,
                    mrn,
                    history.lot.number,
                    f"one case of {one.reference} at {one.agency}",
                    ", ".join(case.receipt for case in one.cases),
                )
        live = Counter(one.service for one in self._found.applications_of[mrn] for _ in one.live)
        for service, count in live.items():
            if count > 1:
                yield Breach(
                    Invariant.APPLIED_ONCE,
                    mrn,
                    history.lot.number,
                    f"one application to {service}",
                    str(count),
                )

    def _nobody_left_over(self, history: History) -> Iterator[Breach]:
        mrn = history.mrn or ""
        needed = {} if history.accepted(Act.WITHDRAW) else self._needed(history)
        for one in self._found.applications_of[mrn]:
            if one.live and one.service not in needed:
                yield Breach(
                    Invariant.NOBODY_LEFT_OVER,
                    mrn,
                    history.lot.number,
                    f"nothing asked of {one.service}",
                    f"{one.reference} is live at {one.agency}",
                )

    def _quantities(self, history: History) -> Iterator[Breach]:
        if history.accepted(Act.WITHDRAW):
            return
        lines = self._lines(history)
        for service, items in self._needed(history).items():
            expected = {item: Decimal(lines[item - 1].mass) for item in items}
            for one in self._found.applications_of[history.mrn or ""]:
                if one.service == service and one.live and _masses(one) != expected:
                    yield Breach(
                        Invariant.QUANTITIES,
                        one.mrn,
                        history.lot.number,
                        f"{service}: {_kilograms(expected)}",
                        f"{one.reference}: {_kilograms(_masses(one))}",
                    )

    def _notices(self, history: History) -> Iterator[Breach]:
        mrn = history.mrn or ""
        notices = self._found.notices_of[mrn]

        def breach(expected: str, found: str) -> Breach:
            return Breach(Invariant.NOTICES, mrn, history.lot.number, expected, found)

        numbers = [one.number for one in notices]
        if numbers != list(range(1, len(notices) + 1)):
            yield breach("notices 1, 2, 3... in the order of their coming", str(numbers))
        for earlier, later in pairwise(notices):
            if _what(earlier) == _what(later):
                yield breach(
                    "no notice that says what the one before it said", f"{later.key}: {later.outcome}"
                )
            if earlier.outcome in ("release", "withdrawn"):
                yield breach(
                    f"nothing after {earlier.key}: {earlier.outcome}", f"{later.key}: {later.outcome}"
                )
        acknowledged = [_TOLD[event.type] for event in self._found.events.get(mrn, ()) if event.type in _TOLD]
        if acknowledged != [one.outcome for one in notices]:
            yield breach(
                f"on the hub's record as told: {[one.outcome for one in notices]}", f"{acknowledged}"
            )

    def _chain(self, history: History) -> Iterator[Breach]:
        """The events are whole, and what they come to is what was recorded and told, each outcome of them."""
        mrn = history.mrn or ""
        events = self._found.events.get(mrn, [])

        def breach(expected: str, found: str) -> Breach:
            return Breach(Invariant.CHAINS, mrn, history.lot.number, expected, found)

        if [event.seq for event in events] != list(range(1, len(events) + 1)) or not events:
            yield breach("events 1, 2, 3... without gaps", str([event.seq for event in events]))
            return
        twice = Counter(
            (event.service, str(event.data.get("decision")))
            for event in events
            if event.type == "decision.received"
        )
        for (service, decision), count in twice.items():
            if count > 1:
                yield breach(f"decision {decision} of {service} once", f"{count} times")
        sent = [
            SentNotice(number=one.number, outcome=Outcome(one.outcome), released_items=one.released_items)
            for one in self._found.notices_of[mrn]
        ]
        shown = Outcome(self._found.outcomes[mrn])
        for one in verify([_hub_event(mrn, event) for event in events], {}, sent, shown):
            if not one.holds and not one.detail.startswith("nothing that is kept"):
                yield breach(one.what, one.detail)

    def _nothing_from_nowhere(self) -> Iterator[Breach]:
        """Nobody has anything of declarations that nobody lodged."""
        known = {history.mrn for history in self._histories}
        for one in self._found.applications:
            if one.mrn not in known:
                yield Breach(
                    Invariant.NOTHING_HALF_DONE, one.mrn, None, "a declaration of it", f"{one.reference}"
                )
        for notice in self._found.notices:
            if notice.mrn not in known:
                yield Breach(Invariant.NOTHING_HALF_DONE, notice.mrn, None, "a declaration of it", notice.key)
        for lrn, mrn in self._found.accepted.items():
            if mrn not in known:
                yield Breach(Invariant.NOTHING_HALF_DONE, mrn, None, f"an accepted lot {lrn}", mrn)

    def _certificates(self) -> Iterator[Breach]:
        """What is written off is what was released, and what is reserved what may still be."""
        for type_, balance in self._found.balances.items():
            written_off = reserved = Decimal(0)
            for history in self._histories:
                if history.mrn is None:
                    continue
                mass = sum(
                    Decimal(line.mass)
                    for line in self._lines(history)
                    if line.good >= 0 and self._world.goods[line.good].certificate == type_
                )
                told = {notice.outcome for notice in self._found.notices_of[history.mrn]}
                if "release" in told:
                    written_off += mass
                elif not history.accepted(Act.WITHDRAW):
                    reserved += mass
            expected = {"reserved": reserved, "written_off": written_off}
            found = {name: Decimal(balance[name]) for name in expected}
            if found != expected:
                yield Breach(Invariant.QUANTITIES, "", None, f"certificate {type_}: {expected}", f"{found}")

    def _needed(self, history: History) -> dict[str, tuple[int, ...]]:
        return services_needed(self._world, history.lot, history.version)

    def _lines(self, history: History):  # type: ignore[no-untyped-def]
        return history.lot.versions[history.version]

    def _books(self, mrn: str) -> str:
        """What the agencies have, for whoever reads the report."""
        return (
            "; ".join(
                f"{one.reference.partition('/')[2]}: "
                + (
                    ", ".join(
                        f"{said.word} of revision {said.revision}" for case in one.live for said in case.said
                    )
                    or ("no word" if one.live else "not live")
                )
                for one in self._found.applications_of[mrn]
            )
            or "nobody has anything of it"
        )


_TOLD = {
    "cargo.released": "release",
    "cargo.partly_released": "partial_release",
    "cargo.held": "hold",
    "cargo.refused": "refusal",
    "cargo.withdrawn": "withdrawn",
}


def _expected_status(act: Act | None) -> frozenset[int]:
    """How an act may be answered. What comes when it is too late is told so, with 409."""
    match act:
        case None:
            return frozenset({200, 202})
        case Act.REPEAT:
            return frozenset({200, 202})
        case Act.CONFLICT:
            return frozenset({409})
        case _:
            return frozenset({200, 201, 202, 409})


def _what(notice: Notice) -> tuple[str, tuple[int, ...]]:
    return notice.outcome, notice.released_items


def _said(one: Lawful) -> str:
    return f"{one.outcome} of items {list(one.released_items)}" if one.released_items else one.outcome


def _masses(application: Application) -> dict[int, Decimal | None]:
    return {item: _number(mass) for item, mass in zip(application.items, application.masses, strict=True)}


def _number(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _kilograms(masses: object) -> str:
    assert isinstance(masses, dict)
    return ", ".join(f"item {item} {mass} kg" for item, mass in masses.items())


def _hub_event(mrn: str, event: Event) -> HubEvent:
    return HubEvent.model_validate(
        {
            "mrn": mrn,
            "seq": event.seq,
            "at": event.at,
            "type": event.type,
            "service": event.service,
            "data": event.data,
        }
    )


def counted(breaches: Iterable[Breach]) -> dict[Invariant, int]:
    """How often each promise was broken."""
    return Counter(one.invariant for one in breaches)
