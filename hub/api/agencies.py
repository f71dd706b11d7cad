"""The catalogue as published, and the door at which agencies call back."""

from __future__ import annotations

import math
from typing import Annotated

import structlog
from anyio import to_thread
from fastapi import APIRouter, Path, Request

from hub.api.access import Caller, Seeing
from hub.api.body import read_body
from hub.api.changing import tell
from hub.api.metering import Metrics
from hub.api.parts import AgencyInfo, ApiParts, Parts
from hub.api.problems import ApiProblem, problem_responses
from hub.api.shapes import AttributeAnswer, CallbackAnswer
from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Message
from hub.operations.sight import Sight
from hub.ports import Received, Tallied

router = APIRouter(tags=["agencies"])
log = structlog.get_logger(__name__)

Agency = Annotated[str, Path(description="The agency's slug.", max_length=64, examples=["apqa"])]

_KEPT_OF_A_REFUSED_BODY = 4096
"""Characters; anybody can send a callback that is refused."""

_TOLD = 5
"""Faults of a file that are told where there is no agency to be shown; the history has them all."""


@router.get(
    "/v1/agencies",
    response_model=list[AgencyInfo],
    summary="All agencies and their services",
    responses=problem_responses("unauthenticated", "invalid-parameters"),
)
async def list_agencies(sight: Seeing, parts: Parts) -> list[AgencyInfo]:
    """
    Who may have to consent, under which law. The catalogue is a reconstruction from public material:
    `confidence` says how well each row is supported.
    """
    return [_seen(info, sight) for info in parts.agencies()]


@router.get(
    "/v1/agencies/{agency}",
    response_model=AgencyInfo,
    summary="One agency and its services",
    responses=problem_responses("unauthenticated", "not-found", "invalid-parameters"),
)
async def show_agency(agency: Agency, sight: Seeing, parts: Parts) -> AgencyInfo:
    """
    As it stands in the configuration now. When the file in the folder has faults and is not in force, staff
    and the agency itself are told them here, also of an agency that is not in force yet.
    """
    for info in parts.agencies():
        if info.agency == agency:
            return _seen(info, sight)
    refused = parts.refused(agency) if _sees_faults(agency, sight) else None
    if refused is None:
        raise ApiProblem("not-found", f"there is no agency {agency}")
    faults = "; ".join(f"{f.file}:{f.line} {f.key} {f.what} ({f.cure})" for f in refused.faults[:_TOLD])
    more = len(refused.faults) - _TOLD
    rest = f"; and {more} more" if more > 0 else ""
    raise ApiProblem("not-found", f"agency {agency} is not in force; its file has faults: {faults}{rest}")


def _seen(info: AgencyInfo, sight: Sight) -> AgencyInfo:
    if info.configuration.refused is None or _sees_faults(info.agency, sight):
        return info
    hidden = info.configuration.model_copy(update={"refused": None})
    return info.model_copy(update={"configuration": hidden})


def _sees_faults(agency: str, sight: Sight) -> bool:
    """Faults of files may name inner systems."""
    return sight.sees_trouble or sight.agency == agency


@router.get(
    "/v1/attributes",
    response_model=list[AttributeAnswer],
    summary="The attributes a goods item may declare",
    responses=problem_responses("unauthenticated", "invalid-parameters"),
)
async def list_attributes(client: Caller, parts: Parts) -> list[AttributeAnswer]:
    """Facts beyond the common elements on which it depends who must consent."""
    return [
        AttributeAnswer(
            name=a.name, type=a.type, title=a.title, absent=a.absent, values=a.values, form=a.form
        )
        for a in parts.rulebook().catalogue.attributes.values()
    ]


@router.post(
    "/v1/agencies/{agency}/callbacks",
    status_code=202,
    response_model=CallbackAnswer,
    summary="An agency's decision comes in",
    responses={
        202: {"description": "Stored, once; sent again it is a duplicate and changes nothing."},
        **problem_responses(
            "callback-not-authentic",
            "callback-forbidden",
            "not-found",
            "body-too-slow",
            "body-too-large",
            "message-not-understood",
            "message-id-already-used",
            "too-many-refused-callbacks",
            "invalid-parameters",
        ),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": "In the agency's own format, as its channel in the configuration says. It is "
            "authenticated as the channel says too (HMAC signature with a time window, or a bearer token), "
            "not by an API key.",
            "content": {
                "application/json": {"schema": {}},
                "application/xml": {"schema": {"type": "string"}},
                "text/xml": {"schema": {"type": "string"}},
            },
        }
    },
)
async def receive_callback(agency: Agency, request: Request, parts: Parts) -> CallbackAnswer:
    """Stored, then told to the workflow, then answered; a relay finishes what a crash left half done."""
    structlog.contextvars.bind_contextvars(agency=agency)
    metrics: Metrics = request.app.state.metrics
    body = await read_body(request, parts.max_callback_bytes, parts.callback_within)
    headers = dict(request.headers)
    address = request.client.host if request.client else None

    def intake() -> tuple[Message, Received]:
        return _take(parts, metrics, agency, headers, body, address)

    message, received = await to_thread.run_sync(intake)
    with structlog.contextvars.bound_contextvars(mrn=received.mrn, message=message.message_id):
        if received.trouble is not None:
            metrics.called_back(agency, "not_understood")
            if received.mrn is None:
                log.warning("callback.not_understood", reason=received.trouble)
            if received.id_used_before:
                raise ApiProblem(
                    "message-id-already-used",
                    f"the message is kept, and changes nothing: {received.trouble}",
                    received=True,
                )
            raise ApiProblem(
                "message-not-understood",
                f"the message is kept, but was not understood: {received.trouble}",
                received=True,
            )
        metrics.called_back(agency, "received" if received.new else "duplicate")
        if not received.new:
            parts.count(Tallied.MESSAGE_AGAIN, agency)
        if not received.decisions:
            log.info("callback.received", new=received.new)
        if received.mrn is not None and received.to_tell:
            await tell(parts, received.mrn, received.to_tell)
    return CallbackAnswer(received=True, duplicate=not received.new)


def _take(
    parts: ApiParts,
    metrics: Metrics,
    agency: str,
    headers: dict[str, str],
    body: bytes,
    address: str | None,
) -> tuple[Message, Received]:
    """Authenticate, read and store. Raises ApiProblem (401, 403, 404, 429)."""
    at = parts.clock()
    try:
        message = parts.gateway.read_callback(agency, headers, body, at)
    except KeyError as error:
        metrics.called_back(None, "unknown_agency")
        raise ApiProblem("not-found", f"no agency {agency[:64]} takes callbacks") from error
    except CallbackRefused as error:
        wait = parts.refusals.take(agency, address)
        if wait is not None:
            metrics.called_back(agency, "not_recorded")
            raise ApiProblem(
                "too-many-refused-callbacks",
                f"too many callbacks from here were refused, the last because {error}",
                headers={"Retry-After": str(math.ceil(wait))},
            ) from error
        metrics.called_back(agency, "not_authentic")
        log.warning("callback.refused", reason=str(error))
        kept = body.decode(errors="replace").replace("\x00", "\ufffd")[:_KEPT_OF_A_REFUSED_BODY]
        parts.cases.refuse_callback(agency, str(error), kept, at)
        raise ApiProblem(
            "callback-not-authentic", str(error), headers={"WWW-Authenticate": "Bearer, Signature"}
        ) from error
    try:
        return message, parts.cases.receive(message)
    except CallbackRefused as error:
        # The store has recorded it, beside the declaration it names.
        metrics.called_back(agency, "not_its_referral")
        if error.recorded is None:
            log.warning("callback.refused", reason=str(error))
        raise ApiProblem("callback-forbidden", str(error)) from error
