"""A file of archived declarations, gone through without the store: is it whole, and is it true?"""

from __future__ import annotations

import base64
import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hub.domain.archive import Heading, NotWhole
from hub.domain.clearance import Outcome
from hub.domain.events import Event
from hub.domain.exchange import Exchange
from hub.domain.model import Model
from hub.domain.verifying import sent_notices, verify
from hub.operations.retention.folder import Reading, sha256_of

Lines = Mapping[str, Sequence[Mapping[str, Any]]]


class Verified(Model):
    """What going through one file has found."""

    name: str
    sha256: str
    heading: Heading | None = None
    declarations: int = 0
    lines: int = 0
    checks: int = 0
    """Outcomes, notices, evidence and documents that were held against each other."""
    faults: tuple[str, ...] = ()
    """What does not hold; where the file is not whole, that alone."""


def verify_file(path: Path) -> Verified:
    """
    Go through a file: its chains, its contents, and of each declaration what the events say against what was
    recorded and sent, as `hub explain --verify` does. Raises OSError.
    """
    reading = Reading(path)
    declarations = lines = checks = 0
    faults: list[str] = []
    try:
        for section in reading.sections():
            declarations += 1
            lines += len(section.lines)
            for holds, what in _checks(section.lines):
                checks += 1
                if not holds:
                    faults.append(f"{section.mrn}: {what}")
    except NotWhole as wrong:
        faults = [str(wrong)]
    return Verified(
        name=path.name,
        sha256=sha256_of(path),
        heading=reading.heading,
        declarations=declarations,
        lines=lines,
        checks=checks,
        faults=tuple(faults),
    )


def by_kind(lines: Sequence[Mapping[str, Any]]) -> Lines:
    """A declaration's lines, by what they are."""
    kinds: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for line in lines:
        kinds[line["kind"]].append(line)
    return kinds


def _checks(lines: Sequence[Mapping[str, Any]]) -> Iterator[tuple[bool, str]]:
    kinds = by_kind(lines)
    for document in kinds["document"]:
        content = base64.b64decode(document["content"], validate=True)
        name = document["sha256"]
        yield hashlib.sha256(content).hexdigest() == name, f"document {name} has another content"
    exchanges = [Exchange.model_validate(line["document"]) for line in kinds["exchange"]]
    evidence = {one.digest(): f"exchange {one.id}" for one in exchanges}
    for message in kinds["message"]:
        evidence[hashlib.sha256(message["raw"].encode()).hexdigest()] = f"message {message['message_id']}"
    [declaration] = kinds["declaration"]
    for check in verify(
        [_event(line) for line in kinds["event"]],
        evidence,
        sent_notices(exchanges),
        Outcome(declaration["outcome"]),
    ):
        yield check.holds, f"{check.what}: {check.detail}"


def _event(line: Mapping[str, Any]) -> Event:
    return Event.model_validate({name: line.get(name) for name in Event.model_fields})


def in_a_row(files: Sequence[Verified]) -> list[str]:
    """
    What is missing between files: each names the one before it, with its SHA-256. The oldest of these may
    name one that was taken away, when the law no longer asked for it.
    """
    told = sorted((one for one in files if one.heading), key=lambda one: one.heading.made_at)  # type: ignore[union-attr]
    known = {(one.heading.name, one.sha256) for one in told if one.heading}
    return [
        f"{one.heading.name} follows {before.name}, and that is not there as it was"
        for one in told[1:]
        if one.heading and (before := one.heading.previous) and (before.name, before.sha256) not in known
    ]
