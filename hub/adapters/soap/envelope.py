"""The envelope: made for what is sent, opened for what is answered."""

from __future__ import annotations

import uuid

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.wire import Misfit


def new_envelope(version: str) -> tuple[etree._Element, etree._Element, etree._Element]:
    """An envelope of a version, with its Header and its Body."""
    envelope = etree.Element(f"{{{version}}}Envelope", nsmap={"soap-env": version})
    header = etree.SubElement(envelope, f"{{{version}}}Header")
    return envelope, header, etree.SubElement(envelope, f"{{{version}}}Body")


def address(header: etree._Element, action: str, to: str) -> None:
    """WS-Addressing 1.0: what is asked for, of whom, under which message id."""
    for name, text in (("Action", action), ("MessageID", f"urn:uuid:{uuid.uuid4()}"), ("To", to)):
        node = etree.SubElement(header, f"{{{ns.ADDRESSING}}}{name}", nsmap={"wsa": ns.ADDRESSING})
        node.text = text


def http_headers(version: str, action: str, *, binary: bool) -> dict[str, str]:
    """Content type and action (SOAP 1.1 section 6.1.1, SOAP 1.2 part 2 section 6.5.3), and Accept."""
    media = "application/soap+xml" if version == ns.ENVELOPE_12 else "text/xml"
    told = f'; action="{action}"' if action and version == ns.ENVELOPE_12 else ""
    # SOAP 1.2 has no SOAPAction, and there are servers of it that look at nothing else.
    headers = {"Content-Type": f"{media}; charset=utf-8{told}", "SOAPAction": f'"{action}"'}
    if binary:
        # Many stacks answer with MTOM only where application/xop+xml is asked for.
        headers["Accept"] = f"multipart/related, application/xop+xml, {media}"
    return headers


def opened(root: etree._Element) -> etree._Element:
    """The Body of an envelope of either version. Raises Misfit."""
    name = etree.QName(root)
    if name.localname != "Envelope" or name.namespace not in (ns.ENVELOPE_11, ns.ENVELOPE_12):
        raise Misfit(f"not a SOAP envelope but {name.text}")
    body = root.find(f"{{{name.namespace}}}Body")
    if body is None:
        raise Misfit("the SOAP envelope has no Body")
    return body


def soap_body_child(root: etree._Element) -> etree._Element:
    """The first element inside the Body of an envelope of either version. Raises Misfit."""
    body = opened(root)
    if len(body) == 0:
        raise Misfit("the SOAP Body is empty")
    return body[0]
