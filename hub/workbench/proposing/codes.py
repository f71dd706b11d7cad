"""Codes that a contract lists, and what each means as far as its name or its description says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

_SAID = re.compile(
    r"""(?<![\w.])["'`]?(?P<code>[A-Za-z0-9_-]{1,20})["'`]?\s*(?::|=|-|–|\)|\.)\s*"""
    r"""(?P<words>[^,;|/\n()<>]*?[^\W\d_][^,;|/\n()<>:=]*)"""
)
_FEWEST = 2

_PROCEDURES = {
    "import": re.compile(r"^(?:im|imp|import\w*|i|in|inbound|수입|반입)$|수입|반입|\bimport", re.IGNORECASE),
    "export": re.compile(
        r"^(?:ex|exp|export\w*|e|out|outbound|수출|반출)$|수출|반출|\bexport", re.IGNORECASE
    ),
    "transit": re.compile(r"^(?:tr|trn|transit\w*|t|통과|환적)$|통과|환적|\btransit", re.IGNORECASE),
}


def described(documentation: str, known: Iterable[str] = ()) -> dict[str, str]:
    """
    The codes that a description explains, as `1: approved, 2: refused`, in its order.

    Where the contract lists the codes too, only those count; else it takes at least two.
    """
    listed = set(known)
    found = {m["code"]: m["words"].strip() for m in _SAID.finditer(documentation)}
    if listed:
        return {code: words for code, words in found.items() if code in listed}
    alike = {code: words for code, words in found.items() if code.isupper() or code.isdigit()}
    return alike if len(alike) >= _FEWEST else {}


def procedures(values: Iterable[str], documentation: str) -> Mapping[str, str] | None:
    """The agency's codes for import, export and transit; None when import or export has none, or several."""
    told = described(documentation, values)
    codes = list(values) or list(told)
    found: dict[str, str] = {}
    for procedure, looks in _PROCEDURES.items():
        meant = [code for code in codes if looks.search(told.get(code, "") or code)]
        if len(meant) == 1:
            found[procedure] = meant[0]
        elif meant or procedure != "transit":
            return None
    return found if len(set(found.values())) == len(found) else None
