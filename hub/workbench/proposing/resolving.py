"""One element of a request: the expression that fills it, if its meaning can be guessed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from hub.adapters.shape import Part
from hub.config.models import AttributeFile
from hub.workbench.proposing.codes import procedures
from hub.workbench.proposing.meanings import MEASURES, Guess, Scope, guess, guess_party, party_has
from hub.workbench.proposing.phrases import OURS, PARTIES, PROCEDURE, Meaning
from hub.workbench.proposing.trial import NUMBERS, WHOLE_NUMBERS, Trial
from hub.workbench.proposing.wanting import is_uuid, wanted
from hub.workbench.proposing.words import words

_ITEM_WORDS = {
    "hs",
    "tariff",
    "commodity",
    "goods",
    "product",
    "item",
    "origin",
    "quantity",
    "unit",
    "net",
    "gross",
    "mass",
    "package",
    "price",
    "value",
    "currency",
    "amount",
    "description",
    "specimen",
    "model",
    "made",
}
"""An item's element that stands among those of the whole is known by one of these."""
_FLAGS = {"flag", "code", "name", "indicator", "value", "number"}
_YES_AND_NO = [
    ("Y", "N"),
    ("y", "n"),
    ("1", "0"),
    ("true", "false"),
    ("Yes", "No"),
    ("YES", "NO"),
    ("T", "F"),
]
_WRITTEN_DATE = re.compile(r"[yY]{4}(?P<a>[-./]?)MM(?P=a)[dD]{2}(?P<t>\s?'?T?'?[hH]{2}:?mm:?(?:ss)?)?")
_SURE = 20.0
_PLAIN = 9.0


@dataclass(frozen=True)
class Where:
    """Where an element stands."""

    scope: Scope = Scope.HEADER
    parent: str = ""
    """The name of what it is part of."""
    item: str = "items[0]"
    """The goods item spoken of."""
    party: str = ""
    """As declaration.importer, inside a party."""
    measure: str = ""
    """As `net mass`, inside an amount with its unit."""
    around: str = "{}"
    """How an expression is tried out: where `i` is known, `items.map(i, {})[0]`."""

    def within(self, name: str) -> Where:
        """The same, one part deeper."""
        return replace(self, parent=name)


@dataclass(frozen=True)
class Found:
    """The expression (CEL, without `=`) for an element."""

    expression: str
    meaning: str
    strong: bool
    comment: str = ""


@dataclass(frozen=True)
class Missed:
    """No expression: what a person must fill in, in words."""

    words: str


class Resolver:
    """Guesses, and keeps what fits the contract."""

    def __init__(
        self,
        trial: Trial,
        attributes: Mapping[str, AttributeFile],
        aliases: Mapping[str, str] | None = None,
        reference: str = "referral.id",
    ) -> None:
        """`aliases`: what elements of these names hold, whatever they seem to mean; `reference`: of what a
        reference without a closer name is one."""
        self._trial = trial
        self._attributes = attributes
        self._aliases = {frozenset(words(name)): expression for name, expression in (aliases or {}).items()}
        self._reference = reference

    def is_named(self, name: str) -> bool:
        """Whether elements of that name are known to hold one thing."""
        return frozenset(words(name)) in self._aliases

    def resolve(self, part: Part, where: Where) -> Found | Missed:
        """The best guess for a single value."""
        if len(part.values) == 1:
            return Found(self._constant(part.values[0], part), "constant", part.required)
        alias = self._aliases.get(frozenset(words(part.name)))
        if alias is not None:
            proves = alias.startswith(("session.", "secret."))
            return Found(alias, PROOF if proves else OURS, strong=True)
        meaning = self._meaning(part, where)
        if meaning is not None and meaning.key == OURS and self._reference != meaning.expression:
            return Found(self._reference, OURS, strong=True)
        if len(part.values) > 1 and procedures(part.values, part.documentation):
            return self._procedure(part)
        if meaning is None:
            return self._attribute(part, where) or Missed(wanted(part))
        if meaning.key == PROCEDURE:
            return self._procedure(part)
        tried = list(self._forms(meaning, part, where))
        for expression, comment in tried:
            if self._trial.fits(part, expression, where.around):
                return Found(expression, meaning.key, meaning.strong, comment)
        if is_uuid(part) and _BEARS_A_REFERENCE & set(words(part.name)):
            return Found(f"uuid({self._reference})", OURS, strong=part.required)
        # What has another form than the guess most likely is something else.
        return Missed(f"{meaning.key} ({wanted(part)})" if meaning.key in _SAID else wanted(part))

    # --- what it means ----------------------------------------------------------------------------------

    def _meaning(self, part: Part, where: Where) -> Meaning | None:
        match where.scope:
            case Scope.MEASURE:
                return _bound(guess(Scope.MEASURE, part.name), _measured(where))
            case Scope.PARTY:
                told = _guess_in(where, part)
                return _bound(told, {"p": where.party}) if _is_there(told, where.party) else None
            case Scope.DOCUMENT:
                return _bound(_guess_in(where, part), {"d": "d"})
            case Scope.ITEM:
                return self._of_item(part, where)
        return self._of_header(part, where)

    def _of_item(self, part: Part, where: Where) -> Meaning | None:
        told = _guess_in(where, part)
        above = guess(Scope.HEADER, part.name)
        sure = above is not None and above.score >= _SURE
        # A `requestNo` of every item is the request's, and not the item's number.
        if sure and above is not None and (told is None or told.score < _PLAIN):
            return above.meaning
        return _bound(told, {"i": where.item}) if told is not None else None

    def _of_header(self, part: Part, where: Where) -> Meaning | None:
        told = _guess_in(where, part)
        party, rest = guess_party(part.name)
        known = rest is not None and party != "" and party_has(party, rest.meaning.expression)
        if known and rest is not None and (told is None or rest.score > told.score):
            return _bound(rest, {"p": party})
        if told is not None:
            return told.meaning
        if where.item == "items[0]" and _ITEM_WORDS & set(words(f"{where.parent} {part.name}")):
            return _bound(_guess_in(replace(where, scope=Scope.ITEM), part), {"i": where.item})
        return None

    def _attribute(self, part: Part, where: Where) -> Found | None:
        """A thing that declarants may say about goods, by its name in attributes.yaml."""
        if where.scope not in (Scope.ITEM, Scope.HEADER):
            return None
        named = set(words(part.name)) - _FLAGS
        for name, attribute in self._attributes.items():
            titles = {title for language, title in attribute.title.items() if language != "en"}
            if not (
                (named and named == set(words(name)) - _FLAGS) or titles & {part.name, part.documentation}
            ):
                continue
            expression = self._attribute_expression(part, f"{where.item}.attributes.?{name}", attribute)
            if expression is not None:
                return Found(expression, f"attribute {name}", strong=True)
        return None

    def _attribute_expression(self, part: Part, read: str, attribute: AttributeFile) -> str | None:
        match attribute.type:
            case "bool":
                for yes, no in _YES_AND_NO:
                    if {yes, no} <= set(part.values):
                        return f"{read}.orValue(false) ? {json.dumps(yes)} : {json.dumps(no)}"
                if part.base == "boolean":
                    return f"{read}.orValue(false)"
                flag = part.base in ("", "string", "token") and "flag" in words(part.name) and not part.values
                return f'{read}.orValue(false) ? "Y" : "N"' if flag else None
            case "list" if not part.values:
                return f"{read}.orValue([])" if part.many else f'({read}.orValue([]) + [""])[0]'
            case "number" if not part.values:
                texts = self._trial.typed and part.base not in NUMBERS
                return f'text({read}.orValue(""))' if texts else f'{read}.orValue("")'
            case "string" if not part.values and part.base not in NUMBERS | {"boolean"}:
                return f'{read}.orValue("")'
        return None

    # --- how it is written ------------------------------------------------------------------------------

    def _forms(self, meaning: Meaning, part: Part, where: Where) -> Iterator[tuple[str, str]]:
        """The ways to write it, the plainest first, each with a word for the reader."""
        plain = meaning.expression
        if not plain:
            return
        if meaning.moment:
            yield from self._moments(plain, part)
            return
        if self._trial.typed and part.base in NUMBERS:
            yield plain, ""
            yield f"number({plain})", ""
            return
        if self._trial.typed and part.base in ("string", "") and meaning.key in _WHOLE:
            yield f"text({plain})", ""
            return
        yield plain, ""
        if meaning.key == OURS:
            yield f'{plain}.replace("/", "-")', ""
            yield f"uuid({plain})", ""
            yield "referral.mrn", "unique while the agency has one service"
        if meaning.key == "HS code":
            for digits in (10, 8, 6):
                cut = f"{plain}.size() > {digits} ? {plain}.substring(0, {digits}) : {plain}"
                yield cut, f"{digits} digits"

    def _moments(self, plain: str, part: Part) -> Iterator[tuple[str, str]]:
        always = plain.startswith("referral.")
        for pattern in self._patterns(part):
            if not pattern:
                yield plain, ""
                continue
            zone = "" if "X" in pattern else f', "{self._trial.zone}"'
            written = f'date({plain}, "{pattern}"{zone})'
            yield (written if always else f'{plain} == "" ? "" : {written}'), ""

    def _patterns(self, part: Part) -> Iterator[str]:
        told = _WRITTEN_DATE.search(f"{part.documentation} {part.name}")
        if part.base == "dateTime":
            yield ""
            return
        if part.base == "date":
            yield "yyyy-MM-dd"
            return
        if told is not None:
            written = told.group().replace("Y", "y").replace("D", "d").replace("h", "H")
            yield written.replace("T", "'T'") if "'" not in written else written
        named = set(words(part.name))
        if part.longest is None and not part.pattern and named & {"moment", "time"}:
            yield ""
        if part.longest is not None and part.longest < len("yyyyMMddHHmmss"):
            yield "yyyyMMdd"
        if part.longest is not None and part.longest < len("yyyy-MM-dd HH:mm:ss"):
            yield "yyyyMMddHHmmss"
        yield from ("yyyy-MM-dd", "yyyyMMdd", "yyyyMMddHHmmss", "yyyy-MM-dd HH:mm:ss", "")

    def _procedure(self, part: Part) -> Found | Missed:
        codes = procedures(part.values, part.documentation)
        if codes is None:
            if part.values or not self._trial.fits(part, "declaration.procedure"):
                return Missed(f"import, export or transit in the agency's code ({wanted(part)})")
            return Found("declaration.procedure", PROCEDURE, strong=True)
        if all(procedure == code for procedure, code in codes.items()):
            return Found("declaration.procedure", PROCEDURE, strong=True)
        table = ", ".join(f'"{name}": {self._constant(code, part)}' for name, code in codes.items())
        return Found(f"{{{table}}}[declaration.procedure]", PROCEDURE, strong=True)

    def _constant(self, text: str, part: Part) -> str:
        if part.base in WHOLE_NUMBERS or (part.base == "boolean" and text in ("true", "false")):
            return text
        return json.dumps(text, ensure_ascii=False)


PROOF = "what proves the hub"
_WHOLE = {"number of the item", "packages", "count of items"}
_SAID = {OURS, "HS code", "number of the party", "country of dispatch", "country of destination", "origin"}
"""Meanings that are told where the form does not fit: a table or a function may help."""
_BEARS_A_REFERENCE = {"message", "request", "transport", "transaction", "correlation", "submission", "id"}


def _guess_in(where: Where, part: Part) -> Guess | None:
    """By its name, or by its name together with that of what it is part of, whichever says more."""
    alone = guess(where.scope, part.name, part.documentation)
    if not where.parent:
        return alone
    both = guess(where.scope, f"{where.parent} {part.name}")
    if both is None or (alone is not None and alone.score >= both.score):
        return alone
    # The name around must be borne out by its own: a `Goods` around says nothing of what is inside.
    own = set(words(part.name))
    return both if any(phrase & own for phrase in both.phrases_met(f"{where.parent} {part.name}")) else alone


def _bound(told: Guess | None, names: Mapping[str, str]) -> Meaning | None:
    if told is None:
        return None
    expression = told.meaning.expression
    for mark, name in names.items():
        expression = expression.replace(f"{{{mark}}}", name)
    return replace(told.meaning, expression=expression)


def _measured(where: Where) -> dict[str, str]:
    amount, unit = MEASURES[where.measure]
    return {"m": amount.replace("{i}", where.item), "u": unit.replace("{i}", where.item)}


def _is_there(told: Guess | None, party: str) -> bool:
    return told is not None and bool(PARTIES.get(party)) and party_has(party, told.meaning.expression)
