"""A configuration folder on disk: read whole, and watched for changes that have come to rest."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Hashable, Mapping
from pathlib import Path
from typing import Any

from hub.config.closure import support_of
from hub.config.sources import AGENCIES, MISSING, SHARED, Source, Sources, Unread

Stamp = tuple[int, int, int]
"""Time of change in nanoseconds, size, inode: another one, and the content may be another."""

_GONE = 8
"""For so many looks, two seconds, a file must have been gone before it counts as removed."""

Plain = Callable[[bytes], Any]
"""A YAML file as plain data, None when it cannot be read; see `hub.config.checking.Documents`."""


class Folder:
    """Reads a folder's files. A file that has not changed since the reading before is not read again."""

    def __init__(self, path: Path, plain: Plain, only: str | None = None) -> None:
        """Of the agencies, `only` that one is ever looked at."""
        self.path = path
        self._plain = plain
        self._only = only
        self._kept: dict[str, tuple[Stamp, bytes]] = {}
        self._looked_for: frozenset[str] = frozenset()
        self.as_read: dict[str, Stamp | None] = {}
        """The stamps of the latest reading, each taken before its file was read."""

    def read(self, only: str | None = None) -> Sources:
        """What stands there now; of the agencies, `only` that one. Raises OSError when there is no folder."""
        self.as_read = {}
        only = only or self._only
        sources = {name: Source(self._content(name)) for name in SHARED}
        looked_for: set[str] = set()
        for name in [f"{AGENCIES}{only}.yaml"] if only is not None else self._agency_files():
            if not name.endswith(".yaml"):
                self.as_read[name] = _stamp(self.path / name)
                rename = f"rename it to {Path(name).stem}.yaml"
                sources[name] = Source(Unread("only .yaml files are read", rename))
                continue
            content = self._content(name)
            data = self._plain(content) if isinstance(content, bytes) else None
            channel = data.get("channel") if isinstance(data, dict) else None
            support, names = support_of(channel, self._inside)
            looked_for |= names
            sources[name] = Source(content, support)
        self._looked_for = frozenset(looked_for)
        return sources

    def stamps(self) -> Mapping[str, Stamp | None]:
        """The state of every file that a reading looks at, also of those that are not there."""
        names = {*SHARED, *self._agency_files(), *self._looked_for}
        return {name: _stamp(self.path / name) for name in names}

    def _agency_files(self) -> list[str]:
        """YAML files, as they are told by their names; links that lead nowhere are what editors leave."""
        with os.scandir(self.path):
            pass  # a folder that is gone is not one without agencies
        if self._only is not None:
            return [f"{AGENCIES}{self._only}.yaml"]
        try:
            with os.scandir(self.path / AGENCIES) as entries:
                names = [entry.name for entry in entries if not entry.name.startswith(".")]
        except FileNotFoundError:
            return []
        return sorted(
            f"{AGENCIES}{name}"
            for name in names
            if Path(name).suffix.lower() in (".yml", ".yaml") and _is_there(self.path / AGENCIES / name)
        )

    def _inside(self, name: str) -> bytes | None:
        """A file that is named by another; never one outside the folder, whatever links lead there."""
        self.as_read[name] = _stamp(self.path / name)
        try:
            whole = (self.path / name).resolve()
        except (OSError, RuntimeError, ValueError):
            return None
        if not whole.is_relative_to(self.path.resolve()) or not whole.is_file():
            return None
        content = self._content(name)
        return content if isinstance(content, bytes) else None

    def _content(self, name: str) -> bytes | Unread:
        path = self.path / name
        stamp = self.as_read[name] = _stamp(path)
        kept = self._kept.get(name)
        if stamp is not None and kept is not None and kept[0] == stamp:
            return kept[1]
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return MISSING
        except OSError as wrong:
            return Unread(f"the file cannot be read: {wrong.strerror}", "see that it is a file one may read")
        if stamp is not None:
            self._kept[name] = (stamp, content)
        return content


class Watch:
    """
    Tells when a folder has changed and has come to rest.

    A file may be seen while it is being written, so a change counts when two looks in a row find the same. A
    file that is gone may be about to be written anew, and without it an agency is not asked: that counts
    when it has been gone for longer.
    """

    def __init__(self, folder: Folder, beside: Callable[[], Hashable] = lambda: None) -> None:
        """`beside` gives the state of whatever else a reading depends on."""
        self._folder = folder
        self._beside = beside
        self._taken: tuple[Mapping[str, Stamp | None], Hashable] = ({}, None)
        self._seen: tuple[Mapping[str, Stamp | None], Hashable] = self._taken
        self._rested = 0
        """How often in a row a look has found what the one before found."""

    @property
    def is_restless(self) -> bool:
        """Something has changed since the reading before: it is worth looking again soon."""
        return self._seen != self._taken

    def first(self) -> Sources:
        """What stands there now. Raises OSError."""
        beside = self._beside()
        sources = self._folder.read()
        self._taken = self._seen = (self._folder.as_read, beside)
        return sources

    def look(self) -> Sources | None:
        """What stands there, if it has changed and has come to rest. Raises OSError."""
        now = (self._folder.stamps(), self._beside())
        before, self._seen = self._seen, now
        self._rested = self._rested + 1 if now == before else 0
        if now == self._taken or self._rested < (_GONE if self._is_gone(now[0]) else 1):
            return None
        sources = self._folder.read()
        stamps, as_read = now[0], self._folder.as_read
        moved = any(stamps[name] != stamp for name, stamp in as_read.items() if name in stamps)
        if moved or any(name not in as_read for name in stamps if name.startswith(AGENCIES)):
            self._rested = 0  # it moved while it was being read
            return None
        self._taken = self._seen = (as_read, now[1])
        return sources

    def _is_gone(self, now: Mapping[str, Stamp | None]) -> bool:
        """Whether a file of an agency that was there is not there any more."""
        were = (name for name, stamp in self._taken[0].items() if stamp and name.startswith(AGENCIES))
        return any(now.get(name) is None for name in were)


def _stamp(path: Path) -> Stamp | None:
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino) if stat.S_ISREG(found.st_mode) else None


def _is_there(path: Path) -> bool:
    return not path.is_symlink() or path.exists()
