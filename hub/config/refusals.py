"""What stands in the folder and is not in force, and why: told once, and written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

import structlog

from hub.config.faults import Fault
from hub.config.sources import AGENCIES, Sources, files_of, shared_files, version_of
from hub.ports import SHARED_FILES, Clock, ToldFault, VersionStore

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Refusal:
    """A change that was not taken."""

    at: datetime
    version: str | None
    """What would be the version; None where the file is gone, or cannot be read."""
    faults: tuple[Fault, ...]


class Refusals:
    """Those that stand now, by the names of the files."""

    def __init__(self, versions: VersionStore, clock: Clock, process: str) -> None:
        self._versions = versions
        self._clock = clock
        self._process = process
        self._standing: dict[str, Refusal] = {}
        self._untold: dict[str, Refusal | None] = {}
        """What the store is still to be told, by agency; None: mended."""
        self._trouble = False

    def of(self, name: str) -> Refusal | None:
        """What is wrong with a file that is not in force."""
        return self._standing.get(name)

    def standing(self) -> dict[str, Refusal]:
        """All of them, by the names of the files. From any thread."""
        return dict(self._standing)

    def are(self, refused: Mapping[str, tuple[Fault, ...]], found: Sources, in_force: Sources) -> None:
        """From now on these are refused, and no others."""
        for name in self._standing.keys() - refused.keys():
            del self._standing[name]
            self._untold.pop(_subject(name), None)
            if found.get(name) == in_force.get(name):
                log.info("configuration.mended", file=name)
                self._untold[_subject(name)] = None
        for name, faults in refused.items():
            known = self._standing.get(name)
            version = _version(name, found)
            if known is not None and (known.version, known.faults) == (version, faults):
                continue
            refusal = Refusal(self._clock(), version, faults)
            self._standing[name] = refusal
            log.error("configuration.refused", file=name, faults=[str(fault) for fault in faults])
            self._untold[_subject(name)] = refusal
        self.write_down()

    def write_down(self) -> None:
        """Tell the store what it has not been told yet."""
        for agency, refusal in list(self._untold.items()):
            try:
                if refusal is None:
                    self._versions.record_mended([agency], self._clock(), self._process)
                else:
                    faults = [_told(fault) for fault in refusal.faults]
                    self._versions.record_refused(agency, refusal.version, faults, refusal.at, self._process)
            except Exception as wrong:
                # Whatever a store raises when it is gone: it is told with the next look.
                if not self._trouble:
                    log.error("configuration.not_followed", reason=f"faults cannot be written down: {wrong}")
                self._trouble = True
                return
            del self._untold[agency]
        self._trouble = False


def _subject(name: str) -> str:
    """Whose history a file is part of."""
    return PurePosixPath(name).stem if name.startswith(AGENCIES) else SHARED_FILES


def _version(name: str, found: Sources) -> str | None:
    if name not in found or not isinstance(found[name].content, bytes):
        return None
    return version_of(files_of(name, found[name]) if name.startswith(AGENCIES) else shared_files(found))


def _told(fault: Fault) -> ToldFault:
    return ToldFault(file=fault.file, line=fault.line, key=fault.key, what=fault.what, cure=fault.cure)
