"""Parts of a request that stand inside one expression, written as CEL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from hub.adapters.shape import Shape
from hub.config.unfinished import MARK
from hub.workbench.proposing.tree import Branch, Leaf, Node, Row


class Literal:
    """A mapping over a list, as `=items.map(i, {...})`."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape

    def map(self, over: str, name: str, entries: Mapping[str, Node]) -> Leaf:
        """One expression, with the places where its lines may end."""
        pieces = [f"={over}.map({name}, {{", *self._joined(entries, self._shape), "})"]
        return Leaf("".join(pieces), pieces=tuple(pieces))

    def _joined(self, entries: Mapping[str, Node], shape: Shape | None) -> Iterator[str]:
        last = len(entries) - 1
        for place, (name, node) in enumerate(entries.items()):
            part = shape.parts.get(name) if shape is not None else None
            inner = part.inner if part is not None else None
            written = self._node(node, inner)
            if part is not None and not part.required and isinstance(node, Branch):
                written = _guarded(node, written)
            yield f"{json.dumps(name, ensure_ascii=False)}: {written}" + (", " if place < last else "")

    def _node(self, node: Node, shape: Shape | None) -> str:
        match node:
            case Branch():
                return "{" + "".join(self._joined(node.entries, shape)) + "}"
            case Row():
                return "[" + ", ".join(self._node(each, shape) for each in node.entries) + "]"
            case Leaf():
                return _value(node)
        raise TypeError(f"{type(node).__name__} stands in no expression")


def _value(leaf: Leaf) -> str:
    value = leaf.value
    if isinstance(value, str) and value.startswith("="):
        return value[1:]
    return json.dumps(value, ensure_ascii=False)


def _guarded(node: Branch, written: str) -> str:
    """A part that is left out when its amount is not declared, so that no unit stands alone."""
    values = [str(leaf.value)[1:] for leaf in node.entries.values() if isinstance(leaf, Leaf)]
    constants = [value for value in values if value.startswith('"')]
    amounts = [value.removeprefix("number(").removesuffix(")") for value in values if value not in constants]
    if len(amounts) == 1 and constants and not any(MARK in value for value in constants):
        return f'{amounts[0]} == "" ? {{}} : {written}'
    return written
