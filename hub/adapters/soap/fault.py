"""SOAP faults of every shape met in the field, and pages that come instead of an answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from hub.adapters.wire import Fault, Plain
from hub.adapters.xml import local_name, plain_xml

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
_PAGE = re.compile(r"^\s*(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)


def fault_element(root: etree._Element, expected: str | None) -> etree._Element | None:
    """
    The fault in an answer, if it is one; `expected` is the element that the contract answers with.

    Found by local names: a 1.2-shaped fault inside a 1.1 envelope, one in no namespace, one in an envelope of
    a draft, or one without any envelope is met in the field.
    """
    if local_name(root) == "Fault":
        return root
    if local_name(root) != "Envelope":
        return None
    for body in root:
        if local_name(body) == "Body" and len(body) and local_name(body[0]) == "Fault":
            return None if etree.QName(body[0]).text == expected else body[0]
    return None


def read_fault(element: etree._Element) -> tuple[Fault, Mapping[str, Plain]]:
    """A fault, and its detail in plain data."""
    parts = {local_name(child): child for child in element}
    codes: list[str] = []
    if "Code" in parts:
        codes = [
            _without_prefix(value.text) for value in parts["Code"].iter() if local_name(value) == "Value"
        ]
    elif "faultcode" in parts:
        codes = [_without_prefix(parts["faultcode"].text)]
    reason = parts.get("faultstring", parts.get("Reason"))
    detail = parts.get("detail", parts.get("Detail"))
    read = plain_xml(detail) if detail is not None else {}
    pieces = [".".join(filter(None, codes)), _words(reason), _words(detail)]
    if not any(pieces):
        pieces = [_words(element)]
    # SOAP 1.1 lets a code be refined after a dot, as Client.Authentication.
    stems = [code.split(".")[0] for code in codes]
    blames_sender = None
    if any(stem in _SENDER_CODES or stem in _SECURITY_CODES for stem in stems):
        blames_sender = True
    elif any(stem in _RECEIVER_CODES for stem in stems):
        blames_sender = False
    fault = Fault(
        code=".".join(codes),
        text=": ".join(filter(None, pieces)) or "a fault without a word",
        blames_sender=blames_sender,
        mismatch=any(stem in _MISMATCH_CODES for stem in stems),
        about_security=any(stem in _SECURITY_CODES for stem in stems),
    )
    return fault, read if isinstance(read, dict) else {"detail": read}


def _words(element: etree._Element | None) -> str:
    """All the text of an element and of what is inside it, in one line."""
    if element is None:
        return ""
    return " ".join(" ".join(map(str, element.itertext())).split())


def _without_prefix(code: str | None) -> str:
    return (code or "").strip().rpartition(":")[2]


def page_words(text: str) -> str:
    """What a page of HTML says to people; any other text as it is."""
    if not _PAGE.match(text):
        return text
    try:
        page: Any = lxml_html.document_fromstring(text)
    except (etree.LxmlError, ValueError):
        return text
    for element in list(page.iter("script", "style")):
        element.drop_tree()
    return " ".join(" ".join(map(str, page.itertext())).split()) or text
