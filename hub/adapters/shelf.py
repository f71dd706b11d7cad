"""Contracts as they stood when an agency's file was taken: what changes on disk later does not touch them."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from weakref import WeakValueDictionary

from hub.adapters.channel import Contracts
from hub.config.sources import digest_of


class Shelf:
    """
    A folder of its own for every set of files that an agency's file names, known by their content.

    Contracts are read from there, once for all agencies and versions that name the same files, and forgotten
    when nobody uses them any more. For several threads.
    """

    def __init__(self) -> None:
        """Raises OSError where no temporary folder can be made."""
        self._root = Path(tempfile.mkdtemp(prefix="hub-contracts-"))
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
        shutil.rmtree(self._root, ignore_errors=True)

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
