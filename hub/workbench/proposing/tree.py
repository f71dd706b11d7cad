"""What a proposal is made of, before it is written as YAML."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from hub.config.unfinished import MARK


@dataclass
class Leaf:
    """One value: an expression with its `=`, a text, a number, true or false."""

    value: str | int | float | bool
    comment: str = ""
    """A word for its reader, on the same line."""
    pieces: tuple[str, ...] = ()
    """Where a long expression may be broken into lines; together they are `value`."""


@dataclass
class Branch:
    """A mapping."""

    entries: dict[str, Node] = field(default_factory=dict)
    comment: str = ""
    notes: tuple[str, ...] = ()
    """Lines of comment behind its last entry."""
    anchor: str = ""
    """A name by which others repeat it."""
    spread: bool = False
    """Every entry on a line of its own, though one line would hold them."""


@dataclass
class Row:
    """A list."""

    entries: list[Node]
    comment: str = ""


@dataclass
class Alias:
    """What stands at an anchor, once more."""

    name: str
    comment: str = ""


Node = Leaf | Branch | Row | Alias


def todo(words: str, comment: str = "") -> Leaf:
    """What a person must fill in; the words say what belongs there."""
    return Leaf(f"{MARK} {' '.join(words.split())}", comment)


def leaves(node: Node, at: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Leaf]]:
    """Every value of a tree and the way to it."""
    match node:
        case Leaf():
            yield at, node
        case Branch():
            for name, inner in node.entries.items():
                yield from leaves(inner, (*at, name))
        case Row():
            for place, inner in enumerate(node.entries):
                yield from leaves(inner, (*at, place))


def plain(node: Node) -> object:
    """The tree as the adapters read it. Aliases stand in no request."""
    match node:
        case Leaf():
            return node.value
        case Branch():
            return {name: plain(inner) for name, inner in node.entries.items()}
        case Row():
            return [plain(inner) for inner in node.entries]
        case Alias():
            return {}
