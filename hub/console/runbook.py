"""The runbook, section by section, as pages show it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markupsafe import Markup

_HEADING = re.compile(r"^(#{2,3}) (.+)$", re.MULTILINE)
_NOT_IN_ANCHORS = re.compile(r"[^a-z0-9 -]")


def section(path: Path | None, anchor: str) -> Markup | None:
    """
    The section of the runbook below the heading with this anchor, as HTML; None where there is none.

    Headings have the anchors that code hosts give them: `Agency failing` is `agency-failing`.
    """
    if path is None:
        return None
    try:
        changed_at = path.stat().st_mtime_ns
    except OSError:
        return None
    return _sections(path, changed_at).get(anchor)


@cache
def _sections(path: Path, changed_at: int) -> dict[str, Markup]:
    text = path.read_text(encoding="utf-8")
    # No HTML of the document's own, and links to places outside it stay text: it is read within the console.
    renderer = MarkdownIt("commonmark", {"html": False}).enable("table").disable(["link", "autolink"])
    headings = list(_HEADING.finditer(text))
    found = {}
    for place, heading in enumerate(headings):
        level = len(heading[1])
        end = next((later.start() for later in headings[place + 1 :] if len(later[1]) <= level), len(text))
        body = _plain_links(text[heading.end() : end])
        found[_anchor(heading[2])] = Markup(renderer.render(body))  # noqa: S704 - our own document, without HTML
    return found


def _plain_links(text: str) -> str:
    """`[words](place)` as the words alone."""
    return re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", text)


def _anchor(heading: str) -> str:
    return _NOT_IN_ANCHORS.sub("", heading.lower()).strip().replace(" ", "-")
