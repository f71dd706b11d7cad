"""What an answer may not be, whatever was asked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from fuzz.wire import Answer

MOST_SECONDS = 10.0
"""Until an answer is there, on a machine that may have other work."""
MOST_PROCESSOR_SECONDS = 2.0
"""That one input may cost the process that reads it."""

_INSIDES = {
    "a traceback": re.compile(rb"Traceback \(most recent call last|File \"[^\"]+\", line [0-9]"),
    "a path of the program": re.compile(rb"site-packages|dist-packages|\bhub/[a-z_/]+\.py\b"),
    "SQL": re.compile(
        rb"\bSELECT\b.{1,400}\bFROM\b|\bINSERT INTO\b|\bDELETE FROM\b|\bUPDATE [a-z_]+ SET\b|sqlalche|psycopg"
        rb"|sqlite3|UNIQUE constraint",
        re.DOTALL,
    ),
    "the name of a class": re.compile(
        rb"<class '|object at 0x[0-9a-f]{4}|\b(?:[A-Z][a-z]+){1,5}(?:Error|Exception)\b|errors\.pydantic\.dev"
    ),
}


@dataclass(frozen=True)
class Judge:
    """Knows what must never be told: the secrets and the folders of the hub that is asked."""

    secrets: frozenset[bytes]
    folders: frozenset[bytes] = frozenset()
    published: bytes = b""
    """What the hub shows on purpose: the console quotes the runbook, which has SQL in it."""

    def faults(self, answer: Answer, sent: bytes) -> list[str]:
        """What is wrong with an answer; what it only repeats of what was sent is no leak."""
        faults = []
        if answer.status is not None and answer.status >= 500:
            faults.append(f"answered {answer.status}: {answer.body[:200]!r}")
        if answer.seconds > MOST_SECONDS:
            faults.append(f"answered after {answer.seconds:.1f} s")
        return faults + [f"tells {what}" for what in self.told(answer.head + answer.body, sent)]

    def told(self, text: bytes, sent: bytes = b"") -> Iterable[str]:
        """What a text tells of the hub's insides."""
        for secret in self.secrets:
            if secret in text and secret not in sent:
                yield "a secret"
        for folder in self.folders:
            if folder in text and folder not in sent:
                yield f"a folder: {_around(text, text.index(folder))!r}"
        for what, pattern in _INSIDES.items():
            known = sent + self.published
            found = next((found for found in pattern.finditer(text) if found[0] not in known), None)
            if found is not None:
                yield f"{what}: {_around(text, found.start())!r}"


def _around(text: bytes, place: int) -> str:
    return text[max(0, place - 60) : place + 160].decode(errors="replace")
