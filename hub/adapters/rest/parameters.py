"""Query, headers and path of a request, as the contract has them written and no other way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

from hub.adapters.openapi import Parameter, RestContract, RestOperation, Validation, Violation
from hub.adapters.wire import Misfit, Plain

_SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}
# What `allowReserved` leaves alone; characters that would end the value are encoded all the same.
_RESERVED = ":/?@!$'()*,;[]"
# Of these a contract may not speak as parameters (OpenAPI 3.1, 4.8.12.2.1), or the hub writes them itself.
_OWN_HEADERS = frozenset({"accept", "content-type", "authorization", "user-agent", "content-length", "host"})


class Parameters:
    """The parameters of one operation."""

    def __init__(self, contract: RestContract, operation: RestOperation, carried: frozenset[str]) -> None:
        """
        `carried` are names, in lower case, of headers and query parameters that the channel's credentials
        fill in. Raises ContractUnreadable.
        """
        self._operation = operation
        self._carried = carried
        self._validations: dict[tuple[str, str], Validation] = {
            (one.where, one.name): contract.validation(one.schema, texts=not one.json)
            for one in operation.parameters
            if one.schema is not None and one.where != "cookie" and not self._is_ours(one)
        }
        self._path = re.compile(_places(operation.path))

    def query(self, filled: Mapping[str, Plain]) -> str:
        """The query as it is sent, without `?`. Raises Misfit."""
        return "&".join(pair for name, value in filled.items() for pair in self._pairs(name, value))

    def headers(self, filled: Mapping[str, Plain]) -> dict[str, str]:
        """Raises Misfit."""
        return {name: self._header(name, value) for name, value in filled.items()}

    def violations(
        self, path: str, query: Mapping[str, Plain], headers: Mapping[str, Plain]
    ) -> Iterator[tuple[str, Violation]]:
        """Where parameters miss the contract, each with `path`, `query` or `headers`."""
        given: dict[str, Mapping[str, Plain]] = {
            "query": query,
            "header": {name.lower(): value for name, value in headers.items()},
            "path": self._path_values(path),
        }
        for one in self._operation.parameters:
            if one.where not in given or self._is_ours(one):
                continue
            key = "headers" if one.where == "header" else one.where
            held = given[one.where].get(one.name.lower() if one.where == "header" else one.name)
            validation = self._validations.get((one.where, one.name))
            if held is None:
                if one.required and one.where != "path":
                    yield key, Violation((one.name,), "is required by the contract and missing", False)
            elif validation is not None and not validation.fits(listed := _as_list(validation, held)):
                for wrong in validation.violations(listed):
                    yield key, Violation((one.name, *wrong.place), wrong.what, wrong.about_value)

    def _is_ours(self, one: Parameter) -> bool:
        name = one.name.lower()
        return name in self._carried or (one.where == "header" and name in _OWN_HEADERS)

    def _path_values(self, path: str) -> dict[str, Plain]:
        # Places that a mapping fills in part, or with a word of its own, are not compared.
        found = self._path.fullmatch(path.partition("?")[0])
        if found is None:
            return {}
        names = re.findall(r"\{([^{}]*)\}", self._operation.path)
        return {name: unquote(value) for name, value in zip(names, found.groups(), strict=True)}

    def _pairs(self, name: str, value: Plain) -> Iterator[str]:
        one = self._operation.parameter("query", name)
        key = quote_plus(name)
        if one is not None and one.json and not isinstance(value, str):
            yield f"{key}={quote_plus(json_text(value))}"
        elif one is not None and one.style == "deepObject" and isinstance(value, dict | list):
            yield from deep_pairs(key, value, lambda held: self._value(name, one, held))
        elif isinstance(value, dict):
            yield from self._object(key, one, value)
        elif isinstance(value, list):
            listed = [self._value(name, one, part) for part in value]
            if one is None or one.explode or one.style not in _SEPARATORS:
                yield from (f"{key}={part}" for part in listed)
            else:
                yield f"{key}={_SEPARATORS[one.style].join(listed)}"
        else:
            yield f"{key}={self._value(name, one, value)}"

    def _object(self, key: str, one: Parameter | None, value: Mapping[str, Plain]) -> Iterator[str]:
        if one is None:
            raise Misfit(f"{unquote(key)} has parts inside it; a query or a header holds single values")
        parts = {quote_plus(inner): self._value(inner, one, held) for inner, held in value.items()}
        if one.explode:
            yield from (f"{inner}={held}" for inner, held in parts.items())
        else:
            yield f"{key}={','.join(f'{inner},{held}' for inner, held in parts.items())}"

    @staticmethod
    def _value(name: str, one: Parameter | None, value: Plain) -> str:
        text = word(name, value)
        if one is not None and one.allow_reserved:
            return quote(text, safe=_RESERVED)
        return quote_plus(text)

    def _header(self, name: str, value: Plain) -> str:
        if isinstance(value, dict):
            raise Misfit(f"{name} has parts inside it; a query or a header holds single values")
        listed = value if isinstance(value, list) else [value]
        text = ", ".join(word(name, one) for one in listed)
        if any(character in text for character in "\r\n\0"):
            raise Misfit(f"header {name} would hold a line break")
        # Header fields are ASCII (RFC 9110 section 5.5); anything else would be sent as mojibake.
        if not text.isascii():
            raise Misfit(f"header {name} would hold {text!r}, which is not ASCII")
        return text


def word(name: str, value: Any) -> str:
    """A single value as text. Raises Misfit."""
    if isinstance(value, dict | list):
        raise Misfit(f"{name} has parts inside it where a single value belongs")
    if isinstance(value, bytes | bytearray):
        raise Misfit(f"{name} is bytes; write its base64")
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def deep_pairs(key: str, value: Plain, write: Callable[[Plain], str]) -> Iterator[str]:
    """`a[b][0]=c`: how deepObject is understood, beyond the one level that OpenAPI speaks of."""
    if isinstance(value, dict):
        for inner, part in value.items():
            yield from deep_pairs(f"{key}%5B{quote_plus(inner)}%5D", part, write)
    elif isinstance(value, list):
        for place, part in enumerate(value):
            yield from deep_pairs(f"{key}%5B{place}%5D", part, write)
    else:
        yield f"{key}={write(value)}"


def json_text(value: Plain) -> str:
    """JSON as it is sent: compact, in the order given. Raises Misfit."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=_no_json)
    except (ValueError, RecursionError) as wrong:
        raise Misfit(f"it cannot be written as JSON: {wrong}") from wrong


def _no_json(value: object) -> Any:
    raise Misfit(f"JSON has no {type(value).__name__}; write it as text")


def _as_list(validation: Validation, held: Plain) -> Plain:
    # One value is a list of one on the wire.
    return [held] if validation.wants_list and not isinstance(held, list | dict) else held


def _places(path: str) -> str:
    return "([^/]*)".join(map(re.escape, re.split(r"\{[^{}]*\}", path)))
