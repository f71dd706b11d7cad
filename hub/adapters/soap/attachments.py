"""
Answers in several parts: MTOM (XOP), and SOAP with attachments.

Sources: RFC 2387 (multipart/related), XOP 1.0, SOAP Messages with Attachments (W3C note, 2000), RFC 2392
(cid: addresses).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from email import errors, policy
from email.message import EmailMessage, MIMEPart
from email.parser import BytesParser
from urllib.parse import unquote

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.wire import Misfit, Plain, WireReply

_INCLUDE = f"{{{ns.XOP}}}Include"
_BROKEN = (
    errors.StartBoundaryNotFoundDefect,
    errors.CloseBoundaryNotFoundDefect,
    errors.NoBoundaryInMultipartDefect,
    errors.MultipartInvariantViolationDefect,
)
_READABLE = ("text/", "application/xml", "application/json", "application/soap+xml", "application/xop+xml")


@dataclass(frozen=True)
class Attachment:
    """One part beside the envelope."""

    id: str
    type: str
    content: bytes

    def plain(self) -> Mapping[str, Plain]:
        """Its id and type, and its content in base64."""
        return {"id": self.id, "type": self.type, "content": base64.b64encode(self.content).decode()}


def unpack(reply: WireReply) -> tuple[bytes, list[Attachment]]:
    """The envelope of an answer, and the parts beside it. Raises Misfit."""
    kind = reply.headers.get("content-type", "")
    if not kind.strip().lower().startswith("multipart/"):
        return reply.body, []
    message = _parsed(kind, reply.body)
    broken = [defect for defect in message.defects if isinstance(defect, _BROKEN)]
    parts = list(message.iter_parts()) if message.is_multipart() else []
    if broken or not parts:
        why = type(broken[0]).__name__.removesuffix("Defect") if broken else "NoParts"
        raise Misfit(f"a multipart answer that cannot be taken apart: {_in_words(why)}")
    found = [Attachment(_content_id(part), part.get_content_type(), _content(part)) for part in parts]
    start = message.get_param("start")
    wanted = str(start).strip("<> ") if start else found[0].id
    roots = [part for part in found if part.id == wanted] or (found[:1] if not start else [])
    if not roots:
        raise Misfit(f"a multipart answer whose root part {start} is not in it")
    return roots[0].content, [part for part in found if part is not roots[0]]


def put_in(body: etree._Element, attachments: list[Attachment]) -> list[Attachment]:
    """
    Put attachments in base64 where the envelope refers to them, in place; those it does not refer to.

    Raises Misfit for a reference to a part that is not there.
    """
    known = {part.id: part for part in attachments if part.id}
    used: set[str] = set()
    for element in list(body.iter()):
        if element.tag == _INCLUDE:
            parent = element.getparent()
            if parent is not None:
                part = _meant(element.get("href", ""), known)
                used.add(part.id)
                parent.remove(element)
                parent.text = base64.b64encode(part.content).decode()
        elif element.get("href", "").startswith("cid:") and len(element) == 0:
            part = _meant(element.get("href", ""), known)
            used.add(part.id)
            element.text = base64.b64encode(part.content).decode()
            del element.attrib["href"]
    return [part for part in attachments if part.id not in used]


def _meant(address: str, known: Mapping[str, Attachment]) -> Attachment:
    name = address.removeprefix("cid:")
    part = known.get(unquote(name)) or known.get(name)
    if part is None:
        raise Misfit(f"it refers to the attachment {address or 'without a name'}, which is not there")
    return part


def readable(kind: str, body: bytes) -> bytes:
    """A body as it is recorded: every part that is no text is replaced by a note of its type and size."""
    if not kind.strip().lower().startswith("multipart/"):
        return body
    message = _parsed(kind, body)
    if not message.is_multipart():
        return body
    pieces = []
    for part in message.iter_parts():
        content = _content(part)
        heads = "".join(f"{name}: {value}\n" for name, value in part.items())
        if not part.get_content_type().startswith(_READABLE):
            content = f"[{part.get_content_type()}: {len(content)} bytes are not kept]".encode()
        pieces.append(f"--- part\n{heads}\n".encode() + content)
    return b"\n".join(pieces)


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


def _in_words(name: str) -> str:
    return {
        "StartBoundaryNotFound": "its boundary is not in it",
        "CloseBoundaryNotFound": "it ends before its last boundary",
        "NoBoundaryInMultipart": "no boundary is named",
    }.get(name, "it has no parts")
