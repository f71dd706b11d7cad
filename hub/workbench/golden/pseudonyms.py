"""
Real facts replaced by the sample's, so that a golden file tells of nobody.

Replaced are the references of the declaration and the consignment, everybody who is named in it, and the
numbers of documents. Codes, goods and quantities stay: they are what the case is about.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from hub.adapters.sample import SAMPLE_MRN
from hub.domain.declaration import Declaration

_SHORTEST = 4
"""A shorter text may stand in an answer for something else."""
_ROLES = ("declarant", "importer", "exporter")


class Pseudonyms:
    """What stands for what: the same real text has the same stand-in wherever it occurs."""

    def __init__(self) -> None:
        self._stand_ins: dict[str, str] = {}

    def give(self, real: str, stand_in: str) -> str:
        """The stand-in of a text: the one it has already, or the one given."""
        if not real:
            return real
        return self._stand_ins.setdefault(real, stand_in)

    def text(self, text: str) -> str:
        """A text of an exchange with every stand-in in its place, however XML, JSON or a URL write it."""
        forms: dict[str, str] = {}
        for real, stand_in in self._stand_ins.items():
            if len(real) >= _SHORTEST:
                forms |= dict(zip(_forms(real), _forms(stand_in), strict=True))
        if not forms:
            return text
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        return re.sub("|".join(map(re.escape, longest_first)), lambda found: forms[found[0]], text)

    def plain(self, value: Any) -> Any:
        """Plain data with every stand-in in its place."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self.plain(part) for name, part in value.items()}
        return [self.plain(part) for part in value] if isinstance(value, list) else value


def of_mrn(mrn: str) -> Pseudonyms:
    """Stand-ins for an exchange about a declaration of the engineer's own: the mrn alone."""
    names = Pseudonyms()
    names.give(mrn, SAMPLE_MRN)
    return names


def anonymous(declaration: Declaration, mrn: str, base: Mapping[str, Any]) -> tuple[Declaration, Pseudonyms]:
    """A real declaration in which nobody is known, and what stands for what; `base` lends its facts."""
    names = of_mrn(mrn)
    data = declaration.model_dump(mode="json")
    data["lrn"] = names.give(data["lrn"], "GOLDEN-1")
    for role in _ROLES:
        party = data[role]
        lent = base.get(role) or {}
        for fact, made_up in (("id", f"{role.upper()}-1"), ("name", f"The {role}"), ("address", "1 Street")):
            if party and party.get(fact):
                party[fact] = names.give(party[fact], lent.get(fact) or made_up)
    consignment, lent = data["consignment"], base.get("consignment") or {}
    for fact, made_up in (
        ("ucr", "6KR0001234567"),
        ("cargo_management_number", "26SAMPLE000100010001"),
        ("transport_id", "SAMPLE STAR"),
    ):
        if consignment.get(fact):
            consignment[fact] = names.give(consignment[fact], lent.get(fact) or made_up)
    consignment["containers"] = [
        names.give(real, f"SMPU{place:07}") for place, real in enumerate(consignment["containers"], 1)
    ]
    _documents(data, names)
    return Declaration.model_validate(data), names


def _documents(data: dict[str, Any], names: Pseudonyms) -> None:
    number = 0
    for holder in (data, *data["items"]):
        for document in (*holder["lpcos"], *holder.get("exemptions", ())):
            fact = "id" if "type" in document else "document"
            if document.get(fact):
                number += 1
                document[fact] = names.give(document[fact], f"DOCUMENT-{number}")


def _forms(text: str) -> list[str]:
    """A text as it may look in XML, in JSON with and without escapes, and in a URL."""
    return [
        text,
        escape(text, {'"': "&quot;"}),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        quote(text, safe=""),
    ]
