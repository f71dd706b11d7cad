"""Prefixed names in documents (QNames), as `{namespace}name`."""

from __future__ import annotations

from lxml import etree


def qualified(text: str, node: etree._Element) -> str:
    """A prefixed name that stands in an attribute or text of an element of a schema."""
    prefix, _, name = text.strip().rpartition(":")
    namespace = node.nsmap.get(prefix or None)
    return f"{{{namespace}}}{name}" if namespace else name
