"""The guide's way, walked: what its blocks say is done, one after the other, as they stand."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from typer.testing import CliRunner

from hub.cli import app
from tests.docs.support import Block

_UNTIL = re.compile(r"walk until (?P<text>.+)")
_HUB = re.compile(r"hub(?= )")
_LIVE_WITHIN = 10.0
"""Seconds; the guide says five, on a machine that does nothing else."""


class Failed(Exception):
    """A command of the guide that did not end with status 0, and what it printed."""


class Walk:
    """
    The blocks marked `walk`, run in the current directory.

    A line that begins with `hub` is run by the command line in this process, which spares its start; every
    other line by bash. What a block exports is kept; a command must end with status 0.
    """

    def __init__(self, ports: dict[str, int], setenv: Callable[[str, str], None]) -> None:
        """`ports` are put in the place of those that the guide names."""
        self._ports = ports
        self._setenv = setenv

    def run(self, block: Block) -> str:
        """Everything that the block printed; for `walk until TEXT`, once it prints that."""
        until = _UNTIL.fullmatch(block.mark)
        if until is None:
            return self._once(block)
        deadline = time.monotonic() + _LIVE_WITHIN
        while True:
            try:
                said = self._once(block)
            except Failed as failed:
                said = str(failed)
            if until["text"] in said:
                return said
            assert time.monotonic() < deadline, f"{block.name}: {until['text']!r} is not in\n{said}"
            time.sleep(0.1)

    def fill(self, block: Block) -> None:
        """Put the values of a block marked `fill: FILE` into the file: what begins with - becomes +."""
        path = Path(block.mark.removeprefix("fill: "))
        text = path.read_text(encoding="utf-8")
        for old, new in re.findall(r"^- (.*)\n((?:\+ .*\n)+)", block.text, re.MULTILINE):
            [line] = [line for line in text.splitlines() if old in line]
            indent = line[: len(line) - len(line.lstrip())]
            value = f"\n{indent}".join(part[2:] for part in new.splitlines())
            text = text.replace(old, value)
        path.write_text(text, encoding="utf-8")

    def _once(self, block: Block) -> str:
        text = block.text.replace("\\\n", " ")
        for port, other in self._ports.items():
            text = text.replace(port, str(other))
        said = []
        for line in text.splitlines():
            words = shlex.split(line, comments=True)
            if words[0] == "export":
                for word in words[1:]:
                    name, _, value = word.partition("=")
                    self._setenv(name, os.path.expandvars(value))
            elif _HUB.match(line):
                said.append(self._hub(words[1:], block))
            elif words[0] == ".":
                for pair in Path(words[1]).read_text(encoding="utf-8").splitlines():
                    self._setenv(*pair.split("=", 1))
            else:
                said.append(self._bash(line, block))
        return "".join(said)

    def _hub(self, words: list[str], block: Block) -> str:
        ended = CliRunner().invoke(app, words, env={"COLUMNS": "200"})
        if ended.exit_code != 0:
            raise Failed(f"{block.name}: hub {shlex.join(words)}\n{ended.output}{ended.exception}")
        return ended.output

    def _bash(self, line: str, block: Block) -> str:
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
        if ended.returncode != 0:
            raise Failed(f"{block.name}: {line}\n{ended.stdout}{ended.stderr}")
        return ended.stdout
