"""
What is still to be filled in: `TODO` and what belongs there, in place of a value or of a key.

`hub agency new` writes it where a contract does not say enough. Nothing of a file that holds one goes live.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from hub.config.faults import Key

MARK = "TODO"

_VALUE = re.compile(rf"^\s*{MARK}(?:$|[\s:]+(?P<words>.*))", re.DOTALL)
# Alone, it may be a word of the agency's: followed by words it is not.
_NAME = re.compile(rf"^{MARK}\s+(?P<words>\S.*)", re.DOTALL)
_WITHIN = re.compile(rf"""(["']){MARK}\s+(?P<words>(?:(?!\1).)+)\1""")


def unfinished(data: Any, key: Key = ()) -> Iterator[tuple[Key, str]]:
    """The way to everything that is not filled in, and the words for what belongs there ("" for none)."""
    if isinstance(data, dict):
        for name, value in data.items():
            told = _NAME.match(name) if isinstance(name, str) else None
            if told is not None:
                yield (*key, name), told["words"].strip()
            yield from unfinished(value, (*key, name))
    elif isinstance(data, list):
        for place, value in enumerate(data):
            yield from unfinished(value, (*key, place))
    elif isinstance(data, str):
        told = _VALUE.match(data)
        if told is not None:
            yield key, (told["words"] or "").strip()
        elif data.startswith("=") or "{" in data:
            words = [each["words"].strip() for each in _WITHIN.finditer(data)]
            if words:
                yield key, "; ".join(words)
