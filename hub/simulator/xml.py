"""XML read safely and written plainly."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from hub.simulator.errors import Invalid

Content = str | int | Decimal | datetime | Iterable["Child"] | None
Child = tuple[str, "Content"]
"""A child element: its name, and text or children. None leaves it out."""


def parse(body: bytes) -> etree._Element:
    """
    The root of a document. Raises Invalid.

    Entities, document types and the network are off: SOAP forbids document types, and attacks begin there.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        # A document in Base64 may be one text of more than the parser's usual 10 MB.
        huge_tree=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as wrong:
        raise Invalid(f"not well-formed XML: {wrong.msg}") from wrong
    if root.getroottree().docinfo.internalDTD is not None:
        raise Invalid("a document type is not accepted")
    return root


def build(namespace: str, name: str, children: Iterable[Child], *, qualified: bool = True) -> etree._Element:
    """An element with children in the same namespace; without `qualified` only the element itself has one."""
    # Without a prefix the children would have to take the default namespace back.
    nsmap: Any = {None if qualified else "n": namespace}
    root = etree.Element(f"{{{namespace}}}{name}", nsmap=nsmap)
    _fill(root, children, f"{{{namespace}}}" if qualified else "")
    return root


def qualify(namespace: str, children: Iterable[Child]) -> list[Child]:
    """Children that stand in a namespace whatever their parent does; those qualified already stay so."""
    return [
        (
            name if name.startswith("{") else f"{{{namespace}}}{name}",
            content
            if content is None or isinstance(content, (str, int, Decimal, datetime))
            else qualify(namespace, content),
        )
        for name, content in children
    ]


def _fill(parent: etree._Element, children: Iterable[Child], prefix: str) -> None:
    for name, content in children:
        if content is None:
            continue
        child = etree.SubElement(parent, name if name.startswith("{") else f"{prefix}{name}")
        match content:
            case str():
                child.text = content
            case datetime():
                child.text = content.isoformat(timespec="milliseconds")
            case int() | Decimal():
                child.text = str(content)
            case _:
                _fill(child, content, prefix)


def text(element: etree._Element, *path: str) -> str:
    """The text of the first descendant by local names; empty when there is none."""
    found = first(element, *path)
    return (found.text or "").strip() if found is not None else ""


def first(element: etree._Element, *path: str) -> etree._Element | None:
    """The first descendant by local names, one step each."""
    found: etree._Element | None = element
    for name in path:
        found = (
            next((child for child in found if local_name(child) == name), None) if found is not None else None
        )
    return found


def required(element: etree._Element, name: str) -> etree._Element:
    """The child of a local name that the contract requires. Raises Invalid."""
    found = first(element, name)
    if found is None:
        raise Invalid(f"there is no {name}")
    return found


def every(element: etree._Element, name: str) -> list[etree._Element]:
    """The children of a local name."""
    return [child for child in element if local_name(child) == name]


def local_name(element: etree._Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def namespace_of(element: etree._Element) -> str:
    return element.tag[1:].partition("}")[0] if element.tag.startswith("{") else ""
