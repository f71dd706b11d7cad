"""Schemas of a contract read as shapes: the names of members, which are required, what is inside."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hub.adapters.openapi.document import Documents, Node
from hub.adapters.shape import Part, Shape

_BASES = {"integer": "integer", "number": "double", "boolean": "boolean", "string": "string"}
_STRING_BASES = {"date": "date", "date-time": "dateTime", "byte": "base64Binary"}
_NOT_EMPTY = ("date", "date-time", "time", "uuid", "email", "uri", "ipv4", "ipv6")
_FORMS = {"uuid": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"}
"""What a format means as a pattern."""
_ANYTHING = Shape({}, open=True)


@dataclass
class _Members:
    """What the pieces of a schema say together."""

    nodes: dict[str, Node] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    is_object: bool = False
    is_single: bool = False
    items: Node | None = None
    is_open: bool = True
    told: bool = False
    """Whether anything at all is said of its kind."""


class Shapes:
    """The shapes of one contract, each made once, so that a schema that holds itself ends."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._made: dict[tuple[Path, str, bool], Shape | None] = {}

    def shape(self, schema: Node, *, sent: bool = False) -> Shape | None:
        """
        The members of a schema, of its elements where it is a list; None for a single value.

        `sent` tells that it is a request: what is read-only is not required there. Raises ContractUnreadable.
        """
        node = self._documents.resolve(schema)
        key = (*node.key, sent)
        if key not in self._made:
            self._made[key] = _ANYTHING  # a list of itself says nothing
            self._made[key] = self._make(node, sent)
        return self._made[key]

    def whole(self, schema: Node) -> Shape | None:
        """As `shape`; where the whole is a list, the shape says so. Raises ContractUnreadable."""
        shape = self.shape(schema)
        members = self._members(schema, False, frozenset())
        return replace(shape, many=True) if shape is not None and members.items is not None else shape

    def _make(self, node: Node, sent: bool) -> Shape | None:
        members = self._members(node, sent, frozenset())
        if members.items is not None and not members.nodes:
            return self.shape(members.items, sent=sent)
        if members.is_object and members.is_single:
            return _ANYTHING  # a text or an object: for the validation to judge
        if not members.is_object:
            return None if members.told else _ANYTHING
        parts = {
            name: self._part(name, member, name in members.required, sent)
            for name, member in members.nodes.items()
        }
        return Shape(parts, members.is_open)

    def _members(self, node: Node, sent: bool, inside: frozenset[tuple[Path, str]]) -> _Members:
        node = self._documents.resolve(node)
        members = _Members()
        if node.key in inside or not isinstance(node.value, dict):
            return members
        inside |= {node.key}
        kinds = kinds_of(node)
        members.is_object = "object" in kinds or (
            not kinds and bool({"properties", "additionalProperties"} & node.value.keys())
        )
        members.is_single = bool(set(kinds) & _BASES.keys()) or (
            not kinds and bool({"enum", "const"} & node.value.keys())
        )
        members.items = (
            node.child("items") if "array" in kinds or (not kinds and "items" in node.value) else None
        )
        if members.items is not None and members.items.value is None:
            members.items = None
            members.told = True
        members.told |= members.is_object or members.is_single or members.items is not None
        if node.get("additionalProperties") is False or node.get("unevaluatedProperties") is False:
            members.is_open = False
        required = node.get("required")
        members.required = {str(name) for name in required} if isinstance(required, list) else set()
        members.nodes = dict(node.child("properties").children())
        for piece in node.child("allOf").elements():
            self._add(members, self._members(piece, sent, inside))
        for word in ("oneOf", "anyOf"):
            branches = [self._members(piece, sent, inside) for piece in node.child(word).elements()]
            if branches:
                self._add(members, _either(branches))
        if sent:
            members.required = {name for name in members.required if not self._read_only(members, name)}
        return members

    @staticmethod
    def _add(members: _Members, piece: _Members) -> None:
        members.nodes = _joined(members.nodes, piece.nodes)
        members.required |= piece.required
        members.is_object |= piece.is_object
        members.is_single |= piece.is_single
        members.items = piece.items if members.items is None else _both(members.items, piece.items)
        members.is_open &= piece.is_open
        members.told |= piece.told

    def _read_only(self, members: _Members, name: str) -> bool:
        member = members.nodes.get(name)
        return member is not None and is_read_only(self._documents, member)

    def _part(self, name: str, member: Node, required: bool, sent: bool) -> Part:
        node = self._documents.resolve(member)
        members = self._members(node, sent, frozenset())
        single = self._single(node)
        kinds = kinds_of(single)
        enum = single.get("enum")
        values = [_word(value) for value in enum if value is not None] if isinstance(enum, list) else []
        if "const" in single.value if isinstance(single.value, dict) else False:
            values = [_word(single.get("const"))]
        longest = single.get("maxLength")
        pattern = single.get("pattern")
        return Part(
            name=name,
            required=required,
            many=members.items is not None or not members.told,
            text="string" in kinds and _may_be_empty(_mapping(single.value)),
            shape=lambda: self.shape(node, sent=sent),
            sample=True if "boolean" in kinds else 1 if "integer" in kinds else "1",
            documentation=_words(member, node),
            values=tuple(values),
            base=_base(kinds, single.get("format")),
            type_name=node.pointer.rpartition("/")[2] if node.pointer != member.pointer else "",
            pattern=pattern if isinstance(pattern, str) else _FORMS.get(str(single.get("format")), ""),
            longest=longest if isinstance(longest, int) else None,
        )

    def _single(self, node: Node) -> Node:
        """Where the single value of a part is described: elements of a list, the one piece of an allOf."""
        for _ in range(8):
            node = self._documents.resolve(node)
            if "array" in kinds_of(node) and isinstance(node.get("items"), dict):
                node = node.child("items")
            elif not kinds_of(node) and isinstance(node.get("allOf"), list) and len(node.get("allOf")) == 1:
                node = node.child("allOf", 0)
            else:
                return node
        return node


def _either(branches: list[_Members]) -> _Members:
    """Alternatives: any of their members may be there, and what all of them require is required."""
    told = [branch for branch in branches if branch.told]
    union = _Members(is_open=any(branch.is_open for branch in branches), told=len(told) == len(branches))
    for branch in branches:
        union.nodes = {**branch.nodes, **union.nodes}
        union.is_object |= branch.is_object
        union.is_single |= branch.is_single
        union.items = union.items or branch.items
    union.required = set.intersection(*(branch.required for branch in branches))
    return union


def _joined(one: dict[str, Node], other: dict[str, Node]) -> dict[str, Node]:
    return one | {name: _both(one[name], node) if name in one else node for name, node in other.items()}


def _both(one: Node, other: Node | None) -> Node:
    """What two pieces say of the same member: a general one first, as a rule, and then a closer one."""
    if other is None or one.key == other.key:
        return one
    if one.document is not other.document:
        return other
    return Node(one.document, {"allOf": [one.value, other.value]}, f"{one.pointer}+{other.pointer}")


def kinds_of(node: Node) -> tuple[str, ...]:
    """The types that a schema names, without `null`."""
    kind = node.get("type")
    kinds = kind if isinstance(kind, list) else [kind]
    return tuple(str(one) for one in kinds if one is not None and one != "null")


def is_read_only(documents: Documents, member: Node) -> bool:
    """Whether a member is in answers only."""
    return member.get("readOnly") is True or documents.resolve(member).get("readOnly") is True


def _base(kinds: tuple[str, ...], form: Any) -> str:
    kind = next((kind for kind in kinds if kind in _BASES), "")
    if kind == "string":
        return _STRING_BASES.get(str(form), "string")
    return _BASES.get(kind, "")


def _words(member: Node, node: Node) -> str:
    for holder in (member, node):
        for name in ("description", "title"):
            if isinstance(holder.get(name), str):
                return " ".join(holder.get(name).split())
    return ""


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _may_be_empty(member: Mapping[str, Any]) -> bool:
    if member.get("minLength") or "enum" in member or "const" in member or member.get("format") in _NOT_EMPTY:
        return False
    pattern = member.get("pattern")
    try:
        return pattern is None or re.search(str(pattern), "") is not None
    except re.error:
        return False
