"""
YAML 1.2 as plain data, with the line of every key.

Built from a parser's events rather than its objects: so every scalar is seen as it was written (a code with a
leading zero is not taken for a number), duplicate keys and tags are faults instead of surprises, and aliases
cannot make a small file large.

Two parsers give the events. libyaml takes a twentieth of the time of ruamel's, which is written in Python;
but it knows YAML 1.1 and tells less well what is wrong. So whatever libyaml stumbles over, and whatever the
two versions read differently, is read by ruamel's, which has the last word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import yaml as libyaml
from ruamel.yaml import YAML
from ruamel.yaml import events as thorough
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from hub.config.faults import Key

MAX_BYTES = 1_000_000
_MAX_DEPTH = 40
_MAX_NODES = 100_000
"""Nodes of one file, those repeated by aliases included."""

# The core schema (YAML 1.2.2, section 10.3.2), and integers with a leading zero, which are codes.
_NULL = re.compile(r"^(?:null|Null|NULL|~|)$")
_BOOL = re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$")
_INT = re.compile(r"^[-+]?[0-9]+$")
_BASED_INT = re.compile(r"^(?:0o[0-7]+|0x[0-9a-fA-F]+)$")
_FLOAT = re.compile(r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$")
_NOT_FINITE = re.compile(r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
_LEADING_ZERO = re.compile(r"^[-+]?0[0-9]+$")
_MAX_DIGITS = 30

# Line breaks of YAML 1.1 that are none in 1.2, marks of byte order, tabs; directives; a colon after an alias,
# or between a quote and a bracket; a comment right after the head of a block.
_READ_DIFFERENTLY = re.compile(
    r"[\x85\u2028\u2029\ufeff\t]|\r(?!\n)|^%|\*[\w-]+:|[\"\'][ ]*:[,\[\]{}]|[|>][-+0-9]*#", re.MULTILINE
)

# The events of both parsers, which have the same names and the same members.
_DOCUMENT_START = (libyaml.DocumentStartEvent, thorough.DocumentStartEvent)
_DOCUMENT_END = (libyaml.DocumentEndEvent, thorough.DocumentEndEvent)
_ALIAS = (libyaml.AliasEvent, thorough.AliasEvent)
_SCALAR = (libyaml.ScalarEvent, thorough.ScalarEvent)
_MAPPING_START = (libyaml.MappingStartEvent, thorough.MappingStartEvent)
_MAPPING_END = (libyaml.MappingEndEvent, thorough.MappingEndEvent)
_SEQUENCE_START = (libyaml.SequenceStartEvent, thorough.SequenceStartEvent)
_SEQUENCE_END = (libyaml.SequenceEndEvent, thorough.SequenceEndEvent)
_NODE = (*_SCALAR, *_ALIAS, *_MAPPING_START, *_SEQUENCE_START)


@dataclass(frozen=True, slots=True)
class YamlFault:
    """What is wrong at a line; `key` is the way there, as far as it is known."""

    line: int
    key: Key
    what: str
    cure: str


@dataclass
class Document:
    """One file, read: `data` is None when it could not be."""

    data: Any = None
    lines: dict[Key, int] = field(default_factory=dict)
    """The line of each key, from 1."""
    scalars: dict[Key, str] = field(default_factory=dict)
    """Plain scalars that are not text, as they were written."""
    faults: list[YamlFault] = field(default_factory=list)
    aliases: dict[Key, Key] = field(default_factory=dict)
    """Where something stands again that an anchor has named, and where it stands first."""

    def origin(self, key: Key) -> Key:
        """Where what stands at a key was written: at an anchor, if it is repeated by an alias."""
        for length in range(len(key), 0, -1):
            first = self.aliases.get(key[:length])
            if first is not None:
                return (*first, *key[length:])
        return key

    def line_of(self, key: Key) -> int:
        """The line of a key, or of its nearest ancestor that is there."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)


@dataclass(slots=True)
class _Node:
    line: int
    text: str | None = None
    is_plain: bool = False
    """Of a text: it stands without quotes, and not as a block."""
    entries: list[tuple[_Node, _Node]] | None = None
    elements: list[_Node] | None = None


class _Unreadable(Exception):
    def __init__(self, line: int, what: str, cure: str = "") -> None:
        super().__init__(what)
        self.fault = YamlFault(line, (), what, cure)


def read(content: bytes) -> Document:
    """One YAML document. Raises nothing: what is wrong stands in `faults`."""
    document = Document()
    try:
        if len(content) > MAX_BYTES:
            raise _Unreadable(1, f"it is larger than {MAX_BYTES} bytes", "split it")
        root = _compose(_text(content), document.faults)
        document.data = _Plainer(document).plain(root, (), root.line)
    except _Unreadable as unreadable:
        document.data = None
        document.faults.append(unreadable.fault)
    return document


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as wrong:
        line = content.count(b"\n", 0, wrong.start) + 1
        raise _Unreadable(line, "it is not UTF-8", "save the file as UTF-8") from None


def _compose(text: str, faults: list[YamlFault]) -> _Node:
    """The one document of a text. Raises _Unreadable."""
    if _READ_DIFFERENTLY.search(text) is None:
        with suppress(libyaml.YAMLError, _Unreadable):
            told: list[YamlFault] = []
            root = _Composer(libyaml.parse(text, Loader=libyaml.CSafeLoader), told).compose()
            faults += told
            return root
    try:
        return _Composer(YAML(typ="safe", pure=True).parse(text), faults).compose()
    except MarkedYAMLError as wrong:
        # What is not closed is best sought where it was opened.
        at_end = "stream" in str(wrong.problem)
        mark = (at_end and wrong.context_mark) or wrong.problem_mark or wrong.context_mark
        what = " ".join(str(part) for part in (wrong.context, wrong.problem) if part)
        raise _Unreadable(mark.line + 1 if mark else 1, f"not YAML: {what}", _syntax_cure(what)) from None
    except (YAMLError, ValueError) as wrong:
        position = getattr(wrong, "position", 0)
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else 1
        what = str(wrong).partition("\n")[0]
        raise _Unreadable(line, f"not YAML: {what}", _syntax_cure(what)) from None


class _Composer:
    """Events to nodes, as they are parsed; an alias is the very node it names."""

    def __init__(self, events: Iterator[Any], faults: list[YamlFault]) -> None:
        self._events = events
        self._faults = faults
        self._anchors: dict[str, _Node | None] = {}

    def compose(self) -> _Node:
        """Raises _Unreadable, and what the parser raises."""
        root: _Node | None = None
        for event in self._events:
            if isinstance(event, _DOCUMENT_START) and root is not None:
                raise _Unreadable(
                    _line(event), "a second document begins here", "keep one document in each file"
                )
            if isinstance(event, _NODE):
                root = self._node(event, 0)
            elif isinstance(event, _DOCUMENT_END) and root is None:
                break
        if root is None or (root.is_plain and root.text is not None and _NULL.match(root.text)):
            raise _Unreadable(1, "it is empty", "write `key: value` lines, or remove it")
        return root

    def _node(self, event: Any, depth: int) -> _Node:
        line = _line(event)
        if depth > _MAX_DEPTH:
            raise _Unreadable(line, f"it is nested more than {_MAX_DEPTH} deep", "write it flatter")
        if isinstance(event, _ALIAS):
            node = self._anchors.get(event.anchor)
            if node is None:
                known = event.anchor in self._anchors
                what = "stands inside itself" if known else "has no anchor before it"
                cure = "write it out" if known else f"write &{event.anchor} where it is first said"
                raise _Unreadable(line, f"the alias *{event.anchor} {what}", cure)
            return node
        if event.tag is not None:
            what = f"the tag {event.tag} is not read"
            self._faults.append(YamlFault(line, (), what, "remove it; quote what is text"))
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = _Node(line)
        if isinstance(event, _SCALAR):
            node.text, node.is_plain = event.value, not event.style
        elif isinstance(event, _MAPPING_START):
            node.entries = []
            while not isinstance(inner := next(self._events), _MAPPING_END):
                key = self._node(inner, depth + 1)
                node.entries.append((key, self._node(next(self._events), depth + 1)))
        else:
            node.elements = []
            while not isinstance(inner := next(self._events), _SEQUENCE_END):
                node.elements.append(self._node(inner, depth + 1))
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node


class _Plainer:
    """Nodes to plain data, with lines and faults."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._nodes = 0
        self._first: dict[int, Key] = {}

    def plain(self, node: _Node, key: Key, line: int) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _Unreadable(line, "its aliases make it too large", "write it out, or repeat less")
        self._document.lines[key] = line
        # An alias is the very node that its anchor names; the composer keeps all of them alive.
        first = self._first.setdefault(id(node), key)
        if first is not key:
            self._document.aliases[key] = first
        if node.elements is not None:
            return [self.plain(inner, (*key, i), inner.line) for i, inner in enumerate(node.elements)]
        if node.entries is not None:
            return self._mapping(node.entries, key)
        return self._scalar(node, key, line)

    def _mapping(self, entries: list[tuple[_Node, _Node]], key: Key) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for name_node, value_node in entries:
            name = self._name(name_node, key)
            if name is None:
                continue
            if name in mapping:
                first = self._document.lines[(*key, name)]
                self._fault(
                    name_node.line,
                    (*key, name),
                    f"{name!r} stands here a second time; the first is in line {first}",
                    "keep one of the two",
                )
                continue
            mapping[name] = self.plain(value_node, (*key, name), name_node.line)
        return mapping

    def _name(self, node: _Node, key: Key) -> str | None:
        if node.text is None:
            self._fault(node.line, key, "a key is a list or a mapping", "write a text as the key")
            return None
        name = node.text
        if node.is_plain:
            if name == "<<":
                self._fault(node.line, key, "`<<` merges nothing here", "write the keys out")
                return None
            value = _resolved(name)
            if not isinstance(value, str) or value != name:
                self._fault(
                    node.line, (*key, name), f"the key {name} {_read_as(value)}", f'quote it: "{name}"'
                )
        return name

    def _scalar(self, node: _Node, key: Key, line: int) -> Any:
        assert node.text is not None
        text = node.text
        if not node.is_plain:
            return text
        if _LEADING_ZERO.match(text):
            # Left as text, so that the rest of the file is judged as if it had been quoted.
            self._fault(line, key, f"{text} is read as a number, and loses its zero", f'quote it: "{text}"')
            return text
        value = _resolved(text)
        if not isinstance(value, str):
            self._document.scalars[key] = text
        return value

    def _fault(self, line: int, key: Key, what: str, cure: str) -> None:
        if self._document.origin(key) == key:
            self._document.faults.append(YamlFault(line, key, what, cure))


def _resolved(text: str) -> Any:
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    # Longer than any number that is meant as one; and int() of very long text is slow.
    if len(text) > _MAX_DIGITS:
        return text
    if _INT.match(text):
        return int(text)
    if _BASED_INT.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    if _NOT_FINITE.match(text):
        return float(text.lower().replace(".", ""))
    return text


def _read_as(value: Any) -> str:
    match value:
        case None:
            return "is read as nothing"
        case bool():
            return "is read as true or false"
        case _:
            return "is read as a number"


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _syntax_cure(what: str) -> str:
    if "special characters" in what or "unacceptable character" in what:
        return "remove the control character"
    if "tab" in what or "'\\t'" in what:
        return "indent with spaces"
    if "cannot start any token" in what:
        return "quote a text that begins with @, `, %, * or &"
    if "mapping values are not allowed" in what:
        return "quote a text that holds `: `"
    if "expected <block end>" in what:
        return "see that keys of one mapping begin in the same column"
    return "see that quotes and brackets are closed"
