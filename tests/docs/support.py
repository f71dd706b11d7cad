"""The documents, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("**/*.md"))]

_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[^\n]*?) -->\n)?^(?P<indent> *)```(?P<language>\w*)\n(?P<text>.*?)^(?P=indent)```$",
    re.DOTALL | re.MULTILINE,
)
_SPAN = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block; `mark` is the comment that stands right before it."""

    path: Path
    line: int
    language: str
    mark: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.path.name}:{self.line}"


def text_of(name: str) -> str:
    """A document by its path below the project."""
    return (ROOT / name).read_text()


def blocks(*languages: str, mark: str | None = None) -> list[Block]:
    """The fenced blocks of every document in these languages; with `mark`, those marked so."""
    found = []
    for path in DOCUMENTS:
        text = path.read_text()
        for match in _BLOCK.finditer(text):
            inner = re.sub(rf"^{match['indent']}", "", match["text"], flags=re.MULTILINE)
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(path, line, match["language"], match["mark"] or "", inner))
    return [b for b in found if b.language in languages and (mark is None or b.mark.startswith(mark))]


def prose(text: str) -> str:
    """A document without its fenced blocks."""
    return _BLOCK.sub("", text)


def spans(text: str) -> list[str]:
    """The code spans of a text, in order."""
    return _SPAN.findall(prose(text))


def rows(text: str, after: str) -> list[list[str]]:
    """The cells of the first table behind these words (a heading, or a sentence), without its head."""
    _, found, below = text.partition(after)
    assert found, after
    lines = []
    for line in below.splitlines():
        if line.startswith("|"):
            lines.append([cell.strip() for cell in line.strip("|").split("|")])
        elif lines:
            break
    return lines[2:]
