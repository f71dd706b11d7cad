"""Every command and option that documents name exists, and every one that exists is documented."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import typer.main

from hub.cli import app
from tests.docs.support import DOCUMENTS, Block, blocks, rows, spans, text_of


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, set[str]]]:
    if hasattr(command, "commands"):
        for name, inner in command.commands.items():
            yield from _walk(inner, (*path, name))
        return
    options = {
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    }
    yield " ".join(path), options


COMMANDS = dict(_walk(typer.main.get_command(app), ()))
_CALL = re.compile(r"(?:^|[\s(/|])hub (?P<rest>[a-z][^\n|&;]*)")
_OPTION = re.compile(r"(?<!\S)--[a-z][a-z-]*")


def _calls() -> list[str]:
    """What stands behind `hub` in every code span and every line of a shell block."""
    written = [span for path in DOCUMENTS for span in spans(path.read_text())]
    for block in blocks("sh"):
        written += [line.split(" #")[0] for line in block.text.replace("\\\n", " ").splitlines()]
    return [match["rest"] for text in written for match in _CALL.finditer(text)]


def _command_of(call: str) -> str | None:
    """The longest command that a call begins with."""
    words = call.split()
    return next((c for n in (2, 1) if (c := " ".join(words[:n])) in COMMANDS), None)


def test_calls_are_found() -> None:
    """A check of nothing proves nothing."""
    assert len(_calls()) > 30


@pytest.mark.parametrize("call", sorted(set(_calls())))
def test_a_command_that_is_named_exists(call: str) -> None:
    """With every option it is given; a group alone (`hub clients`) may be named too."""
    command = _command_of(call)
    if command is None:
        assert call in {c.split()[0] for c in COMMANDS if " " in c}
        return
    assert set(_OPTION.findall(call)) <= COMMANDS[command]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_exists_is_documented(command: str) -> None:
    """In the table of operations.md, with exactly the options that it has."""
    table = rows(text_of("docs/operations.md"), "## Commands\n")
    [row] = [r for r in table if re.match(rf"`hub {command}(?: [A-Z\[][^`]*)?`$", r[0])]
    assert {span for span in spans(row[1]) if re.match("--?[a-z]", span)} == COMMANDS[command]


def _shell() -> list[Block]:
    return blocks("sh")


def test_make_targets_that_are_named_exist() -> None:
    """And the two of the first screen are among them."""
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {m for path in DOCUMENTS for span in spans(path.read_text()) for m in _make(span)}
    named |= {m for block in _shell() for line in block.text.splitlines() for m in _make(line)}
    assert {"demo", "test"} <= named <= targets


def _make(text: str) -> list[str]:
    return re.findall(r"^make ([a-z-]+)", text)
