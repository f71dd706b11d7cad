"""A sample declaration to try guessed expressions with: does what they give fit what the contract wants?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.adapters.context import dossier_context
from hub.adapters.sample import sample_dossiers
from hub.adapters.shape import Part
from hub.config.models import AgencyFile
from hub.expressions import Expression, ExpressionFailed, ExpressionFault

WHOLE_NUMBERS = {
    "integer",
    "int",
    "long",
    "short",
    "byte",
    "positiveInteger",
    "nonNegativeInteger",
    "negativeInteger",
    "nonPositiveInteger",
    "unsignedLong",
    "unsignedInt",
    "unsignedShort",
    "unsignedByte",
}
NUMBERS = WHOLE_NUMBERS | {"decimal", "double", "float"}
TIMES = {"date", "dateTime", "time"}

_INTEGER = re.compile(r"[-+]?[0-9]+")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")
_FORMS = {
    "date": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:Z|[+-][0-9]{2}:[0-9]{2})?"),
    "dateTime": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?\S*"),
    "time": re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}\S*"),
}


@dataclass(frozen=True)
class Trial:
    """Where guesses are tried out. `typed`: numbers and texts are told apart (JSON)."""

    whole: Mapping[str, Any]
    """What expressions see when everything is declared."""
    bare: Mapping[str, Any]
    """The same when only what must be declared is."""
    typed: bool
    zone: str
    """Of the agency's calendar, for times written without an offset."""

    @classmethod
    def of(cls, agency: str, service: str, *, typed: bool, zone: str) -> Trial:
        """The trial of an agency with one service."""
        file = AgencyFile.model_validate(_smallest(agency, service))
        whole, bare = (
            {
                **dossier_context(dossier, file),
                "session": {"token": "1"},
                "secret": dict.fromkeys(("user", "password", "key"), "1"),
                "ids": ["1"],
                "id": "1",
            }
            for dossier, _ in sample_dossiers(file)
        )
        return cls(whole=whole, bare=bare, typed=typed, zone=zone)

    def value(self, expression: str, around: str = "{}") -> Any:
        """What an expression gives for the sample. Raises ExpressionFailed, ExpressionFault."""
        return Expression(f"={around.replace('{}', expression)}", frozenset(self.whole)).evaluate(self.whole)

    def fits(self, part: Part, expression: str, around: str = "{}") -> bool:
        """Whether the contract lets the part hold what the expression gives."""
        try:
            return fits(part, self.value(expression, around), typed=self.typed)
        except (ExpressionFailed, ExpressionFault):
            return False


def fits(part: Part, value: Any, *, typed: bool) -> bool:
    """Whether the contract lets a part hold a value; nothing at all always fits."""
    if value is None or value == "":
        return True
    if isinstance(value, dict | list):
        return False
    if part.base == "boolean":
        return isinstance(value, bool)
    if isinstance(value, bool):
        return not typed and value in (True, False) and not part.values
    if typed and part.base in NUMBERS:
        return isinstance(value, int if part.base in WHOLE_NUMBERS else (int, float))
    if typed and part.base and not isinstance(value, str):
        return False
    text = str(value)
    if part.base in WHOLE_NUMBERS and not _INTEGER.fullmatch(text):
        return False
    if part.base in NUMBERS and not _DECIMAL.fullmatch(text):
        return False
    if part.base in _FORMS and not _FORMS[part.base].fullmatch(text):
        return False
    if part.base == "base64Binary":
        return False
    if part.values and text not in part.values:
        return False
    if part.longest is not None and len(text) > part.longest:
        return False
    return not part.pattern or _matches(part.pattern, text, whole=not typed)


def _matches(pattern: str, text: str, *, whole: bool) -> bool:
    # XML Schema's patterns hold for the whole text, JSON Schema's for any part of it.
    try:
        return bool((re.fullmatch if whole else re.search)(pattern, text))
    except re.error:
        return True  # a form of pattern that Python does not have; the check against the contract tells


def _smallest(agency: str, service: str) -> dict[str, Any]:
    """A file of an agency that asks for nothing."""
    return {
        "agency": agency,
        "name": {"en": agency},
        "contact": "",
        "services": {
            service: {
                "name": {"en": "sample"},
                "law": {"en": "sample"},
                "law_code": "00",
                "procedure": ["import"],
                "hs": ["00"],
                "document": "sample",
                "answer_within": "1d",
                "on_expiry": "hold",
                "answers": "reply",
                "confidence": "assumed",
            }
        },
        "channel": {"adapter": "soap", "contract": "", "endpoint": "", "submit": {}},
        "verdicts": {"1": "approved"},
    }
