"""
The texts inside a body, JSON or XML, wherever they stand: found, and replaced one by one.

The kit knows what a message means to the hub, by the agency's file, and not where it is written: so it finds
out by changing texts and asking the hub's own reader what became of it.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from lxml import etree

_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)


class NoLeaves(Exception):
    """A body that is neither JSON nor XML."""


class Leaves:
    """A body taken apart. Raises NoLeaves when it cannot be."""

    def __init__(self, body: bytes) -> None:
        self._json: Any = None
        self._xml: etree._Element | None = None
        text = body.lstrip(b"\xef\xbb\xbf \t\r\n")
        try:
            if text.startswith(b"<"):
                self._xml = etree.fromstring(text, _PARSER)
            else:
                self._json = json.loads(text)
        except (etree.LxmlError, ValueError) as wrong:
            raise NoLeaves(str(wrong)) from wrong

    def texts(self) -> list[str]:
        """The leaves as text, in the order of the document. Truth values and nulls are none."""
        return [text for text, _ in self._walk(copy.deepcopy(self._root))]

    def changed(self, change: Callable[[int, str], str | None]) -> bytes:
        """The body with each leaf put to `change`, by place and text; None leaves it as it is."""
        root = copy.deepcopy(self._root)
        for place, (text, put) in enumerate(self._walk(root)):
            new = change(place, text)
            if new is not None:
                put(new)
        return self._written(root)

    def replaced(self, new: Mapping[str, str]) -> bytes:
        """The body with every leaf that is one of these texts replaced."""
        return self.changed(lambda _, text: new.get(text))

    def within(self, reference: str, new: Mapping[str, str]) -> bytes:
        """
        The same, only in the smallest part that tells `reference` and one of the texts: in one message of
        several.
        """
        root = copy.deepcopy(self._root)
        for part in self._parts(root):
            leaves = list(self._walk(part))
            texts = {text for text, _ in leaves}
            if reference in texts and texts & new.keys():
                for text, put in leaves:
                    if text in new:
                        put(new[text])
                break
        return self._written(root)

    @property
    def _root(self) -> Any:
        return self._json if self._xml is None else self._xml

    def _written(self, root: Any) -> bytes:
        if self._xml is None:
            return json.dumps(root, ensure_ascii=False).encode()
        return etree.tostring(root, xml_declaration=True, encoding="utf-8")

    def _parts(self, root: Any) -> Iterator[Any]:
        """Every part that holds leaves, the inner before the outer."""
        if self._xml is not None:
            for part in root:
                if isinstance(part.tag, str):
                    yield from self._parts(part)
            yield root
            return
        for part in root.values() if isinstance(root, dict) else root if isinstance(root, list) else ():
            yield from self._parts(part)
        if isinstance(root, dict | list):
            yield root

    def _walk(self, root: Any) -> Iterator[tuple[str, Callable[[str], None]]]:
        return _xml(root) if self._xml is not None else _json({"": root} if _is_leaf(root) else root)


def _is_leaf(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool))


def _json(node: Any) -> Iterator[tuple[str, Callable[[str], None]]]:
    places = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in list(places):
        if _is_leaf(value):
            yield str(value), _putter(node, key, value)
        else:
            yield from _json(value)


def _putter(node: Any, key: Any, value: Any) -> Callable[[str], None]:
    def put(text: str) -> None:
        # A number stays one where it can: the contract may insist.
        node[key] = int(text) if not isinstance(value, str) and text.isdecimal() else text

    return put


def _xml(root: etree._Element) -> Iterator[tuple[str, Callable[[str], None]]]:
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        for name, value in element.attrib.items():
            yield str(value), lambda text, e=element, n=name: e.set(n, text)  # type: ignore[misc]
        if element.text and element.text.strip():
            yield element.text.strip(), lambda text, e=element: setattr(e, "text", text)  # type: ignore[misc]
