"""The API as its OpenAPI document describes it: what fits the description, what does not (schemathesis)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from random import Random
from typing import Any
from urllib.parse import quote, urlencode

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from fuzz.campaign import Outcome
from fuzz.doors.over_http import HttpDoor
from fuzz.target import Target
from fuzz.wire import request

_TOGETHER = 10
"""Inputs that hypothesis makes for one number, which share its work on the schema."""
_KNOWN = 0.7
"""How often a path leads to something that is there."""


class Described(HttpDoor):
    """Every operation, by clients of every role."""

    name = "API as described"

    def __init__(self, target: Target, document: dict[str, Any]) -> None:
        super().__init__(target)
        schema = schemathesis.openapi.from_dict(document)
        found = list(schema.get_all_operations())
        self._operations = [each.ok() for each in found if isinstance(each, Ok)]
        if len(self._operations) < len(found):
            raise ValueError("the document describes an operation that cannot be read")
        mrn, service, question = target.question
        self._there = {
            "mrn": (*target.mrns, mrn),
            "service": (service,),
            "question": (question,),
            "agency": ("mfds", "apqa", "kats"),
            "number": ("1", "26DEMO00001I"),
            "format": ("json", "html"),
        }

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        operation = self._operations[number % len(self._operations)]
        mode = random.choice((GenerationMode.POSITIVE, GenerationMode.NEGATIVE, GenerationMode.NEGATIVE))
        try:
            return self._several(operation, mode, random)
        except Unsatisfiable:
            # What takes neither parameters nor a body cannot be asked wrongly.
            return self._several(operation, GenerationMode.POSITIVE, random)

    def _several(self, operation: Any, mode: GenerationMode, random: Random) -> list[Outcome]:
        """Some inputs for one operation. Raises Unsatisfiable if there are none of this mode."""
        outcomes: list[Outcome] = []

        @seed(random.getrandbits(64))
        @settings(
            max_examples=_TOGETHER,
            phases=[Phase.generate],
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(mode))
        def send(case: Any) -> None:
            outcomes.append(self._send(f"{operation.method.upper()} {mode.value}", case, random))

        send()
        return outcomes

    def _send(self, kind: str, case: Any, random: Random) -> Outcome:
        path = case.path
        for name, value in (case.path_parameters or {}).items():
            there = self._there.get(name)
            said = random.choice(there) if there and random.random() < _KNOWN else str(value)
            path = path.replace("{" + name + "}", quote(said.encode("utf-8", "surrogatepass"), safe=""))
        if case.query:
            path += "?" + urlencode(case.query, doseq=True, errors="surrogatepass")
        role = random.choice(list(self.target.keys))
        headers: dict[str, str | bytes] = dict(self.target.authorized(role))
        for name, value in (case.headers or {}).items():
            headers[name] = _of_a_header(str(value))
        body = _body_of(case, headers)
        sent = request(case.method.upper(), path, headers, body)
        return self.ask(kind, sent, expects_body=case.method.upper() != "HEAD")


def _of_a_header(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")


def _body_of(case: Any, headers: dict[str, str | bytes]) -> bytes | None:
    """The body as bytes; its media type is added to the headers."""
    if not case.media_type:
        return None
    headers["Content-Type"] = case.media_type
    body = case.body
    if isinstance(body, bytes):
        return body
    if case.media_type == "multipart/form-data":
        headers["Content-Type"] = "multipart/form-data; boundary=b"
        members = body.items() if isinstance(body, dict) else [("text", body)]
        parts = [
            b'--b\r\nContent-Disposition: form-data; name="'
            + _of_a_header(str(name))
            + b'"\r\n\r\n'
            + (value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass"))
            + b"\r\n"
            for name, value in members
        ]
        return b"".join(parts) + b"--b--\r\n"
    if "json" in case.media_type:
        return json.dumps(body, default=str).encode()
    return str(body).encode("utf-8", "surrogatepass")
