"""A proposal written as YAML: short lines, aligned comments, quotes only where they must be."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from io import StringIO

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from hub.workbench.proposing.tree import Alias, Branch, Leaf, Node, Row

_WIDEST = 108
_FLOW = 100
_FEW_LINES = 4
_FARTHEST_COMMENT = 64
_NEAREST_COMMENT = 38
_reader = YAML(typ="safe", pure=True)


def written(tree: Branch, head: list[str]) -> str:
    """The file, whole; `head` are the comments it begins with."""
    lines: list[tuple[str, str]] = [(line, "") for line in head]
    for name, node in tree.entries.items():
        if name in _SECTIONS:
            lines.append(("", ""))
        lines += _entry(name, node, 0)
    return "\n".join(_aligned(lines)) + "\n"


_COMPACT = ("decision",)
"""What is read in one go, and so may be written as one."""
_SECTIONS = ("services", "channel", "verdicts")


def _entry(name: str, node: Node, depth: int) -> Iterator[tuple[str, str]]:
    """The lines of one key and what it holds, each with its comment."""
    key = f"{'  ' * depth}{scalar(name)}:"
    match node:
        case Leaf():
            yield from _leaf(key, node, depth)
        case Alias():
            yield f"{key} *{node.name}", node.comment
        case Row():
            yield from _row(key, node, depth)
        case Branch():
            anchor = f" &{node.anchor}" if node.anchor else ""
            flow = None if node.spread or node.anchor or node.notes else _flow(node)
            if flow is not None and len(key) + len(flow) < _FLOW:
                yield f"{key} {flow}", node.comment
                return
            compact = _compact(node, depth + 1) if name in _COMPACT else None
            if compact is not None:
                yield f"{key}{anchor}", node.comment
                yield from ((line, "") for line in compact)
                return
            yield f"{key}{anchor}" if node.entries else f"{key}{anchor} {{}}", node.comment
            for inner_name, inner in node.entries.items():
                yield from _entry(inner_name, inner, depth + 1)
            for note in node.notes:
                lines = textwrap.wrap(
                    note, _WIDEST - 2 * depth - 4, break_long_words=False, break_on_hyphens=False
                )
                yield from ((f"{'  ' * (depth + 1)}# {line}", "") for line in lines)


def _compact(node: Branch, depth: int) -> list[str] | None:
    """A mapping as a few lines in braces; None when it is too much for that."""
    entries = []
    for name, held in node.entries.items():
        text = _flow(held)
        if text is None:
            return None
        entries.append(f"{scalar(name, flow=True)}: {text}")
    lines = [""]
    for place, entry in enumerate(entries):
        piece = ("{" if place == 0 else "") + entry + ("}" if place == len(entries) - 1 else ",")
        if lines[-1] and 2 * depth + len(lines[-1]) + 1 + len(piece) > _WIDEST:
            lines.append("")
        lines[-1] += (" " if lines[-1] else "") + piece
    indent = "  " * depth
    short = len(lines) <= _FEW_LINES and all(len(indent + line) <= _WIDEST + 2 for line in lines)
    return [indent + line for line in lines] if short else None


def _leaf(key: str, leaf: Leaf, depth: int) -> Iterator[tuple[str, str]]:
    text = scalar(leaf.value)
    if len(key) + 1 + len(text) <= _WIDEST or not isinstance(leaf.value, str):
        yield f"{key} {text}", leaf.comment
        return
    # A folded scalar: its lines are joined by single blanks.
    yield f"{key} >-", leaf.comment
    room = _WIDEST - 2 * (depth + 1)
    line = ""
    for piece in leaf.pieces or (leaf.value,):
        for word in textwrap.wrap(piece, room, break_long_words=False, break_on_hyphens=False) or [""]:
            ends = piece.endswith(" ") and word is not piece
            if line and len(line) + len(word) > room:
                yield f"{'  ' * (depth + 1)}{line.rstrip()}", ""
                line = ""
            line += word + (" " if ends else "")
    yield f"{'  ' * (depth + 1)}{line.rstrip()}", ""


def _row(key: str, row: Row, depth: int) -> Iterator[tuple[str, str]]:
    flow = _flow(row)
    if flow is not None and len(key) + len(flow) < _FLOW:
        yield f"{key} {flow}", row.comment
        return
    yield key, row.comment
    for node in row.entries:
        if isinstance(node, Branch):
            lines = [line for name, inner in node.entries.items() for line in _entry(name, inner, depth + 2)]
            for place, (line, comment) in enumerate(lines):
                begin = f"{'  ' * (depth + 1)}- " if place == 0 else "  " * (depth + 2)
                yield begin + line[2 * (depth + 2) :], comment
        elif isinstance(node, Leaf):
            yield f"{'  ' * (depth + 1)}- {scalar(node.value)}", node.comment


def _flow(node: Node) -> str | None:
    """A node on one line; None when it is not short enough, or something in it wants a word of comment."""
    match node:
        case Leaf():
            return None if node.comment else scalar(node.value, flow=True)
        case Branch():
            inner = [(name, _flow(held)) for name, held in node.entries.items()]
            if any(text is None for _, text in inner) or node.notes:
                return None
            return "{" + ", ".join(f"{scalar(name, flow=True)}: {text}" for name, text in inner) + "}"
        case Row():
            texts = [_flow(held) for held in node.entries]
            return None if None in texts else f"[{', '.join(str(text) for text in texts)}]"
    return None


def scalar(value: str | int | float | bool, *, flow: bool = False) -> str:
    """A value as YAML writes it: plain where it is read back as the same, else in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return repr(value)
    if value and value == value.strip() and "\n" not in value and _is_read_back(value, flow=flow):
        return value
    if ("'" not in value and "\n" not in value) or ('"' in value and "\\" not in value):
        quoted = "'" + value.replace("'", "''") + "'"
        if _is_same(quoted, value):
            return quoted
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _is_read_back(value: str, *, flow: bool) -> bool:
    return value[0].isalnum() | (value[0] in "=_/") and _is_same(
        f"[{value}, x]" if flow else value, value, flow=flow
    )


def _is_same(text: str, value: str, *, flow: bool = False) -> bool:
    try:
        read = _reader.load(StringIO(text if flow else f"k: {text}"))
    except YAMLError:
        return False
    return bool(read == ([value, "x"] if flow else {"k": value}))


def _aligned(lines: list[tuple[str, str]]) -> Iterator[str]:
    """Comments of neighbouring lines under each other."""
    run: list[tuple[str, str]] = []
    for line, comment in lines:
        if run and not comment and not run[-1][1]:
            yield from _run(run)
            run = []
        run.append((line, comment))
    yield from _run(run)


def _run(run: list[tuple[str, str]]) -> Iterator[str]:
    """Lines of which no two neighbours are without a comment."""
    commented = [len(line) for line, comment in run if comment and len(line) <= _FARTHEST_COMMENT]
    column = max([_NEAREST_COMMENT, *commented]) + 2
    for line, comment in run:
        if not comment:
            yield line
            continue
        begun = max(column if len(line) <= _FARTHEST_COMMENT else 0, len(line) + 2)
        if begun + len(comment) + 2 > _WIDEST:
            begun = len(line) + 2
        if begun + len(comment) + 2 <= _WIDEST + 2:
            yield f"{line.ljust(begun)}# {comment}"
            continue
        indent = line[: len(line) - len(line.lstrip())]
        yield from (f"{indent}# {part}" for part in textwrap.wrap(comment, _WIDEST - len(indent) - 2))
        yield line
