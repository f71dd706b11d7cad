"""The runbook: each drill names the section that it follows, and enough sections have one."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from hub.ports import IncidentKind

HERE = Path(__file__).parent
RUNBOOK = (HERE.parent.parent / "docs" / "operations.md").read_text()
LEAST = 15


def drilled() -> dict[str, list[str]]:
    """By drill, the sections that its description names."""
    found = {}
    for path in sorted(HERE.glob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                named = re.search(r"Runbook: ([a-z, -]+)\.", ast.get_docstring(node) or "")
                if named:
                    found[node.name] = re.split(r",\s*", named[1])
    return found


def sections() -> set[str]:
    """The anchors of its headings, as they are made on the sites where Markdown is read."""
    return {heading.lower().replace(" ", "-") for heading in re.findall(r"^### (.+)$", RUNBOOK, re.MULTILINE)}


def test_each_drill_follows_a_section_that_is_there() -> None:
    assert {anchor for named in drilled().values() for anchor in named} <= sections()


def test_enough_sections_have_a_drill() -> None:
    kinds = {kind.anchor for kind in IncidentKind}
    assert len(kinds & {anchor for named in drilled().values() for anchor in named}) >= LEAST
