"""The folder that archives are kept in: files that are written once, and never again."""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from hub.domain.archive import (
    CONTENTS,
    FORMAT,
    HEADING,
    Entry,
    Heading,
    NotWhole,
    contents,
    heading,
    read_line,
    read_section,
)

SUFFIX = ".jsonl.gz"
_PART = ".part"
"""Ends the name of a file that is not finished, or not yet written down in the store."""
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Written:
    """A file as it was written."""

    sha256: str
    size: int
    entries: tuple[tuple[Entry, int], ...]
    """Each declaration with the offset of its section in the file."""


class ArchiveFolder:
    """
    Files by name. Each is gzip with a member of its own for every declaration, so that one can be read
    without those before it, and `zcat` reads them all.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, head: Heading, sections: Iterable[tuple[Entry, list[bytes]]]) -> Written:
        """Write a file beside the place of its name, to the disk; it has its name once it is `published`."""
        part = self._part(head.name)
        part.parent.mkdir(parents=True, exist_ok=True)
        first, chain = heading(head)
        entries: list[tuple[Entry, int]] = []
        with part.open("wb") as file:
            _member(file, [first])
            for entry, lines in sections:
                entries.append((entry, file.tell()))
                _member(file, lines)
            _member(file, [contents((entry for entry, _ in entries), chain)])
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        return Written(sha256=sha256_of(part), size=size, entries=tuple(entries))

    def publish(self, name: str, sha256: str) -> None:
        """
        Give a file its name, for good; one that has it already is left as it is. Raises NotWhole when what is
        there is another file, or none.
        """
        path, part = self.path / name, self._part(name)
        if not path.exists():
            if not part.exists() or sha256_of(part) != sha256:
                raise NotWhole(f"{name} is not in {self.path}, or is not the file that was written")
            part.rename(path)
            _sync_folder(path.parent)
        elif sha256_of(path) != sha256:
            raise NotWhole(f"{path} is not the file that was written")

    def sweep(self, known: Iterable[str]) -> int:
        """Remove what was begun and is not one of these, which the store knows; how many there were."""
        kept = {self._part(name) for name in known}
        left = [path for path in self.path.rglob(f"*{SUFFIX}{_PART}") if path not in kept]
        for path in left:
            path.unlink()
        return len(left)

    def entries(self, name: str) -> list[tuple[Entry, int]]:
        """The declarations in a file, each with the offset of its section. Raises NotWhole, OSError."""
        reading = Reading(self.path / name)
        offsets = [section.offset for section in reading.sections()]
        return list(zip(reading.entries, offsets, strict=True))

    def record(self, name: str, offset: int, digest: str) -> list[dict[str, Any]]:
        """The lines of one declaration. Raises NotWhole, OSError."""
        with (self.path / name).open("rb") as file:
            file.seek(offset)
            _, written = next(_members(file), (0, []))
        lines, found = read_section(iter(written))
        if found != digest:
            raise NotWhole(f"{name}: the section of {lines[0].get('mrn')} is not the one that was written")
        return lines

    def _part(self, name: str) -> Path:
        return self.path / f"{name}{_PART}"


class Section(NamedTuple):
    """A declaration in a file."""

    mrn: str
    digest: str
    offset: int
    """Where it begins in the file, in bytes."""
    lines: list[dict[str, Any]]


class Reading:
    """
    A file that is read from its beginning to its end. It is known to be whole once `sections` has come to its
    end; what was taken out of it before may stand for nothing if it raises.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heading: Heading | None = None
        """Once the first section has been read."""
        self.entries: tuple[Entry, ...] = ()
        """Once all has been read."""

    def sections(self) -> Iterator[Section]:
        """Every declaration, in order. Raises NotWhole, OSError."""
        found: list[tuple[str, str, int]] = []
        try:
            with self.path.open("rb") as file:
                members = _members(file)
                chain = self._begin(members)
                for offset, lines in members:
                    if (listed := _contents(lines, chain)) is not None:
                        self._end(members, listed, found)
                        return
                    read, digest = read_section(iter(lines))
                    mrn = str(read[0].get("mrn"))
                    found.append((mrn, digest, len(read) + 1))
                    yield Section(mrn, digest, offset, read)
        except (zlib.error, ValueError, NotWhole) as wrong:
            raise NotWhole(f"{self.path.name}: {wrong}") from wrong
        raise NotWhole(f"{self.path.name}: it ends before its contents")

    def _begin(self, members: Iterator[tuple[int, list[bytes]]]) -> str:
        """The heading; returns its chain."""
        _, lines = next(members, (0, []))
        if len(lines) != 1:
            raise NotWhole("it does not begin with a heading")
        said, chain = read_line(lines[0], "")
        if said["kind"] != HEADING or said.get("format") != FORMAT:
            raise NotWhole(f"it is no archive of format {FORMAT}")
        self.heading = Heading.model_validate(said)
        return chain

    def _end(
        self, members: Iterator[tuple[int, list[bytes]]], listed: list[Any], found: list[tuple[str, str, int]]
    ) -> None:
        if next(members, None) is not None:
            raise NotWhole("something follows its contents")
        entries = tuple(Entry.model_validate(one) for one in listed)
        if [(one.mrn, one.digest, one.lines) for one in entries] != found:
            raise NotWhole("its contents list other declarations than it has")
        self.entries = entries


def _contents(lines: list[bytes], chain: str) -> list[Any] | None:
    """The declarations that the last line lists; None for a section."""
    if len(lines) != 1:
        return None  # a section has a declaration and an end at least
    said, _ = read_line(lines[0], chain)
    if said["kind"] != CONTENTS:
        raise NotWhole("a section has no end")
    declarations: list[Any] = said["declarations"]
    return declarations


def _members(file: BinaryIO) -> Iterator[tuple[int, list[bytes]]]:
    """The members of a gzip file, each with where it begins and its lines. Raises NotWhole, zlib.error."""
    offset, block = 0, file.read(_BLOCK)
    while block:
        inflate, text, taken = zlib.decompressobj(wbits=31), bytearray(), 0
        while not inflate.eof:
            if not block:
                raise NotWhole("it ends in the middle")
            text += inflate.decompress(block)
            taken += len(block)
            block = inflate.unused_data if inflate.eof else file.read(_BLOCK)
        taken -= len(block)
        yield offset, bytes(text).splitlines(keepends=True)
        offset += taken
        block = block or file.read(_BLOCK)


def _member(file: BinaryIO, lines: Iterable[bytes]) -> None:
    # Without a time in it: the same content is the same file.
    file.write(gzip.compress(b"".join(lines), compresslevel=6, mtime=0))


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync_folder(path: Path) -> None:
    """A name is on the disk once its folder is."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
