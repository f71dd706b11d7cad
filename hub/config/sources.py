"""What stands in a configuration folder at one moment, and by what name a state of it is known."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath

SHARED = (
    "attributes.yaml",
    "lists.yaml",
    "calendar.yaml",
    "policy.yaml",
    "exemptions.yaml",
    "risk.yaml",
    "watch.yaml",
    "retention.yaml",
)
"""The files beside the agencies'."""
OPTIONAL = frozenset({"risk.yaml", "watch.yaml", "retention.yaml"})
"""Those of them that need not be there."""
FOR_OPERATIONS = frozenset({"watch.yaml", "retention.yaml"})
"""Those of them by which no declaration is accepted: another threshold makes no other version."""
AGENCIES = "agencies/"
_VERSION_LENGTH = 12


@dataclass(frozen=True)
class Unread:
    """A file that is not there, or cannot be read, in words."""

    what: str
    cure: str


MISSING = Unread("the file is missing", "add it")


@dataclass(frozen=True)
class Source:
    """A file of the folder, with those that it names: a contract with its imports, certificates."""

    content: bytes | Unread
    support: Mapping[str, bytes] = field(default_factory=dict)
    """By name below the folder."""

    @cached_property
    def digest(self) -> str:
        """Of the file's content alone; "" when it could not be read."""
        return hashlib.sha256(self.content).hexdigest() if isinstance(self.content, bytes) else ""

    @cached_property
    def support_digest(self) -> str:
        """Of everything that the file names."""
        return digest_of(self.support)


Sources = Mapping[str, Source]
"""The files of a folder by name below it: those of `SHARED`, and `agencies/<agency>.yaml`."""


def agency_file(agency: str) -> str:
    """The name of an agency's file."""
    return f"{AGENCIES}{agency}.yaml"


def agency_of(name: str) -> str | None:
    """The agency whose file bears this name; None for a file beside them."""
    return PurePosixPath(name).stem if name.startswith(AGENCIES) and name.endswith(".yaml") else None


def files_of(name: str, source: Source) -> dict[str, bytes]:
    """A file and those it names, as they are kept."""
    content = {name: source.content} if isinstance(source.content, bytes) else {}
    return {**source.support, **content}


def shared_files(sources: Sources) -> dict[str, bytes]:
    """The files beside the agencies', as they are kept."""
    kept = {}
    for name in SHARED:
        source = sources.get(name)
        if source is not None and isinstance(source.content, bytes):
            kept[name] = source.content
    return kept


def version_of(files: Mapping[str, bytes]) -> str:
    """The version that these files are known by: twelve hexadecimal digits of a SHA-256."""
    return digest_of(files)[:_VERSION_LENGTH]


def digest_of(files: Mapping[str, bytes]) -> str:
    """A SHA-256 over names and contents, in hexadecimal."""
    listing = "\n".join(
        f"{hashlib.sha256(content).hexdigest()} {name}" for name, content in sorted(files.items())
    )
    return hashlib.sha256(listing.encode()).hexdigest()
