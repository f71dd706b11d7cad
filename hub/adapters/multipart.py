"""
Bodies in several parts (RFC 2046 section 5.1): taken apart, and told in a way that can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email import errors, policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser

from hub.adapters.wire import Misfit

_BROKEN = (
    errors.StartBoundaryNotFoundDefect,
    errors.CloseBoundaryNotFoundDefect,
    errors.NoBoundaryInMultipartDefect,
    errors.MultipartInvariantViolationDefect,
)
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
    message = _parsed(kind, body)
    broken = [defect for defect in message.defects if isinstance(defect, _BROKEN)]
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if broken or not parts:
        why = type(broken[0]).__name__.removesuffix("Defect") if broken else ""
        raise Misfit(f"a multipart body that cannot be taken apart: {_WORDS.get(why, 'it has no parts')}")
    start = message.get_param("start")
    return Parts(
        tuple(BodyPart(_content_id(part), part.get_content_type(), _content(part)) for part in parts),
        str(start).strip("<> ") if start else "",
    )


def readable(headers: Mapping[str, str], body: bytes) -> bytes:
    """A body as it is recorded: a note of type and size stands for whatever is no text."""
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    media = kind.partition(";")[0].strip().lower()
    if media.startswith(_BINARY):
        return _note(media, body)
    if not is_multipart(kind):
        return body
    message = _parsed(kind, body)
    if not message.is_multipart():
        return body
    pieces = []
    for part in message.iter_parts():
        content, media = _content(part), part.get_content_type()
        heads = "".join(f"{name}: {value}\n" for name, value in part.items())
        kept = content if media.startswith(_READABLE) else _note(media, content)
        pieces.append(f"--- part\n{heads}\n".encode() + kept)
    return b"\n".join(pieces)


def _note(media: str, content: bytes) -> bytes:
    return f"[{media}: {len(content)} bytes that are no text]".encode() if content else b""


def _parsed(kind: str, body: bytes) -> EmailMessage:
    head = b"MIME-Version: 1.0\r\nContent-Type: " + " ".join(kind.split()).encode("latin-1", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(head + b"\r\n\r\n" + body)
    assert isinstance(message, EmailMessage)
    return message


def _content(part: MIMEPart) -> bytes:
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _content_id(part: MIMEPart) -> str:
    return str(part.get("Content-ID", "")).strip().strip("<>")


_WORDS = {
    "StartBoundaryNotFound": "its boundary is not in it",
    "CloseBoundaryNotFound": "it ends before its last boundary",
    "NoBoundaryInMultipart": "its content type names no boundary",
}
