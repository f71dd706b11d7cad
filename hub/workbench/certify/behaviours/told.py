"""What an error of the agency says to people, found in its body by the names such texts usually have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lxml import etree

_NAMES = frozenset({"message", "detail", "error_description", "faultstring", "text", "reason", "description"})
_LONGEST = 400
"""Characters; what is longer is shortened for operations."""


def told_by(body: bytes) -> list[str]:
    """The texts for people in a JSON or XML error, each in one line."""
    try:
        texts = list(_json(json.loads(body)))
    except ValueError:
        try:
            texts = list(_xml(etree.fromstring(body.lstrip(), etree.XMLParser(resolve_entities=False))))
        except etree.LxmlError:
            texts = []
    lines = [" ".join(text.split()) for text in texts]
    return [line for line in lines if 0 < len(line) <= _LONGEST]


def _json(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, str) and name.lower() in _NAMES:
                yield value
            else:
                yield from _json(value)
    elif isinstance(node, list):
        for value in node:
            yield from _json(value)


def _xml(root: etree._Element) -> Iterator[str]:
    for element in root.iter():
        if isinstance(element.tag, str) and etree.QName(element).localname.lower() in _NAMES and element.text:
            yield element.text
