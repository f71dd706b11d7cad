"""XML from outside, read safely, and XML as plain data."""

from __future__ import annotations

from typing import Any

from lxml import etree

from hub.adapters.wire import Misfit, Plain
from hub.parsing import parse

MAX_DEPTH = 64
"""Elements inside one another; no contract comes near it, and a reader that recurses must stop somewhere."""


def parse_xml(body: bytes) -> etree._Element:
    """
    The root of a document from outside. Raises Misfit.

    A document type is refused outright: entities, external subsets and their attacks all begin there, and
    SOAP forbids it (SOAP 1.1 section 3, SOAP 1.2 part 1 section 5).
    """
    try:
        # Some stacks write a blank line before the XML declaration, which the grammar forbids.
        root = parse(body.lstrip(b" \t\r\n").removeprefix(b"\xef\xbb\xbf").lstrip())
    except (etree.XMLSyntaxError, ValueError) as wrong:
        raise Misfit(f"not well-formed XML: {wrong}") from wrong
    tree: Any = root.getroottree()  # its stub leaves docinfo half typed
    if tree.docinfo.doctype:
        raise Misfit("XML with a document type (DTD) is not accepted")
    return root


def local_name(element: etree._Element) -> str:
    return etree.QName(element).localname


def plain_xml(element: etree._Element, depth: int = 0) -> Plain:
    """
    An element as plain data, without a schema: text, or a mapping of its children by local name.

    A child that occurs more than once is a list. Attributes and namespaces are left out. Raises Misfit when
    it is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise Misfit(f"XML nested more than {MAX_DEPTH} elements deep")
    if len(element) == 0:
        return (element.text or "").strip()
    read: dict[str, Plain] = {}
    repeated: set[str] = set()
    for child in element:
        name, value = local_name(child), plain_xml(child, depth + 1)
        if name in repeated:
            read[name].append(value)
        elif name in read:
            read[name] = [read[name], value]
            repeated.add(name)
        else:
            read[name] = value
    return read
