"""Where the commands write."""

from __future__ import annotations

import os

from rich.console import Console

_WIDTH_ELSEWHERE = 150
"""Columns of what goes into a file or a pipe, which have no width of their own: tables are not squeezed."""


def screen(*, soft_wrap: bool = False) -> Console:
    """Standard output: as wide as the terminal or as COLUMNS says, and wide where there is neither."""
    console = Console(highlight=False, soft_wrap=soft_wrap)
    if not (console.is_terminal or soft_wrap or "COLUMNS" in os.environ):
        console.width = _WIDTH_ELSEWHERE
    return console
