"""
What zeep stumbles over in correct schemas, written in another way in the copies that it reads.

Only zeep sees these: requests are held against the schemas as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lxml import etree

from hub.adapters.soap import namespaces as ns
from hub.adapters.soap.names import qualified

_X = f"{{{ns.XSD}}}"
_DEEPEST = 32

SimpleTypes = Mapping[str, etree._Element]
"""Global simple types by `{namespace}name`."""


def simple_types(schemas: Iterable[tuple[str | None, etree._Element]]) -> SimpleTypes:
    """The global simple types of schema documents, each given with its namespace."""
    found: dict[str, etree._Element] = {}
    for namespace, root in schemas:
        for child in root.findall(f"{_X}simpleType"):
            name = child.get("name")
            if name:
                found.setdefault(f"{{{namespace}}}{name}" if namespace else name, child)
    return found


def ease(root: etree._Element, known: SimpleTypes) -> None:
    """Rewrite a document in place."""
    # Documentation is taken at the beginning of a declaration only.
    for annotation in list(root.iter(f"{_X}annotation")):
        parent = annotation.getparent()
        if parent is not None:
            parent.remove(annotation)
    # A list that is restricted (to a length, say) is a list all the same.
    for restriction in list(root.iter(f"{_X}restriction")):
        parent = restriction.getparent()
        if parent is None or parent.tag != f"{_X}simpleType":
            continue
        items = _items(parent, known)
        if items is not None:
            parent.remove(restriction)
            prefixes = {"items": etree.QName(items).namespace or ""}
            name = etree.QName(items).localname
            etree.SubElement(parent, f"{_X}list", itemType=f"items:{name}", nsmap=prefixes)


def _items(simple: etree._Element | None, known: SimpleTypes) -> str | None:
    """The type of the items, if a simple type restricts a list; None where it restricts none."""
    for depth in range(_DEEPEST):
        if simple is None:
            return None
        listed = simple.find(f"{_X}list")
        if listed is not None:
            if depth == 0:
                return None  # zeep reads this one
            told = listed.get("itemType")
            return f"{_X}string" if told is None else qualified(told, listed)
        restriction = simple.find(f"{_X}restriction")
        if restriction is None:
            return None
        base = restriction.get("base")
        simple = (
            restriction.find(f"{_X}simpleType") if base is None else known.get(qualified(base, restriction))
        )
    return None
