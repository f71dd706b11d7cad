"""JSON from outside as plain data, with nothing rounded and nothing guessed."""

from __future__ import annotations

import json
from typing import Any

from hub.adapters.nul import without_escaped_nul
from hub.adapters.wire import Misfit, Plain

_INT64 = 2**63


def read_json(body: bytes) -> Plain:
    """
    JSON as plain data. Raises Misfit.

    Fractions, and whole numbers beyond 64 bits, are kept as the text they were written in, so that nothing is
    rounded. A member that occurs twice is refused: two readers would not agree on what was said. Characters
    that no text can hold are stood in for, for whoever reads on to refuse (see `nul`).
    """
    try:
        # As json.loads decodes bytes: UTF-8, or by the pattern of their zeros UTF-16 or UTF-32.
        document = body.decode(json.detect_encoding(body), "surrogatepass")
    except ValueError as wrong:
        raise Misfit(f"not JSON: {wrong}") from wrong
    return read_json_text(document)


def read_json_text(document: str) -> Plain:
    """As `read_json`, of text. Raises Misfit."""
    try:
        return json.loads(
            without_escaped_nul(document),
            parse_float=str,
            parse_int=_whole,
            parse_constant=_not_json,
            object_pairs_hook=_members,
        )
    except (ValueError, RecursionError) as wrong:
        raise Misfit(f"not JSON: {wrong}") from wrong


def _whole(text: str) -> int | str:
    if len(text) > 20:
        return text
    number = int(text)
    return number if -_INT64 <= number < _INT64 else text


def _not_json(word: str) -> Plain:
    raise ValueError(f"{word} is not JSON")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member occurs twice")
    return members
