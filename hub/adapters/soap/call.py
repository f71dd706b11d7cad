"""One SOAP operation of one agency: the request as it goes out, the answer as it is understood."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from lxml import etree

from hub.adapters.multipart import BodyPart
from hub.adapters.nul import without_nul
from hub.adapters.shape import Part, Shape, insist, trim
from hub.adapters.soap import attachments, encoded, envelope, fault
from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.contract import SoapContract, SoapOperation
from hub.adapters.soap.header import HeaderReader
from hub.adapters.soap.message import Message, MessagePart
from hub.adapters.soap.reading import Reader
from hub.adapters.soap.validation import Violation
from hub.adapters.soap.writing import Writer
from hub.adapters.wire import Context, Credentials, Heard, Misfit, Plain, Unproven, WireReply, WireRequest
from hub.adapters.xml import local_name, parse_xml
from hub.expressions import TreeTemplate

ATTACHMENTS = "attachments"
"""The name under which an answer's parts that its envelope does not refer to are read."""


class SoapCall:
    """One SOAP operation of one agency, prepared."""

    def __init__(
        self,
        contract: SoapContract,
        operation: SoapOperation,
        request: TreeTemplate,
        endpoint: str,
        credentials: Credentials,
        *,
        header: TreeTemplate | None = None,
        action: str | None = None,
    ) -> None:
        """`header` are the header parts by name; `action` takes the place of the contract's own."""
        self._contract = contract
        self._operation = operation
        self._request = request
        self._header = header
        self._endpoint = endpoint
        self._credentials = credentials
        self._action = operation.action if action is None else action
        self._request_shape = contract.request_shape(operation)
        self._header_shape = operation.input.header_shape(contract.types)
        self._encoding = ns.ENCODING_12 if operation.version == ns.ENVELOPE_12 else ns.ENCODING_11
        self._reader = Reader(contract.types)
        output = operation.output
        self._header_reader = HeaderReader(contract.types, () if output is None else output.headers)
        self._reply_shape = None if output is None else _answered(output, contract)
        self._bare = {} if output is None or output.bare is None else _bare(output.bare, contract)
        self._http = envelope.http_headers(operation.version, self._action, binary=self._may_attach(output))

    def _may_attach(self, output: Message | None) -> bool:
        types = self._contract.types
        return output is not None and (
            bool(output.attached) or any(types.may_hold_binary(part.element.type) for part in output.body)
        )

    # --- the request --------------------------------------------------------------------------------------

    def arguments(self, context: Context) -> Plain:
        """The filled request without what was not declared. Raises ExpressionFailed."""
        return trim(self._request.fill(context), self._request_shape)

    def header_arguments(self, context: Context) -> Plain:
        """The filled header parts without what was not declared. Raises ExpressionFailed."""
        filled = {} if self._header is None else trim(self._header.fill(context), self._header_shape)
        return {} if filled is None else filled

    def content(self, context: Context) -> Plain:
        """All that a request tells, as plain data. Raises ExpressionFailed."""
        return {"header": self.header_arguments(context), "body": self.arguments(context)}

    @property
    def request_shape(self) -> Shape | None:
        return self._request_shape

    @property
    def header_shape(self) -> Shape:
        """The header parts that the contract declares; those that must be there are required."""
        return self._header_shape

    @property
    def reply_shapes(self) -> list[Shape | None]:
        """The shapes an answer may have: one, or none when the operation is one-way."""
        return [] if self._operation.output is None else [self._reply_shape]

    @property
    def reply_header_shape(self) -> Shape:
        """The header parts that an answer is declared to have, by the names of their elements."""
        return self._header_reader.shape

    def write(self, context: Context, now: datetime) -> WireRequest:
        request, violations = self.attempt(context, now)
        if violations:
            raise Misfit(
                "; ".join(f"{'.'.join(each.path) or each.within}: {each.what}" for each in violations)
            )
        return request

    def attempt(self, context: Context, now: datetime) -> tuple[WireRequest, list[Violation]]:
        """
        The request, and where its values break the schemas.

        Raises Misfit where it cannot be written at all, and ExpressionFailed.
        """
        root, header, body = envelope.new_envelope(self._operation.version)
        violations = self._write_header(header, self.header_arguments(context))
        violations += self._write_body(body, self.arguments(context))
        if self._operation.addressing is not None:
            envelope.address(header, self._action or self._operation.addressing, self._endpoint)
        if len(header) == 0:
            root.remove(header)
        headers = {**self._http, **self._credentials.headers}
        if self._credentials.ws_security is not None:
            self._credentials.ws_security.apply(root, headers, now)
        content = etree.tostring(root, xml_declaration=True, encoding="utf-8")
        return WireRequest(method="POST", url=self._endpoint, headers=headers, body=content), violations

    def _write_header(self, header: etree._Element, given: Plain) -> list[Violation]:
        insist(given, self._header_shape)
        violations = []
        for part in self._operation.input.headers:
            if part.name in given:
                written = self._part(part, given[part.name], part.name)
                found = self._contract.violations(part, written)
                violations += [
                    replace(each, path=(part.name, *each.path), within="soap_header") for each in found
                ]
                header.append(written)
        return violations

    def _write_body(self, body: etree._Element, given: Plain) -> list[Violation]:
        message = self._operation.input
        if self._request_shape is not None:
            insist({} if given is None else given, self._request_shape)
        if message.bare is not None:
            written = self._part(message.bare, {} if given is None else given, "")
            violations = self._contract.violations(message.bare, written)
            body.append(written)
            return violations
        held = {} if given is None else given
        parent = None
        if message.rpc:
            writer = Writer(self._contract.types, self._encoding if message.encoded else None)
            parent = writer.wrapper(message.wrapper, self._operation.version)
            body.append(parent)
        violations = []
        for part in message.body:
            if part.name in held:
                written = self._part(part, held[part.name], part.name, parent)
                found = self._contract.violations(part, written)
                violations += [replace(each, path=(part.name, *each.path)) for each in found]
                if parent is None:
                    body.append(written)
        return violations

    def _part(
        self, part: MessagePart, value: Plain, at: str, parent: etree._Element | None = None
    ) -> etree._Element:
        encoding = self._encoding if part.encoded else None
        return Writer(self._contract.types, encoding).part(part.element, value, at, parent)

    # --- the answer ---------------------------------------------------------------------------------------

    def read(self, reply: WireReply) -> Heard:
        text = without_nul(reply.body.decode("utf-8", "replace"))
        if not reply.body.strip():
            # One-way operations are answered with an empty 200, 202 or 204 alike.
            fine = self._operation.output is None or reply.status == 204
            missing = None if fine else "the answer is empty"
            unsigned = "it is empty" if self._operation.output is not None and self._wants_proof else None
            return Heard(reply.status, reply.headers, {}, text="", unreadable=missing, unproven=unsigned)
        try:
            content, parts = attachments.unpack(reply)
            text = without_nul(content.decode("utf-8", "replace")) if content is not reply.body else text
            return self._heard(reply, parse_xml(content), parts, text)
        except Misfit as wrong:
            text = fault.page_words(text)
            unproven = "it is no SOAP envelope" if self._wants_proof else None
            return Heard(
                reply.status, reply.headers, text, text=text, unreadable=str(wrong), unproven=unproven
            )

    def _heard(self, reply: WireReply, root: etree._Element, parts: list[BodyPart], text: str) -> Heard:
        output = self._operation.output
        left = attachments.put_in(root, parts)
        # A signature is over what the references stand for, not over the references (XOP section 5).
        unproven = self._unproven(root, reply)
        if unproven is None and left and self._wants_proof:
            unproven = "it has attachments, which its signature is not over"
        header = self._header_reader.read(root)
        heard = Heard(reply.status, reply.headers, text, header=header, text=text, unproven=unproven)
        if self._wants_proof:
            heard = replace(heard, header={}, aside=header)  # the signature is over the Body
        expected = output.bare.element.qname.text if output is not None and output.bare is not None else None
        # SOAP 1.1 sends faults with status 500, other stacks with any status: the body is read first.
        found = fault.fault_element(root, expected)
        if found is not None:
            told, detail = fault.read_fault(found)
            return replace(heard, reply=detail, fault=told)
        body = envelope.opened(root)
        if unproven is not None:
            return heard
        if output is None:
            return replace(heard, reply={})
        encoded.inline(body)
        try:
            read = self._read_body(body, output)
        except Misfit as wrong:
            # The header may say why the Body is empty, or another.
            words = fault.page_words(text)
            return replace(heard, reply=words, text=words, unreadable=str(wrong))
        if isinstance(read, dict) and (left or output.attached):
            read = {**read, **_by_part(left, output), ATTACHMENTS: [attachments.plain(part) for part in left]}
        return replace(heard, reply=read)

    @property
    def _wants_proof(self) -> bool:
        security = self._credentials.ws_security
        return security is not None and security.checks_answers

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

    def _read_body(self, body: etree._Element, output: Message) -> Plain:
        if output.bare is not None:
            return self._read_bare(body, output.bare)
        if not output.rpc:
            return self._read_several(body, output)
        if len(body) == 0:
            raise Misfit("the SOAP Body is empty")
        assert self._reply_shape is not None
        return self._reader.parts(body[0], self._reply_shape, local_name(body[0]))

    def _read_bare(self, body: etree._Element, part: MessagePart) -> Plain:
        if len(body) == 0:
            raise Misfit("the SOAP Body is empty")
        answer = body[0]
        declared = self._bare.get(str(etree.QName(answer).text))
        if declared is None:
            raise Misfit(
                f"the answer is {etree.QName(answer).text}; the contract says {part.element.qname.text}"
            )
        return self._reader.part(answer, declared, local_name(answer))

    def _read_several(self, body: etree._Element, output: Message) -> Plain:
        """Several body parts, or none: each by the name of its part."""
        parts = {part.element.qname.text: part for part in output.body}
        read: dict[str, Plain] = {part.name: None for part in output.body}
        for answer in body:
            part = parts.get(str(etree.QName(answer).text))
            if part is None:
                raise Misfit(f"the answer holds {etree.QName(answer).text}, which the contract does not know")
            read[part.name] = self._reader.part(
                answer, self._contract.types.part(part.element), local_name(answer)
            )
        return read


def _bare(part: MessagePart, contract: SoapContract) -> dict[str, Part]:
    """What may stand for the one part of an answer, by the name of its element."""
    types = contract.types
    return {str(each.qname.text): types.part(each) for each in types.alternatives(part.element)}


def _answered(output: Message, contract: SoapContract) -> Shape | None:
    """What an operation answers; None for a single value."""
    shape = output.shape(contract.types)
    if shape is None:
        return None
    parts = dict(shape.parts)
    if output.rpc:
        # A part without a value is left out by some stacks and sent as xsi:nil by others.
        parts = {name: replace(part, required=False, promised=True) for name, part in parts.items()}
    for name in output.attached:
        parts.setdefault(name, Part(name))
    if output.attached:
        inside = {each: Part(each) for each in ("id", "type", "content")}
        parts[ATTACHMENTS] = Part(ATTACHMENTS, many=True, shape=lambda: Shape(inside))
    return Shape(parts, shape.open)


def _by_part(left: list[BodyPart], output: Message) -> dict[str, Plain]:
    """
    Attachments by the message parts they are (WS-I Attachments Profile 1.0, R2933: `part=...@...`).

    Where the message has but one such part, and the answer one attachment, it is that.
    """
    found: dict[str, Plain] = dict.fromkeys(output.attached)
    for attachment in left:
        name = attachment.id.partition("=")[0]
        if name not in output.attached and len(output.attached) == len(left) == 1:
            [name] = output.attached
        if name in output.attached:
            found[name] = attachments.in_base64(attachment)
    return found
