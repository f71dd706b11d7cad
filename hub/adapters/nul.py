"""
NUL characters in what an agency says: such an answer or message is refused before anybody reads it.

The expression library ends a text at its first NUL, so `approved\\0x` would be read as `approved`. In plain
data U+FDD0 stands where a NUL was: a code point that Unicode keeps for inner use, and that no text from
outside should hold. It goes through an expression unharmed, so that one message of a feed can be refused
after the feed has been taken apart.
"""

from __future__ import annotations

import re
from dataclasses import replace

from hub.adapters.wire import Heard, Plain

_STAND_IN = "\ufdd0"
_LONGEST_PLACE = 200
_ESCAPED = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def without_nul(text: str) -> str:
    """A text with U+FDD0 for each NUL."""
    return text.replace("\0", _STAND_IN)


def without_escaped_nul(document: str) -> str:
    r"""A JSON document with U+FDD0 for each `\u0000`."""
    return _ESCAPED.sub(r"\1\\ufdd0", document) if r"\u0000" in document else document


def nul_in(plain: Plain, name: str) -> str | None:
    """Where plain data called `name` holds a NUL, in a sentence; None where it holds none."""
    # No recursion: JSON may be nested as deep as a reader in C can go.
    waiting: list[tuple[Plain, str]] = [(plain, name)]
    while waiting:
        value, place = waiting.pop()
        if isinstance(value, str) and _STAND_IN in value:
            return f"{place} holds a NUL character (U+0000, or U+FDD0 which stands for it)"
        if isinstance(value, dict):
            if any(_STAND_IN in key for key in value):
                return f"a key of {place} holds a NUL character (U+0000, or U+FDD0 which stands for it)"
            # Cut, since whoever nests long names deeply would have us copy them over and over.
            waiting += [(part, f"{place}.{key}"[:_LONGEST_PLACE]) for key, part in value.items()]
        elif isinstance(value, list):
            waiting += [(part, place) for part in value]
    return None


def refuse_nul(heard: Heard) -> Heard:
    """The answer; one whose body or headers hold a NUL is unreadable, and is sorted by its status."""
    found = nul_in(heard.reply, "reply") or nul_in(dict(heard.headers), "headers")
    if found is None:
        return heard
    return replace(heard, reply=heard.text, unreadable=heard.unreadable or found)
