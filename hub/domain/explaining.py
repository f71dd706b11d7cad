"""Routing in words: one plain sentence for each candidate, which a customs officer can read and check."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from hub.domain.catalogue import Predicate, Service

if TYPE_CHECKING:  # routing composes its sentences here; only the name of the type comes from there
    from hub.domain.routing import FactValue

# What conditions are commonly made of. A condition with anything else in it is not put into words: a wrong
# paraphrase of the law is worse than none, and the condition as written stands beside the sentence.
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<any_of>!?(?P<each>[a-z_][\w.]*)\.exists\((?P<var>\w+),\s*(?P=var)\s+in\s+(?P<set>list\.\w+|\[[^\]]*\])\))
      | (?P<begins>(?P<no>!?)(?P<whole>[a-z_][\w.]*)\.startsWith\("(?P<start>[^"]*)"\))
      | in\s+(?P<one_of>\[[^\]]*\]|list\.\w+)
      | (?P<number>-?[0-9]+(?:\.[0-9]+)?)
      | "(?P<text>[^"\\]*)"
      | (?P<name>(?:item|declaration)\.[a-z_]\w*(?![\w.(]))
      | (?P<word>&&|\|\||==|!=|>=|<=|[><!()]|in\b|true\b|false\b)
    )""",
    re.VERBOSE,
)
_WORDS = {
    "&&": "and",
    "||": "or",
    "!": "not",
    "==": "is",
    "!=": "is not",
    ">=": "is at least",
    "<=": "is at most",
    ">": "is over",
    "<": "is under",
    "in": "is among",
    "true": "yes",
    "false": "no",
}


def spoken(name: str) -> str:
    """A fact's name as it is said: `item.intended_use` is "intended use"."""
    return name.partition(".")[2].replace("_", " ")


def spoken_value(value: FactValue) -> str:
    """A fact's value as it is said: yes and no, numbers without needless digits, lists joined."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.12g}"
    if isinstance(value, tuple):
        return " and ".join(value) or "none"
    return value or "nothing"


def _spoken_set(text: str) -> str:
    if text.startswith("["):
        members = re.findall(r'"([^"]*)"', text)
        return " or ".join(member.replace("_", " ") or "nothing" for member in members)
    return f"on the list of {spoken(text)}"


@lru_cache(maxsize=4096)
def in_words(condition: str) -> str | None:
    """A condition in plain English, or None where it is made of more than comparisons."""
    words: list[str] = []
    at = 0
    text = condition.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return None
        at = found.end()
        words.append(_spoken_token(found))
    return " ".join(words).replace("( ", "(").replace(" )", ")")


def _spoken_token(found: re.Match[str]) -> str:
    if found["any_of"]:
        quantity = "none of the" if found["any_of"].startswith("!") else "one of the"
        return f"{quantity} {spoken(found['each'])} is {_spoken_set(found['set'])}"
    if found["begins"]:
        verb = "does not begin with" if found["no"] else "begins with"
        return f"{spoken(found['whole'])} {verb} {found['start']}"
    if found["one_of"]:
        return f"is {_spoken_set(found['one_of'])}"
    if found["number"]:
        return spoken_value(float(found["number"]))
    if found["text"] is not None:
        return found["text"].replace("_", " ") or "nothing"
    if found["name"]:
        return spoken(found["name"])
    return _WORDS.get(found["word"], found["word"])


def condition_text(predicates: Iterable[Predicate]) -> str | None:
    """Several conditions as one, as written; None when there are none."""
    texts = [" ".join(predicate.text.split()) for predicate in predicates]
    if len(texts) > 1:
        return " && ".join(f"({text})" for text in texts)
    return texts[0] if texts else None


def _where(predicates: tuple[Predicate, ...], values: Mapping[str, FactValue]) -> str:
    phrases = [in_words(predicate.text) for predicate in predicates]
    spoken_phrases = [phrase for phrase in phrases if phrase is not None]
    if len(spoken_phrases) == len(phrases):
        if len(spoken_phrases) > 1:
            spoken_phrases = [f"({phrase})" if " or " in phrase else phrase for phrase in spoken_phrases]
        return f"where {' and '.join(spoken_phrases)}"
    return f"on a condition about {', '.join(spoken(name) for name in values)}"


def declared(values: Mapping[str, FactValue], assumed: Iterable[str]) -> str:
    """The facts a condition read, those that were declared first: "declared: used yes"."""
    missing = frozenset(assumed)
    known = [f"{spoken(name)} {spoken_value(value)}" for name, value in values.items() if name not in missing]
    unknown = [
        f"{spoken(name)} (taken as {spoken_value(value)})"
        for name, value in values.items()
        if name in missing
    ]
    parts = []
    if known:
        parts.append(f"declared: {', '.join(known)}")
    if unknown:
        parts.append(f"not declared: {', '.join(unknown)}")
    return "; ".join(parts)


class Explanation:
    """Sentences about one code and one service's row for it. The law is named in English."""

    def __init__(
        self,
        hs_code: str,
        prefix: str,
        service: Service,
        predicates: tuple[Predicate, ...],
        values: Mapping[str, FactValue],
        assumed: tuple[str, ...],
    ) -> None:
        self._opening = f"{hs_code} begins with {prefix}, which the {service.law['en']}"
        self._predicates = predicates
        self._values = values
        self._facts = f"; {declared(values, assumed)}" if predicates else ""

    def _listed(self) -> str:
        where = f" {_where(self._predicates, self._values)}" if self._predicates else ""
        return f"{self._opening} lists{where}{self._facts}"

    def needed(self) -> str:
        return f"{self._listed()}."

    def not_needed(self) -> str:
        where = _where(self._predicates, self._values)
        return f"{self._opening} lists only {where}, and that does not hold{self._facts}."

    def prohibited(self) -> str:
        if not self._predicates:
            return f"{self._opening} prohibits outright."
        return f"{self._opening} prohibits {_where(self._predicates, self._values)}{self._facts}."

    def excluded(self) -> str:
        return f"{self._opening} excepts from its list."

    def other_procedure(self, procedures: Iterable[str], procedure: str) -> str:
        listed = " and ".join(sorted(procedures))
        return f"{self._opening} lists for {listed} only; this declaration is for {procedure}."

    def not_in_force(self, day: date) -> str:
        return f"{self._opening} lists, but not on {day.isoformat()}."

    def exempt(self, code: str, reason: str, document: str | None) -> str:
        proof = f", document {document}" if document else ""
        return f"{self._listed()}; exempt as claimed with {code} ({reason}){proof}."

    def covered_by(self, lpco_type: str, number: str) -> str:
        document = f"{lpco_type} {number}".strip()
        return f"{self._listed()}; not needed beside document {document}, which is presented."

    def certified_by(self, service: Service, lpco: str | None) -> str:
        """Another body of the group is asked; `lpco` is the certificate that decided, if one did."""
        why = f"which issued the certificate presented ({lpco})" if lpco else "whose list fits the code best"
        return f"{self._listed()}; one body of several certifies, here {service.name['en']}, {why}."
