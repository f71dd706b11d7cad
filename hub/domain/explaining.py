"""Routing in words: one plain sentence for each candidate, which a customs officer can read and check."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from hub.domain.catalogue import Service
from hub.domain.declaration import Lpco
from hub.domain.facts import FactValue

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
        return format(Decimal(repr(value)).normalize(), "f")
    if isinstance(value, tuple):
        return " and ".join(map(_spoken_code, value)) or "none"
    return _spoken_code(value) or "nothing"


@lru_cache(maxsize=4096)
def _spoken_code(code: str) -> str:
    """A code of the catalogue's own, as `registered_product`, in words; any other text as it is."""
    return code.replace("_", " ") if re.fullmatch(r"[a-z0-9_]+", code) else code


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


def conditions_in_words(texts: Sequence[str], names: Iterable[str]) -> str:
    """Conditions that must all hold as " where ..."; by the facts they read where words fail; or nothing."""
    if not texts:
        return ""
    phrases = [in_words(text) for text in texts]
    spoken_phrases = [phrase for phrase in phrases if phrase is not None]
    if len(spoken_phrases) < len(phrases):
        return f" on a condition about {', '.join(spoken(name) for name in names)}"
    if len(spoken_phrases) > 1:
        spoken_phrases = [f"({phrase})" if " or " in phrase else phrase for phrase in spoken_phrases]
    return f" where {' and '.join(spoken_phrases)}"


def facts_in_words(values: Mapping[str, FactValue], assumed: Collection[str]) -> str:
    """The facts that conditions read, those declared first: "; declared: used yes"; or nothing."""
    known = [f"{spoken(name)} {spoken_value(values[name])}" for name in values if name not in assumed]
    unknown = [f"{spoken(name)} (taken as {spoken_value(values[name])})" for name in assumed]
    words = f"; declared: {', '.join(known)}" if known else ""
    return f"{words}; not declared: {', '.join(unknown)}" if unknown else words


def opening(hs_code: str, prefix: str, service: Service) -> str:
    """How every sentence about a code and a service begins. The law is named in English."""
    if len(prefix) > len(hs_code):
        begins = f"is too short to tell from {prefix},"
    else:
        begins = "is a code" if prefix == hs_code else f"begins with {prefix},"
    return f"{hs_code} {begins} which the {service.law['en']}"


def not_in_force(opening: str, day: date) -> str:
    return f"{opening} lists, but not on {day.isoformat()}."


def other_procedure(opening: str, procedures: Iterable[str], procedure: str) -> str:
    return (
        f"{opening} lists for {' and '.join(sorted(procedures))} only; this declaration is for {procedure}."
    )


def excluded(opening: str) -> str:
    return f"{opening} excepts from its list."


def prohibited(opening: str, conditions: str, facts: str) -> str:
    return f"{opening} prohibits{conditions or ' outright'}{facts}."


def not_needed(opening: str, conditions: str, facts: str) -> str:
    return f"{opening} lists only{conditions}, and that does not hold{facts}."


def needed(opening: str, conditions: str, facts: str) -> str:
    return f"{opening} lists{conditions}{facts}."


def exempt(needed: str, code: str, reason: str, document: str | None) -> str:
    """`needed` is the sentence that said the service is needed, before the claim was heard."""
    proof = f", document {document}" if document else ""
    return f"{needed.removesuffix('.')}; exempt as claimed with {code} ({reason}){proof}."


def covered_by(needed: str, lpco: Lpco) -> str:
    """Another law's document takes the requirement away."""
    return f"{needed.removesuffix('.')}; not needed beside document {document(lpco)}, which is presented."


def certified_by(needed: str, agency: str, other: Service, lpco: Lpco | None) -> str:
    """Another body of the group, `agency`, is asked; `lpco` is the certificate that decided, if one did."""
    why = f"which issued document {document(lpco)}" if lpco else "whose list fits the code best"
    body = f"{agency} ({other.name['en']})"
    return f"{needed.removesuffix('.')}; one body of several certifies, here {body}, {why}."


def certifies(needed: str, lpco: Lpco) -> str:
    """This body is asked, of several, because its certificate is presented."""
    return f"{needed.removesuffix('.')}; one body of several certifies, here by document {document(lpco)}."


def document(lpco: Lpco) -> str:
    return f"{lpco.type} {lpco.id}".rstrip()
