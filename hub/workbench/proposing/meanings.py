"""
What an element of a contract means, guessed by its name, and by what the contract says of it.

A name that has all words of a phrase means what the phrase means; the phrase that says most of it wins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from hub.workbench.proposing.phrases import DOCUMENT, HEADER, ITEM, MEASURE, PARTIES, PARTY, Meaning
from hub.workbench.proposing.words import words


class Scope(StrEnum):
    """What an element speaks of."""

    HEADER = "header"
    ITEM = "item"
    DOCUMENT = "document"
    PARTY = "party"
    MEASURE = "measure"


MEANINGS = {
    Scope.HEADER: HEADER,
    Scope.ITEM: ITEM,
    Scope.DOCUMENT: DOCUMENT,
    Scope.PARTY: PARTY,
    Scope.MEASURE: MEASURE,
}

MEASURES = {
    "quantity": ("{i}.quantity.value", "{i}.quantity.unit"),
    "net mass": ("{i}.net_mass_kg", '"KGM"'),
    "gross mass": ("{i}.gross_mass_kg", '"KGM"'),
    "value": ("{i}.value.amount", "{i}.value.currency"),
}
"""Meanings of an item that some contracts write as an amount and a unit, by key."""


PARTY_PROPERTIES = {
    "declaration.importer": {"id", "name", "address", "country"},
    "declaration.exporter": {"id", "name", "address", "country"},
    "declaration.declarant": {"id", "name"},
}


def party_has(party: str, expression: str) -> bool:
    """Whether that party is declared with what `{p}.x` asks for."""
    return expression.removeprefix("{p}.") in PARTY_PROPERTIES[party]


@dataclass(frozen=True)
class Guess:
    """A meaning, and how surely: words matched weigh more than words left over."""

    meaning: Meaning
    score: float

    def phrases_met(self, name: str) -> list[frozenset[str]]:
        """The phrases of the meaning that a name has whole."""
        named = set(words(name))
        return [phrase for phrase in self.meaning.phrases if phrase <= named]


_ENOUGH = 0.0
_HOPELESS = -1000.0
_KOREAN_WEIGHT = 12.0


@cache
def guess(scope: Scope, name: str, documentation: str = "") -> Guess | None:
    """What an element of this name most likely means in a scope; None where nothing fits."""
    found = best(MEANINGS[scope], name)
    if found is not None and found.score > _ENOUGH:
        return found
    return _by_documentation(scope, documentation)


def best(meanings: list[Meaning], name: str) -> Guess | None:
    """The meaning whose phrase says most of a name; Korean words count as whole phrases."""
    named = set(words(name))
    found: Guess | None = None
    for meaning in meanings:
        score = max(
            [
                *(_score(phrase, named) for phrase in meaning.phrases),
                *(_KOREAN_WEIGHT + len(word) for word in meaning.korean if word in name),
            ],
            default=None,
        )
        if score is not None and score > _HOPELESS and (found is None or score > found.score):
            found = Guess(meaning, score)
    return found


@cache
def guess_party(name: str) -> tuple[str, Guess | None]:
    """Which party a name speaks of, as declaration.importer, and which of its properties ("" and None)."""
    found: tuple[str, Guess | None] = ("", None)
    most = _ENOUGH
    named = set(words(name))
    for party, (phrases, korean) in PARTIES.items():
        for phrase in (frozenset(each.split()) for each in phrases.split(",")):
            if not phrase <= named:
                continue
            rest = best(PARTY, " ".join(sorted(named - phrase)))
            score = 10.0 * len(phrase) + (rest.score if rest is not None else 0.0)
            if rest is not None and rest.score > _ENOUGH and score > most:
                found, most = (party, Guess(rest.meaning, score)), score
        for word in korean.split():
            if word in name:
                rest = best(PARTY, name.replace(word, ""))
                score = _KOREAN_WEIGHT + len(word) + (rest.score if rest is not None else 0.0)
                if rest is not None and score > most:
                    found, most = (party, Guess(rest.meaning, score)), score
    return found


def party_of(name: str) -> str:
    """The party that a part with parts of its own is, as declaration.importer; "" for none."""
    named = set(words(name))
    found, most = "", _ENOUGH
    for party, (phrases, korean) in PARTIES.items():
        scores = [_score(frozenset(phrase.split()), named - PARTY_IDLE) for phrase in phrases.split(",")] + [
            _KOREAN_WEIGHT for word in korean.split() if word in name
        ]
        if max(scores) > most:
            found, most = party, max(scores)
    return found


PARTY_IDLE = {"party", "detail", "attribute", "information"}


def _score(phrase: frozenset[str], named: set[str]) -> float:
    if not phrase <= named:
        return _HOPELESS
    left = named - phrase
    return 10.0 * len(phrase) - sum(
        _IDLE_COST if word in _IDLE else _AROUND_COST if word in _AROUND else _OTHER_COST for word in left
    )


_IDLE = {"code", "number", "id", "value", "name", "text", "type", "data", "info", "information"}
"""Words that add little: `originCode` is the origin."""
_AROUND = {
    "goods",
    "item",
    "product",
    "commodity",
    "declaration",
    "import",
    "export",
    "request",
    "application",
    "customs",
    "line",
    "list",
    "message",
    "document",
    "trade",
    "consignment",
    "total",
    "count",
    "specimen",
    "english",
    "korean",
    "agency",
    "cargo",
    "detail",
    "attribute",
}
"""Words that only say whereof: `goodsHsCode` is the HS code."""
_IDLE_COST, _AROUND_COST, _OTHER_COST = 1.0, 3.0, 11.0
# Any other word may turn the sense: a tariff quota is no tariff, an office's phone no office.


def _by_documentation(scope: Scope, documentation: str) -> Guess | None:
    """A guess by what the contract says in words; only what is said plainly counts."""
    if not documentation:
        return None
    found: Guess | None = None
    for meaning in MEANINGS[scope]:
        for word in meaning.korean:
            score = _KOREAN_WEIGHT + len(word)
            if word in documentation.replace(" ", "") and (found is None or score > found.score):
                found = Guess(meaning, score)
    if found is not None:
        return found
    first = documentation.split(".")[0][:_SHORT]
    told = best(MEANINGS[scope], first)
    if told is not None and told.score > 0 and len(words(first)) <= _FEW:
        return told
    return None


_SHORT = 80
_FEW = 5
