"""
Characters that no text can hold, in what an agency says: such an answer or message is refused before anybody
reads it.

The expression library ends a text at its first NUL, so `approved\\0x` would be read as `approved`; and half
of a surrogate pair, which JSON can write, is no character at all and can be neither read by an expression nor
stored. In plain data U+FDD0 stands where a NUL was and U+FDD1 where such a half was: code points that Unicode
keeps for inner use, and that no text from outside should hold. They go through an expression unharmed, so
that one message of a feed can be refused after the feed has been taken apart.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hub.adapters.wire import Heard, Plain

_STAND_IN = "\ufdd0"
_HALF = "\ufdd1"
_BAD = {
    _STAND_IN: "a NUL character (U+0000, or U+FDD0 which stands for it)",
    _HALF: "half of a surrogate pair (or U+FDD1 which stands for it)",
}
_LONGEST_PLACE = 200
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
# A whole pair, which stays, or a half.
_ESCAPED_HALF = re.compile(
    r"(?<!\\)((?:\\\\)*)(?:(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    r"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
_WRITTEN_HALF = re.compile("[\ud800-\udfff]")


def without_nul(text: str) -> str:
    """A text with U+FDD0 for each NUL, and U+FDD1 for each half of a surrogate pair."""
    return _WRITTEN_HALF.sub(_HALF, text.replace("\0", _STAND_IN))


def without_escaped_nul(document: str) -> str:
    r"""A JSON document with U+FDD0 for each `\u0000`, and U+FDD1 for each half of a surrogate pair."""
    if r"\u0000" in document:
        document = _ESCAPED.sub(r"\1\\ufdd0", document)
    if r"\ud" in document or r"\uD" in document:
        document = _ESCAPED_HALF.sub(lambda found: found[1] + (found[2] or r"\ufdd1"), document)
    return _WRITTEN_HALF.sub(_HALF, document)


def nul_in(plain: Plain, name: str) -> str | None:
    """Where plain data called `name` holds such a character, in a sentence; None where it holds none."""
    # No recursion: JSON may be nested as deep as a reader in C can go.
    waiting: list[tuple[Plain, str]] = [(plain, name)]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, str) and (what := _bad_in(value)):
            return f"{place} holds {what}"
        if isinstance(value, dict):
            for key in value:
                if what := _bad_in(key):
                    return f"a key of {place} holds {what}"
            # Cut, since whoever nests long names deeply would have us copy them over and over.
            waiting += [(part, f"{place}.{key}"[:_LONGEST_PLACE]) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(part, place) for part in value]
    return None


def _bad_in(text: str) -> str | None:
    return next((what for character, what in _BAD.items() if character in text), None)


def refuse_nul(heard: Heard) -> Heard:
    """The answer; one whose body or headers hold such a character is unreadable, and sorted by its status."""
    found = (
        nul_in(heard.reply, "reply")
        or nul_in(dict(heard.headers), "headers")
        or nul_in(dict(heard.header), "header")
    )
    if found is None:
        return heard
    return replace(
        heard, reply=heard.text, header={}, aside=dict(heard.header), unreadable=heard.unreadable or found
    )
