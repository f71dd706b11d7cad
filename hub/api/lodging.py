"""POST /v1/declarations: one submission, an immediate receipt."""

from __future__ import annotations

from typing import Any

import structlog
from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.responses import Response

from hub import tracing
from hub.api.access import Lodger
from hub.api.body import media_type_of, read_body
from hub.api.examples import JSON_DECLARATION, RECEIPT, XML_DECLARATION
from hub.api.metering import Metrics
from hub.api.parts import ApiParts, Parts
from hub.api.presenting import receipt_of
from hub.api.problems import ApiProblem, problem_responses
from hub.api.reading import ACCEPTED, JSON, XML, Lodged, read_declaration
from hub.api.shapes import Receipted
from hub.api.starting import Starter
from hub.domain.declaration import Declaration
from hub.domain.intake import Acceptance, Rulebook, accept
from hub.domain.names import new_mrn
from hub.ports import ApiClient, Tallied

router = APIRouter(tags=["declarations"])
log = structlog.get_logger(__name__)

REPLAYED = "Idempotent-Replay"

DECLARATION_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A declaration in the hub's JSON, or in the WCO Data Model 3.x as XML.",
        "content": {
            JSON: {
                "schema": {"$ref": "#/components/schemas/Declaration"},
                "example": JSON_DECLARATION,
            },
            **{
                name: {
                    "schema": {
                        "type": "string",
                        "description": "WCO Data Model 3.x: MetaData/Declaration, FunctionCode 9.",
                    },
                    "example": XML_DECLARATION,
                }
                for name in sorted(XML)
            },
        },
    }
}
"""The description of a declaration as a body, for OpenAPI."""


@router.post(
    "/v1/declarations",
    status_code=202,
    response_model=Receipted,
    summary="Lodge a declaration",
    responses={
        202: {
            "description": "Accepted: who must consent, under which law, by when, and where to look. "
            "The same content lodged again under the same lrn gets the same receipt.",
            "content": {JSON: {"example": RECEIPT}},
            "headers": {
                "Location": {"description": "The declaration.", "schema": {"type": "string"}},
                REPLAYED: {
                    "description": "`true` when this was lodged before and nothing new was written.",
                    "schema": {"type": "string", "enum": ["true"]},
                },
            },
        },
        **problem_responses(
            "unreadable-body",
            "unauthenticated",
            "forbidden",
            "lrn-already-used",
            "body-too-slow",
            "body-too-large",
            "unsupported-media-type",
            "invalid-declaration",
            "not-ready",
        ),
    },
    openapi_extra=DECLARATION_BODY,
)
async def lodge_declaration(request: Request, client: Lodger, parts: Parts) -> Response:
    """
    Lodge one declaration. Nobody need be reachable for it: it is written down first, and everything else
    follows from that.
    """
    media_type = media_type_of(request, ACCEPTED)
    body = await read_body(request, parts.max_declaration_bytes, parts.declaration_within)
    rulebook = parts.rulebook()

    def intake() -> tuple[Acceptance, bool]:
        return _write_down(parts, rulebook, client, read_declaration(body, media_type, rulebook))

    acceptance, replayed = await to_thread.run_sync(intake)
    metrics: Metrics = request.app.state.metrics
    tracing.name_declaration(acceptance.mrn)
    with structlog.contextvars.bound_contextvars(mrn=acceptance.mrn):
        if replayed:
            metrics.lodged("replayed")
            parts.count(Tallied.LODGED_AGAIN, acceptance.declaration.declarant.id)
            log.info("declaration.replayed", lrn=acceptance.declaration.lrn)
        else:
            metrics.lodged(acceptance.clearance.outcome)
            starter: Starter = request.app.state.starter
            starter.start(acceptance)
    receipt = receipt_of(acceptance, rulebook.catalogue.agencies)
    headers = {"Location": receipt.links.self, **({REPLAYED: "true"} if replayed else {})}
    return Response(receipt.model_dump_json(), status_code=202, headers=headers, media_type=JSON)


def _write_down(
    parts: ApiParts, rulebook: Rulebook, client: ApiClient, lodged: Lodged
) -> tuple[Acceptance, bool]:
    """The acceptance, and whether it had been there. Raises ApiProblem (403, 409, 422)."""
    declaration = lodged.declaration
    declarant = declaration.declarant.id
    if client.declarant is not None and client.declarant != declarant:
        raise ApiProblem("forbidden", f"this client lodges for declarant {client.declarant} only")
    # Looked up before the catalogue is asked: what was accepted once is answered the same under later rules.
    before = parts.cases.lodged(declarant, declaration.lrn)
    if before is None:
        lodged.check(rulebook)
        acceptance = _accept(parts, rulebook, client, declaration)
        race = parts.cases.lodge(acceptance)
        if race is None:
            return acceptance, False
        before = race.acceptance
    if before.content_hash != declaration.content_hash:
        raise ApiProblem(
            "lrn-already-used",
            f"lrn {declaration.lrn} of declarant {declarant} is declaration {before.mrn}, with other content",
            mrn=before.mrn,
        )
    return before, True


def _accept(parts: ApiParts, rulebook: Rulebook, client: ApiClient, declaration: Declaration) -> Acceptance:
    at = parts.clock()
    presented = rulebook.certificates_of(declaration)
    return accept(
        declaration,
        rulebook,
        mrn=new_mrn(rulebook.country, at),
        client=client.id,
        at=at,
        assessment=rulebook.risk.assess(declaration, at) if rulebook.risk else None,
        standings=parts.certificates.certificates(presented) if presented else {},
        trace=tracing.current(),
    )
