"""
A compiled expression as a tree.

The library shows a compiled expression only as the protobuf `cel.expr.CheckedExpr`
(github.com/google/cel-spec, proto/cel/expr/checked.proto and syntax.proto), without Python classes for it.
Three questions need the tree: which names an expression reads, which of their members, and whether an
optional value could get out of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_Fields = dict[int, list[int | bytes]]

# Field numbers of cel.expr.Expr, by the kind of node.
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 2, 3, 4, 5, 6, 7, 8, 9
# Of cel.expr.Constant.
_STRING = 6
# Of cel.expr.Type.
_ABSTRACT_TYPE = 14

_OPTIONAL = b"optional_type"
# Calls whose result is optional whatever its type is said to be: over data, the checker may say `dyn`.
_GIVES_OPTIONAL = {"_?._", "_[?_]", "or", "optional.of", "optional.ofNonZeroValue", "optional.none"}
# Calls that read the member which their second operand names.
_READS_MEMBER = {"_[_]", "_?._", "_[?_]"}
# Calls through which an optional value may pass, by the place of the operand (-1 is the target).
_TAKES_OPTIONAL = {
    "_?._": {0},
    "_[?_]": {0},
    "_[_]": {0},
    "_?_:_": {1, 2},
    "_==_": {0, 1},
    "_!=_": {0, 1},
    "hasValue": {-1},
    "value": {-1},
    "orValue": {-1},
    "or": {-1, 0},
}


@dataclass
class _Node:
    """One node: its place in the text, the name it reads if it is one, and its children."""

    position: int
    optional: bool
    name: str = ""
    path: tuple[str, ...] = ()
    """A name and the members that are read of it, as far as they are written out."""
    text: str | None = None
    """What it is, if it is a text that is written out."""
    children: list[tuple[_Node, bool]] = field(default_factory=list)
    """With each: whether an optional value is welcome there."""

    def has_optional_child(self) -> bool:
        return any(child.optional for child, _ in self.children)


class Syntax:
    """The tree of one compiled expression, from its serialized form."""

    def __init__(self, serialized: bytes) -> None:
        checked = _fields(_bytes(_fields(serialized), 2))
        self._optional = {_int(entry, 1) for entry in map(_fields, _all(checked, 3)) if _is_optional(entry)}
        source = _fields(_bytes(checked, 5))
        self._positions = {_int(entry, 1): _int(entry, 2) for entry in map(_fields, _all(source, 4))}
        # The checker replaces a dotted name by one identifier, so that names come out whole.
        self._root = self._node(_bytes(checked, 4))

    def names(self) -> tuple[str, ...]:
        """Every identifier, once, in order of appearance; variables of comprehensions among them."""
        found = sorted((node.position, node.name) for node, _ in self._walk() if node.name)
        return tuple(dict.fromkeys(name for _, name in found))

    def paths(self) -> tuple[tuple[str, ...], ...]:
        """
        Every name with the members that are read of it, once: `("table", "units")` for `table.units[x]`.

        What is read of a member stands by itself too: `("receipt", "values", "x")`, `("receipt", "values")`
        and `("receipt",)`.
        """
        found = sorted((node.position, node.path) for node, _ in self._walk() if node.path)
        return tuple(dict.fromkeys(path for _, path in found))

    def stray_optional(self) -> int | None:
        """Where in the text an optional value gets into something that cannot hold it; None if nowhere."""
        return min((n.position for n, welcome in self._walk() if n.optional and not welcome), default=None)

    def _walk(self) -> Iterator[tuple[_Node, bool]]:
        pending = [(self._root, False)]
        while pending:
            node, welcome = pending.pop()
            yield node, welcome
            pending += node.children

    def _node(self, raw: bytes) -> _Node:
        parts = _fields(raw)
        number = _int(parts, _ID)
        node = _Node(position=self._positions.get(number, 0), optional=number in self._optional)
        if _IDENT in parts:
            node.name = _bytes(_fields(_bytes(parts, _IDENT)), 1).decode()
            node.path = (node.name,)
        elif _CONST in parts:
            texts = _all(_fields(_bytes(parts, _CONST)), _STRING)
            node.text = texts[-1].decode() if texts else None
        elif _SELECT in parts:
            select = _fields(_bytes(parts, _SELECT))
            self._add(node, _all(select, 1), welcome=True)
            if node.children and node.children[0][0].path:
                node.path = (*node.children[0][0].path, _bytes(select, 2).decode())
            # A member of an optional is optional; has() asks only whether it is there.
            node.optional |= not _int(select, 3) and node.has_optional_child()
        elif _CALL in parts:
            self._add_operands(node, _fields(_bytes(parts, _CALL)))
        elif _LIST in parts:
            elements = _fields(_bytes(parts, _LIST))
            optional_places = _packed(elements, 2)
            for place, element in enumerate(_all(elements, 1)):
                self._add(node, [element], welcome=place in optional_places)
        elif _STRUCT in parts:
            for entry in map(_fields, _all(_fields(_bytes(parts, _STRUCT)), 2)):
                self._add(node, _all(entry, 3), welcome=False)
                self._add(node, _all(entry, 4), welcome=bool(_int(entry, 5)))
        elif _COMPREHENSION in parts:
            comprehension = _fields(_bytes(parts, _COMPREHENSION))
            for part in (2, 4, 5, 6):
                self._add(node, _all(comprehension, part), welcome=False)
            # optMap and optFlatMap expand to a comprehension whose result may be the optional itself.
            result = self._node(_bytes(comprehension, 7))
            node.optional |= result.optional
            node.children.append((result, True))
        return node

    def _add(self, node: _Node, raws: list[bytes], *, welcome: bool) -> None:
        node.children += [(self._node(raw), welcome) for raw in raws]

    def _add_operands(self, node: _Node, call: _Fields) -> None:
        function = _bytes(call, 2).decode()
        welcome = _TAKES_OPTIONAL.get(function, set())
        self._add(node, _all(call, 1), welcome=-1 in welcome)
        for place, operand in enumerate(_all(call, 3)):
            self._add(node, [operand], welcome=place in welcome)
        operands = [child for child, _ in node.children]
        if function in _READS_MEMBER and len(operands) == 2 and operands[0].path:
            member = operands[1].text
            node.path = () if member is None else (*operands[0].path, member)
        passes_on = function in ("_?_:_", "_[_]") and node.has_optional_child()
        node.optional |= function in _GIVES_OPTIONAL or passes_on


def _is_optional(entry: _Fields) -> bool:
    abstract = _all(_fields(_bytes(entry, 2)), _ABSTRACT_TYPE)
    return any(_bytes(_fields(kind), 1) == _OPTIONAL for kind in abstract)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def _fields(raw: bytes) -> _Fields:
    """The fields of one protobuf message, by number (protobuf.dev, Encoding)."""
    fields: _Fields = {}
    at = 0
    while at < len(raw):
        tag, at = _varint(raw, at)
        number, wire_type = tag >> 3, tag & 7
        value: int | bytes
        if wire_type == 0:
            value, at = _varint(raw, at)
        elif wire_type == 2:
            length, at = _varint(raw, at)
            value, at = raw[at : at + length], at + length
        else:  # 1 and 5 are the fixed widths, of which these messages have only the double of a constant
            width = 8 if wire_type == 1 else 4
            value, at = raw[at : at + width], at + width
        fields.setdefault(number, []).append(value)
    return fields


def _all(fields: _Fields, number: int) -> list[bytes]:
    return [value for value in fields.get(number, []) if isinstance(value, bytes)]


def _bytes(fields: _Fields, number: int) -> bytes:
    return b"".join(_all(fields, number)[-1:])


def _int(fields: _Fields, number: int) -> int:
    return next((value for value in fields.get(number, []) if isinstance(value, int)), 0)


def _packed(fields: _Fields, number: int) -> set[int]:
    """Repeated numbers, packed into one field or standing one by one."""
    numbers = {value for value in fields.get(number, []) if isinstance(value, int)}
    for raw in _all(fields, number):
        at = 0
        while at < len(raw):
            value, at = _varint(raw, at)
            numbers.add(value)
    return numbers
