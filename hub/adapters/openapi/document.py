"""
OpenAPI documents as files: JSON or YAML, one or several, with the blemishes that published ones have.

References lead to places in the same document or in files below one folder; nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from ruamel.yaml import YAML
from ruamel.yaml.constructor import SafeConstructor
from ruamel.yaml.error import YAMLError

from hub.adapters.soap import ContractUnreadable

_LONGEST_CHAIN = 32
"""References to references; a longer chain leads round in a circle."""


@dataclass(frozen=True, eq=False)
class Document:
    """One file, as plain data: every key a text, every time as it was written."""

    path: Path
    value: dict[str, Any]


@dataclass(frozen=True)
class Node:
    """A place in a document: what stands there, and the JSON Pointer to it (RFC 6901)."""

    document: Document
    value: Any
    pointer: str

    @property
    def key(self) -> tuple[Path, str]:
        """The same place has the same key."""
        return self.document.path, self.pointer

    def child(self, *steps: str | int) -> Node:
        """What stands below; None stands where nothing is."""
        value = self.value
        for step in steps:
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
            else:
                value = None
        pointer = "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in steps)
        return Node(self.document, value, self.pointer + pointer)

    def children(self) -> Iterator[tuple[str, Node]]:
        """The members of a mapping; of anything else, none."""
        if isinstance(self.value, dict):
            for name in self.value:
                yield name, self.child(name)

    def elements(self) -> Iterator[Node]:
        """The elements of a list; of anything else, none."""
        if isinstance(self.value, list):
            for place in range(len(self.value)):
                yield self.child(place)

    def get(self, name: str, default: Any = None) -> Any:
        """A member of a mapping; `default` where it is not there, or this is no mapping."""
        return self.value.get(name, default) if isinstance(self.value, dict) else default


class Documents:
    """Every file that one contract is made of, each read once."""

    def __init__(self, folder: Path) -> None:
        """References lead to files below `folder` only."""
        self._folder = folder.resolve()
        self._read: dict[Path, Document] = {}
        self.warnings: list[str] = []
        """What was wrong with the files, and did no harm."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files read so far."""
        return tuple(self._read)

    def open(self, path: Path) -> Document:
        """Raises ContractUnreadable."""
        whole = path.resolve()
        known = self._read.get(whole)
        if known is None:
            if not whole.is_relative_to(self._folder):
                raise ContractUnreadable(f"{path.name} lies outside the configuration folder")
            known = self._read[whole] = Document(whole, _load(whole, self.warnings))
        return known

    def open_all(self, start: Document) -> None:
        """
        Open every file that can be reached from this one.

        One that is missing is a warning here: the part of the contract that needs it may not be used.
        """
        waiting, seen = [start], {start.path}
        while waiting:
            document = waiting.pop()
            for reference in dict.fromkeys(_references(document.value)):
                try:
                    target = self._file_of(document, reference)
                except ContractUnreadable as wrong:
                    self.warnings.append(str(wrong))
                    continue
                if target.path not in seen:
                    seen.add(target.path)
                    waiting.append(target)

    def resolve(self, node: Node) -> Node:
        """What a node stands for: the target of its `$ref`, or itself. Raises ContractUnreadable."""
        for _ in range(_LONGEST_CHAIN):
            reference = node.get("$ref")
            if not isinstance(reference, str):
                return node
            node = self.follow(node.document, reference)
        raise ContractUnreadable(f"reference {reference} leads round in a circle")

    def follow(self, document: Document, reference: str) -> Node:
        """What a reference in a document leads to. Raises ContractUnreadable."""
        target = self._file_of(document, reference)
        _, _, fragment = reference.partition("#")
        pointer = unquote(fragment)
        if pointer and not pointer.startswith("/"):
            found = next(_anchored(target.value, pointer, ""), None)
            if found is None:
                raise ContractUnreadable(f"reference {reference} leads nowhere")
            return Node(target, *found)
        value: Any = target.value
        for raw in pointer.split("/")[1:]:
            step = raw.replace("~1", "/").replace("~0", "~")
            if isinstance(value, dict) and step in value:
                value = value[step]
            elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
                value = value[int(step)]
            else:
                raise ContractUnreadable(f"reference {reference} leads nowhere")
        return Node(target, value, pointer)

    def _file_of(self, document: Document, reference: str) -> Document:
        name = reference.partition("#")[0]
        if not name:
            return document
        parts = urlsplit(name)
        if parts.scheme or parts.netloc:
            raise ContractUnreadable(
                f"reference {reference} leads to the network; copy that file beside the contract, and write "
                "its name"
            )
        try:
            return self.open(document.path.parent / unquote(parts.path))
        except ContractUnreadable as wrong:
            raise ContractUnreadable(f"reference {reference} in {document.path.name}: {wrong}") from wrong


def _references(value: Any) -> Iterator[str]:
    waiting, seen = [value], {id(value)}
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            reference = one.get("$ref")
            if isinstance(reference, str) and not reference.startswith("#"):
                yield reference
        parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        for part in parts:
            # A YAML alias may stand in many places, even in itself.
            if isinstance(part, (dict, list)) and id(part) not in seen:
                seen.add(id(part))
                waiting.append(part)


def _anchored(value: Any, anchor: str, pointer: str, depth: int = 0) -> Iterator[tuple[Any, str]]:
    """Where `$anchor` (JSON Schema 2020-12 core, section 8.2.2) names a place."""
    if depth > 64:
        return
    if isinstance(value, dict):
        if value.get("$anchor") == anchor:
            yield value, pointer
        for name, part in value.items():
            step = name.replace("~", "~0").replace("/", "~1")
            yield from _anchored(part, anchor, f"{pointer}/{step}", depth + 1)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from _anchored(part, anchor, f"{pointer}/{place}", depth + 1)


# --- reading --------------------------------------------------------------------------------------------


def _load(path: Path, warnings: list[str]) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except OSError as wrong:
        raise ContractUnreadable(f"cannot read {path.name}: {wrong.strerror}") from wrong
    value, told = _read(content, path.name)
    warnings += told
    return value


@lru_cache(maxsize=64)
def _read(content: bytes, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """
    The keys of a file, and warnings. Raises ContractUnreadable.

    Read once for all agencies that have the same contract; nobody changes what stands in it.
    """
    warnings: list[str] = []
    text = _text(content, name, warnings)
    if text.startswith("<"):
        raise ContractUnreadable(f"{name} is a page of HTML or XML, and no OpenAPI document")
    value = _json(text, name, warnings) if text.startswith("{") else None
    if value is None:
        value = _yaml(text, name, warnings)
    if not isinstance(value, dict):
        raise ContractUnreadable(f"{name} is no OpenAPI document: it holds no keys")
    return _plain(value, {}), tuple(warnings)


def _text(raw: bytes, name: str, warnings: list[str]) -> str:
    try:
        text = raw.decode(json.detect_encoding(raw))
    except UnicodeDecodeError as wrong:
        raise ContractUnreadable(f"{name} is not UTF-8: {wrong}") from wrong
    if raw.startswith(b"\xef\xbb\xbf"):
        warnings.append(f"{name} begins with a byte order mark")
    stripped = text.lstrip("\r\n")
    if stripped != text:
        warnings.append(f"{name} begins with a blank line")
    return stripped


def _json(text: str, name: str, warnings: list[str]) -> Any:
    """JSON; None where it is not quite, and YAML, of which JSON is a part, may do better."""

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        read = dict(pairs)
        if len(read) < len(pairs):
            names = [key for key, _ in pairs]
            twice = next(key for key in names if names.count(key) > 1)
            warnings.append(f"{name} has the key {twice!r} twice in one place; the last is taken")
        return read

    try:
        return json.loads(text, object_pairs_hook=members, strict=False)
    except (ValueError, RecursionError):
        return None


def _yaml(text: str, name: str, warnings: list[str]) -> Any:
    class Lenient(SafeConstructor):
        """The last of several equal keys is taken, and times stay as they were written."""

        def check_mapping_key(self, node: Any, key_node: Any, mapping: Any, key: Any, value: Any) -> bool:
            if key in mapping:
                line = key_node.start_mark.line + 1
                warnings.append(f"{name}:{line} has the key {key!r} once more; the last is taken")
            return True

    Lenient.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    reader = YAML(typ="safe", pure=False)
    reader.Constructor = Lenient
    try:
        # Tabs between the words of JSON are no fault there, but would be one in YAML.
        return reader.load(text.expandtabs(1) if text.startswith("{") else text)
    except (YAMLError, ValueError, RecursionError, TypeError) as wrong:
        raise ContractUnreadable(f"{name} is neither YAML nor JSON: {wrong}") from wrong


def _plain(value: Any, known: dict[int, Any]) -> Any:
    """
    With texts for keys: YAML reads `200:` as a number, and `null:` as nothing.

    An alias stays one object, so that a document cannot grow by naming the same part over and over.
    """
    if id(value) in known:
        return known[id(value)]
    if isinstance(value, dict):
        copy: dict[str, Any] = {}
        known[id(value)] = copy
        for name, part in value.items():
            copy[_key(name)] = _plain(part, known)
        return copy
    if isinstance(value, list):
        listed: list[Any] = []
        known[id(value)] = listed
        listed += [_plain(part, known) for part in value]
        return listed
    return value


def _key(name: Any) -> str:
    if isinstance(name, bool):
        return "true" if name else "false"
    return "null" if name is None else str(name)
