"""What a contract wants of a value, in words: for what nobody could guess."""

from __future__ import annotations

import re

from hub.adapters.shape import Part
from hub.domain.shortening import in_whole_words
from hub.workbench.proposing.codes import described
from hub.workbench.proposing.trial import NUMBERS


def is_uuid(part: Part) -> bool:
    """Whether its form is that of a UUID (RFC 9562)."""
    if not part.pattern:
        return False
    try:
        takes, other = (bool(re.search(part.pattern, text)) for text in (_A_UUID, "1234"))
    except re.error:
        return False
    return takes and not other


_A_UUID = "6ba7b810-9dad-51d1-80b4-00c04fd430c8"


def wanted(part: Part) -> str:
    """What belongs into an element, in the contract's own words and by its form."""
    told = described(part.documentation, part.values)
    form = ""
    if part.values:
        shown = [f"{value} ({told[value]})" if value in told else value for value in part.values[:_MANY]]
        form = "one of " + ", ".join(shown) + (" ..." if len(part.values) > _MANY else "")
    elif part.pattern and len(part.pattern) <= _SHORT:
        form = f"as {part.pattern}"
    elif part.base in NUMBERS:
        form = "a number"
    elif part.base == "boolean":
        form = "true or false"
    elif part.base in ("date", "dateTime", "time"):
        form = f"a {part.base}"
    elif part.base == "base64Binary":
        form = "a file, in Base64"
    said = in_whole_words(part.documentation, _LONG)
    # What stands within an expression is a text in double quotes.
    return "; ".join(filter(None, (said or part.name, form))).replace('"', "'")


_MANY = 12
_SHORT = 40
_LONG = 70
