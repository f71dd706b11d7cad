"""What the values of an answer mean, guessed by name and type: receipt, decision, and what stands with it."""

from __future__ import annotations

from collections.abc import Callable

from hub.adapters.shape import Part
from hub.workbench.proposing.codes import described
from hub.workbench.proposing.places import Place
from hub.workbench.proposing.trial import WHOLE_NUMBERS
from hub.workbench.proposing.verdicts import PENDING, looks_like, says_decided

_DECISION = {"decision", "result", "verdict", "outcome", "finding", "judgement"}
_NUMBERED = {"number", "id", "reference", "key", "code"}
_TECHNICAL = {"header", "error", "fault", "answer", "meta", "message", "problem"}


def receipt(found: list[Place], ours: set[str]) -> Place | None:
    """The agency's own reference; `ours` are the names under which ours was sent."""

    def score(place: Place) -> float:
        named = place.words
        if not (place.is_text or place.part.base in WHOLE_NUMBERS) or place.part.values or place.part.many:
            return 0
        if place.name in ours or named & {
            "note",
            "status",
            "state",
            "version",
            "name",
            "type",
            "hs",
            "password",
        }:
            return 0
        acknowledged = place.around & {"acknowledge", "receipt", "acceptance"}
        if place.around & (_DECISION | {"error", "item", "goods"}) or "error" in named:
            return 0
        if "message" in named and not (acknowledged and named & {"id", "number"} and not named & {"request"}):
            return 0
        told = max((_RECEIPTS[word] for word in named & _RECEIPTS.keys()), default=18 if acknowledged else 0)
        if not told and not named & {"id", "number", "reference", "uuid"}:
            return 0
        numbered = 4 if named & {"number", "id", "reference"} else 0
        return (
            4 + told + numbered + (3 if place.part.required else 0) - 2 * len(place.steps) - 3 * place.lists
        )

    return _best(found, score)


_RECEIPTS = {
    "receipt": 30,
    "acceptance": 30,
    "ticket": 30,
    "tracking": 26,
    "register": 24,
    "case": 24,
    "acknowledge": 24,
    "check": 20,
    "review": 20,
    "application": 16,
    "submission": 14,
    "reference": 12,
    "request": 8,
    "transaction": 10,
    "permit": 6,
    "licence": 6,
    "declaration": 6,
    "entry": 6,
}


def word(found: list[Place]) -> Place | None:
    """Where the agency says its decision."""
    siblings = {(place.steps[:-1], name) for place in found for name in place.words if place.is_text}

    def score(place: Place) -> float:
        named = place.words
        if place.part.many or not (place.is_text or place.part.base in WHOLE_NUMBERS | {"boolean"}):
            return 0
        if named & _NO_WORD:
            return 0
        values = list(place.part.values) or list(described(place.part.documentation))
        meant = [looks_like(value, described(place.part.documentation).get(value, "")) for value in values]
        verdicts = sum(1 for one in meant if one not in ("", PENDING, "other"))
        if place.part.base == "boolean":
            return 12 if named & {"approval", "acceptance", "permit"} else 0
        if named & (_NUMBERED - {"code"}) or (values and not verdicts):
            return 0
        told = max((_WORDS[one] for one in named & _WORDS.keys()), default=0)
        if "code" in named and place.around & _DECISION:
            told = max(told, 26)
        if verdicts > 1:
            told = max(told, 10) + 12
        if not told:
            return 0
        if place.around & _TECHNICAL or ({"result", "code"} <= named and _technical(place, siblings)):
            return 0
        return (
            told + (6 if place.around & _DECISION else 0) - 3 * place.lists - 2 * max(0, len(place.steps) - 3)
        )

    return _best(found, score)


_WORDS = {
    "verdict": 30,
    "word": 28,
    "decision": 28,
    "outcome": 28,
    "finding": 26,
    "result": 26,
    "approval": 8,
    "status": 14,
    "state": 8,
}


_NO_WORD = {
    "note",
    "message",
    "error",
    "description",
    "count",
    "size",
    "version",
    "law",
    "agency",
    "name",
    "location",
    "date",
    "document",
}


def _technical(place: Place, siblings: set[tuple[tuple[Part, ...], str]]) -> bool:
    """A result code beside a message says how the call went, not what was decided."""
    return (place.steps[:-1], "message") in siblings


def state(found: list[Place], said: Place) -> tuple[Place, list[str]] | None:
    """Where the answer says whether it is decided, and the values that say so."""
    for place in found:
        if place is not said and place.words & {"state", "status"} and place.part.values:
            decided = [value for value in place.part.values if says_decided(value)]
            if decided and place.lists <= said.lists:
                return place, decided
    return None


def beside(found: list[Place], said: Place, score: Callable[[Place], float]) -> Place | None:
    """The best of what stands with the word of the decision, before what stands elsewhere."""
    near = [place for place in found if place is not said and place.steps[:-1] == said.steps[:-1]]
    return _best(near, score) or _best(
        [
            place
            for place in found
            if place is not said and place.listed == said.listed and len(place.steps) > 1
        ],
        score,
    )


def reference_score(place: Place) -> float:
    """The number of what the agency issues."""
    named = place.words
    if not place.is_text or place.part.many:
        return 0
    kind = named & {"certificate", "permit", "licence", "approval", "document", "report", "clearance"}
    if not kind or named & {"type", "kind", "name", "note", "receipt", "status"}:
        return 0
    said = 4 if kind == {"document"} else 12
    return said + (3 if named & {"number", "id", "reference"} else 0) - 3 * len(named - kind - _NUMBERED)


def remarks_score(place: Place) -> float:
    """In words."""
    if not place.is_text or place.part.many or place.part.values:
        return 0
    named = place.words
    return 12.0 if "note" in named else 6.0 if named & {"condition", "message", "description"} else 0


def decided_score(place: Place) -> float:
    """When it was decided."""
    if not place.is_time or place.part.many:
        return 0
    named = place.words
    if named & {
        "valid",
        "receipt",
        "request",
        "application",
        "opened",
        "created",
        "due",
        "submission",
        "issue",
    }:
        return 1 if "issue" in named else 0
    return 20 if named & (_DECISION | {"approval", "made", "action", "process"}) else 8


def revision_score(place: Place) -> float:
    """Which revision of the application it is about."""
    counts = place.part.base in WHOLE_NUMBERS and not place.part.many
    return 20 if counts and place.words & {"revision", "amend", "amendment"} else 0


def id_score(place: Place) -> float:
    """The agency's id for the decision."""
    if not (place.is_text or place.part.base in WHOLE_NUMBERS) or place.part.many:
        return 0
    named = place.words
    if named & _DECISION and named & {"id", "number", "key"} and not named - _DECISION - _NUMBERED:
        return 20
    return 10 if place.around & _DECISION and named in ({"id"}, {"sequence"}, {"number"}) else 0


def items_score(place: Place) -> float:
    """The goods items it speaks of."""
    if place.part.base not in WHOLE_NUMBERS or not (place.part.many or place.lists):
        return 0
    if not place.part.many:
        return 0
    return 10 if (place.words | place.around) & {"item", "line", "goods", "sequence", "number"} else 0


def _best(found: list[Place], score: Callable[[Place], float]) -> Place | None:
    best: tuple[float, Place] | None = None
    for place in found:
        points = score(place)
        if points > 0 and (best is None or points > best[0]):
            best = (points, place)
    return best[1] if best else None
