"""Texts in fewer characters: what others wrote may be as long as anybody makes it."""

from __future__ import annotations

_LEFT_OUT = "…"


def cut(text: str, longest: int) -> str:
    """A text of at most `longest` characters; the last of one that was cut says so."""
    return text if len(text) <= longest else text[: longest - 1] + _LEFT_OUT


def in_a_line(text: str, longest: int) -> str:
    """The words of a text in one line of at most `longest` characters."""
    return cut(" ".join(text.split()), longest)


def in_whole_words(text: str, longest: int) -> str:
    """The words of a text in one line of at most `longest` characters, cut between two of them."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1].rsplit(" ", 1)[0] + _LEFT_OUT
