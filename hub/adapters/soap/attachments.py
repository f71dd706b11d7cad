"""
Answers in several parts: MTOM (XOP), and SOAP with attachments.

Sources: RFC 2387 (multipart/related), XOP 1.0, SOAP Messages with Attachments (W3C note, 2000), RFC 2392
(cid: addresses).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from urllib.parse import unquote

from lxml import etree

from hub.adapters.multipart import BodyPart, is_multipart, take_apart
from hub.adapters.soap import namespaces as ns
from hub.adapters.wire import Misfit, Plain, WireReply

_INCLUDE = f"{{{ns.XOP}}}Include"


def unpack(reply: WireReply) -> tuple[bytes, list[BodyPart]]:
    """The envelope of an answer, and the parts beside it. Raises Misfit."""
    kind = reply.headers.get("content-type", "")
    if not is_multipart(kind):
        return reply.body, []
    whole = take_apart(kind, reply.body)
    root = whole.parts[0]
    if whole.start:
        named = [part for part in whole.parts if part.id == whole.start]
        if not named:
            raise Misfit(f"a multipart answer whose root part {whole.start} is not in it")
        root = named[0]
    return root.content, [part for part in whole.parts if part is not root]


def in_base64(part: BodyPart) -> str:
    return base64.b64encode(part.content).decode()


def plain(part: BodyPart) -> Mapping[str, Plain]:
    """Id and type of a part, and its content in base64."""
    return {"id": part.id, "type": part.type, "content": in_base64(part)}


def put_in(body: etree._Element, attachments: list[BodyPart]) -> list[BodyPart]:
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
                parent.text = in_base64(part)
        elif element.get("href", "").startswith("cid:") and len(element) == 0:
            part = _meant(element.get("href", ""), known)
            used.add(part.id)
            element.text = in_base64(part)
            del element.attrib["href"]
    return [part for part in attachments if part.id not in used]


def _meant(address: str, known: Mapping[str, BodyPart]) -> BodyPart:
    name = address.removeprefix("cid:")
    part = known.get(unquote(name)) or known.get(name)
    if part is None:
        raise Misfit(f"it refers to the attachment {address or 'without a name'}, which is not there")
    return part
