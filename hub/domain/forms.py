"""The form in which declared texts are compared: one species is one text, however it is typed."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache


class Form(StrEnum):
    """What kind of text an attribute is."""

    TEXT = "text"
    """Compared without blanks around it, with single blanks within."""
    SCIENTIFIC_NAME = "scientific_name"
    """Genus capitalised, all else in lower case, without the author behind it."""
    CAS_NUMBER = "cas_number"
    """Digits as 2078-54-8, the last of which checks the others; without "CAS" before it."""


# Said by those who type them in, not part of the number.
_CAS_PREFIX = re.compile(r"cas(?:[ -]?(?:rn|number|no\.?))?[ :.#]*", re.IGNORECASE)
_CAS_NUMBER = re.compile(r"([0-9]{2,10})-([0-9]{2})-([0-9])")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2212"), "-")


@lru_cache(maxsize=16_384)
def compared(form: Form, text: str) -> str:
    """A declared text as it is compared. What is no CAS number is compared as a text."""
    plain = _plain(text)
    if form is Form.SCIENTIFIC_NAME:
        return _scientific_name(plain)
    if form is Form.CAS_NUMBER:
        return _cas_number(plain) or plain
    return plain


def malformed(form: Form, text: str) -> str | None:
    """What is wrong with a declared text of this form; None when nothing is."""
    if form is Form.CAS_NUMBER and _cas_number(_plain(text)) is None:
        return f"a CAS number is digits as 2078-54-8, the last of which checks the others; not {text!r}"
    return None


def _plain(text: str) -> str:
    # Full-width letters (NFKC) and characters without a width (Cf) look like any others to who reads them.
    shown = "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return " ".join(shown.split())


def _scientific_name(text: str) -> str:
    words = text.split(" ")
    kept = words[:1]
    has_epithet = False
    for word in words[1:]:
        # Behind the epithet, which has no capitals, stands who gave the name: (Linnaeus, 1758), Carruth.
        if (has_epithet and word[0].isupper()) or (len(kept) > 1 and word.startswith("(")):
            break
        has_epithet = has_epithet or word.islower()
        kept.append(word)
    return " ".join(kept).capitalize()


def _cas_number(text: str) -> str | None:
    written = text.translate(_DASHES)
    prefix = _CAS_PREFIX.match(written)
    found = _CAS_NUMBER.fullmatch(written[prefix.end() :] if prefix else written)
    if found is None:
        return None
    # Some registers fill the number up with zeros in front.
    first = found[1].lstrip("0").rjust(2, "0")
    if len(first) > 7:
        return None
    # CAS: the digits before the last, weighted 1, 2, 3 ... from the right, add up to the last modulo 10.
    weighted = sum(n * int(digit) for n, digit in enumerate(reversed(first + found[2]), start=1))
    return f"{first}-{found[2]}-{found[3]}" if weighted % 10 == int(found[3]) else None
