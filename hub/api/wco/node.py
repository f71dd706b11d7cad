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


class Node:
    """One element."""

    __slots__ = ("element",)

    def __init__(self, element: etree._Element) -> None:
        self.element = element

    @property
    def name(self) -> str:
        return etree.QName(self.element).localname

    @property
    def in_family(self) -> bool:
        """Whether it belongs to the WCO Data Model."""
        return (etree.QName(self.element).namespace or "").lower().startswith(FAMILY)

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
        node: Node | None = self
        while node is not None:
            steps.append(node._step)
            above = node.element.getparent()
            node = Node(above) if above is not None else None
        return "/" + "/".join(reversed(steps))

    @property
    def _step(self) -> str:
        above = self.element.getparent()
        if above is None:
            return self.name
        same = list(above.iterchildren("{*}" + self.name))
        return f"{self.name}[{same.index(self.element) + 1}]" if len(same) > 1 else self.name

    @property
    def is_empty(self) -> bool:
        """No text anywhere inside: written, but saying nothing."""
        return not any(text.strip() for text in self.element.itertext())

    def attribute(self, name: str) -> str | None:
        value = self.element.get(name)
        return str(value).strip() or None if value is not None else None

    def children(self, name: str) -> Iterator[Node]:
        """Children of that name that say something."""
        for element in self.element.iterchildren("{*}" + name):
            node = Node(element)
            if node.in_family and not node.is_empty:
                yield node

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
