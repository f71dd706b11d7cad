"""Contracts as they stood when an agency's file was taken: what changes on disk later does not touch them."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from weakref import WeakValueDictionary

from hub.adapters.channel import Contracts
from hub.config.sources import digest_of

_PREFIX = "hub-shelf-"
_SETTLED = 60.0
"""Seconds after which a folder that is not locked belongs to nobody: it is made first, and locked then."""


class Shelf:
    """
    A folder of its own for every set of files that an agency's file names, known by their content.

    Contracts are read from there, once for all agencies and versions that name the same files, and forgotten
    when nobody uses them any more. For several threads.

    They go with the process, also with one that does not come to its start. What one that was killed has left
    is removed by the next: a folder in use is locked, and the lock ends with the process, however it ends.
    """

    def __init__(self) -> None:
        """Raises OSError where no temporary folder can be made."""
        self._root = Path(tempfile.mkdtemp(prefix=_PREFIX))
        self._clear = weakref.finalize(self, _clear, self._root, _locked(self._root))
        _clear_forsaken(self._root.parent)
        self._contracts: WeakValueDictionary[str, Contracts] = WeakValueDictionary()
        self._lock = threading.Lock()

    def folder(self, files: Mapping[str, bytes]) -> Path:
        """A folder in which these files stand, by their names. Raises OSError."""
        return self._stand(digest_of(files), files)

    def contracts(self, files: Mapping[str, bytes]) -> Contracts:
        """The contracts among these files. Raises OSError."""
        digest = digest_of(files)
        folder = self._stand(digest, files)
        with self._lock:
            known = self._contracts.get(digest)
            if known is None:
                known = self._contracts[digest] = Contracts(folder)
            return known

    def close(self) -> None:
        """Remove the folders."""
        self._clear()

    def _stand(self, digest: str, files: Mapping[str, bytes]) -> Path:
        folder = self._root / digest
        with self._lock:
            if folder.is_dir():
                return folder
            # Moved into place whole, so that what was left half written is never taken for the folder.
            half = Path(tempfile.mkdtemp(dir=self._root))
            for name, content in files.items():
                path = half / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            half.rename(folder)
        return folder


def _locked(folder: Path) -> int | None:
    """A descriptor that holds the lock of a folder; None when another has it. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def _clear(folder: Path, descriptor: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if descriptor is not None:
        os.close(descriptor)


def _clear_forsaken(parent: Path) -> None:
    """Remove what processes that were killed have left."""
    for folder in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another's, or gone in the meantime
            if time.time() - folder.stat().st_mtime < _SETTLED:
                continue
            descriptor = _locked(folder)
            if descriptor is not None:
                _clear(folder, descriptor)
