"""
SOAP 1.1 and 1.2 over zeep: the contract is the agency's WSDL, read from local files only.

zeep reads the WSDL and its schemas, and builds every envelope (document/literal wrapped and bare,
rpc/literal, one-way) and the WS-Security token. Answers are read here along zeep's schema rather than by
zeep's deserializer, which turns a value it cannot parse into nothing with a line in the log, gives an answer
another shape when its element happens to have a single child, and loses how a decimal or a time was
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import zeep
import zeep.exceptions
from lxml import etree
from zeep.wsdl.bindings.soap import SoapBinding
from zeep.wsdl.messages.soap import RpcMessage
from zeep.xsd import elements as xsd_elements
from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType
from zeep.xsd.types.complex import ComplexType
from zeep.xsd.types.simple import AnySimpleType

from hub.adapters.nul import without_nul
from hub.adapters.shape import Part, Shape, insist, trim
from hub.adapters.wire import (
    Context,
    Credentials,
    Fault,
    Heard,
    Misfit,
    Plain,
    Unproven,
    WireReply,
    WireRequest,
)
from hub.adapters.xml import local_name, parse_xml, plain_xml
from hub.expressions import TreeTemplate

_ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"

# SOAP 1.1 section 4.4.1 and SOAP 1.2 part 1 section 5.4.6.
_SENDER_CODES = {"Client", "Sender"}
_RECEIVER_CODES = {"Server", "Receiver"}
_MISMATCH_CODES = {"VersionMismatch", "MustUnderstand", "DataEncodingUnknown"}
# Web Services Security: SOAP Message Security 1.1, section 12: what is wrong with the token we sent.
_SECURITY_CODES = {
    "UnsupportedSecurityToken",
    "UnsupportedAlgorithm",
    "InvalidSecurity",
    "InvalidSecurityToken",
    "FailedAuthentication",
    "FailedCheck",
    "SecurityTokenUnavailable",
    "MessageExpired",
}

Zeep = Any
"""One of zeep's own objects, whose types zeep tells in part only."""

_Document: Zeep = zeep.wsdl.Document
_Client: Zeep = zeep.Client


class ContractUnreadable(Exception):
    """A contract file that is not there, or is not what it should be. The message says what is wrong."""


class _LocalFiles:
    """zeep's way to load files, without any way to the network and never outside the configuration folder."""

    session = None

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def load(self, url: str) -> bytes:
        parts = urlsplit(url)
        if parts.scheme not in ("", "file"):
            raise ContractUnreadable(f"{url} is not a local file; keep imported files beside the contract")
        path = Path(unquote(parts.path) if parts.scheme else url).resolve()
        if not path.is_relative_to(self._folder):
            raise ContractUnreadable(f"{path.name} lies outside the configuration folder")
        return path.read_bytes()


class SoapContract:
    """One WSDL, parsed once and shared by every agency whose file names it. For use from several threads."""

    def __init__(self, path: Path, folder: Path) -> None:
        """Raises ContractUnreadable."""
        settings = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True)
        try:
            document = _Document(str(path.resolve()), _LocalFiles(folder), settings=settings)
            self._client = _Client(document, transport=_LocalFiles(folder), settings=settings)
        except OSError as wrong:
            raise ContractUnreadable(
                f"cannot read {wrong.filename or path.name}: {wrong.strerror}"
            ) from wrong
        except (zeep.exceptions.Error, etree.LxmlError, ValueError, KeyError, TypeError) as wrong:
            raise ContractUnreadable(f"{path.name} is not a WSDL zeep can read: {wrong}") from wrong
        self._shapes: dict[int, Shape] = {}

    def operations(self) -> Iterator[tuple[str, str, str]]:
        """Service, port and operation names of every SOAP binding, in the order of the document."""
        for service in self._client.wsdl.services.values():
            for port in service.ports.values():
                binding: Zeep = port.binding
                if isinstance(binding, SoapBinding):
                    for name in list(binding._operations):
                        yield service.name, port.name, name

    def find(self, operation: str, service: str | None, port: str | None) -> Zeep:
        """
        The operation, in the first port that has it where neither service nor port is named.

        Raises LookupError, with what there is to choose from.
        """
        for service_name, port_name, name in self.operations():
            if name == operation and service in (None, service_name) and port in (None, port_name):
                return self._client.wsdl.services[service_name].ports[port_name].binding.get(name)
        known = ", ".join(f"{s}/{p}/{o}" for s, p, o in self.operations()) or "no SOAP operation at all"
        raise LookupError(f"the contract has {known}")

    def envelope(
        self, operation: Zeep, arguments: Plain, address: str
    ) -> tuple[etree._Element, dict[str, str]]:
        """The envelope and the HTTP headers of a call. Raises Misfit."""
        named = arguments if isinstance(arguments, dict) else {}
        unnamed = () if arguments is None or isinstance(arguments, dict) else (arguments,)
        try:
            envelope, headers = operation.binding._create(
                operation.name, unnamed, named, client=self._client, options={"address": address}
            )
        except (zeep.exceptions.Error, TypeError, ValueError, AttributeError, KeyError) as wrong:
            raise Misfit(f"the request does not fit {operation.name}: {wrong}") from wrong
        return envelope, dict(headers)

    def request_shape(self, operation: Zeep) -> Shape | None:
        """What the operation wants; None when it is a single value."""
        body = operation.input.body
        return Shape({}) if body is None else self.shape(body.type)

    def reply_shape(self, operation: Zeep) -> Shape | None:
        """What the operation answers, below the response element; None for a single value."""
        body = operation.output.body
        shape = Shape({}) if body is None else self.shape(body.type)
        if shape is not None and isinstance(operation.output, RpcMessage):
            # A part without a value is left out by some stacks and sent as xsi:nil by others.
            return Shape({name: _optional(part) for name, part in shape.parts.items()}, shape.open)
        return shape

    def shape(self, kind: Any) -> Shape | None:
        """The parts of a schema type, in the names zeep gives them; None for simple types."""
        if isinstance(kind, AnySimpleType):
            return None
        known = self._shapes.get(id(kind))
        if known is not None:
            return known
        if not isinstance(kind, ComplexType):
            shape = Shape({}, open=True)
        else:
            parts, is_open = self._parts(kind)
            shape = Shape({part.name: part for part in parts}, is_open)
        self._shapes[id(kind)] = shape
        return shape

    def _parts(self, kind: ComplexType) -> tuple[list[Part], bool]:
        found: list[Part] = []
        is_open = False
        for name, element in kind.elements_nested:
            if isinstance(element, xsd_elements.Element):  # xs:simpleContent: a value with attributes
                found.append(self._part(name, element, optional=False, many=False))
            else:
                is_open |= self._collect(element, found, optional=False, many=False)
        for name, attribute in kind.attributes:
            if isinstance(attribute, xsd_elements.AnyAttribute) or attribute.name is None:
                is_open = True
            else:
                found.append(
                    Part(
                        name=name,
                        required=bool(attribute.required),
                        text=_is_text(attribute.type),
                        read=_reader(attribute.type),
                    )
                )
        return found, is_open

    def _collect(self, group: Any, found: list[Part], *, optional: bool, many: bool) -> bool:
        """Add the elements of a sequence, choice, all or group; whether it lets in any other element."""
        is_open = False
        optional = optional or group.min_occurs == 0 or isinstance(group, xsd_elements.Choice)
        many = many or group.accepts_multiple
        if isinstance(group, xsd_elements.Group):
            return self._collect(group.child, found, optional=optional, many=many)
        for member in group:
            if isinstance(member, xsd_elements.Element):
                found.append(self._part(member.attr_name, member, optional=optional, many=many))
            elif isinstance(member, xsd_elements.Any):
                is_open = True
            else:
                is_open |= self._collect(member, found, optional=optional, many=many)
        return is_open

    def _part(self, name: str, element: Any, *, optional: bool, many: bool) -> Part:
        kind = element.type
        return Part(
            name=name,
            required=not (optional or element.min_occurs == 0 or element.nillable),
            many=many or element.accepts_multiple or isinstance(kind, ListType),
            text=_is_text(kind),
            shape=lambda: self.shape(kind),
            read=_reader(kind),
            sample=_sample(kind),
        )


def _optional(part: Part) -> Part:
    return replace(part, required=False)


def _is_text(kind: Any) -> bool:
    return isinstance(kind, (builtins.String, builtins.AnyURI)) or type(kind) is AnySimpleType


def _reader(kind: Any) -> Any:
    """How a text becomes plain data: whole numbers and truth values are typed, others stay text."""
    if not isinstance(kind, AnySimpleType):
        return None
    if isinstance(kind, ListType):
        one = _reader(kind.item_type) or str
        return lambda text: [one(part) for part in text.split()]
    if isinstance(kind, builtins.Boolean):
        return _boolean
    if isinstance(kind, builtins.Integer):
        return _integer
    if _is_text(kind) or not isinstance(kind, builtins.BuiltinType):
        return None

    def checked(text: str) -> str:
        kind.pythonvalue(text)  # zeep's own reading tells whether it is one; the text is what counts
        return text.strip()

    return checked


def _sample(kind: Zeep) -> Plain:
    if isinstance(kind, builtins.Boolean):
        return True
    return 1 if isinstance(kind, builtins.Integer) else "1"


def _boolean(text: str) -> bool:
    word = text.strip()
    if word not in ("true", "false", "1", "0"):
        raise ValueError(f"{word!r} is neither true nor false")
    return word in ("true", "1")


def _integer(text: str) -> int | str:
    number = int(text.strip())
    return number if -(2**63) <= number < 2**63 else text.strip()


class SoapCall:
    """One SOAP operation of one agency, prepared."""

    def __init__(
        self,
        contract: SoapContract,
        operation: Zeep,
        request: TreeTemplate,
        endpoint: str,
        credentials: Credentials,
    ) -> None:
        self._contract = contract
        self._operation = operation
        self._request = request
        self._endpoint = endpoint
        self._credentials = credentials
        self._request_shape = contract.request_shape(operation)
        self._one_way = operation.abstract.output_message is None or operation.output is None
        self._reply_shape = None if self._one_way else contract.reply_shape(operation)

    def arguments(self, context: Context) -> Plain:
        """The filled request without what was not declared. Raises ExpressionFailed."""
        return trim(self._request.fill(context), self._request_shape)

    @property
    def request_shape(self) -> Shape | None:
        return self._request_shape

    @property
    def reply_shapes(self) -> list[Shape | None]:
        """The shapes an answer may have: one, or none when the operation is one-way."""
        return [] if self._one_way else [self._reply_shape]

    def write(self, context: Context, now: datetime) -> WireRequest:
        arguments = self.arguments(context)
        if self._request_shape is not None:
            # zeep passes over names it does not know below the first level; nothing declared may be lost so.
            insist({} if arguments is None else arguments, self._request_shape)
        envelope, headers = self._contract.envelope(self._operation, arguments, self._endpoint)
        if self._credentials.ws_security is not None:
            self._credentials.ws_security.apply(envelope, headers, now)
        return WireRequest(
            method="POST",
            url=self._endpoint,
            headers={**headers, **self._credentials.headers},
            body=etree.tostring(envelope, xml_declaration=True, encoding="utf-8"),
        )

    def read(self, reply: WireReply) -> Heard:
        text = without_nul(reply.body.decode("utf-8", "replace"))
        if not reply.body.strip():
            # One-way operations are answered with an empty 200 or 202 alike.
            missing = None if self._one_way or reply.status == 204 else "the answer is empty"
            return Heard(reply.status, reply.headers, {}, text="", unreadable=missing)
        try:
            root = parse_xml(reply.body)
            body = _body(root)
            unproven = self._unproven(root, reply)
            # SOAP 1.1 sends faults with status 500, other stacks with any status: the body is read first.
            fault = _fault(body)
            if fault is not None:
                detail, read = fault
                return Heard(reply.status, reply.headers, read, fault=detail, text=text, unproven=unproven)
            if unproven is not None:
                return Heard(reply.status, reply.headers, text, text=text, unproven=unproven)
            if self._one_way:
                return Heard(reply.status, reply.headers, {}, text=text)
            return Heard(reply.status, reply.headers, self._read_body(body), text=text)
        except Misfit as wrong:
            security = self._credentials.ws_security
            unproven = "it is no SOAP envelope" if security is not None and security.checks_answers else None
            return Heard(
                reply.status, reply.headers, text, text=text, unreadable=str(wrong), unproven=unproven
            )

    def _unproven(self, root: etree._Element, reply: WireReply) -> str | None:
        """Why this very tree is not shown to be the agency's own, where answers must be."""
        security = self._credentials.ws_security
        if security is None:
            return None
        try:
            security.check(root, reply.heard_at or datetime.now(UTC))
        except Unproven as wrong:
            return str(wrong)
        return None

    def _read_body(self, body: etree._Element) -> Plain:
        if len(body) == 0:
            raise Misfit("the SOAP Body is empty")
        answer = body[0]
        expected = self._operation.output.body
        if (
            expected is not None
            and not isinstance(self._operation.output, RpcMessage)
            and etree.QName(answer).text != expected.qname.text
        ):
            raise Misfit(f"the answer is {etree.QName(answer).text}; the contract says {expected.qname.text}")
        if self._reply_shape is None:
            return (answer.text or "").strip()
        return _read(answer, self._reply_shape, local_name(answer))


def _read(element: etree._Element, shape: Shape, at: str) -> Plain:
    """An element along its schema: lists where it allows several, null where an optional one is absent."""
    read: dict[str, Plain] = {}
    value_part = shape.parts.get("_value_1")
    for child in element:
        name = local_name(child)
        part = shape.parts.get(name)
        if part is None:
            if not shape.open:
                raise Misfit(f"{at} has an element {name} that the contract does not know")
            read[name] = plain_xml(child)
            continue
        value = _read_part(child, part, f"{at}.{name}")
        if isinstance(value, list) or not part.many:
            if name in read:
                raise Misfit(f"{at} has {name} twice; the contract allows one")
            read[name] = value
        else:
            read.setdefault(name, []).append(value)
    for qualified, text in element.attrib.items():
        attribute = etree.QName(qualified)
        if attribute.namespace != _XSI and attribute.localname in shape.parts:
            part = shape.parts[attribute.localname]
            read[part.name] = _read_text(str(text), part, f"{at}@{part.name}")
    if value_part is not None:  # xs:simpleContent: a value that has attributes
        read["_value_1"] = _read_text(element.text or "", value_part, at)
    for name, part in shape.parts.items():
        if name in read:
            continue
        if part.required:
            raise Misfit(f"{at} lacks {name}")
        read[name] = [] if part.many else _absent(part)
    return read


def _absent(part: Part) -> Plain:
    """What stands for an optional element that is not there: null, or no entries if it only wraps a list."""
    shape = part.inner
    if shape is not None and len(shape.parts) == 1 and not shape.open:
        [inner] = shape.parts.values()
        if inner.many:
            return {inner.name: []}
    return None


def _read_part(element: etree._Element, part: Part, at: str) -> Plain:
    if element.get(f"{{{_XSI}}}nil") in ("true", "1"):
        return None
    shape = part.inner
    if shape is None:
        if len(element):
            raise Misfit(f"{at} has elements inside it; the contract wants a value")
        return _read_text(element.text or "", part, at)
    if shape.open and not shape.parts:
        return plain_xml(element)
    return _read(element, shape, at)


def _read_text(text: str, part: Part, at: str) -> Plain:
    if part.read is None:
        return text
    if not text.strip() and not part.many:
        return None
    try:
        return part.read(text)
    except (ValueError, ArithmeticError) as wrong:
        raise Misfit(f"{at} is {text!r}: {wrong}") from wrong


def _body(root: etree._Element) -> etree._Element:
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in (_ENVELOPE_11, _ENVELOPE_12):
        raise Misfit(f"not a SOAP envelope but {name.text}")
    body = root.find(f"{{{name.namespace}}}Body")
    if body is None:
        raise Misfit("the SOAP envelope has no Body")
    return body


def soap_body_child(root: etree._Element) -> etree._Element:
    """The first element inside the Body of an envelope of either version. Raises Misfit."""
    body = _body(root)
    if len(body) == 0:
        raise Misfit("the SOAP Body is empty")
    return body[0]


def _fault(body: etree._Element) -> tuple[Fault, Mapping[str, Plain]] | None:
    """
    The fault in a Body, with its detail in plain data.

    Read by local names: a 1.2-shaped fault inside a 1.1 envelope, or one in no namespace, is met in the
    field.
    """
    if len(body) == 0 or local_name(body[0]) != "Fault":
        return None
    parts = {local_name(child): child for child in body[0]}
    codes: list[str] = []
    if "Code" in parts:
        codes = [
            _without_prefix(value.text) for value in parts["Code"].iter() if local_name(value) == "Value"
        ]
    elif "faultcode" in parts:
        codes = [_without_prefix(parts["faultcode"].text)]
    reason = parts.get("faultstring", parts.get("Reason"))
    said = " ".join("".join(map(str, reason.itertext())).split()) if reason is not None else ""
    detail = parts.get("detail", parts.get("Detail"))
    read = plain_xml(detail) if detail is not None else {}
    detail_text = " ".join(" ".join(map(str, detail.itertext())).split()) if detail is not None else ""
    text = (
        ": ".join(part for part in (".".join(codes), said, detail_text) if part) or "a fault without a word"
    )
    # SOAP 1.1 lets a code be refined after a dot, as Client.Authentication.
    stems = [code.split(".")[0] for code in codes]
    blames_sender = None
    if any(stem in _SENDER_CODES or stem in _SECURITY_CODES for stem in stems):
        blames_sender = True
    elif any(stem in _RECEIVER_CODES for stem in stems):
        blames_sender = False
    fault = Fault(
        code=".".join(codes),
        text=text,
        blames_sender=blames_sender,
        mismatch=any(stem in _MISMATCH_CODES for stem in stems),
        about_security=any(stem in _SECURITY_CODES for stem in stems),
    )
    return fault, read if isinstance(read, dict) else {"detail": read}


def _without_prefix(code: str | None) -> str:
    return (code or "").strip().rpartition(":")[2]
