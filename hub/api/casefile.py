"""The case file: everything about a declaration in one document, to keep, to send and to print."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from hub.api.access import Mrn, Seeing, declaration_seen
from hub.api.casefile_page import page_of
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import answer_of, beside, events_for, routing_of
from hub.api.problems import problem_responses
from hub.api.reading import JSON
from hub.api.shapes import DeclarationAnswer, EventAnswer, RoutingAnswer, VersionAnswer
from hub.domain.clearance import Outcome, Reason, Rule
from hub.domain.events import Event, EventType
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Decision, Verdict, Via
from hub.operations.sight import Sight
from hub.ports import DeclarationView

router = APIRouter(tags=["declarations"])

HTML = "text/html"
_PAGE = 500


class Format(StrEnum):
    JSON = "json"
    HTML = "html"


class Evidence(Model):
    """Something that was sent or received, as it is kept."""

    id: str
    kind: str = Field(description="As exchanges have it; `message` for what an agency sent by itself.")
    agency: str
    service: str | None
    at: UtcDatetime
    reading: str = Field(description="How it was understood, in one line.")
    sha256: str = Field(description="Of what is kept, worked out anew.")


class Explained(Model):
    """Why a goods item stands as it does with one service, with everything that it rests on."""

    item: int | None = Field(description="null: the declaration as a whole.")
    service: str | None
    service_name: Text
    agency: str | None
    agency_name: Text
    rule: Rule
    rule_version: str | None = Field(
        description="Version of the agency's file, or of the policy, that the rule was taken from."
    )
    law: Text
    verdict: Verdict | None
    word: str | None = Field(description="The verdict in the agency's own words.")
    decision: str | None
    decided_at: UtcDatetime | None
    via: Via | None
    by: str | None = Field(description="Who decided, when it was by hand.")
    remarks: str | None
    evidence: str | None = Field(description="Id of the exchange or message that the decision was read from.")
    evidence_sha256: str | None = Field(description="Of it, as recorded when it was read.")


class ExplainedOutcome(Model):
    """The outcome, and why."""

    outcome: Outcome
    final: bool
    settled_at: UtcDatetime
    policy_version: str
    reasons: tuple[Explained, ...]


class CaseFile(Model):
    """Everything about a declaration, as far as this client may see it."""

    mrn: str
    made_at: UtcDatetime
    outcome: ExplainedOutcome
    declaration: DeclarationAnswer
    versions: tuple[VersionAnswer, ...] = Field(description="Of the declaration; empty for agencies.")
    routing: RoutingAnswer
    events: tuple[EventAnswer, ...]
    evidence: tuple[Evidence, ...] = Field(description="For customs and staff; empty for others.")


@router.get(
    "/v1/declarations/{mrn}/casefile",
    response_model=CaseFile,
    summary="Everything about a declaration, in one document",
    responses={
        200: {
            "description": "As JSON; with `Accept: text/html` or `format=html` a page to read and to print.",
            "content": {HTML: {"schema": {"type": "string"}}},
        },
        **problem_responses("unauthenticated", "not-found", "invalid-parameters"),
    },
)
async def show_casefile(
    request: Request,
    mrn: Mrn,
    parts: Parts,
    sight: Seeing,
    format: Annotated[Format | None, Query(description="Instead of the Accept header.")] = None,
) -> Response:
    """
    Versions, routing, referrals with decisions and questions, certificates, inspections, duties, cargo and
    events, and the outcome with the law, the rule and the evidence of each reason.
    """
    view = await declaration_seen(mrn, parts, sight)
    file = await to_thread.run_sync(casefile_of, view, sight, parts)
    wants_page = HTML in request.headers.get("accept", "") if format is None else format is Format.HTML
    if not wants_page:
        return Response(file.model_dump_json(), media_type=JSON)
    return Response(
        await to_thread.run_sync(page_of, file),
        media_type=HTML,
        headers={
            # What declarants and agencies wrote stands in it; nothing of that may run or load anything.
            "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
            "X-Content-Type-Options": "nosniff",
        },
    )


def casefile_of(view: DeclarationView, sight: Sight, parts: ApiParts) -> CaseFile:
    """The case file. Blocking."""
    mrn = view.acceptance.mrn
    events = _all_events(parts, mrn)
    declaration = answer_of(view, sight, parts, beside(view, sight, parts))
    return CaseFile(
        mrn=mrn,
        made_at=parts.clock(),
        outcome=_explained(view, declaration, events),
        declaration=declaration,
        versions=() if sight.agency is not None else _versions(parts, mrn),
        routing=routing_of(view.acceptance, sight),
        events=events_for(events, view, sight),
        evidence=_evidence(parts, mrn) if sight.is_customs else (),
    )


def _all_events(parts: ApiParts, mrn: str) -> list[Event]:
    events: list[Event] = []
    while page := parts.queries.events(mrn, events[-1].seq if events else 0, _PAGE):
        events += page
    return events


def _versions(parts: ApiParts, mrn: str) -> tuple[VersionAnswer, ...]:
    return tuple(
        VersionAnswer(
            mrn=mrn,
            version=one.version,
            lodged_at=one.lodged_at,
            content_hash=one.content_hash,
            declaration=one.declaration,
        )
        for one in parts.cases.versions_of(mrn)
    )


@dataclass(frozen=True)
class _Known:
    """What reasons are explained from."""

    names: Mapping[str, tuple[Text, Text]]
    """Of service and agency, by service."""
    decisions: Mapping[tuple[str, str], Decision]
    hashes: Mapping[tuple[str, str], str]
    """Of what decisions were read from; both by service and decision id."""


def _explained(
    view: DeclarationView, declaration: DeclarationAnswer, events: Iterable[Event]
) -> ExplainedOutcome:
    referrals = declaration.referrals
    known = _Known(
        names={r.service: (r.service_name, r.agency_name) for r in referrals},
        decisions={(r.service, d.id): d for r in referrals for d in r.decisions},
        hashes={
            (event.service or "", event.data["decision"]): event.data["evidence"]
            for event in events
            if event.type is EventType.DECISION_RECEIVED and "evidence" in event.data
        },
    )
    return ExplainedOutcome(
        outcome=declaration.outcome,
        final=declaration.final,
        settled_at=declaration.settled_at,
        policy_version=view.case.policy.version,
        reasons=tuple(_reason(reason, known) for reason in declaration.reasons),
    )


def _reason(reason: Reason, known: _Known) -> Explained:
    place = (reason.service or "", reason.decision or "")
    decision = known.decisions.get(place)
    service_name, agency_name = known.names.get(reason.service or "", ({}, {}))
    return Explained(
        item=reason.item,
        service=reason.service,
        service_name=service_name,
        agency=reason.agency,
        agency_name=agency_name,
        rule=reason.rule,
        rule_version=reason.rule_version,
        law=reason.law or {},
        verdict=reason.verdict,
        word=decision.word if decision else None,
        decision=reason.decision,
        decided_at=decision.decided_at if decision else None,
        via=decision.via if decision else None,
        by=reason.by,
        remarks=reason.remarks,
        evidence=reason.evidence,
        evidence_sha256=known.hashes.get(place),
    )


def _evidence(parts: ApiParts, mrn: str) -> tuple[Evidence, ...]:
    exchanges = [
        Evidence(
            id=one.id,
            kind=one.kind,
            agency=one.agency,
            service=one.service,
            at=one.started_at,
            reading=one.reading,
            sha256=one.digest(),
        )
        for one in parts.queries.exchanges(mrn)
    ]
    messages = [
        Evidence(
            id=one.message_id,
            kind="message",
            agency=one.agency,
            service=None,
            at=one.received_at,
            reading=one.trouble or ", ".join(decision.verdict for decision in one.decisions),
            sha256=hashlib.sha256(one.raw.encode()).hexdigest(),
        )
        for one in parts.queries.messages(mrn)
    ]
    return tuple(sorted((*exchanges, *messages), key=lambda one: (one.at, one.id)))
