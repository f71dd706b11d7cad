"""A declaration in the making: what was read, from which element, and what could not be read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hub.api.json_body import pointer
from hub.api.wco.node import Node
from hub.api.wco.values import Misread
from hub.domain.intake import Fault


@dataclass(frozen=True)
class Misplaced:
    """A fault of an element, or of a child it lacks (`below`, a path); its path is worked out when told."""

    node: Node
    below: str
    detail: str

    @property
    def path(self) -> str:
        return f"{self.node.path}/{self.below}" if self.below else self.node.path

    @property
    def line(self) -> int | None:
        return self.node.line


class Draft:
    """
    The content of a `Declaration` before it is validated.

    `content` is None when the document is not one that is lodged here; the faults say why.
    """

    def __init__(self) -> None:
        self.content: dict[str, Any] | None = None
        self.faults: list[Misplaced] = []
        self.complained: set[str] = set()
        """Pointers into the content where a fault has been told already."""
        self._places: dict[str, Node] = {}

    def place(self, at: str, node: Node) -> None:
        """The value at this pointer was read from this element."""
        self._places[at] = node

    def fault(self, node: Node, detail: str, *, below: str = "") -> None:
        """Something is wrong with an element, or with a child it lacks (`below`, a path)."""
        self.faults.append(Misplaced(node, below, detail))

    def told(self, fault: Fault) -> Misplaced:
        """A fault of the content, told as one of the document: by the nearest element it was read from."""
        at = fault.pointer
        while at and at not in self._places:
            at = at.rpartition("/")[0]
        rest = fault.pointer[len(at) :].strip("/")
        return Misplaced(self._places[at], "", f"{rest}: {fault.detail}" if rest else fault.detail)


class Slip:
    """One object of the content in the making, and the element it is read from."""

    def __init__(self, draft: Draft, at: str, node: Node) -> None:
        self.draft = draft
        self.at = at
        self.node = node
        self.values: dict[str, Any] = {}
        draft.place(at, node)

    def put(self, key: str, value: Any, node: Node) -> None:
        """A value and the element it comes from."""
        self.values[key] = value
        self.draft.place(self.at + pointer(key), node)

    def text(self, key: str, node: Node | None) -> None:
        """The text of an element, if there is one."""
        if node is not None:
            self.put(key, node.text, node)

    def read(self, key: str, node: Node | None, reader: Callable[[Node], Any]) -> None:
        """The value of an element as `reader` reads it, if there is one; a fault if it cannot be read."""
        if node is None:
            return
        try:
            self.put(key, reader(node), node)
        except Misread as error:
            self.wrong(key, node, str(error))

    def wrong(self, key: str, node: Node, detail: str, *, below: str = "") -> None:
        """The value of this key cannot be had; the fault is told once, here."""
        self.draft.complained.add(self.at + pointer(key))
        self.draft.fault(node, detail, below=below)

    def into(self, key: str, node: Node) -> Slip:
        """An object within this one."""
        inner = Slip(self.draft, self.at + pointer(key), node)
        self.values[key] = inner.values
        return inner

    def add(self, key: str, node: Node) -> Slip:
        """One more object in a list of this one."""
        members = self.values.setdefault(key, [])
        inner = Slip(self.draft, self.at + pointer(key, len(members)), node)
        members.append(inner.values)
        return inner
