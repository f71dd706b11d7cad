"""Single values: how they are written as XML Schema has them, and how they are read."""

from __future__ import annotations

import base64
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from zeep.xsd.types import builtins
from zeep.xsd.types.collection import ListType, UnionType
from zeep.xsd.types.simple import AnySimpleType

from hub.adapters.wire import Misfit, Plain

Zeep = Any


def is_text(kind: Zeep) -> bool:
    """Whether any text is a value of it, as far as its built-in type goes."""
    return isinstance(kind, (builtins.String, builtins.AnyURI)) or type(kind) is AnySimpleType


def base_name(kind: Zeep) -> str:
    """The built-in type beneath, by its name in XML Schema part 2; empty for lists, unions and the rest."""
    if isinstance(kind, (ListType, UnionType)) or not isinstance(kind, AnySimpleType):
        return ""
    for above in type(kind).__mro__:
        if above.__module__ == builtins.__name__ and "_default_qname" in vars(above):
            return str(above._default_qname.localname)  # type: ignore[attr-defined]
    return ""


def sample_of(kind: Zeep) -> Plain:
    """A value such as it may hold."""
    if isinstance(kind, builtins.Boolean):
        return True
    return 1 if isinstance(kind, builtins.Integer) else "1"


# --- reading ----------------------------------------------------------------------------------------------


def reader(kind: Zeep) -> Callable[[str], Plain] | None:
    """How a text becomes plain data: whole numbers and truth values are typed, others stay text."""
    if is_text(kind) or not isinstance(kind, AnySimpleType):
        return None
    if isinstance(kind, ListType):
        one = reader(kind.item_type) or str
        return lambda text: [one(part) for part in text.split()]
    if isinstance(kind, builtins.Boolean):
        return _boolean
    if isinstance(kind, builtins.Integer):
        return _integer
    if not isinstance(kind, builtins.BuiltinType):
        return None

    def checked(text: str) -> str:
        _check(kind, text)
        return text.strip()

    return checked


def _check(kind: Zeep, text: str) -> None:
    """Raise ValueError for a text that is no value of a built-in type."""
    try:
        kind.pythonvalue(text.strip())  # zeep's own reading tells whether it is one; the text is what counts
    except (TypeError, AttributeError, OverflowError) as wrong:
        raise ValueError(str(wrong)) from wrong


def _boolean(text: str) -> bool:
    word = text.strip()
    if word not in ("true", "false", "1", "0"):
        raise ValueError(f"{word!r} is neither true nor false")
    return word in ("true", "1")


def _integer(text: str) -> int | str:
    number = int(text.strip())
    return number if -(2**63) <= number < 2**63 else text.strip()


# --- writing ----------------------------------------------------------------------------------------------


def lexical(kind: Zeep, value: Plain, at: str) -> str:
    """A value as its type writes it. Raises Misfit."""
    if isinstance(value, list):
        if isinstance(kind, ListType):
            return " ".join(lexical(kind.item_type, one, at) for one in value)
        raise Misfit(f"{at} is a list; the contract wants a single value")
    if isinstance(value, dict):
        raise Misfit(f"{at} has parts inside it; the contract wants a single value")
    if value is None:
        return ""
    text = _written(kind, value)
    if isinstance(kind, ListType):
        for word in text.split():
            _fits(kind.item_type, word, at)
        return text
    _fits(kind, text, at)
    return text


def _written(kind: Zeep, value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return (
            value.hex().upper() if isinstance(kind, builtins.HexBinary) else base64.b64encode(value).decode()
        )
    if isinstance(value, float):
        if isinstance(kind, builtins.Integer) and value.is_integer():
            return str(int(value))
        if isinstance(kind, builtins.Decimal):
            return format(Decimal(repr(value)), "f")
        if value in (float("inf"), float("-inf")):
            return "INF" if value > 0 else "-INF"
        return "NaN" if value != value else repr(value)
    return str(value)


def _fits(kind: Zeep, text: str, at: str) -> None:
    read = reader(kind)
    if read is None:
        return
    try:
        read(text)
    except (ValueError, ArithmeticError) as wrong:
        raise Misfit(f"{at} is {text!r}: {str(wrong) or 'not a value of its type'}") from wrong
