"""
A request as the contract wants it, filled with the best guesses: every required element is in it.

What is optional is filled in where its meaning is plain and nothing else says the same; the rest is named in
one comment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from hub.adapters.shape import Part, Shape, hollow, trim
from hub.config.unfinished import MARK
from hub.expressions import ExpressionFailed, TreeFaults, TreeTemplate
from hub.workbench.proposing.listing import Lists, item_list
from hub.workbench.proposing.literal import Literal
from hub.workbench.proposing.meanings import MEASURES, Scope, guess, party_has, party_of
from hub.workbench.proposing.resolving import Found, Missed, Resolver, Where
from hub.workbench.proposing.tree import Branch, Leaf, Node, Row, leaves, plain, todo
from hub.workbench.proposing.trial import Trial

Names = tuple[str, ...]

_DEEPEST = 12
_NOT_WRITTEN = {"xsi:type"}
"""Parts that say which of several types stands there: without it, the declared one."""
_SURE = 20.0
_ROUNDS = 8


@dataclass
class Filled:
    """A request, what it leaves out, and which of its elements means what."""

    tree: Node | None
    left_out: list[str] = field(default_factory=list)
    """Optional elements that are not in it, by their way."""
    means: dict[Names, str] = field(default_factory=dict)
    """The meaning of each element that could be guessed, by its way."""


def fill(shape: Shape, trial: Trial, resolver: Resolver) -> Filled:
    """A request of this shape."""
    dropped: set[Names] = set()
    for _ in range(_ROUNDS):
        filler = _Filler(trial, resolver, item_list(shape), frozenset(dropped))
        filled = filler.request(shape)
        wrong = set(_hollow(filled.tree, shape, trial)) - dropped
        if not wrong:
            return filled
        # Sent without something it needs when little is declared: better not at all.
        dropped |= wrong
    return filled


def _hollow(tree: Node | None, shape: Shape, trial: Trial) -> Iterator[Names]:
    if tree is None:
        return
    try:
        held = TreeTemplate(plain(tree), frozenset(trial.bare)).fill(dict(trial.bare))
    except (ExpressionFailed, TreeFaults):
        return  # the check tells of it, with the line
    for at in hollow(trim(held, shape), shape):
        yield tuple(step for step in at if isinstance(step, str))


class _Filler:
    def __init__(
        self, trial: Trial, resolver: Resolver, items: Names | None, dropped: frozenset[Names]
    ) -> None:
        self._trial = trial
        self._resolver = resolver
        self._lists = Lists(trial)
        self._items = items
        self._dropped = dropped
        self._used: set[tuple[str, str]] = set()
        self._filled = Filled(None)

    def request(self, shape: Shape) -> Filled:
        self._filled.tree = Branch(self._parts(shape, (), Where(), frozenset()))
        return self._filled

    def _parts(self, shape: Shape, at: Names, where: Where, inside: frozenset[int]) -> dict[str, Node]:
        entries: dict[str, Node] = {}
        chosen = {
            mark: self._choose(shape, mark, where)
            for mark in {p.choice for p in shape.parts.values()}
            if mark
        }
        # What must be there takes its meaning first.
        self._reserve(shape, where)
        for name, part in shape.parts.items():
            if name in _NOT_WRITTEN:
                continue
            if part.choice and part.alternative != chosen[part.choice]:
                self._leave_out((*at, name))
                continue
            required = part.required or bool(part.choice and part.needed)
            node = None
            if (*at, name) not in self._dropped:
                node = self._part(part, (*at, name), where, inside, required)
            if node is None:
                self._leave_out((*at, name))
            else:
                entries[name] = node
        for mark, alternative in chosen.items():
            if not any(part.choice == mark and name in entries for name, part in shape.parts.items()):
                first = next(
                    part
                    for part in shape.parts.values()
                    if part.choice == mark and part.alternative == alternative
                )
                node = self._part(first, (*at, first.name), where, inside, required=True)
                if node is not None:
                    entries[first.name] = node
        return entries

    def _reserve(self, shape: Shape, where: Where) -> None:
        for part in shape.parts.values():
            if part.required and part.inner is None and not part.many:
                found = self._resolver.resolve(part, where)
                if isinstance(found, Found):
                    self._used.add((where.scope, found.expression))

    def _choose(self, shape: Shape, mark: str, where: Where) -> int:
        """Of alternatives the one that can be filled, else the first."""
        parts = [part for part in shape.parts.values() if part.choice == mark]
        for part in parts:
            if part.inner is None and isinstance(self._resolver.resolve(part, where), Found):
                return part.alternative
        return parts[0].alternative

    def _part(
        self, part: Part, at: Names, where: Where, inside: frozenset[int], required: bool
    ) -> Node | None:
        shape = part.inner
        if shape is None:
            return self._leaf(part, at, where, required)
        if id(shape) in inside or len(at) > _DEEPEST:
            return todo(f"what belongs into {part.name}") if required else None
        inside |= {id(shape)}
        if at == self._items:
            return self._map(part, shape, at, "items", where)
        if part.many:
            known = self._lists.known(part, shape, where)
            if known is not None:
                return Leaf(f"={known}") if required or self._is_news(known, where) else None
            if not required and not self._holds_items(at):
                return None
        if not shape.parts:
            return self._free(part, where, required)
        entries = self._branch(part, shape, at, where, inside, required)
        if entries is None:
            return None
        return Row([Branch(entries)]) if part.many else Branch(entries)

    def _branch(
        self, part: Part, shape: Shape, at: Names, where: Where, inside: frozenset[int], required: bool
    ) -> dict[str, Node] | None:
        kept = (dict(self._filled.means), list(self._filled.left_out), set(self._used))
        entries = self._parts(shape, at, self._inside(part, shape, where, at), inside)
        if required or self._holds_items(at):
            return entries
        # Optional, and it cannot be had whole or says nothing: it is not begun.
        if not entries or any(MARK in str(leaf.value) for _, leaf in leaves(Branch(entries))):
            self._filled.means, self._filled.left_out, self._used = kept
            return None
        return entries

    def _inside(self, part: Part, shape: Shape, where: Where, at: Names) -> Where:
        """What is inside a part speaks of."""
        deeper = where.within(part.name)
        if where.scope is Scope.PARTY:
            return deeper
        told = guess(where.scope, part.name, "") if where.scope is Scope.ITEM else None
        if told is not None and told.meaning.key in MEASURES and _is_measure(shape):
            return replace(deeper, scope=Scope.MEASURE, measure=told.meaning.key)
        party = party_of(part.name)
        if party and not self._holds_items(at) and _is_party(shape, party):
            return replace(deeper, scope=Scope.PARTY, party=party)
        return deeper

    def _holds_items(self, at: Names) -> bool:
        return self._items is not None and self._items[: len(at)] == at

    def _free(self, part: Part, where: Where, required: bool) -> Node | None:
        """Anything may stand inside: what was declared about the goods, where that is meant."""
        free = self._lists.free(part, where)
        if free is not None and (required or self._is_news(free, where)):
            return Leaf(f"={free}")
        return todo(part.documentation or f"what belongs into {part.name}") if required else None

    def _leaf(self, part: Part, at: Names, where: Where, required: bool) -> Node | None:
        if part.many:
            known = self._lists.simple(part, where)
            if known is not None:
                return Leaf(f"={known}") if required or self._is_news(known, where) else None
        found = self._resolver.resolve(part, where)
        if isinstance(found, Missed):
            return self._listed(part, todo(found.words)) if required else None
        if not required and not (found.strong and self._is_news(found.expression, where)):
            return None
        self._used.add((where.scope, found.expression))
        self._filled.means[at] = found.meaning
        leaf = self._constant(found) or Leaf(f"={found.expression}", found.comment)
        return self._listed(part, leaf)

    def _constant(self, found: Found) -> Leaf | None:
        if found.meaning != "constant":
            return None
        value = self._trial.value(found.expression)
        return Leaf(value, "the only value there is")

    def _listed(self, part: Part, leaf: Leaf) -> Node:
        return Row([leaf]) if part.many else leaf

    def _is_news(self, expression: str, where: Where) -> bool:
        return (where.scope, expression) not in self._used

    def _map(self, part: Part, shape: Shape, at: Names, over: str, where: Where) -> Node:
        """The list of goods items, as one expression."""
        inner = Where(scope=Scope.ITEM, item="i", around=f"{over}.map(i, {{}})[0]")
        if not part.many:
            return Branch(
                self._parts(shape, at, replace(inner, item="items[0]", around="{}"), frozenset({id(shape)})),
                comment="the contract takes one goods item",
            )
        # The item's own name says nothing of what is inside it.
        entries = self._parts(shape, at, inner, frozenset({id(shape)}))
        literal = Literal(shape)
        return literal.map(over, "i", entries)

    def _leave_out(self, at: Names) -> None:
        if at not in self._filled.means:
            self._filled.left_out.append(".".join(at))


def _is_measure(shape: Shape) -> bool:
    leaves = [part for part in shape.parts.values() if part.inner is None]
    return len(leaves) == len(shape.parts) and any(
        (told := guess(Scope.MEASURE, part.name)) is not None and told.meaning.key == "amount"
        for part in leaves
    )


def _is_party(shape: Shape, party: str) -> bool:
    """Whether what is inside it is what a party has."""
    leaves = [part for part in shape.parts.values() if part.inner is None]
    told = [guess(Scope.PARTY, part.name, part.documentation) for part in leaves]
    other = [guess(Scope.HEADER, part.name) for part in leaves]
    return any(one is not None and party_has(party, one.meaning.expression) for one in told) and not any(
        one is not None and one.score >= _SURE for one in other
    )
