"""The values of an answer: where each stands, and how it is read there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace

from hub.adapters.shape import Part, Shape
from hub.workbench.proposing.words import words

_DEEPEST = 7
_TIMES = {"date", "moment", "time"}
_STRINGS = {"", "string", "token", "normalizedString", "NMTOKEN", "Name", "NCName", "ID", "anyURI"}


@dataclass(frozen=True)
class Place:
    """One value in an answer, and the way to it."""

    steps: tuple[Part, ...]
    """From the outside in; the last is the value itself."""

    @property
    def part(self) -> Part:
        return self.steps[-1]

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def words(self) -> set[str]:
        return set(words(self.name))

    @property
    def around(self) -> set[str]:
        """The words of what it is part of."""
        return {word for step in self.steps[:-1] for word in words(step.name)}

    @property
    def lists(self) -> int:
        """How many lists are passed on the way."""
        return sum(step.many for step in self.steps[:-1])

    @property
    def listed(self) -> tuple[str, ...]:
        """The lists that are passed on the way, by name."""
        return tuple(step.name for step in self.steps[:-1] if step.many)

    @property
    def is_time(self) -> bool:
        if self.part.base in ("date", "dateTime"):
            return True
        ends = self.name.endswith(("At", "_at", "On", "_on", "Dt", "_dt", "DT", "Ymd", "YMD"))
        return self.part.base in _STRINGS and bool(self.words & _TIMES or ends or self.name == "At")

    @property
    def is_text(self) -> bool:
        return self.part.base in _STRINGS and not self.is_time


def places(shape: Shape) -> list[Place]:
    """Every value in an answer, outermost first."""
    return sorted(_walk(shape, (), frozenset()), key=lambda place: (place.lists, len(place.steps)))


def _walk(shape: Shape, steps: tuple[Part, ...], inside: frozenset[int]) -> Iterator[Place]:
    for part in shape.parts.values():
        inner = part.inner
        if inner is None:
            yield Place((*steps, part))
        elif id(inner) not in inside and len(steps) < _DEEPEST:
            yield from _walk(inner, (*steps, part), inside | {id(inner)})


def joined(shapes: tuple[Shape, ...]) -> Shape:
    """One shape for several kinds of answer: what not all of them have is optional."""
    if len(shapes) == 1:
        return shapes[0]
    parts: dict[str, Part] = {}
    for shape in shapes:
        for name, part in shape.parts.items():
            everywhere = all(name in other.parts and other.parts[name].required for other in shapes)
            known = parts.get(name)
            if known is None or (known.inner is None and part.inner is not None):
                parts[name] = part if everywhere else _optional(part)
    return Shape(parts, any(shape.open for shape in shapes), all(shape.many for shape in shapes))


def _optional(part: Part) -> Part:
    return replace(part, required=False)


@dataclass(frozen=True)
class Dialect:
    """How an answer is read: by what name, and whether what is absent is null (SOAP) or not there."""

    root: str
    nulls: bool

    def read(self, place: Place, *, sure: int = 0) -> str:
        """The value, without `=`. The first `sure` steps are known to be there."""
        if self.nulls:
            return self._guarded(place, sure)
        written, open_ = self.root, False
        for number, step in enumerate(place.steps):
            optional = not self.nulls and not step.required and number >= sure
            open_ |= optional
            written += _step(step.name, optional)
            if step.many and number < len(place.steps) - 1:
                written += "[0]" if not open_ else "[?0]"
        absent = "[]" if place.part.many else '""'
        return f"{written}.orValue({absent})" if open_ else written

    def _guarded(self, place: Place, sure: int) -> str:
        """Where what is absent is null: nothing is read of a part that may be null, or of an empty list."""
        absent = []
        for number, step in enumerate(place.steps[:-1], start=1):
            way = self.plain(place, number)
            if number <= sure:
                continue
            if step.many:
                absent.append(f"{way.removesuffix('[0]')}.size() == 0")
            elif not step.required:
                absent.append(f"{way} == null")
        read = self.plain(place)
        nothing = "[]" if place.part.many else '""'
        return f"({' || '.join(absent)} ? {nothing} : {read})" if absent else read

    def plain(self, place: Place, length: int | None = None) -> str:
        """The way to it, or to a part on the way, as if all were there."""
        written = self.root
        steps = place.steps if length is None else place.steps[:length]
        for number, step in enumerate(steps):
            written += _step(step.name, False)
            if step.many and number < len(place.steps) - 1:
                written += "[0]"
        return written

    def there(self, place: Place) -> list[str]:
        """Conditions that must hold for it to be there; none where the contract requires it."""
        found = [f"{self.root.removesuffix('[0]')}.size() > 0"] if self.root.endswith("[0]") else []
        for number, step in enumerate(place.steps, start=1):
            way = self.plain(place, number)
            if step.many and number < len(place.steps):
                way = way.removesuffix("[0]")
                found.append(f"{way}.size() > 0")
            elif not step.required:
                found.append(f"{way} != null" if self.nulls else f"has({way})")
        return found


def _step(name: str, optional: bool) -> str:
    if name.isidentifier() and name.isascii() and name not in _RESERVED:
        return f".?{name}" if optional else f".{name}"
    return f"[?{json.dumps(name)}]" if optional else f"[{json.dumps(name, ensure_ascii=False)}]"


_RESERVED = {
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
}
"""Words of CEL (language definition, Syntax) that name no member after a dot."""
