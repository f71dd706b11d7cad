"""What the workflow hears from the store: events that change its case, questions overdue, appointments."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from temporalio import activity

from hub.activities.messages import (
    ArrangeInspections,
    ExpireQuestions,
    News,
    ReadNews,
    brief_case,
    brief_referral,
)
from hub.domain.amendment import Amendment, ChangedReferral
from hub.domain.case import Case
from hub.domain.deadlines import WorkingCalendar
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.life import is_change
from hub.domain.steps import informing, inspecting
from hub.ports import CaseStore, Clock, DeclarationView, QueryStore

_PAGE = 500


class NewsActivities:
    """Short effects between the store and the workflow; no agency is spoken to."""

    def __init__(
        self,
        store: CaseStore,
        queries: QueryStore,
        clock: Clock,
        calendars: Callable[[str], WorkingCalendar],
    ) -> None:
        """`calendars` knows each agency's, and customs'."""
        self._store = store
        self._queries = queries
        self._clock = clock
        self._calendars = calendars

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.read_news, self.expire_questions, self.arrange_inspections]

    @activity.defn
    async def read_news(self, order: ReadNews) -> News:
        """
        What happened after an event. Asked for from the beginning, it begins with the case as accepted.

        Facts and decisions among it count as told: whoever asks hears them now, or asks again.
        """
        await asyncio.to_thread(self._store.news, order.mrn, order.after)
        events: list[Event] = []
        through = order.after
        while page := await asyncio.to_thread(self._queries.events, order.mrn, through, _PAGE):
            events += page
            through = page[-1].seq
        decisions = [e.data["decision"] for e in events if e.type is EventType.DECISION_RECEIVED]
        if decisions:
            await asyncio.to_thread(self._store.mark_told, order.mrn, decisions)
        told = [_brief(event) for event in events if is_change(event.type) or _opens(event)]
        return News(events=tuple(told), through=through)

    @activity.defn
    async def expire_questions(self, order: ExpireQuestions) -> None:
        """Record that the declarant's time to answer has passed, where it has."""
        at = self._clock()

        def expire(view: DeclarationView) -> list[NewEvent]:
            return [
                event
                for service, question in order.questions
                for event in informing.expire(view.case, service, question, at)
            ]

        await asyncio.to_thread(self._store.change, order.mrn, expire)

    @activity.defn
    async def arrange_inspections(self, order: ArrangeInspections) -> None:
        """Offer appointments for the inspections that are called for, and take back what nobody wants."""
        offer = partial(inspecting.offer, calendars=self._calendars, at=self._clock())
        await asyncio.to_thread(self._store.change, order.mrn, offer)


def _opens(event: NewEvent) -> bool:
    return event.type is EventType.DECLARATION_ACCEPTED and "case" in event.data


def _brief(event: NewEvent) -> NewEvent:
    """The same event without the words for people: what the engine's history keeps."""
    data = dict(event.data)
    match event.type:
        case EventType.DECLARATION_ACCEPTED:
            data = {"case": brief_case(Case.model_validate(data["case"])).model_dump(mode="json")}
        case EventType.DECLARATION_AMENDED:
            data = _brief_amendment(Amendment.model_validate(data)).model_dump(mode="json")
        case EventType.DECISION_RECEIVED:
            data.pop("remarks", None)
        case EventType.REFERRAL_RETRY_ASKED | EventType.REFERRAL_LOOK_UP_ASKED | EventType.REFERRAL_RESENT:
            data["reason"] = ""
        case EventType.CLEARANCE_SETTLED:
            data = {"released_items": data.get("released_items", [])}
    return NewEvent(at=event.at, type=event.type, service=event.service, data=data)


def _brief_amendment(amendment: Amendment) -> Amendment:
    return amendment.model_copy(
        update={
            "remarks": "",
            "prohibitions": tuple(p.model_copy(update={"law": {}}) for p in amendment.prohibitions),
            "changed": tuple(map(_brief_change, amendment.changed)),
            "added": tuple(map(brief_referral, amendment.added)),
        }
    )


def _brief_change(changed: ChangedReferral) -> ChangedReferral:
    demand = None if changed.demand is None else changed.demand.brief()
    return changed.model_copy(update={"terms": changed.terms.brief(), "demand": demand})
