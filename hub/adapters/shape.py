"""
The shape a contract gives to a request or a reply, whether a WSDL or an OpenAPI document says so.

Two uses: to leave out of a request what was not declared, and to tell where a mapping misses the contract.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from hub.adapters.wire import Misfit, Plain
from hub.expressions import Ordered

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Part:
    """One named element or member."""

    name: str
    required: bool = False
    many: bool = False
    text: bool = False
    """It holds text, so that an empty text is a value; anything else must be left out when not declared."""
    shape: Callable[[], Shape | None] = field(default=lambda: None, repr=False)
    """What is inside, worked out when asked for (types may contain themselves); None: a single value."""
    read: Callable[[str], Plain] | None = field(default=None, repr=False)
    """How its text is read as a value; without it, as text. Raises ValueError."""
    sample: Plain = "1"
    """A value such as it may hold, for trying mappings out."""
    documentation: str = ""
    """What the contract says about it, in words."""
    values: tuple[str, ...] = ()
    """The only values it may hold, where the contract lists them."""
    base: str = ""
    """
    The built-in type beneath, by its name in XML Schema part 2, as string, decimal, positiveInteger, boolean,
    date, dateTime, base64Binary; double for a number of JSON. Empty where unknown, or not a single value.
    """
    type_name: str = ""
    """The name of its type in the contract: `{namespace}name`, or the name of an OpenAPI schema."""
    pattern: str = ""
    """The regular expression its text must match, where there is one."""
    longest: int | None = None
    """How many characters its text may have."""
    choice: str = ""
    """Parts of one shape with the same mark here are alternatives, of which one must be chosen."""
    alternative: int = 0
    """Of `choice`, which alternative it belongs to: parts of the same one go together."""
    needed: bool = False
    """It is required once its alternative is chosen."""
    promised: bool = False
    """The contract says that it is there, and the hub puts up with its not being there."""

    @cached_property
    def inner(self) -> Shape | None:
        """The shape of what is inside it."""
        return self.shape()


@dataclass(frozen=True)
class Shape:
    """The parts of something."""

    parts: Mapping[str, Part]
    open: bool = False
    """The contract lets other parts stand beside these."""
    many: bool = False
    """The whole is a list, of which this is one."""


def trim(value: Plain, shape: Shape | None) -> Plain:
    """
    A filled request without what was not declared: null, the empty text, and parts that hold nothing else.

    Where the contract insists on a text element, an empty text is sent as such. What is kept stands in the
    order of the contract, so that the same declaration is always the same request.
    """
    if isinstance(value, list):
        return [trim(one, shape) for one in value]
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if not isinstance(value, dict):
        return value
    parts = shape.parts if shape is not None else {}
    kept: dict[str, Plain] = {}
    for name in _ordered(value, parts):
        held, part = value[name], parts.get(name)
        if held is None or (held == "" and not (part is not None and part.required and part.text)):
            continue
        inner = trim(held, part.inner if part is not None else None)
        if inner == {} and not (part is not None and part.required):
            continue  # a part of which nothing was declared
        kept[name] = inner
    return kept


def _ordered(names: Mapping[str, Plain], parts: Mapping[str, Part]) -> list[str]:
    """The contract's names in its order, then the others as the file has them, or else by the alphabet."""
    others = [name for name in names if name not in parts]
    return [name for name in parts if name in names] + (
        others if isinstance(names, Ordered) else sorted(others)
    )


def misfits(value: Plain, shape: Shape, at: Path = ()) -> Iterator[tuple[Path, str]]:
    """Where a trimmed request misses its contract: unknown parts, and required ones that are not there."""
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from misfits(one, shape, (*at, index))
        return
    if not isinstance(value, dict):
        if shape.open and not shape.parts:
            return  # anything may stand there
        yield at, f"is a single value; the contract wants {', '.join(shape.parts) or 'nothing'} inside it"
        return
    for name, held in value.items():
        part = shape.parts.get(name)
        if part is None:
            if not shape.open:
                known = ", ".join(shape.parts) or "none"
                yield (*at, name), f"is not in the contract; it knows {known}"
            continue
        if isinstance(held, list) and not part.many:
            yield (*at, name), "is a list; the contract allows one"
            continue
        inner = part.inner
        if inner is not None:
            yield from misfits(held, inner, (*at, name))
        elif isinstance(held, dict) or (
            isinstance(held, list) and any(isinstance(one, dict) for one in held)
        ):
            yield (*at, name), "has parts inside it; the contract wants a single value"
    for name, part in shape.parts.items():
        if part.required and name not in value:
            yield (*at, name), "is required by the contract and missing"


def hollow(value: Plain, shape: Shape, at: Path = (), *, optional: bool = False) -> Iterator[Path]:
    """
    Parts of a trimmed request that might have been left out, and are sent without something they require.

    A constant beside what was not declared does this: a unit without its quantity.
    """
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from hollow(one, shape, (*at, index), optional=optional)
        return
    if not isinstance(value, dict):
        return
    if optional and any(part.required and name not in value for name, part in shape.parts.items()):
        yield at
        return
    for name, held in value.items():
        part = shape.parts.get(name)
        if part is not None and part.inner is not None:
            yield from hollow(held, part.inner, (*at, name), optional=not part.required)


def insist(value: Plain, shape: Shape) -> None:
    """Raise Misfit with every place at which a request misses its contract."""
    wrong = [f"{'.'.join(map(str, at)) or 'the request'} {what}" for at, what in misfits(value, shape)]
    if wrong:
        raise Misfit("; ".join(wrong))


def sample(shape: Shape | None) -> Plain:
    """Something of this shape in which nothing is missing, for trying a mapping out. One of each list."""
    held = _sample(shape, frozenset())
    return [held] if shape is not None and shape.many else held


def _sample(shape: Shape | None, inside: frozenset[int]) -> Plain:
    if shape is None:
        return "1"
    if id(shape) in inside:
        return {}  # a type that contains itself
    held: dict[str, Plain] = {}
    for name, part in shape.parts.items():
        inner = part.inner
        value = part.sample if inner is None else _sample(inner, inside | {id(shape)})
        held[name] = [value] if part.many else value
    return held
