"""What is wrong with the files of the configuration folder, in words for whoever wrote them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Key = tuple[str | int, ...]
"""The way to a place in a file: names of mappings and places (from 0) in lists."""


def written(key: Key) -> str:
    """A key as faults show it: `services.apqa-plant-import.hs[3]`."""
    text = ""
    for step in key:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong. `file` is below the folder, `line` counts from 1; `cure` says what to do."""

    file: str
    line: int
    key: str
    what: str
    cure: str

    def __str__(self) -> str:
        cure = f"\n    cure: {self.cure}" if self.cure else ""
        return f"{self.file}:{self.line}  {self.key + '  ' if self.key else ''}{self.what}{cure}"


class ConfigurationFaults(Exception):
    """
    Every fault of every file. As text: a report, one fault after the other, in the order of the files.

    `warnings` is what is legal and unwise beside them.
    """

    def __init__(self, faults: Sequence[Fault], warnings: Sequence[Fault] = ()) -> None:
        self.faults = tuple(sorted(faults, key=lambda fault: (fault.file, fault.line)))
        self.warnings = tuple(sorted(warnings, key=lambda warning: (warning.file, warning.line)))
        super().__init__(self.faults)

    def __str__(self) -> str:
        count = len(self.faults)
        head = f"{count} fault{'' if count == 1 else 's'} in the configuration"
        return "\n".join([head, *map(str, self.faults)])
