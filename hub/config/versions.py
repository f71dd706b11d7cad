"""How two versions of an agency differ, in lines that a person reads."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping


def differences(before: Mapping[str, bytes], after: Mapping[str, bytes], old: str, new: str) -> Iterator[str]:
    """A unified diff over all files that differ; `old` and `new` are what the versions are called."""
    for name in sorted(before.keys() | after.keys()):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        texts = _lines(one), _lines(other)
        if texts[0] is None or texts[1] is None:
            yield f"--- {name} ({old})"
            yield f"+++ {name} ({new})"
            yield f"its {len(one or b'')} bytes became {len(other or b'')} others; they are no text"
            continue
        yield from difflib.unified_diff(
            texts[0],
            texts[1],
            f"{name} ({old})" if one is not None else "/dev/null",
            f"{name} ({new})" if other is not None else "/dev/null",
            lineterm="",
        )


def _lines(content: bytes | None) -> list[str] | None:
    """The lines of a text; None for what is none."""
    try:
        text = "" if content is None else content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text.splitlines()
