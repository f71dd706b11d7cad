"""Inspections: offered to the declarant as few appointments as may be, confirmed, reported on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import reduce

from hub.domain.case import Case
from hub.domain.deadlines import WorkingCalendar
from hub.domain.event_data import InspectionCancelled, InspectionConfirmed, InspectionReported
from hub.domain.events import EventType, NewEvent
from hub.domain.inspection import Inspection, InspectionParty, InspectionState
from hub.domain.life import apply
from hub.domain.model import Model
from hub.domain.referral import Decision, Verdict, Via
from hub.domain.settling import is_live, standing_decisions
from hub.domain.steps import StepRefused
from hub.domain.steps.controlling import refuse_strange_items
from hub.domain.steps.standing import Standing, live_referral, refuse_if_over, said

Calendars = Callable[[str], WorkingCalendar]
"""The calendar of an agency, by its slug; customs' too."""

OPEN = frozenset({InspectionState.OFFERED, InspectionState.CONFIRMED})

_SEARCHED = 366
"""Days after today in which a working day is looked for that all offices have in common."""


def report_id(mrn: str, service: str, inspection: str) -> str:
    """The id of the decision that an office's report of an inspection becomes: it reports once."""
    return f"inspection/{mrn}/{service}/{inspection}"


def is_to_be_arranged(case: Case) -> bool:
    """
    Whether appointments are to be made or taken back: somebody calls for an inspection for which there is
    none, nobody wants any more what there is one for, or an office has decided by its report and the
    appointment does not say so yet.
    """
    parties = [
        party for inspection in case.inspections if inspection.state in OPEN for party in inspection.parties
    ]
    wanted = {(party.service, party.decision) for party in _wanted(case)}
    arranged = {(party.service, party.decision) for party in parties}
    awaited = {(party.service, party.decision) for party in parties if party.reported is None}
    return not (wanted <= arranged and awaited <= wanted) or bool(_missed_reports(case))


def offer(standing: Standing, calendars: Calendars, at: datetime) -> list[NewEvent]:
    """
    What follows for appointments from what customs and the agencies want inspected now.

    A new demand joins an appointment that is not confirmed yet, where the policy has inspections jointly or
    it is of the same service; else it gets one of its own. Whoever does not want it any more is left out,
    and an appointment that nobody wants is cancelled. One that was not confirmed in time is offered anew. A
    report that has become a decision is noted where whoever brought it did not live to.
    """
    events = [
        _event(
            EventType.INSPECTION_REPORTED,
            at,
            InspectionReported(inspection=id, decision=report_id(standing.case.mrn, service, id)),
            service,
        )
        for id, service in _missed_reports(standing.case)
    ]
    case = reduce(apply, events, standing.case)
    over = case.withdrawal is not None or standing.closed_at is not None
    wanted = {} if over else {(p.service, p.decision): p for p in _wanted(case)}
    place = standing.acceptance.declaration.consignment.location or ""
    found = {i.id: i for i in case.inspections if i.state in OPEN}
    after = {id: _without_the_satisfied(inspection, wanted) for id, inspection in found.items()}
    held = {(p.service, p.decision) for i in after.values() for p in i.parties}
    new = [party for key, party in wanted.items() if key not in held]
    number = len(case.inspections)
    for service in dict.fromkeys(party.service for party in new):
        parties = tuple(party for party in new if party.service == service)
        joined = _to_be_joined(case, after.values(), service, parties, calendars, at)
        if joined is not None:
            after[joined.id] = joined.model_copy(update={"parties": (*joined.parties, *parties)})
            continue
        number += 1
        opened = Inspection(
            id=f"I{number}",
            state=InspectionState.OFFERED,
            opens_at=at,
            closes_at=at,
            place=place,
            parties=parties,
        )
        after[opened.id] = opened
    for id, inspection in after.items():
        before = found.get(id)
        if not inspection.parties:
            events.append(_event(EventType.INSPECTION_CANCELLED, at, InspectionCancelled(inspection=id)))
            continue
        if all(party.reported is not None for party in inspection.parties):
            inspection = inspection.model_copy(update={"state": InspectionState.DONE})
        missed = inspection.state is InspectionState.OFFERED and inspection.closes_at <= at
        if inspection.state is InspectionState.OFFERED and (missed or inspection != before):
            inspection = _with_window(inspection, case.policy.inspection_within, calendars, at)
        if inspection != before:
            events.append(_event(EventType.INSPECTION_OFFERED, at, inspection))
    return events


def confirm(
    standing: Standing, inspection: str, when: datetime, *, calendars: Calendars, by: str, at: datetime
) -> list[NewEvent]:
    """
    The time at which it takes place, within its window and while every office that is to attend works. It
    may be moved as long as it has not come and nobody has reported. Nothing when it is confirmed so already.

    Raises StepRefused: not-found, appointment-over, outside-window, and those of `refuse_if_over`.
    """
    refuse_if_over(standing)
    found = _inspection(standing.case, inspection)
    if found.state is InspectionState.CONFIRMED and found.at == when:
        return []
    if found.state not in OPEN:
        raise StepRefused("appointment-over", f"{inspection} is {found.state}")
    if any(party.reported for party in found.parties):
        raise StepRefused("appointment-over", f"{inspection} has taken place: there is a report on it")
    if found.at is not None and found.at <= at:
        raise StepRefused("appointment-over", f"{inspection} was to take place at {said(found.at)}")
    if not found.opens_at <= when <= found.closes_at or when <= at:
        window = f"the window is open from {said(found.opens_at)} to {said(found.closes_at)}"
        raise StepRefused("outside-window", window, "/at")
    for agency in dict.fromkeys(party.agency for party in found.parties):
        calendar = calendars(agency)
        local = when.astimezone(calendar.zone)
        if not calendar.works_on(local.date()):
            raise StepRefused("outside-window", f"{agency} does not work on {local:%Y-%m-%d}", "/at")
        if not calendar.opens_at <= local.time() <= calendar.closes_at:
            hours = f"{calendar.opens_at:%H:%M} to {calendar.closes_at:%H:%M} ({calendar.zone.key})"
            raise StepRefused("outside-window", f"{agency} works from {hours}", "/at")
    confirmed = InspectionConfirmed(inspection=inspection, at=when, by=by)
    return [_event(EventType.INSPECTION_CONFIRMED, at, confirmed)]


def result(
    standing: Standing,
    inspection: str,
    service: str,
    *,
    verdict: Verdict,
    items: Sequence[int] | None,
    remarks: str,
    by: str,
    at: datetime,
) -> Decision:
    """
    What an office has found, as its decision: to be put into the inbox, and then reported.

    Raises StepRefused: not-found, already-withdrawn, referral-withdrawn, appointment-over while it is not
    confirmed or when it is cancelled, invalid-request for goods items that were not to be inspected.
    """
    if (withdrawal := standing.case.withdrawal) is not None:
        raise StepRefused("already-withdrawn", f"it was withdrawn on {said(withdrawal.requested_at)}")
    found = _inspection(standing.case, inspection)
    parties = [party for party in found.parties if party.service == service]
    if not parties:
        raise StepRefused("not-found", f"{service} has no part in inspection {inspection}")
    terms = live_referral(standing.case, service).terms
    if found.state not in (InspectionState.CONFIRMED, InspectionState.DONE):
        raise StepRefused("appointment-over", f"{inspection} is {found.state}, not confirmed")
    id = report_id(standing.case.mrn, service, inspection)
    presented = tuple(sorted({item for party in parties for item in party.items}))
    refuse_strange_items(items, presented)
    return Decision(
        id=id,
        referral=terms.id,
        verdict=verdict,
        items=presented if items is None else tuple(sorted(set(items))),
        word=verdict,
        remarks=remarks,
        decided_at=at,
        received_at=at,
        via=Via.INSPECTION,
        exchange=id,
        revision=terms.revision,
        by=by,
    )


def reported(
    standing: Standing, inspection: str, service: str, decision: str, at: datetime
) -> list[NewEvent]:
    """An office's report has become this decision. Nothing when that is on record. Raises StepRefused."""
    parties = [p for p in _inspection(standing.case, inspection).parties if p.service == service]
    if all(party.reported is not None for party in parties):
        return []
    said = InspectionReported(inspection=inspection, decision=decision)
    return [_event(EventType.INSPECTION_REPORTED, at, said, service)]


def _missed_reports(case: Case) -> list[tuple[str, str]]:
    """Inspections and services whose report is a decision already, and is not noted at the appointment."""
    missed = []
    for inspection in case.inspections:
        if inspection.state not in OPEN:
            continue
        for service in dict.fromkeys(p.service for p in inspection.parties if p.reported is None):
            id = report_id(case.mrn, service, inspection.id)
            if any(decision.id == id for decision in case.referral(service).decisions):
                missed.append((inspection.id, service))
    return missed


def _wanted(case: Case) -> list[InspectionParty]:
    """Every standing demand for an inspection, in the order of the referrals."""
    wanted = []
    for referral in case.referrals:
        if not is_live(referral):
            continue
        items: dict[str, list[int]] = {}
        for item, decision in standing_decisions(referral).items():
            if decision.verdict is Verdict.INSPECTION_REQUIRED and item not in case.released:
                items.setdefault(decision.id, []).append(item)
        wanted += [
            InspectionParty(
                service=referral.terms.service,
                agency=referral.terms.agency,
                items=tuple(sorted(demanded)),
                decision=decision,
            )
            for decision, demanded in items.items()
        ]
    return wanted


def _without_the_satisfied(
    inspection: Inspection, wanted: dict[tuple[str, str], InspectionParty]
) -> Inspection:
    """The appointment with those who have reported, or still want it, for what they want it for now."""
    parties = tuple(
        party if party.reported is not None else wanted[party.service, party.decision]
        for party in inspection.parties
        if party.reported is not None or (party.service, party.decision) in wanted
    )
    return inspection.model_copy(update={"parties": parties})


def _to_be_joined(
    case: Case,
    appointments: Iterable[Inspection],
    service: str,
    parties: Sequence[InspectionParty],
    calendars: Calendars,
    at: datetime,
) -> Inspection | None:
    """The appointment that these parties join; none where their offices have no working day in common."""
    for inspection in appointments:
        if inspection.state is not InspectionState.OFFERED or not inspection.parties:
            continue
        if case.policy.joint_inspection or any(party.service == service for party in inspection.parties):
            together = _offices((*inspection.parties, *parties), calendars)
            if together.first_day(at) is not None:
                return inspection
    return None


def _with_window(inspection: Inspection, within: str, calendars: Calendars, at: datetime) -> Inspection:
    opens_at, closes_at = _offices(inspection.parties, calendars).window(at, within)
    return inspection.model_copy(update={"opens_at": opens_at, "closes_at": closes_at})


@dataclass(frozen=True)
class _Offices:
    """The calendars of everybody who is to attend."""

    calendars: tuple[WorkingCalendar, ...]

    def first_day(self, at: datetime) -> date | None:
        """The first day after today on which all of them work; None when there is none within a year."""
        today = max(at.astimezone(calendar.zone).date() for calendar in self.calendars)
        days = (today + timedelta(days=ahead) for ahead in range(1, _SEARCHED))
        return next((day for day in days if self._work_on(day)), None)

    def window(self, at: datetime, within: str) -> tuple[datetime, datetime]:
        """
        From when the last of them opens on that day, and for how long. Working days are those that all have
        in common.
        """
        day = self.first_day(at)
        if day is None:
            raise ValueError(f"no working day within a year after {at.isoformat()}")
        first = self.calendars[0]
        opens_at = max(datetime.combine(day, calendar.opens_at, calendar.zone) for calendar in self.calendars)
        common = WorkingCalendar(
            zone=first.zone,
            closes_at=min(calendar.closes_at for calendar in self.calendars),
            is_closed=lambda day: not self._work_on(day),
            weekend=frozenset(),
        )
        # Working days are counted from the next one on, and the day on which it opens is the first.
        start = (
            datetime.combine(day - timedelta(days=1), time(12), first.zone) if "wd" in within else opens_at
        )
        return opens_at, common.due(start, within)

    def _work_on(self, day: date) -> bool:
        return all(calendar.works_on(day) for calendar in self.calendars)


def _offices(parties: Sequence[InspectionParty], calendars: Calendars) -> _Offices:
    return _Offices(tuple(calendars(agency) for agency in dict.fromkeys(p.agency for p in parties)))


def _inspection(case: Case, id: str) -> Inspection:
    for inspection in case.inspections:
        if inspection.id == id:
            return inspection
    raise StepRefused("not-found", f"there is no inspection {id[:20]}")


def _event(type: EventType, at: datetime, data: Model, service: str | None = None) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=data.model_dump(mode="json", exclude_none=True))
