"""What `env:` names of agencies' files mean to this process: its environment, and a folder of secrets."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path

import structlog

_NAME = re.compile(r"[A-Z_][A-Z0-9_]*")

log = structlog.get_logger(__name__)


class Variables:
    """
    The environment, and beside it a folder with a file for each further variable, called as it is.

    So Docker and Kubernetes mount secrets. A process cannot be given new variables, but a file can be added:
    an agency that comes to a running hub brings its credentials in this way.
    """

    def __init__(self, folder: Path | None, environment: Mapping[str, str] = os.environ) -> None:
        self._folder = folder
        self._environment = environment

    def read(self) -> dict[str, str]:
        """All of them as they are now; what the environment says goes before the folder."""
        found = {}
        for path in self._files():
            try:
                # Whoever writes a secret by hand ends its line; no secret ends so.
                found[path.name] = path.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as wrong:
                log.error("variable.unreadable", name=path.name, reason=str(wrong))
        return {**found, **self._environment}

    def state(self) -> Hashable:
        """Another one, and the folder may hold other values."""
        return tuple(stamp for path in self._files() for stamp in _stamp(path))

    def _files(self) -> list[Path]:
        if self._folder is None or not self._folder.is_dir():
            return []
        return sorted(
            path for path in self._folder.iterdir() if _NAME.fullmatch(path.name) and path.is_file()
        )


def _stamp(path: Path) -> Iterator[tuple[str, int, int, int]]:
    try:
        found = path.stat()
    except OSError:
        return  # gone since it was listed
    yield path.name, found.st_mtime_ns, found.st_size, found.st_ino
