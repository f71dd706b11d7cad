"""The lists of a request: which holds the goods items, and what else can be listed."""

from __future__ import annotations

from collections.abc import Iterator

from hub.adapters.shape import Part, Shape
from hub.workbench.proposing.meanings import Scope, guess
from hub.workbench.proposing.resolving import Where
from hub.workbench.proposing.trial import Trial
from hub.workbench.proposing.words import words

_DEEPEST = 8
_ITEMS = {"item", "goods", "product", "commodity", "line", "specimen", "model", "cargo", "consignment"}
_DOCUMENTS = {"document", "certificate", "licence", "permit"}
_ANYTHING = {"attribute", "feature"}
_ENOUGH = 10.0


def item_list(shape: Shape) -> tuple[str, ...] | None:
    """The way to the list of goods items; where no list is, to a part that is one goods item."""
    best: tuple[float, tuple[str, ...]] | None = None
    for at, part, inner, depth in _complex(shape, (), frozenset()):
        score = _score(part, inner) - depth
        if score >= _ENOUGH and (best is None or score > best[0]):
            best = (score, at)
    return best[1] if best else None


def _complex(
    shape: Shape, at: tuple[str, ...], inside: frozenset[int]
) -> Iterator[tuple[tuple[str, ...], Part, Shape, int]]:
    for name, part in shape.parts.items():
        inner = part.inner
        if inner is None or id(inner) in inside or len(at) >= _DEEPEST:
            continue
        yield (*at, name), part, inner, len(at)
        yield from _complex(inner, (*at, name), inside | {id(inner)})


def _score(part: Part, inner: Shape) -> float:
    keys = set()
    for member in inner.parts.values():
        told = guess(Scope.ITEM, member.name, member.documentation)
        if told is not None:
            keys.add(told.meaning.key)
    if not keys:
        return 0.0
    named = bool(_ITEMS & set(words(f"{part.name} {part.type_name.rpartition('}')[2]}")))
    hs = "HS code" in keys and any(
        {"hs", "tariff", "commodity"} & set(words(member.name)) or "HS" in member.documentation
        for member in inner.parts.values()
    )
    if not part.many:
        # One goods item a request: only what has a tariff code of its own, directly.
        return _ENOUGH + 2 * len(keys) if hs and len(keys) > 2 else 0.0
    return (30.0 if hs else 0.0) + (10.0 if named else 0.0) + 2 * len(keys) + (5.0 if part.required else 0.0)


class Lists:
    """Lists, and parts in which anything may stand, that the declaration can fill."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    def known(self, part: Part, shape: Shape, where: Where) -> str | None:
        """A list of parts with parts: documents, containers, or what was declared by name and value."""
        named = set(words(part.name))
        if named & _DOCUMENTS and where.scope in (Scope.HEADER, Scope.ITEM):
            source = f"{where.item}.lpcos" if where.scope is Scope.ITEM else "declaration.lpcos"
            return self._documents(shape, source)
        if "container" in named and where.scope is Scope.HEADER:
            return self._containers(shape)
        if named & _ANYTHING or {"name", "value"} == {name.lower() for name in shape.parts}:
            return self._pairs(shape, where)
        return None

    def simple(self, part: Part, where: Where) -> str | None:
        """A list of single values."""
        if "container" in words(part.name) and where.scope is Scope.HEADER:
            return "declaration.consignment.containers"
        return None

    def free(self, part: Part, where: Where) -> str | None:
        """A part in which anything may stand."""
        if part.many or not (_ANYTHING & set(words(part.name))):
            return None
        return f"{where.item}.attributes"

    def _documents(self, shape: Shape, source: str) -> str | None:
        entries = []
        for name, part in shape.parts.items():
            told = guess(Scope.DOCUMENT, name, part.documentation)
            expression = told.meaning.expression.replace("{d}", "d") if told else ""
            if told and told.meaning.moment:
                pattern = "yyyyMMdd" if part.longest == len("yyyyMMdd") else "yyyy-MM-dd"
                if part.base != "dateTime":
                    expression = (
                        f'{expression} == "" ? "" : date({expression}, "{pattern}", "{self._trial.zone}")'
                    )
            if (
                expression
                and part.inner is None
                and self._trial.fits(part, expression, f"{_all(source)}.map(d, {{}})[0]")
            ):
                entries.append(f'"{name}": {expression}')
            elif part.required:
                return None
        return f"{source}.map(d, {{{', '.join(entries)}}})" if entries else None

    def _containers(self, shape: Shape) -> str | None:
        numbers = [
            name
            for name, part in shape.parts.items()
            if part.inner is None and (told := guess(Scope.HEADER, name)) and told.meaning.key == "container"
        ] or [name for name in shape.parts if set(words(name)) & {"number", "id"}]
        required = [name for name, part in shape.parts.items() if part.required]
        if not numbers or set(required) - {numbers[0]}:
            return None
        return f'declaration.consignment.containers.map(c, {{"{numbers[0]}": c}})'

    def _pairs(self, shape: Shape, where: Where) -> str | None:
        names = [n for n in shape.parts if {"name", "key", "code", "id"} & set(words(n))]
        values = [
            n
            for n in shape.parts
            if {"value", "text", "note", "description"} & set(words(n)) and n not in names
        ]
        required = {name for name, part in shape.parts.items() if part.required}
        if not names or not values or required - {names[0], values[0]}:
            return None
        said = f"{where.item}.attributes"
        value = f'type({said}[k]) == list ? {said}[k].join(" ") : text({said}[k])'
        return f'keys({said}).map(k, {{"{names[0]}": k, "{values[0]}": {value}}})'


def _all(source: str) -> str:
    """The documents that the sample declares, wherever they stand in it."""
    return source.replace("i.lpcos", "items[0].lpcos")
