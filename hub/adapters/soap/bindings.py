"""What a WSDL's bindings say: style, action, body and header parts of each operation (WSDL 1.1 section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from hub.adapters.soap import namespaces as ns

_W = f"{{{ns.WSDL}}}"


@dataclass(frozen=True)
class HeaderUse:
    """One soap:header: a part of a message that travels in the envelope's Header."""

    message: str
    part: str
    encoded: bool
    required: bool
    """By wsdl:required; the other headers are for the agency's documentation to ask for."""


@dataclass(frozen=True)
class MessageUse:
    """How a message travels."""

    encoded: bool
    namespace: str | None
    parts: tuple[str, ...] | None
    """The parts in the Body; without, all that are in no header."""
    attached: frozenset[str]
    """The parts that are attachments beside the envelope."""
    headers: tuple[HeaderUse, ...]


LITERAL = MessageUse(encoded=False, namespace=None, parts=None, attached=frozenset(), headers=())
"""How a message travels of which a binding says nothing."""


@dataclass(frozen=True)
class OperationUse:
    """One operation of one binding."""

    name: str
    alias: str
    """The name, and for an overloaded operation the name of its input after a slash."""
    version: str
    """Namespace of its envelopes."""
    rpc: bool
    action: str
    input: MessageUse | None
    output: MessageUse | None


def read_bindings(definitions: list[etree._Element]) -> dict[str, dict[str, OperationUse]]:
    """
    The operations of every SOAP binding, by the binding's `{namespace}name` and then by alias.

    Overloaded operations are renamed, in the bindings and in their port types, for zeep knows them by name
    alone; and what is read here is taken out of the tree, for zeep to leave alone.
    """
    _rename_overloaded(definitions)
    found: dict[str, dict[str, OperationUse]] = {}
    for root in definitions:
        for binding in root.findall(f"{_W}binding"):
            name = _own_name(binding, root)
            uses = found.setdefault(name, {})
            for use in _operations(binding, root):
                uses[use.alias] = use
    return found


def _operations(binding: etree._Element, root: etree._Element) -> Iterator[OperationUse]:
    soap = ns.SOAP_11 if binding.find(f"{{{ns.SOAP_11}}}binding") is not None else ns.SOAP_12
    spoken = binding.find(f"{{{soap}}}binding")
    style = "document" if spoken is None else spoken.get("style", "document")
    for operation in binding.findall(f"{_W}operation"):
        own = operation.find(f"{{{soap}}}operation")
        own_style = style if own is None else own.get("style", style)
        alias = operation.get("name", "")
        # Before anything is taken out: prefixes are declared in what is around it.
        sent = _message(operation.find(f"{_W}input"), soap, root)
        answered = _message(operation.find(f"{_W}output"), soap, root)
        for message in list(operation):
            if message.tag != f"{{{soap}}}operation":
                operation.remove(message)
        yield OperationUse(
            name=alias.partition("/")[0],
            alias=alias,
            version=ns.ENVELOPE_11 if soap == ns.SOAP_11 else ns.ENVELOPE_12,
            rpc=own_style == "rpc",
            action="" if own is None else own.get("soapAction", ""),
            input=sent,
            output=answered,
        )


def _message(message: etree._Element | None, soap: str, root: etree._Element) -> MessageUse | None:
    if message is None:
        return None
    body = next(message.iter(f"{{{soap}}}body"), None)
    headers = tuple(_header(header, root) for header in message.iter(f"{{{soap}}}header"))
    attached = frozenset(part.get("part", "") for part in message.iter(f"{{{ns.MIME}}}content"))
    if body is None:
        return MessageUse(False, None, None, attached, headers)
    listed = body.get("parts", body.get("part"))
    return MessageUse(
        encoded=body.get("use", "literal") == "encoded",
        namespace=body.get("namespace"),
        parts=None if listed is None else tuple(listed.split()),
        attached=attached,
        headers=headers,
    )


def _header(header: etree._Element, root: etree._Element) -> HeaderUse:
    return HeaderUse(
        message=_name(header.get("message", ""), header, root),
        part=header.get("part", ""),
        encoded=header.get("use", "literal") == "encoded",
        required=header.get(f"{_W}required") in ("true", "1"),
    )


def _name(text: str, element: etree._Element, root: etree._Element) -> str:
    """A prefixed name as `{namespace}name`; one without a prefix or default is in the target namespace."""
    prefix, _, name = text.strip().rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    if not prefix and namespace in (None, ns.WSDL):
        namespace = root.get("targetNamespace")
    return f"{{{namespace}}}{name}" if namespace else name


def _own_name(element: etree._Element, root: etree._Element) -> str:
    namespace, name = root.get("targetNamespace"), element.get("name", "")
    return f"{{{namespace}}}{name}" if namespace else name


def _rename_overloaded(definitions: list[etree._Element]) -> None:
    """WSDL 1.1 section 2.4.5 tells operations of the same name apart by the names of their input."""
    for root in definitions:
        for kind in ("portType", "binding"):
            for parent in root.findall(f"{_W}{kind}"):
                operations = parent.findall(f"{_W}operation")
                names = [operation.get("name", "") for operation in operations]
                for number, operation in enumerate(operations):
                    name = operation.get("name", "")
                    if names.count(name) > 1:
                        message = operation.find(f"{_W}input")
                        told = None if message is None else message.get("name")
                        operation.set("name", f"{name}/{told or names[:number].count(name) + 1}")
