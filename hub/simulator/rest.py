"""What every REST contract has in common: the OpenAPI document as the side that serves it reads it."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ruamel.yaml import YAML

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.errors import Closed, Invalid, NotKnown, Rejected, Trouble, Unauthorised, Unavailable
from hub.simulator.http import Answer, Call, Door, json_answer, json_bytes
from hub.simulator.schema import Check, compile_schema, resolve

STATUS: Mapping[type[Trouble], int] = {
    Invalid: 400,
    Unauthorised: 401,
    NotKnown: 404,
    Closed: 409,
    Rejected: 422,
    Unavailable: 503,
}


@dataclass(frozen=True)
class Asked:
    """A request that fits the contract."""

    body: Any
    parts: Mapping[str, str]
    """What stands in the braces of the path."""
    query: Mapping[str, str]
    headers: Mapping[str, str]


Handler = Callable[[SimulatedAgency, Asked], Awaitable[Answer]]


@dataclass(frozen=True)
class _Parameter:
    name: str
    where: str
    required: bool
    whole: bool
    """It is a whole number."""
    check: Check

    def faults(self, given: Mapping[str, str]) -> Iterator[str]:
        value = given.get(self.name.lower() if self.where == "header" else self.name)
        if value is not None:
            read = int(value) if self.whole and value.isdecimal() else value
            yield from self.check(read, f"{self.where} {self.name}")
        elif self.required:
            yield f"{self.where} {self.name} is missing"


@dataclass(frozen=True)
class _Operation:
    name: str
    method: str
    path: re.Pattern[str]
    body: Check | None
    parameters: tuple[_Parameter, ...]


class RestContract:
    """An OpenAPI 3.0 document that is kept. Subclasses say what each operationId does."""

    repeatable: bool = False

    def __init__(self, path: Path) -> None:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        self._operations = tuple(_operations(document))

    def handlers(self) -> Mapping[str, Handler]:
        """What does it, by operationId."""
        raise NotImplementedError

    async def answer(self, door: Door, call: Call) -> Answer:
        """As Contract has it."""
        try:
            call = replace(call, query=door.http.check(call.headers, call.query))
            operation, parts = self._find(call)
            asked = _checked(operation, parts, call)
            return await self.handlers()[operation.name](door.agency, asked)
        except Unauthorised as wrong:
            answer = self.trouble(wrong)
            challenge = {"WWW-Authenticate": door.http.challenge} if door.http.challenge else {}
            return Answer(401, answer.body, answer.content_type, challenge)
        except Trouble as trouble:
            return self.trouble(trouble)

    def trouble(self, trouble: Trouble) -> Answer:
        """An error in the contract's own way; a problem (RFC 9457) unless a contract says otherwise."""
        status = STATUS[type(trouble)]
        return json_answer(
            status,
            {
                "type": "about:blank",
                "title": type(trouble).__name__,
                "status": status,
                "detail": str(trouble),
            },
            media_type="application/problem+json",
            headers={"Retry-After": "1"} if isinstance(trouble, Unavailable) else {},
        )

    def notice(self, waiting: Waiting, agency: SimulatedAgency) -> tuple[str, bytes]:
        """As Contract has it."""
        return "application/json", json_bytes(self.notice_content(waiting, agency))

    def notice_content(self, waiting: Waiting, agency: SimulatedAgency) -> Any:
        """What a JSON callback says."""
        raise NotImplementedError(f"{type(self).__name__} sends no callbacks")

    def _find(self, call: Call) -> tuple[_Operation, Mapping[str, str]]:
        for operation in self._operations:
            found = operation.path.fullmatch(call.path)
            if found and operation.method == call.method:
                return operation, {name: unquote(part) for name, part in found.groupdict().items()}
        raise NotKnown(f"there is no {call.method} {call.path}")


def _checked(operation: _Operation, parts: Mapping[str, str], call: Call) -> Asked:
    faults: list[str] = []
    for parameter in operation.parameters:
        faults += parameter.faults(call.headers if parameter.where == "header" else call.query)
    known = {parameter.name for parameter in operation.parameters if parameter.where == "query"}
    faults += [f"query {name} is not known" for name in call.query if name not in known]
    body = None
    if operation.body is not None:
        if call.media_type != "application/json":
            raise Invalid("the body is to be application/json")
        try:
            body = json.loads(call.body)
        except ValueError as wrong:
            raise Invalid(f"the body is not JSON: {wrong}") from wrong
        faults += operation.body(body, "")
    if faults:
        raise Invalid("; ".join(faults))
    return Asked(body, parts, call.query, call.headers)


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        pattern = re.compile(
            "".join(
                f"(?P<{part[1:-1]}>[^/]+)" if part.startswith("{") else re.escape(part)
                for part in re.split(r"(\{\w+\})", path)
            )
        )
        for method, operation in item.items():
            body = operation.get("requestBody")
            schema = body["content"]["application/json"]["schema"] if body else None
            yield _Operation(
                name=operation["operationId"],
                method=method.upper(),
                path=pattern,
                body=compile_schema(schema, document) if schema is not None else None,
                parameters=tuple(
                    _parameter(resolve(parameter, document), document)
                    for parameter in operation.get("parameters", ())
                    if resolve(parameter, document)["in"] in ("query", "header")
                ),
            )


def _parameter(parameter: Mapping[str, Any], document: Mapping[str, Any]) -> _Parameter:
    return _Parameter(
        name=parameter["name"],
        where=parameter["in"],
        required=parameter.get("required", False),
        whole=resolve(parameter["schema"], document).get("type") == "integer",
        check=compile_schema(parameter["schema"], document),
    )
