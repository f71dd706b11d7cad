"""An agency's question and the declarant's answer to it: given, passed on, or overdue."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime

from hub.domain.case import Case, Referral
from hub.domain.event_data import InformationExpired, InformationGiven, InformationPassedOn
from hub.domain.events import EventType, NewEvent
from hub.domain.information import Document, Information, InformationRequest
from hub.domain.referral import Answers
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import Standing, live_referral, refuse_if_over

BY_CHANNEL = "channel"
BY_DOOR = "door"
"""The agency fetches the answer at the hub."""


def information_of(
    request: str, text: str, documents: Sequence[Document], at: datetime, by: str
) -> Information:
    """The answer to a question. Its id is made of its content, so that a repeated one has the same."""
    content = [request, text, [[d.name, d.media_type, d.sha256] for d in documents]]
    canonical = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Information(
        id=f"A-{hashlib.sha256(canonical.encode()).hexdigest()[:24]}",
        request=request,
        text=text,
        documents=tuple(documents),
        given_at=at,
        by=by,
    )


def answer(standing: Standing, service: str, information: Information) -> list[NewEvent]:
    """
    The declarant answers a question; the same answer again is nothing new. A late one is taken: whoever asked
    may still be helped by it.

    Raises StepRefused: `no-such-question`, `already-answered` with other content, `referral-withdrawn`,
    `already-withdrawn`, `already-released`, `closed`.
    """
    case = standing.case
    found = _find(case, service, information.request)
    if found is not None and found[1].answer == information.id:
        return []
    refuse_if_over(standing)
    referral = live_referral(case, service)
    if found is None:
        raise StepRefused(
            "no-such-question",
            f"{service} asks no question {information.request}; what is asked stands at "
            f"/v1/declarations/{case.mrn}/questions",
        )
    question = found[1]
    if question.answer is not None:
        raise StepRefused("already-answered", f"{service} has the answer {question.answer} to this question")
    if set(question.items) <= set(case.released):
        raise StepRefused("already-released", "the goods that the question is about have been released")
    given = InformationGiven(request=question.id, information=information.id)
    events = [_event(EventType.INFORMATION_GIVEN, service, information.given_at, given)]
    if referral.terms.answers is Answers.DOOR:
        # The office reads it at the hub: it has it as soon as it is there. Its clock did not stop.
        events += _passed_on(referral, question, information.id, BY_DOOR, information.given_at)
    return events


def passed_on(
    case: Case,
    service: str,
    request: str,
    by: str,
    due_at: datetime,
    remind_at: tuple[datetime, ...],
    at: datetime,
) -> list[NewEvent]:
    """
    The agency has the answer, `by` channel or by door, and from now on until `due_at` to decide. Nothing when
    the question is not asked any more, has no answer, or was passed on before.
    """
    found = _find(case, service, request)
    if found is None or found[1].answer is None or found[1].passed_on_at is not None:
        return []
    said = InformationPassedOn(
        request=request, information=found[1].answer, by=by, due_at=due_at, remind_at=remind_at
    )
    return [_event(EventType.INFORMATION_PASSED_ON, service, at, said)]


def expire(case: Case, service: str, request: str, at: datetime) -> list[NewEvent]:
    """
    The time to answer has passed. Nothing when it has not, or when the question is not asked any more, was
    answered, or has expired before.
    """
    found = _find(case, service, request)
    if found is None or case.withdrawal is not None:
        return []
    question = found[1]
    if not question.is_open or question.expired_at is not None:
        return []
    if question.due_at is None or at < question.due_at:
        return []
    return [_event(EventType.INFORMATION_EXPIRED, service, at, InformationExpired(request=request))]


def _find(case: Case, service: str, request: str) -> tuple[Referral, InformationRequest] | None:
    for referral in case.referrals:
        for question in referral.questions if referral.terms.service == service else ():
            if question.id == request:
                return referral, question
    return None


def _passed_on(
    referral: Referral, question: InformationRequest, information: str, by: str, at: datetime
) -> list[NewEvent]:
    terms = referral.terms
    said = InformationPassedOn(
        request=question.id,
        information=information,
        by=by,
        due_at=referral.due_at or terms.due_at,
        remind_at=terms.remind_at[referral.reminded :],
    )
    return [_event(EventType.INFORMATION_PASSED_ON, terms.service, at, said)]


def _event(
    type: EventType,
    service: str,
    at: datetime,
    said: InformationGiven | InformationPassedOn | InformationExpired,
) -> NewEvent:
    return NewEvent(at=at, type=type, service=service, data=said.model_dump(mode="json"))
