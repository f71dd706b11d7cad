"""What every SOAP contract has in common: envelopes, faults, security headers, and dispatch by element."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from lxml import etree

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.credentials import WSSE
from hub.simulator.errors import Invalid, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, Call, Door
from hub.simulator.wsdl import Wsdl
from hub.simulator.xml import Child, build, local_name, namespace_of, parse

ENVELOPE_11 = "http://schemas.xmlsoap.org/soap/envelope/"
ENVELOPE_12 = "http://www.w3.org/2003/05/soap-envelope"
TYPE_11 = "text/xml"
TYPE_12 = "application/soap+xml"

Handler = Callable[[SimulatedAgency, etree._Element], Awaitable["Reply"]]
Reply = Iterable[Child]
"""The children of the answer's element; nothing for a one-way operation."""


class SoapContract:
    """A WSDL that is kept. Subclasses say what each operation does."""

    repeatable: bool = False
    codes: ClassVar[Mapping[type[Trouble], tuple[str, str]]] = {}
    """Fault code below Client or Server, and how the fault's text begins, by kind of trouble."""

    def __init__(self, path: Path) -> None:
        self.wsdl = Wsdl(path)
        self.namespace = self.wsdl.namespace
        self._version = ENVELOPE_12 if self.wsdl.soap12 else ENVELOPE_11
        self._media_type = TYPE_12 if self.wsdl.soap12 else TYPE_11

    def handlers(self) -> Mapping[str, tuple[str, Handler]]:
        """By operation: the name of the answer's element, and what does it."""
        raise NotImplementedError

    async def answer(self, door: Door, call: Call) -> Answer:
        """As Contract has it."""
        if call.method != "POST":
            return Answer(405, headers={"Allow": "POST"})
        try:
            door.http.check(call.headers, call.query)
        except Unauthorised as wrong:
            return self.turned_away(door, wrong)
        if call.media_type != self._media_type:
            return Answer(415, f"this service speaks {self._media_type}".encode(), "text/plain")
        try:
            header, request = self._open(call.body)
            if door.tokens is not None:
                door.tokens.check(header)
            operation = self.wsdl.operation(request)
            self.wsdl.check(request)
            element, handler = self.handlers()[operation.name]
            reply = await handler(door.agency, request)
        except Trouble as trouble:
            return self.trouble(trouble)
        if operation.one_way:
            # Two gateways are about: one says 202, an older one an empty 200. Always the same for the same
            # request, so that a test can rely on it.
            return Answer(202 if zlib.crc32(call.body) & 1 else 200)
        return self.enclose(build(self.namespace, element, reply, qualified=not self.wsdl.rpc))

    def trouble(self, trouble: Trouble) -> Answer:
        """An error in the contract's own way; a fault unless a contract says otherwise."""
        code, prefix = self.codes.get(type(trouble), ("", ""))
        return self.fault(
            trouble,
            code=code,
            said=f"{prefix}{': ' if prefix else ''}{trouble}",
            server=isinstance(trouble, Unavailable),
        )

    def turned_away(self, door: Door, wrong: Unauthorised) -> Answer:
        """What a caller gets who is not the hub."""
        headers = {"WWW-Authenticate": door.http.challenge} if door.http.challenge else {}
        return Answer(401, str(wrong).encode(), "text/plain", headers)

    def enclose(self, element: etree._Element, *, status: int = 200) -> Answer:
        return Answer(status, envelope(self._version, element), f"{self._media_type}; charset=utf-8")

    def fault(self, trouble: Trouble, *, code: str, said: str, server: bool) -> Answer:
        """A fault as the version has it: 1.1 with status 500, 1.2 with 400 when the sender is to blame."""
        detail = self.detail(trouble)
        if self.wsdl.soap12:
            fault = fault12("Receiver" if server else "Sender", code, said, detail)
            return self.enclose(fault, status=500 if server else 400)
        if isinstance(trouble, Unauthorised):
            return self.enclose(fault11("wsse:FailedAuthentication", said, None), status=500)
        name = "soap:Server" if server else "soap:Client"
        return self.enclose(fault11(f"{name}.{code}" if code else name, said, detail), status=500)

    def detail(self, trouble: Trouble) -> etree._Element | None:
        """What the contract puts into a fault's detail."""
        return None

    def notice(self, waiting: Waiting, agency: SimulatedAgency) -> tuple[str, bytes]:
        """As Contract has it."""
        element = self.notice_element(waiting, agency)
        return f"{self._media_type}; charset=utf-8", envelope(self._version, element)

    def notice_element(self, waiting: Waiting, agency: SimulatedAgency) -> etree._Element:
        """What stands in the Body of a callback."""
        raise NotImplementedError(f"{type(self).__name__} sends no callbacks")

    def _open(self, body: bytes) -> tuple[etree._Element | None, etree._Element]:
        root = parse(body)
        if local_name(root) != "Envelope" or namespace_of(root) != self._version:
            raise Invalid(f"not an envelope of {self._version}")
        header = root.find(f"{{{self._version}}}Header")
        content = root.find(f"{{{self._version}}}Body")
        if content is None or len(content) != 1:
            raise Invalid("the Body is to hold one element")
        for block in header if header is not None else ():
            if (
                block.get(f"{{{self._version}}}mustUnderstand") in ("1", "true")
                and namespace_of(block) != WSSE
            ):
                raise Invalid(f"{block.tag} is not understood")
        return header, content[0]


def envelope(version: str, element: etree._Element) -> bytes:
    """An envelope of a version around one element."""
    inner = etree.tostring(element, encoding="utf-8", xml_declaration=False)
    return (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<soap:Envelope xmlns:soap="%b"><soap:Body>%b</soap:Body></soap:Envelope>'
        % (version.encode(), inner)
    )


def fault11(code: str, said: str, detail: etree._Element | None) -> etree._Element:
    """SOAP 1.1 section 4.4: the parts of a fault are in no namespace."""
    fault = etree.Element(f"{{{ENVELOPE_11}}}Fault", nsmap={"soap": ENVELOPE_11, "wsse": WSSE})
    etree.SubElement(fault, "faultcode").text = code
    etree.SubElement(fault, "faultstring").text = said
    if detail is not None:
        etree.SubElement(fault, "detail").append(detail)
    return fault


def fault12(code: str, subcode: str, said: str, detail: etree._Element | None) -> etree._Element:
    """SOAP 1.2 part 1 section 5.4."""
    space = f"{{{ENVELOPE_12}}}"
    fault = etree.Element(f"{space}Fault", nsmap={"soap": ENVELOPE_12})
    outer = etree.SubElement(fault, f"{space}Code")
    etree.SubElement(outer, f"{space}Value").text = f"soap:{code}"
    if subcode:
        etree.SubElement(etree.SubElement(outer, f"{space}Subcode"), f"{space}Value").text = subcode
    reason = etree.SubElement(etree.SubElement(fault, f"{space}Reason"), f"{space}Text")
    reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    reason.text = said
    if detail is not None:
        etree.SubElement(fault, f"{space}Detail").append(detail)
    return fault
