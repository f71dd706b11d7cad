"""
Bodies in several parts (RFC 2046 section 5.1): taken apart, and told in a way that can be read.

The library reads the headers of each part, and the body is divided here: as a whole message it would be read
in all its depth, which takes minutes where parts stand in parts in parts.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import BytesParser

from hub.adapters.wire import Misfit

MAX_PARTS = 500
"""No message comes near it, and each costs time."""
_READABLE = ("text/", "application/xml", "application/json", "application/soap+xml", "application/xop+xml")
_BINARY = ("image/", "audio/", "video/", "application/pdf", "application/zip", "application/octet-stream")


@dataclass(frozen=True)
class BodyPart:
    """One part of a body."""

    id: str
    """Its Content-ID without the brackets; empty where it has none."""
    type: str
    content: bytes


@dataclass(frozen=True)
class Parts:
    """A body taken apart."""

    parts: tuple[BodyPart, ...]
    start: str
    """Content-ID of the part that is the root (RFC 2387 section 3.2); empty where none is named."""


def is_multipart(kind: str) -> bool:
    """Whether a content type says that a body has several parts."""
    return kind.strip().lower().startswith("multipart/")


def take_apart(kind: str, body: bytes) -> Parts:
    """The parts of a body of this content type. Raises Misfit."""
    start = _head(kind).get_param("start")
    parts = tuple(
        BodyPart(_content_id(part), part.get_content_type(), _content(part)) for part in _divided(kind, body)
    )
    return Parts(parts, str(start).strip("<> ") if start else "")


def readable(headers: Mapping[str, str], body: bytes) -> bytes:
    """A body as it is recorded: a note of type and size stands for whatever is no text."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    media = kind.partition(";")[0].strip().lower()
    if media.startswith(_BINARY):
        return _note(media, body)
    if not is_multipart(kind):
        return body
    try:
        parts = _divided(kind, body)
    except Misfit:
        return body
    pieces = []
    for part in parts:
        content, media = _content(part), part.get_content_type()
        heads = "".join(f"{name}: {value}\n" for name, value in part.items())
        kept = content if media.startswith(_READABLE) else _note(media, content)
        pieces.append(f"--- part\n{heads}\n".encode("utf-8", "replace") + kept)
    return b"\n".join(pieces)


def _note(media: str, content: bytes) -> bytes:
    return f"[{media}: {len(content)} bytes that are no text]".encode() if content else b""


def _divided(kind: str, body: bytes) -> list[Message]:
    """The parts, each with its headers read and its body as it came. Raises Misfit."""
    boundary = _head(kind).get_boundary()
    if not boundary:
        raise _unfit("its content type names no boundary")
    delimiter = re.compile(
        rb"(?:^|\r?\n)--" + re.escape(boundary.encode("latin-1", "replace")) + rb"(--)?[ \t]*(?=\r?\n|$)"
    )
    marks = []
    for mark in delimiter.finditer(body):
        marks.append(mark)
        if mark[1]:
            break
        if len(marks) > MAX_PARTS:
            raise _unfit(f"it has more than {MAX_PARTS} parts")
    if not marks:
        raise _unfit("its boundary is not in it")
    if not marks[-1][1]:
        raise _unfit("it ends before its last boundary")
    if len(marks) == 1:
        raise _unfit("it has no parts")
    pieces = (body[mark.end() : after.start()] for mark, after in itertools.pairwise(marks))
    # Headers begin on the line after the delimiter; a part without any begins with an empty line.
    return [_READER.parsebytes(_END_OF_LINE.sub(b"", piece, count=1), headersonly=True) for piece in pieces]


_READER = BytesParser()
_END_OF_LINE = re.compile(rb"\A\r?\n")


def _head(kind: str) -> Message:
    """A content type as the header of a message."""
    return _READER.parsebytes(
        b"Content-Type: " + " ".join(kind.split()).encode("latin-1", "replace") + b"\r\n\r\n",
        headersonly=True,
    )


def _unfit(why: str) -> Misfit:
    return Misfit(f"a multipart body that cannot be taken apart: {why}")


def _content(part: Message) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _content_id(part: Message) -> str:
    return str(part.get("Content-ID", "")).strip().strip("<>")
