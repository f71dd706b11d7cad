"""Reading a request's body: bounded, and of a known media type."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from email.message import Message as Header

from fastapi import Request

from hub.api.problems import ApiProblem


class Unreadable(ValueError):
    """The body is not well-formed, or is of a kind that is refused; the message says why."""


@dataclass(frozen=True)
class MediaType:
    """A media type with the one parameter that matters here."""

    name: str
    charset: str | None


def media_type_of(request: Request, accepted: frozenset[str]) -> MediaType:
    """The body's media type. Raises ApiProblem (415) unless it is one of `accepted`, and not compressed."""
    names = ", ".join(sorted(accepted))
    header = Header()
    header["content-type"] = request.headers.get("content-type", "")
    name = header.get_content_type() if "content-type" in request.headers else ""
    if name not in accepted:
        raise ApiProblem("unsupported-media-type", f"the body must be one of: {names}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise ApiProblem("unsupported-media-type", f"send the body uncompressed, not as {encoding[:40]}")
    charset = header.get_param("charset")
    return MediaType(name, charset if isinstance(charset, str) and charset else None)


async def read_body(request: Request, limit: int, within: timedelta) -> bytes:
    """
    The whole body. Raises ApiProblem: 413 as soon as it is known to exceed `limit` bytes, whether or not
    a Content-Length says so; 408 when it is not all there in time, however steadily it drips.
    """
    too_large = ApiProblem("body-too-large", f"the body may have at most {limit} bytes")
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(within.total_seconds()):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise ApiProblem(
            "body-too-slow",
            f"the body was not complete after {within.total_seconds():g} s",
            # The rest of it must not be taken for the next request.
            headers={"Connection": "close"},
        ) from None
    return bytes(body)
