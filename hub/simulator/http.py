"""A request and its answer, as contracts see them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from hub.simulator.agency import SimulatedAgency, Waiting
from hub.simulator.credentials import HttpCredentials, UsernameTokens


@dataclass(frozen=True)
class Call:
    """One request. `path` is what follows the agency's address; header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True)
class Answer:
    """One answer."""

    status: int
    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Door:
    """One agency as its contract is asked about it: who it is, and how a caller proves itself."""

    agency: SimulatedAgency
    http: HttpCredentials
    tokens: UsernameTokens | None


class Contract(Protocol):
    """What one WSDL or OpenAPI document promises, kept."""

    repeatable: bool
    """Our reference is a key: a second submission gets the first answer again and has no effect."""

    async def answer(self, door: Door, call: Call) -> Answer:
        """Check a request against the contract and answer it. Raises ConnectionCut."""

    def notice(self, waiting: Waiting, agency: SimulatedAgency) -> tuple[str, bytes]:
        """Content type and body of the callback that tells a ruling."""


def json_answer(
    status: int,
    content: Any,
    *,
    media_type: str = "application/json",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    return Answer(status, json_bytes(content), media_type, headers or {})


def json_bytes(content: Any) -> bytes:
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
