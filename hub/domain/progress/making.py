"""How far a declaration has got, made of how it stands, what is known of services, and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hub.domain.cargo import CargoEvent, CargoStep
from hub.domain.case import Case, Referral
from hub.domain.clearance import Outcome, Reason, Rule
from hub.domain.deadlines import WorkingCalendar
from hub.domain.forecast import forecast_of, forecast_of_all
from hub.domain.history import AnswerTimes
from hub.domain.inspection import Inspection, InspectionState
from hub.domain.intake import Acceptance
from hub.domain.model import Text
from hub.domain.names import CUSTOMS
from hub.domain.progress.told import (
    ANSWERED,
    AnswerProgress,
    AnswerState,
    CargoProgress,
    Headline,
    Next,
    NextKind,
    Progress,
    Stage,
    StageKind,
    StageState,
    Task,
    TaskKind,
)
from hub.domain.referral import ReferralState, Verdict
from hub.domain.settling import is_live, standing_decisions, standing_questions
from hub.domain.wording import CUSTOMS_NAME


@dataclass(frozen=True)
class Known:
    """What is known beside the declaration itself."""

    agencies: Mapping[str, Text]
    """Names, by slug."""
    times: Mapping[str, AnswerTimes]
    """How long services took before."""
    calendar: Callable[[str], WorkingCalendar]
    """When an agency works."""


@dataclass(frozen=True)
class Standing:
    """A declaration as it stands."""

    acceptance: Acceptance
    case: Case
    outcome: Outcome
    reasons: tuple[Reason, ...]
    settled_at: datetime
    last_seq: int
    cargo: Sequence[CargoEvent]
    """In the order in which it took place."""


class Reader(StrEnum):
    """For whom it is told."""

    DECLARANT = "declarant"
    """And customs, who sees what the declarant does."""
    AGENCY = "agency"
    """Its own part; nothing of others, of duties or of the cargo."""
    LINK = "link"
    """Whoever has a tracking link: how it stands, and nothing that was written or is to be paid."""


def progress_of(
    standing: Standing, known: Known, now: datetime, reader: Reader, agency: str | None = None
) -> Progress:
    """For this reader; `agency` is the agency's that reads. Nothing in it is worded yet."""
    case = standing.case
    shown = tuple(r for r in case.referrals if agency is None or r.terms.agency == agency)
    rules = _rules(standing.reasons)
    answers = tuple(_answer(r, rules.get(r.terms.service, frozenset()), known, now) for r in shown)
    whole = reader is not Reader.AGENCY
    tasks = _tasks(standing, shown, known, reader) if whole else ()
    awaited = [r for r, told in zip(shown, answers, strict=True) if told.forecast is not None]
    forecast = forecast_of_all(awaited, known.times.get, known.calendar, now)
    cargo = _cargo(standing.cargo) if whole else ()
    return Progress(
        mrn=standing.acceptance.mrn,
        lrn=standing.acceptance.declaration.lrn if reader is Reader.DECLARANT else None,
        version=case.version,
        as_of=now,
        last_event=standing.last_seq,
        outcome=standing.outcome,
        headline=_headline(standing, rules, tasks, cargo),
        tasks=tasks,
        stages=_stages(standing, answers, cargo, whole=whole),
        answers=answers,
        cargo=cargo,
        next=_next(standing, rules, tasks, answers, cargo),
        forecast=forecast,
    )


# --- what is asked of the declarant -------------------------------------------------------------------


def _tasks(
    standing: Standing, referrals: Sequence[Referral], known: Known, reader: Reader
) -> tuple[Task, ...]:
    """What presses most first."""
    if standing.case.withdrawal is not None or standing.outcome is Outcome.RELEASE:
        return ()
    tasks = [task for r in referrals if is_live(r) for task in _questions(r, known, reader)]
    tasks += [task for i in standing.case.inspections if (task := _appointment(i, known)) is not None]
    tasks += [task for r in referrals if is_live(r) for task in _exhausted(r, standing.reasons, known)]
    if (duties := _duties(standing, reader)) is not None:
        tasks.append(duties)
    lodged = standing.acceptance.accepted_at
    return tuple(sorted(tasks, key=lambda task: (task.by is None, task.by or task.since or lodged)))


def _questions(referral: Referral, known: Known, reader: Reader) -> list[Task]:
    terms = referral.terms
    written = {decision.id: decision.remarks for decision in referral.decisions}
    return [
        Task(
            kind=TaskKind.QUESTION if question.expired_at is None else TaskKind.QUESTION_OVERDUE,
            id=question.id if reader is Reader.DECLARANT else "",
            service=terms.service,
            service_name=terms.service_name,
            agency=terms.agency,
            agency_name=_name(terms.agency, known),
            items=question.items,
            since=question.asked_at,
            by=question.due_at,
            words=written.get(question.id) if reader is Reader.DECLARANT else None,
        )
        for question in standing_questions(referral)
        if question.is_open
    ]


def _appointment(inspection: Inspection, known: Known) -> Task | None:
    kinds = {
        InspectionState.OFFERED: TaskKind.APPOINTMENT,
        InspectionState.CONFIRMED: TaskKind.PRESENT,
    }
    if inspection.state not in kinds:
        return None
    confirmed = inspection.state is InspectionState.CONFIRMED
    party = inspection.parties[0] if len(inspection.parties) == 1 else None
    return Task(
        kind=kinds[inspection.state],
        id=inspection.id,
        service=party.service if party else None,
        agency=party.agency if party else None,
        agency_name=_together([_name(p.agency, known) for p in inspection.parties]),
        items=inspection.items,
        since=inspection.opens_at,
        by=inspection.at if confirmed else inspection.closes_at,
        opens_at=inspection.opens_at,
        at=inspection.at,
        place=inspection.place,
    )


def _exhausted(referral: Referral, reasons: Sequence[Reason], known: Known) -> list[Task]:
    terms = referral.terms
    items = [
        reason.item
        for reason in reasons
        if reason.service == terms.service and reason.rule is Rule.CERTIFICATE_EXHAUSTED
    ]
    if not items:
        return []
    return [
        Task(
            kind=TaskKind.CERTIFICATE,
            service=terms.service,
            service_name=terms.service_name,
            agency=terms.agency,
            agency_name=_name(terms.agency, known),
            items=tuple(sorted({item for item in items if item is not None})),
        )
    ]


def _duties(standing: Standing, reader: Reader) -> Task | None:
    duties = standing.case.duties
    if duties is None or duties.amount is None or duties.are_covered:
        return None
    return Task(
        kind=TaskKind.DUTIES,
        since=duties.assessed_at,
        amount=duties.amount if reader is Reader.DECLARANT else None,
    )


# --- who has answered ---------------------------------------------------------------------------------


def _answer(referral: Referral, rules: frozenset[Rule], known: Known, now: datetime) -> AnswerProgress:
    terms = referral.terms
    state = _state(referral, rules)
    answered, forecast = state in ANSWERED, None
    if _is_awaited(state):
        calendar = known.calendar(terms.agency)
        forecast = forecast_of(referral, known.times.get(terms.service), calendar, now)
    standing = standing_decisions(referral)
    return AnswerProgress(
        service=terms.service,
        service_name=terms.service_name,
        agency=terms.agency,
        agency_name=_name(terms.agency, known),
        law=terms.law,
        items=terms.items,
        state=state,
        asked_at=referral.delivered_at,
        answered_at=max((d.received_at for d in standing.values()), default=None) if answered else None,
        due_at=referral.deadline if _is_awaited(state) else None,
        forecast=forecast,
    )


def _is_awaited(state: AnswerState) -> bool:
    """Whether anything more is to come of it."""
    return state not in ANSWERED and state is not AnswerState.WITHDRAWN


def _state(referral: Referral, rules: frozenset[Rule]) -> AnswerState:
    """By the rules that give the reasons for its goods items; a question comes before all else."""
    if not is_live(referral):
        return AnswerState.WITHDRAWN
    if any(question.is_open for question in standing_questions(referral)):
        return AnswerState.QUESTION
    if Rule.INSPECTION_REQUIRED in rules:
        return AnswerState.INSPECTION
    if referral.state is ReferralState.DECIDED:
        return _decided(referral)
    for rule, state in _OF_RULE.items():
        if rule in rules:
            return state
    return AnswerState.NOT_ASKED_YET if referral.delivered_at is None else AnswerState.ASKED


_OF_RULE: Mapping[Rule, AnswerState] = {
    Rule.DEEMED_REFUSED: AnswerState.DEEMED_REFUSED,
    Rule.DEEMED_APPROVED: AnswerState.DEEMED_CONSENTED,
    Rule.ESCALATED: AnswerState.OVERDUE,
    Rule.EXPIRED: AnswerState.OVERDUE,
    Rule.UNDELIVERABLE: AnswerState.BY_HAND,
}


def _decided(referral: Referral) -> AnswerState:
    verdicts = {decision.verdict for decision in standing_decisions(referral).values()}
    if not verdicts:
        return AnswerState.BY_CERTIFICATE
    if Verdict.REFUSED in verdicts:
        return AnswerState.REFUSED if verdicts == {Verdict.REFUSED} else AnswerState.PARTLY
    with_conditions = Verdict.APPROVED_WITH_CONDITIONS in verdicts
    return AnswerState.CONSENTED_WITH_CONDITIONS if with_conditions else AnswerState.CONSENTED


# --- the way, and what comes next ---------------------------------------------------------------------


def _stages(
    standing: Standing,
    answers: Sequence[AnswerProgress],
    cargo: Sequence[CargoProgress],
    *,
    whole: bool,
) -> tuple[Stage, ...]:
    outcome, case = standing.outcome, standing.case
    over = outcome in _OVER
    lodged = Stage(kind=StageKind.LODGED, state=StageState.DONE, at=standing.acceptance.accepted_at)
    stages = [lodged]
    if counted := [answer for answer in answers if answer.state is not AnswerState.WITHDRAWN]:
        stages.append(_answers_stage(counted, over=over))
    inspections = [i for i in case.inspections if i.state is not InspectionState.CANCELLED]
    if whole and inspections:
        done = all(i.state is InspectionState.DONE for i in inspections)
        state = StageState.DONE if done else StageState.STOPPED if over else StageState.NOW
        stages.append(Stage(kind=StageKind.INSPECTION, state=state))
    if whole and case.duties is not None:
        stages.append(_duties_stage(standing, over=over))
    stages.append(
        Stage(
            kind=StageKind.OUTCOME,
            state=_OUTCOME_STAGE[outcome],
            at=standing.settled_at if outcome is not Outcome.IN_PROGRESS else None,
        )
    )
    if whole and standing.acceptance.declaration.consignment.cargo_management_number is not None:
        left = next((step for step in reversed(cargo) if step.step is CargoStep.GATE_OUT), None)
        state = StageState.COMING if outcome not in _STOPPED else StageState.STOPPED
        if left is not None:
            state = StageState.DONE
        elif outcome is Outcome.RELEASE:
            state = StageState.NOW
        stages.append(Stage(kind=StageKind.GATE_OUT, state=state, at=left.at if left else None))
    return tuple(stages)


_OVER = frozenset({Outcome.RELEASE, Outcome.REFUSAL, Outcome.WITHDRAWN})
_STOPPED = frozenset({Outcome.REFUSAL, Outcome.WITHDRAWN})
_OUTCOME_STAGE: Mapping[Outcome, StageState] = {
    Outcome.IN_PROGRESS: StageState.COMING,
    Outcome.RELEASE: StageState.DONE,
    Outcome.PARTIAL_RELEASE: StageState.NOW,
    Outcome.HOLD: StageState.STOPPED,
    Outcome.REFUSAL: StageState.STOPPED,
    Outcome.WITHDRAWN: StageState.STOPPED,
}


def _answers_stage(answers: Sequence[AnswerProgress], *, over: bool) -> Stage:
    there = [answer for answer in answers if answer.state in ANSWERED]
    complete = len(there) == len(answers)
    state = StageState.DONE if complete else StageState.STOPPED if over else StageState.NOW
    at = max((answer.answered_at for answer in there if answer.answered_at), default=None)
    return Stage(
        kind=StageKind.ANSWERS, state=state, at=at if complete else None, done=len(there), of=len(answers)
    )


def _duties_stage(standing: Standing, *, over: bool) -> Stage:
    duties = standing.case.duties
    assert duties is not None
    if duties.are_covered:
        at = duties.cover.at if duties.cover is not None else duties.assessed_at
        return Stage(kind=StageKind.DUTIES, state=StageState.DONE, at=at)
    if over:
        return Stage(kind=StageKind.DUTIES, state=StageState.STOPPED)
    return Stage(kind=StageKind.DUTIES, state=StageState.COMING if duties.amount is None else StageState.NOW)


_OF_OUTCOME: Mapping[Outcome, Headline] = {
    Outcome.RELEASE: Headline.RELEASED,
    Outcome.PARTIAL_RELEASE: Headline.PARTLY_RELEASED,
    Outcome.REFUSAL: Headline.REFUSED,
    Outcome.WITHDRAWN: Headline.WITHDRAWN,
}


def _headline(
    standing: Standing,
    rules: Mapping[str, frozenset[Rule]],
    tasks: Sequence[Task],
    cargo: Sequence[CargoProgress],
) -> Headline:
    if standing.outcome is Outcome.RELEASE and any(step.step is CargoStep.GATE_OUT for step in cargo):
        return Headline.GONE
    if standing.outcome in _OVER:
        return _OF_OUTCOME[standing.outcome]
    if tasks:
        return Headline.ASKED_OF_YOU
    if standing.outcome is Outcome.PARTIAL_RELEASE:
        return Headline.PARTLY_RELEASED
    if standing.outcome is Outcome.HOLD:
        return Headline.HELD
    if _still_awaited(standing.case, rules):
        return Headline.WITH_AGENCIES
    duties = standing.case.duties
    awaits_duties = duties is not None and duties.amount is None
    return Headline.DUTIES_AWAITED if awaits_duties else Headline.BEING_CONCLUDED


def _still_awaited(case: Case, rules: Mapping[str, frozenset[Rule]]) -> bool:
    """Whether any agency is still to answer, shown to this reader or not."""
    states = (_state(r, rules.get(r.terms.service, frozenset())) for r in case.referrals)
    return any(_is_awaited(state) for state in states)


def _next(
    standing: Standing,
    rules: Mapping[str, frozenset[Rule]],
    tasks: Sequence[Task],
    answers: Sequence[AnswerProgress],
    cargo: Sequence[CargoProgress],
) -> Next | None:
    if standing.outcome in _STOPPED:
        return None
    if standing.outcome is Outcome.RELEASE:
        number = standing.acceptance.declaration.consignment.cargo_management_number
        gone = number is None or any(step.step is CargoStep.GATE_OUT for step in cargo)
        return None if gone else Next(kind=NextKind.GATE_OUT)
    if tasks:
        first = tasks[0]
        return Next(
            kind=NextKind.TASK,
            service=first.service,
            service_name=first.service_name,
            agency_name=first.agency_name,
            by=first.by,
        )
    awaited = [answer for answer in answers if answer.forecast is not None]
    if awaited:
        return min(map(_next_answer, awaited), key=lambda one: (one.by is None, one.by))
    # An agency is told of no other's answers.
    return None if _still_awaited(standing.case, rules) else Next(kind=NextKind.OUTCOME)


def _next_answer(answer: AnswerProgress) -> Next:
    forecast = answer.forecast
    assert forecast is not None
    return Next(
        kind=NextKind.ANSWER,
        service=answer.service,
        service_name=answer.service_name,
        agency_name=answer.agency_name,
        likely_by=forecast.likely_by,
        by=forecast.nearly_sure_by or forecast.due_at,
    )


# --- parts --------------------------------------------------------------------------------------------


def _rules(reasons: Sequence[Reason]) -> dict[str, frozenset[Rule]]:
    rules: dict[str, frozenset[Rule]] = {}
    for reason in reasons:
        if reason.service is not None:
            rules[reason.service] = rules.get(reason.service, frozenset()) | {reason.rule}
    return rules


def _cargo(events: Sequence[CargoEvent]) -> tuple[CargoProgress, ...]:
    return tuple(CargoProgress(step=event.step, at=event.at, place=event.place) for event in events)


def _name(agency: str, known: Known) -> Text:
    return CUSTOMS_NAME if agency == CUSTOMS else known.agencies.get(agency, {"en": agency})


def _together(names: Sequence[Text]) -> Text:
    """Several names as one, in each language that all have."""
    languages = set.intersection(*(set(name) for name in names)) if names else set()
    return {
        language: ", ".join(dict.fromkeys(name[language] for name in names)) for language in sorted(languages)
    }
