"""What passes between hub and agency, as the kit sees it: requests, answers, and what is done to them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One request of the hub."""

    kind: str
    """
    The name of the operation in the channel, as submit, poll or pull; token; `other` where it cannot be told.
    """
    method: str
    target: str
    """Path and query, as sent."""
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name; empty where there is none."""
        return _header(self.headers, name)


@dataclass(frozen=True)
class Answer:
    """One answer, of the agency or put in its place."""

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str:
        """The first header of that name; empty where there is none."""
        return _header(self.headers, name)

    def names(self, reference: str) -> bool:
        """Whether the answer tells this reference, and not only a longer one that holds it."""
        text = self.body.decode("utf-8", "replace")
        return re.search(rf"(?<![\w-]){re.escape(reference)}(?![\w-])", text) is not None

    def with_body(self, body: bytes) -> Answer:
        """The same answer with another body, which is not compressed."""
        kept = tuple(row for row in self.headers if row[0].lower() != "content-encoding")
        return Answer(self.status, kept, body)


@dataclass(frozen=True)
class Cut:
    """The connection ends instead of an answer, or in the middle of it."""

    after: Answer | None = None
    """The answer of which the hub gets the head and half of the body; None cuts before its first byte."""


class Ask(Protocol):
    """The way to the agency."""

    def __call__(self, body: bytes | None = None) -> Answer:
        """Put the request to it, perhaps with another body, and hear its answer."""


Trick = Callable[[Request, Ask], Answer | Cut]
"""What becomes of one request: whether the agency hears it, and what the hub hears."""


@dataclass
class Passage:
    """One request on its way through the proxy. Times are seconds of a monotonic clock."""

    request: Request
    began: float
    ended: float | None = None
    said: list[Answer] = field(default_factory=list)
    """What the agency itself said; empty where it was not asked."""
    given: Answer | Cut | None = None
    """What the hub was given."""
    broke: str = ""
    """How the agency itself failed to answer, if it did."""

    @property
    def reached(self) -> bool:
        """Whether the agency has answered it: it was asked then."""
        return bool(self.said)


def straight(request: Request, ask: Ask) -> Answer | Cut:
    """Nothing is done to it."""
    return ask()


def saying(answer: Answer) -> Trick:
    """This answer, in the agency's place; the agency hears nothing."""
    return lambda request, ask: answer


def cut_before_answer(request: Request, ask: Ask) -> Answer | Cut:
    """The agency hears the request, and the connection ends without an answer."""
    ask()
    return Cut()


def cut_in_answer(request: Request, ask: Ask) -> Answer | Cut:
    """The agency hears the request, and the connection ends in the middle of its answer."""
    return Cut(ask())


def _header(headers: Headers, name: str) -> str:
    return next((value for key, value in headers if key.lower() == name.lower()), "")
