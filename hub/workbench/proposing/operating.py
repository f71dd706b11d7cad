"""One operation of a channel: what names it, and its path, query, headers and request, filled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from hub.adapters.shape import Part, Shape
from hub.config.models import AttributeFile
from hub.config.unfinished import MARK
from hub.workbench.proposing.filling import Filled, fill
from hub.workbench.proposing.phrases import OURS
from hub.workbench.proposing.resolving import PROOF, Found, Missed, Resolver, Where
from hub.workbench.proposing.survey import Offer
from hub.workbench.proposing.tree import Branch, Leaf, Node, Row, todo
from hub.workbench.proposing.trial import WHOLE_NUMBERS, Trial
from hub.workbench.proposing.words import words

_MOST_LEFT_OUT = 12
_IN_A_PATH = {OURS, PROOF, "mrn", "ucr", "constant"}
"""What an address is made of: anything else in a path names something of the agency's own."""
_PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass
class Operation:
    """The keys of one operation, in their order."""

    entries: dict[str, Node]
    ours: set[str] = field(default_factory=set)
    """Names of the elements that hold our reference."""


class Operations:
    """Fills the operations of one contract."""

    def __init__(self, trial: Trial, attributes: Mapping[str, AttributeFile]) -> None:
        self._trial = trial
        self._attributes = attributes

    def submit(self, offer: Offer, aliases: Mapping[str, str]) -> Operation:
        """The submission of a referral."""
        return self._fill(offer, Resolver(self._trial, self._attributes, aliases))

    def amendment(self, offer: Offer, aliases: Mapping[str, str], reference: str) -> Operation:
        """The whole content once more, about a referral that the agency has."""
        return self._fill(offer, Resolver(self._trial, self._attributes, aliases, reference))

    def follow_up(self, offer: Offer, aliases: Mapping[str, str], reference: str) -> Operation:
        """A question about a referral; `reference` is what it is asked by, where no name says more."""
        return self._fill(offer, Resolver(self._trial, {}, aliases, reference))

    def _fill(self, offer: Offer, resolver: Resolver) -> Operation:
        entries: dict[str, Node] = {name: Leaf(value) for name, value in offer.keys.items()}
        ours: set[str] = set()
        if "path" in entries:
            entries["path"] = Leaf(self._path(offer, resolver, ours))
        for where, key in (("query", "query"), ("header", "headers")):
            held = self._parameters(offer, where, resolver, ours)
            if held:
                entries[key] = Branch(held)
        if offer.headers:
            # A binding that names a header mostly means it, whatever it says of its being required.
            shape = Shape({part.name: replace(part, required=True) for part in offer.headers})
            header = fill(shape, self._trial, resolver).tree
            if isinstance(header, Branch) and header.entries:
                header.spread = True
                entries["soap_header"] = header
        if offer.single:
            entries["request"] = todo("the one value that the request is")
        elif offer.request is not None and offer.request.parts:
            filled = fill(_as_part(offer.request), self._trial, resolver)
            ours |= {at[-1] for at, meaning in filled.means.items() if meaning == OURS}
            tree = _shown(filled)
            if tree is not None:
                entries["request"] = tree.entries[_WHOLE] if offer.request.many else tree
        return Operation(entries, ours)

    def _path(self, offer: Offer, resolver: Resolver, ours: set[str]) -> str:
        parts = {one.part.name: one.part for one in offer.parameters if one.where == "path"}

        known = [name for name in parts if resolver.is_named(name)]

        def filled(match: re.Match[str]) -> str:
            part = parts.get(match[1], Part(match[1], required=True, base="string"))
            found = resolver.resolve(part, Where())
            # Where one place is known, the reference stands there and not in another.
            elsewhere = bool(known) and part.name not in known
            if isinstance(found, Missed) or found.meaning not in _IN_A_PATH or elsewhere:
                words = found.words if isinstance(found, Missed) else part.documentation or part.name
                return f'{{"{MARK} {_without_braces(words)}"}}'
            if found.meaning == OURS:
                ours.add(part.name)
            return f"{{{found.expression}}}"

        return _PLACE.sub(filled, offer.keys["path"])

    def _parameters(self, offer: Offer, where: str, resolver: Resolver, ours: set[str]) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for one in offer.parameters:
            if one.where != where:
                continue
            told = resolver.resolve(one.part, Where())
            if isinstance(told, Missed):
                if one.part.required:
                    found[one.part.name] = todo(told.words)
                continue
            if one.part.required or (told.meaning in (OURS, PROOF) and _is_named_reference(one.part)):
                ours |= {one.part.name} if told.meaning == OURS else set()
                leaf = Leaf(f"={told.expression}", told.comment)
                found[one.part.name] = _constant(told, self._trial) or (
                    Row([leaf]) if one.part.many else leaf
                )
        return found


def _without_braces(words: str) -> str:
    return words.replace("{", "(").replace("}", ")")


_WHOLE = "items"


def _as_part(request: Shape) -> Shape:
    """A request that is a list itself, as something that has this list: mostly that of goods items."""
    if not request.many:
        return request
    one = replace(request, many=False)
    return Shape({_WHOLE: Part(_WHOLE, required=True, many=True, shape=lambda: one)})


def _is_named_reference(part: Part) -> bool:
    """Whether its name alone says that it is a reference, and not just any `id`."""
    return len(words(part.name)) > 1


def _constant(found: Found, trial: Trial) -> Leaf | None:
    return (
        Leaf(trial.value(found.expression), "the only value there is")
        if found.meaning == "constant"
        else None
    )


def _shown(filled: Filled) -> Branch | None:
    tree = filled.tree
    if not isinstance(tree, Branch) or not (tree.entries or filled.left_out):
        return None
    tree.spread = len(tree.entries) > 2
    left = filled.left_out
    if left:
        shown = ", ".join(left[:_MOST_LEFT_OUT])
        more = f" and {len(left) - _MOST_LEFT_OUT} more" if len(left) > _MOST_LEFT_OUT else ""
        tree.notes = (f"optional, and left out: {shown}{more}",)
    return tree


# --- a feed ---------------------------------------------------------------------------------------------


def pull_parameters(offer: Offer) -> tuple[dict[str, Node], str]:
    """The query of a pull, and the name of its cursor or page ("" for none)."""
    query: dict[str, Node] = {}
    cursor = ""
    for one in offer.parameters:
        named = set(words(one.part.name))
        name = one.part.name.lower()
        if one.where != "query":
            continue
        if one.part.base in WHOLE_NUMBERS and (named & {"size", "count"} or name in _SIZES):
            query[one.part.name] = Leaf(100)
        elif name in _CURSORS:
            query[one.part.name] = Leaf("=page.cursor")
            cursor = "cursor"
        elif name in _PAGES and one.part.base in WHOLE_NUMBERS | {""}:
            query[one.part.name] = Leaf("=page.number")
            cursor = "number"
        elif one.part.required:
            query[one.part.name] = todo(one.part.documentation or one.part.name)
    return query, cursor


_SIZES = {"limit", "max", "top", "first", "per_page", "perpage", "pagesize", "numofrows"}
_CURSORS = {
    "after",
    "cursor",
    "pagetoken",
    "page_token",
    "continuation",
    "continuationtoken",
    "marker",
    "from_id",
}
_PAGES = {"page", "pageno", "page_no", "pagenumber", "page_number", "pageindex"}


def acknowledging(offer: Offer) -> tuple[dict[str, Node], bool]:
    """The keys of an acknowledgement, and whether each message has one of its own."""
    entries: dict[str, Node] = {name: Leaf(value) for name, value in offer.keys.items()}
    each = False
    if _PLACE.search(offer.keys.get("path", "")):
        entries["path"] = Leaf(_PLACE.sub("{id}", offer.keys["path"]))
        return entries, True
    parts = offer.request.parts if offer.request is not None else {}
    request: dict[str, Node] = {}
    for name, part in parts.items():
        named = set(words(name))
        inner = part.inner
        if inner is None and part.many:
            request[name] = Leaf("=ids")
        elif inner is not None and len(inner.parts) == 1 and (only := next(iter(inner.parts.values()))).many:
            request[name] = Branch({only.name: Leaf("=ids")})
        elif inner is None and named & {"id", "number", "key", "reference"} and not each:
            request[name] = Leaf("=id")
            each = True
        elif part.required:
            request[name] = todo(part.documentation or name)
    if request:
        entries["request"] = Branch(request)
    for one in offer.parameters:
        if one.where == "query" and one.part.required:
            entries["query"] = Branch({one.part.name: Leaf("=ids" if one.part.many else "=id")})
            each = each or not one.part.many
    return entries, each
