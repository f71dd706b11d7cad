"""Requests that are small JSON objects: read whole, or refused with every fault."""

from __future__ import annotations

import json
import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, TypeVar

from fastapi import Request
from pydantic import BeforeValidator, ValidationError

from hub.api.body import Unreadable, media_type_of, read_body
from hub.api.json_body import read_json
from hub.api.parts import ApiParts
from hub.api.problems import ApiProblem, ProblemFault
from hub.api.validation import NOT_AN_INSTANT, faults_of, unstorable
from hub.domain.intake import Fault
from hub.domain.model import Model, UtcDatetime

JSON = "application/json"
MAX_BYTES = 64 * 1024

Asked = TypeVar("Asked", bound=Model)

_RFC3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


def _instant(value: object) -> object:
    # The model would take digits for seconds since 1970.
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _RFC3339.fullmatch(value):
        raise ValueError(NOT_AN_INSTANT)
    try:
        return datetime.fromisoformat(value.upper())
    except ValueError:
        raise ValueError(NOT_AN_INSTANT) from None


Instant = Annotated[UtcDatetime, BeforeValidator(_instant)]
"""An instant as RFC 3339 writes it, and no other way."""


async def read_asked(request: Request, parts: ApiParts, kind: type[Asked]) -> Asked:
    """What is asked for. Raises ApiProblem: 400, 408, 413, 415, and 422 with a pointer to every fault."""
    media_type_of(request, frozenset({JSON}))
    body = await read_body(request, MAX_BYTES, parts.callback_within)
    try:
        data = read_json(body)
    except Unreadable as error:
        raise ApiProblem("unreadable-body", str(error)) from error
    try:
        # Strict, so that no value is bent into another type; then exactly as the decimals were written.
        kind.model_validate_json(json.dumps(data, default=_as_number), strict=True)
        asked = kind.model_validate(data)
    except ValidationError as error:
        raise invalid(faults_of(error, data)) from error
    if faults := unstorable(asked.model_dump()):
        raise invalid(faults)
    return asked


def invalid(faults: list[Fault]) -> ApiProblem:
    """The problem for a request with these faults."""
    told = [ProblemFault(pointer=fault.pointer, detail=fault.detail) for fault in faults]
    said = f"{len(told)} fault{'s' if len(told) > 1 else ''}: see errors"
    return ApiProblem("invalid-request", said, faults=told)


def body_of(kind: type[Model], example: dict[str, Any]) -> dict[str, Any]:
    """The description of such a body, for OpenAPI."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {JSON: {"schema": schema, "example": example}}}}


BODY_PROBLEMS = (
    "unreadable-body",
    "body-too-slow",
    "body-too-large",
    "unsupported-media-type",
    "invalid-request",
)
"""What reading such a body may be answered with."""


def _as_number(value: object) -> int | float:
    assert isinstance(value, Decimal)
    return int(value) if value == value.to_integral_value() else float(value)
