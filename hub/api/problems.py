"""
Errors as `application/problem+json` (RFC 9457).

Every kind has a slug; `type` is `/problems/{slug}`, which this server answers with what the kind means.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.routing import compile_path

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: when it occurs and what to do about it."""

    slug: str
    status: HTTPStatus
    title: str
    meaning: str


def _kinds(*kinds: Kind) -> dict[str, Kind]:
    return {kind.slug: kind for kind in kinds}


KINDS: Mapping[str, Kind] = _kinds(
    Kind(
        "unreadable-body",
        HTTPStatus.BAD_REQUEST,
        "The body cannot be read",
        "It is not well-formed JSON or XML, or uses what is refused for safety: duplicate keys, NaN, "
        "document types, entities, extreme nesting. Correct the document.",
    ),
    Kind(
        "bad-cursor",
        HTTPStatus.BAD_REQUEST,
        "The cursor is not one of ours",
        "Use the cursor of the page before, unchanged, or leave it out to begin at the newest.",
    ),
    Kind(
        "unauthenticated",
        HTTPStatus.UNAUTHORIZED,
        "A valid API key is needed",
        "Send `Authorization: Bearer <key>` with a key that is known and enabled.",
    ),
    Kind(
        "callback-not-authentic",
        HTTPStatus.UNAUTHORIZED,
        "The callback is not proved to be from this agency",
        "The signature or token is missing or wrong, or outside its time window. It has been recorded.",
    ),
    Kind(
        "forbidden",
        HTTPStatus.FORBIDDEN,
        "This client may not do that",
        "Its role, declarant or agency does not cover the request.",
    ),
    Kind(
        "callback-forbidden",
        HTTPStatus.FORBIDDEN,
        "The callback is about a referral that is not this agency's",
        "It has been recorded and has no effect.",
    ),
    Kind(
        "not-found",
        HTTPStatus.NOT_FOUND,
        "There is no such thing",
        "It does not exist, or this client may not see it.",
    ),
    Kind(
        "archived",
        HTTPStatus.GONE,
        "The declaration has been archived",
        "It was closed long ago, and has left the database: the members say when, with which outcome, and "
        "until when its records are kept. The customs office has them looked up in the archive.",
    ),
    Kind(
        "method-not-allowed",
        HTTPStatus.METHOD_NOT_ALLOWED,
        "The method is not allowed here",
        "See the `Allow` header.",
    ),
    Kind(
        "lrn-already-used",
        HTTPStatus.CONFLICT,
        "The declarant has used this lrn for other content",
        "`mrn` names the declaration that has it. Lodge new content under a new lrn.",
    ),
    Kind(
        "message-id-already-used",
        HTTPStatus.CONFLICT,
        "The sender has used this message id for other content",
        "It changes nothing; what an agency sends is stored, and a person will look. Send it under an id of "
        "its own.",
    ),
    Kind(
        "too-many-links",
        HTTPStatus.CONFLICT,
        "The declaration has too many tracking links",
        "Revoke those that are not needed any more, and make another.",
    ),
    Kind(
        "already-released",
        HTTPStatus.CONFLICT,
        "The cargo has been released",
        "The cargo system has been told that goods of this declaration may go, so it can be neither amended "
        "nor withdrawn, and nothing more is asked. Turn to the customs office.",
    ),
    Kind(
        "already-withdrawn",
        HTTPStatus.CONFLICT,
        "The declaration has been withdrawn",
        "It stays so, with the reason that was given first. Lodge another under a new lrn.",
    ),
    Kind(
        "closed",
        HTTPStatus.CONFLICT,
        "The declaration is closed",
        "It has its final outcome, and the time in which that could change is over. Lodge another under a "
        "new lrn.",
    ),
    Kind(
        "no-such-question",
        HTTPStatus.NOT_FOUND,
        "The agency asks no such question",
        "It may have been asked about content that has been amended since. GET "
        "/v1/declarations/{mrn}/questions lists what is asked.",
    ),
    Kind(
        "already-answered",
        HTTPStatus.CONFLICT,
        "The question has been answered",
        "Its answer is on record, with other content than this. The same answer again would be taken.",
    ),
    Kind(
        "version-moved",
        HTTPStatus.CONFLICT,
        "The declaration has another version by now",
        "Read it again, and amend the version that is there.",
    ),
    Kind(
        "not-amendable",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A new version is of the same declaration",
        "`lrn`, `procedure` and `declarant.id` cannot be amended. Withdraw it, and lodge another.",
    ),
    Kind(
        "unknown-reason",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "There is no such reason",
        "`errors` names the codes there are; GET /v1/withdrawal-reasons says what they mean.",
    ),
    Kind(
        "invalid-answer",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The answer cannot be taken",
        "`errors` names each part at fault: a text that is missing, a document of a kind that is not taken.",
    ),
    Kind(
        "infected-document",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A document is infected",
        "The virus scanner has found something in the document that `errors` points to. Nothing was stored.",
    ),
    Kind(
        "scanner-unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "Documents cannot be scanned now",
        "The virus scanner does not answer. Nothing was stored; send the answer again later.",
    ),
    Kind(
        "agency-unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "What an agency is told cannot be worked out now",
        "Its own worker does not answer, or its file cannot be read. Nothing was changed; try again later.",
    ),
    Kind(
        "invalid-request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "What is asked for does not fit",
        "`errors` lists every fault with a pointer to it. Correct them and send it again.",
    ),
    Kind(
        "amended-meanwhile",
        HTTPStatus.CONFLICT,
        "The referral is about other content by now",
        "The declaration has been amended. Read it again, and decide on what it says now.",
    ),
    Kind(
        "referral-withdrawn",
        HTTPStatus.CONFLICT,
        "The service is asked no more",
        "The declaration was amended so that it does not need this consent, or was withdrawn.",
    ),
    Kind(
        "not-awaited",
        HTTPStatus.CONFLICT,
        "Nothing of the kind is awaited",
        "The detail says how the referral stands.",
    ),
    Kind(
        "appointment-over",
        HTTPStatus.CONFLICT,
        "The appointment is not open any more",
        "It is done, is cancelled, or is not confirmed yet: the detail says which.",
    ),
    Kind(
        "outside-window",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The inspection cannot take place then",
        "The detail gives the window of the appointment, or the office that does not work then.",
    ),
    Kind(
        "duties-not-assessed",
        HTTPStatus.CONFLICT,
        "The duties are not assessed",
        "Customs has to say first what is due; after an amendment it has to say so anew.",
    ),
    Kind(
        "amount-differs",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The amount is not what is due",
        "Duties are covered by exactly the amount that is due; the detail gives both.",
    ),
    Kind(
        "already-covered",
        HTTPStatus.CONFLICT,
        "The duties are covered already",
        "By another payment or guarantee, or by one of this reference with other content.",
    ),
    Kind(
        "ledger-refused",
        HTTPStatus.CONFLICT,
        "The certificate cannot be written down so",
        "The detail says why: its unit cannot change, nor can it cover less than is taken up.",
    ),
    Kind(
        "not-by-hand",
        HTTPStatus.CONFLICT,
        "The hub does this itself",
        "It is recorded by hand only where the agency's channel cannot be told, or has refused.",
    ),
    Kind(
        "action-refused",
        HTTPStatus.CONFLICT,
        "The action cannot be done as things stand",
        "`code` names the reason once and for all, the detail says it in words. That it was asked for stands "
        "in the audit.",
    ),
    Kind(
        "own-proposal",
        HTTPStatus.FORBIDDEN,
        "A second person confirms",
        "Nobody confirms what he has proposed himself, whatever his role.",
    ),
    Kind(
        "changed-meanwhile",
        HTTPStatus.CONFLICT,
        "It is not as it was seen",
        "More has happened since the preview, or there are more than it counted. Nothing was done: look "
        "again.",
    ),
    Kind(
        "body-too-slow",
        HTTPStatus.REQUEST_TIMEOUT,
        "The body took too long to come in",
        "The detail gives the limit, which holds for the whole body. Send it again on a new connection.",
    ),
    Kind(
        "body-too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The body is too large",
        "The detail gives the limit.",
    ),
    Kind(
        "unsupported-media-type",
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        "The media type is not one this accepts",
        "The detail names those that are accepted.",
    ),
    Kind(
        "invalid-declaration",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The declaration cannot be accepted",
        "`errors` lists every fault with a pointer to it. Correct them and lodge again, under the same lrn.",
    ),
    Kind(
        "invalid-parameters",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "A parameter of the request is wrong",
        "`errors` names each with what is wrong.",
    ),
    Kind(
        "message-not-understood",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The message is kept but was not understood",
        "It is authentic and stored; a person will look. Sending it again changes nothing.",
    ),
    Kind(
        "too-many-refused-callbacks",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many callbacks from this address were refused",
        "This one is not authentic either, and has not been recorded. Correct the signature or token, and "
        "send it again after `Retry-After` seconds. Authentic callbacks are never limited.",
    ),
    Kind(
        "internal-error",
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "The hub failed",
        "Quote `request_id`. Repeating the request is safe.",
    ),
    Kind(
        "store-unavailable",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The hub cannot read or write now",
        "Its database does not answer, or has no room; operations are being told. Send the request again "
        "after `Retry-After` seconds: what took effect all the same counts once.",
    ),
    Kind(
        "not-ready",
        HTTPStatus.SERVICE_UNAVAILABLE,
        "The hub cannot take declarations now",
        "Its store does not answer or has another schema. Try again later.",
    ),
)


class ProblemFault(BaseModel):
    """One fault; `pointer` leads to it."""

    pointer: str | None = Field(
        default=None,
        description="Into a JSON body: a JSON pointer (RFC 6901). Into an XML body: a path of element names.",
    )
    parameter: str | None = Field(default=None, description="Name of the query parameter at fault.")
    line: int | None = Field(default=None, description="Line of an XML body, from 1.")
    detail: str


class Problem(BaseModel):
    """A problem (RFC 9457)."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="`/problems/{slug}`; the server explains it there.")
    title: str
    status: int
    detail: str
    instance: str = Field(description="Path of the request.")
    request_id: str = Field(description="To quote when asking; also in the `X-Request-ID` header.")
    errors: list[ProblemFault] | None = None
    mrn: str | None = Field(default=None, description="The declaration that stands in the way (409).")


class ApiProblem(Exception):
    """Ends a request with a problem of this kind."""

    def __init__(
        self,
        slug: str,
        detail: str,
        *,
        faults: Sequence[ProblemFault] = (),
        headers: Mapping[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(detail)
        self.kind = KINDS[slug]
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        self.members = members


def problem_response(request: Request, problem: ApiProblem) -> JSONResponse:
    """The answer for a problem."""
    body: dict[str, Any] = {
        "type": f"/problems/{problem.kind.slug}",
        "title": problem.kind.title,
        "status": int(problem.kind.status),
        "detail": problem.detail,
        "instance": request.url.path,
        "request_id": request.state.request_id,
        **problem.members,
    }
    if problem.faults:
        body["errors"] = [fault.model_dump(exclude_none=True) for fault in problem.faults]
    return JSONResponse(
        body, status_code=int(problem.kind.status), headers=problem.headers, media_type=MEDIA_TYPE
    )


async def on_api_problem(request: Request, error: Exception) -> JSONResponse:
    """Exception handler: our own problems."""
    assert isinstance(error, ApiProblem)
    return problem_response(request, error)


_SLUG_OF_STATUS = {404: "not-found", 405: "method-not-allowed"}


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """Exception handler: what the framework itself refuses."""
    assert isinstance(error, HTTPException)
    headers = error.headers
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework names the methods of the first route of this path; others may stand beside it.
        allowed = ", ".join(sorted(_methods_at(request))) or (error.headers or {}).get("Allow", "")
        detail = f"{request.method} is not allowed on {request.url.path}; allowed are {allowed}"
        headers = {"Allow": allowed}
    else:
        detail = f"nothing is found at {request.url.path}"
    slug = _SLUG_OF_STATUS.get(error.status_code)
    if slug is None:
        raise error
    return problem_response(request, ApiProblem(slug, detail, headers=headers))


def _methods_at(request: Request) -> set[str]:
    described: Mapping[str, Mapping[str, Any]] = request.app.openapi()["paths"]
    methods = {
        method.upper()
        for path, methods in described.items()
        if compile_path(path)[0].match(request.url.path)
        for method in methods
    }
    return methods | {"HEAD"} if "GET" in methods else methods


async def on_bad_cursor(request: Request, error: Exception) -> JSONResponse:
    """Exception handler: a cursor that no list has given out."""
    return problem_response(
        request, ApiProblem("bad-cursor", "the cursor is not one that this list gave out")
    )


async def on_validation_error(request: Request, error: Exception) -> JSONResponse:
    """Exception handler: query parameters that do not fit."""
    assert isinstance(error, RequestValidationError)
    faults = [
        ProblemFault(parameter=".".join(str(part) for part in fault["loc"][1:]), detail=str(fault["msg"]))
        for fault in error.errors()
    ]
    return problem_response(
        request, ApiProblem("invalid-parameters", "see errors for each parameter at fault", faults=faults)
    )


def problem_responses(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses for the problems that a route may answer with; those of any are always among them."""
    by_status: dict[HTTPStatus, list[Kind]] = {}
    for slug in (*slugs, "store-unavailable", "internal-error"):
        kind = KINDS[slug]
        by_status.setdefault(kind.status, []).append(kind)
    return {
        int(status): {
            "description": "; or: ".join(kind.title for kind in kinds),
            "content": {
                MEDIA_TYPE: {
                    "schema": {"$ref": "#/components/schemas/Problem"},
                    "examples": {kind.slug: {"value": _example(kind)} for kind in kinds},
                }
            },
        }
        for status, kinds in by_status.items()
    }


_EXAMPLE_MEMBERS: Mapping[str, dict[str, Any]] = {
    "lrn-already-used": {"mrn": "26KR7Q2M9D4X1C8TB5"},
    "invalid-declaration": {
        "errors": [{"pointer": "/items/0/hs_code", "detail": "must match ^[0-9]{6,12}$"}]
    },
    "invalid-parameters": {"errors": [{"parameter": "limit", "detail": "must be at most 200"}]},
}


def _example(kind: Kind) -> dict[str, Any]:
    return {
        "type": f"/problems/{kind.slug}",
        "title": kind.title,
        "status": int(kind.status),
        "detail": kind.meaning,
        "instance": "/v1/declarations",
        "request_id": "5f0c2a1e9b7d4c38a6e4d2b190f3c7aa",
        **_EXAMPLE_MEMBERS.get(kind.slug, {}),
    }
