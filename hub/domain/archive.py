"""
The file that closed declarations are kept in: how it is written, and how anybody can tell that it is whole.

Text, one JSON object a line, so that `zcat FILE | jq` reads it without this program. A file is a heading,
then each declaration as a section of its own, then the contents. Each line ends with its `chain`:

    SHA-256, in hexadecimal, of the chain of the line before and of this line without `,"chain":"..."}`

A section begins anew, with nothing before its first line, so that it can be told by itself whether it is
whole: by the chain of its last line, its digest, which the contents list. Heading and contents are one chain.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.domain.model import Model, UtcDatetime

FORMAT = 1
"""Of the file; a reader that does not know the number must not guess."""

HEADING = "archive"
END = "end"
CONTENTS = "contents"
DECLARATION = "declaration"

KINDS: Mapping[str, str] = {
    DECLARATION: "the declaration as it was closed: content, routing, policy, outcome with its reasons",
    "version": "each version of a declaration that was amended, who lodged it and when",
    "referral": "one declaration put to one service: terms, state, the agency's receipt",
    "decision": "an agency's word on a referral",
    "event": "the story of the declaration, numbered from 1 without gaps; the outcome follows from it",
    "information": "what the declarant answered to an agency's question",
    "document": "a file that was handed in, in base64; its name is its SHA-256",
    "exchange": "one request and its answer, with an agency or the cargo system, as recorded",
    "message": "what an agency sent by itself, or was found at it, as recorded",
    "notice": "what the cargo system was told, and its acknowledgement",
    "certificate_entry": "a line of the ledger of a certificate, written for this declaration (a copy)",
    "cargo_event": "what carriers and warehouses reported of the cargo (a copy)",
    "proposal": "a decision by hand, and what the second person said",
    "tracking_link": "a link by which the declaration was followed; its code is not kept",
    "poll": "how often the agency was asked",
    "audit": "what people did about the declaration, and why (a copy)",
    END: "the section is over: how many lines it has, this one included",
    CONTENTS: "the file is over: its declarations, with the digest of each",
}
"""What each line is; stands in the heading of every file."""

_SEAM = b',"chain":"'
_TAIL = len(_SEAM) + 64 + len(b'"}\n')

Line = Mapping[str, Any]


class NotWhole(Exception):
    """What is read is not what was written; the message says where and how."""


class Previous(Model):
    """The file before this one: a file that is missing is noticed by the next."""

    name: str
    sha256: str


class Heading(Model):
    """The first line of a file."""

    kind: str = HEADING
    format: int = FORMAT
    name: str
    made_at: UtcDatetime
    made_by: str
    """The version of the hub."""
    previous: Previous | None
    law: dict[str, str]
    """By which the records are kept, by language."""
    kinds: Mapping[str, str] = KINDS


class Entry(Model):
    """A declaration in the contents of a file."""

    mrn: str
    digest: str
    lines: int
    accepted_at: UtcDatetime
    closed_at: UtcDatetime
    outcome: str
    keep_until: UtcDatetime
    """The records must be kept until then."""


def section(mrn: str, lines: Iterable[Line]) -> tuple[list[bytes], str]:
    """A declaration's lines as they are written, and their digest."""
    written: list[bytes] = []
    chain = ""
    for line in lines:
        one, chain = _written(line, chain)
        written.append(one)
    one, chain = _written({"kind": END, "mrn": mrn, "lines": len(written) + 1}, chain)
    written.append(one)
    return written, chain


def heading(said: Heading) -> tuple[bytes, str]:
    """The first line of a file, and its chain."""
    return _written(said.model_dump(mode="json"), "")


def contents(entries: Iterable[Entry], chain: str) -> bytes:
    """The last line of a file whose heading has this chain."""
    said = {"kind": CONTENTS, "declarations": [entry.model_dump(mode="json") for entry in entries]}
    return _written(said, chain)[0]


def read_line(line: bytes, chain: str) -> tuple[dict[str, Any], str]:
    """A line after the one that has this chain; without its own, which is returned. Raises NotWhole."""
    body, seam = line[:-_TAIL], line[-_TAIL:]
    said = seam[len(_SEAM) : -3].decode("ascii", "replace")
    if not seam.startswith(_SEAM) or not seam.endswith(b'"}\n') or said != _chain(chain, body):
        raise NotWhole("its chain is not that of what it says after the line before")
    content = json.loads(body + b"}")
    if not isinstance(content, dict) or not isinstance(content.get("kind"), str):
        raise NotWhole("it is no object with a kind")
    return content, said


def read_section(lines: Iterator[bytes]) -> tuple[list[dict[str, Any]], str]:
    """The lines of a section, without its end, and its digest. Raises NotWhole."""
    read: list[dict[str, Any]] = []
    chain = ""
    while True:
        line = next(lines, None)
        where = f"line {len(read) + 1} of {read[0].get('mrn') if read else 'the section'}"
        if line is None:
            raise NotWhole(f"{where}: it ends before its end")
        try:
            said, chain = read_line(line, chain)
        except (NotWhole, ValueError) as wrong:
            raise NotWhole(f"{where}: {wrong}") from wrong
        if said["kind"] == END:
            break
        read.append(said)
    if next(lines, None) is not None:
        raise NotWhole(f"{where}: something follows its end")
    if not read or said.get("lines") != len(read) + 1 or said.get("mrn") != read[0].get("mrn"):
        raise NotWhole(f"{where}: its end is not that of this section")
    return read, chain


def _written(line: Line, chain: str) -> tuple[bytes, str]:
    body = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode()[:-1]
    following = _chain(chain, body)
    return body + _SEAM + following.encode() + b'"}\n', following


def _chain(before: str, body: bytes) -> str:
    return hashlib.sha256(before.encode() + body).hexdigest()
