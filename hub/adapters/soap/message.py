"""One message of an operation: its parts, how they travel, and the shape they give to plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from lxml import etree
from zeep.xsd import elements as xsd_elements

from hub.adapters.shape import Shape
from hub.adapters.soap.bindings import HeaderUse, MessageUse
from hub.adapters.soap.kinds import Zeep
from hub.adapters.soap.types import SoapPart, Types

_Element: Zeep = xsd_elements.Element


@dataclass(frozen=True)
class MessagePart:
    """One part, as an element."""

    name: str
    element: Zeep
    by_type: bool
    """It has a type and no element of its own: its element bears the part's name, in no namespace."""
    encoded: bool = False
    required: bool = True


@dataclass(frozen=True)
class Message:
    """What one side of an operation says."""

    rpc: bool
    encoded: bool
    wrapper: str
    """rpc: `{namespace}name` of the element around the parts."""
    body: tuple[MessagePart, ...]
    headers: tuple[MessagePart, ...]
    attached: frozenset[str]

    @property
    def bare(self) -> MessagePart | None:
        """The one part of a document-style message: what is inside it is what the message says."""
        return self.body[0] if not self.rpc and len(self.body) == 1 else None

    def shape(self, types: Types) -> Shape | None:
        """The shape of the message; None when it is a single value."""
        if self.bare is not None:
            return types.shape(self.bare.element.type)
        return Shape({part.name: _part(types, part) for part in self.body})

    def header_shape(self, types: Types) -> Shape:
        """The header parts by name."""
        return Shape({part.name: _part(types, part) for part in self.headers})


def _part(types: Types, part: MessagePart) -> SoapPart:
    return replace(types.part(part.element), name=part.name, required=part.required)


def message_of(
    abstract: Any, use: MessageUse, *, rpc: bool, wrapper: str, messages: Mapping[str, Any]
) -> Message:
    """
    A message as a binding sends it. `abstract` is zeep's message of the port type, `messages` all of them.

    Raises LookupError for a part that is not there.
    """
    in_header = {header.part for header in use.headers if messages.get(header.message) is abstract}
    names = use.parts
    if names is None:
        names = tuple(name for name in abstract.parts if name not in in_header and name not in use.attached)
    body = []
    for name in names:
        if name not in use.attached:
            body.append(_message_part(abstract, name, encoded=use.encoded))
    if rpc:
        namespace = use.namespace or None
        wrapper = f"{{{namespace}}}{wrapper}" if namespace else wrapper
    headers = tuple(_header(header, messages) for header in use.headers if header.message in messages)
    return Message(rpc, use.encoded, wrapper, tuple(body), _told_apart(headers), use.attached)


def _message_part(message: Any, name: str, *, encoded: bool) -> MessagePart:
    part = message.parts.get(name)
    if part is None:
        known = ", ".join(map(str, message.parts)) or "none"
        raise LookupError(f"message {message.name.localname} has no part {name}; its parts are {known}")
    if part.element is not None:
        element = part.element.clone(None)
        element.attr_name = name
        return MessagePart(name, element, by_type=False, encoded=encoded)
    if part.type is None:
        raise LookupError(f"part {name} of message {message.name.localname} has neither element nor type")
    element = _Element(etree.QName(name), part.type.resolve())
    return MessagePart(name, element, by_type=True, encoded=encoded)


def _header(use: HeaderUse, messages: Mapping[str, Any]) -> MessagePart:
    part = _message_part(messages[use.message], use.part, encoded=use.encoded)
    return replace(part, required=use.required)


def _told_apart(headers: tuple[MessagePart, ...]) -> tuple[MessagePart, ...]:
    """Headers of different messages may bear one part name; then each goes by the name of its element."""
    names = [header.name for header in headers]
    return tuple(
        replace(header, name=header.element.name) if names.count(header.name) > 1 else header
        for header in headers
    )
