"""How requests, answers and mappings are drawn at a terminal; as plain text where it is none."""

from __future__ import annotations

import json
from collections.abc import Iterable

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from hub.cli.screen import screen
from hub.domain.shortening import cut
from hub.workbench.preview import Leaf
from hub.workbench.shown import Message

_LONGEST_VALUE = 60
_WIDTH_OF_PIPES = 250


def console() -> Console:
    """Lines are never broken where nobody looks: what is piped can be copied."""
    out = screen(soft_wrap=True)
    if not out.is_terminal:
        out.width = _WIDTH_OF_PIPES
    return out


def draw_message(out: Console, title: str, message: Message, *, raw: bool = False) -> None:
    """A request or an answer: its first line, its headers, its body laid out, or `raw`, just as it is."""
    out.print(Text(title, style="bold cyan"))
    out.print(Text(f"  {message.head}", style="bold"))
    for name, value in message.headers.items():
        out.print(Text.assemble("  ", (f"{name}: ", "dim"), value))
    body, language = (message.body, "") if raw else message.laid_out()
    if not body:
        return
    out.print()
    if out.is_terminal and language:
        out.print(Syntax(body, language, theme="ansi_dark", background_color="default", word_wrap=True))
    else:
        out.print(Text(body))


def draw_leaves(out: Console, at: str, leaves: Iterable[Leaf]) -> None:
    """Which expression gave what; keys are below `at`."""
    out.print(Text(f"what each part of {at} comes from", style="bold cyan"))
    table = Table(box=None, pad_edge=False)
    for head in ("key", "value", "expression"):
        table.add_column(head, overflow="fold")
    for leaf in leaves:
        value = Text(_value(leaf), style="red" if leaf.failure else "green")
        table.add_row(Text(leaf.key.removeprefix(f"{at}.")), value, Text(_in_a_line(leaf.expression)))
    # A table wraps within its columns.
    out.print(table, soft_wrap=False)


def _value(leaf: Leaf) -> str:
    if leaf.failure is not None:
        return f"fails: {leaf.failure}"
    if leaf.value in (None, ""):
        return "(not declared; left out where the contract allows it)"
    text = json.dumps(leaf.value, ensure_ascii=False, sort_keys=True, default=str)
    return cut(text, _LONGEST_VALUE)


def _in_a_line(text: str) -> str:
    return " ".join(text.split())
