"""Elements of a WCO document, found by local name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from lxml import etree

FAMILY = "urn:wco:datamodel"
"""
Namespaces of every version and customisation begin so (`urn:wco:datamodel:WCO:DEC:2`,
`urn:wco:datamodel:WCO:DEC-DMS:2`, `urn:wco:datamodel:WCO:DocumentMetaData-DMS:2`): the names of elements are
the same in all of them.
"""

_PLACE = etree.XPath("count(preceding-sibling::*[local-name() = $name])")
_NAMESAKES = etree.XPath("count(../*[local-name() = $name])")


class Node:
    """One element. Its children are looked at once, however often they are asked for."""

    __slots__ = ("_children", "element", "in_family", "name")

    def __init__(self, element: etree._Element) -> None:
        self.element = element
        qualified = etree.QName(element)
        self.name = qualified.localname
        self.in_family = (qualified.namespace or "").lower().startswith(FAMILY)
        """Whether it belongs to the WCO Data Model."""
        self._children: dict[str, list[Node]] | None = None

    @property
    def text(self) -> str:
        """Its own text, without the blanks around it; comments do not split it."""
        return (self.element.text or "").strip()

    @property
    def line(self) -> int | None:
        return cast("int | None", self.element.sourceline)

    @property
    def path(self) -> str:
        """Where it stands: names of elements from the root, numbered where a name repeats."""
        steps = []
        element: etree._Element | None = self.element
        while element is not None:
            name = etree.QName(element).localname
            above = element.getparent()
            repeats = above is not None and cast("float", _NAMESAKES(element, name=name)) > 1
            place = int(cast("float", _PLACE(element, name=name))) + 1 if repeats else None
            steps.append(name if place is None else f"{name}[{place}]")
            element = above
        return "/" + "/".join(reversed(steps))

    def attribute(self, name: str) -> str | None:
        value = self.element.get(name)
        return str(value).strip() or None if value is not None else None

    def children(self, name: str) -> list[Node]:
        """Children of that name that say something."""
        if self._children is None:
            self._children = {}
            for element in self.element.iterchildren(etree.Element):
                node = Node(element)
                if node.in_family and not node._is_empty:
                    self._children.setdefault(node.name, []).append(node)
        return self._children.get(name, [])

    def all(self, path: str) -> Iterator[Node]:
        """Descendants along a path of names, in document order."""
        first, _, rest = path.partition("/")
        for child in self.children(first):
            if rest:
                yield from child.all(rest)
            else:
                yield child

    def first(self, *paths: str) -> Node | None:
        """The first descendant along the first of these paths that leads to one."""
        for path in paths:
            for node in self.all(path):
                return node
        return None

    def word(self, path: str) -> str:
        """The text of the first descendant along a path; empty if there is none."""
        node = self.first(path)
        return node.text if node is not None else ""

    @property
    def _is_empty(self) -> bool:
        """No text anywhere inside: written, but saying nothing."""
        return not (self.text or any(text.strip() for text in self.element.itertext()))
