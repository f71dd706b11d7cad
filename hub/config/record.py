"""What is in force, written down before it is used, and read back when the folder's files are at fault."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import structlog

from hub.config.configuration import Configuration
from hub.config.sources import (
    MISSING,
    SHARED,
    Source,
    Sources,
    agency_file,
    files_of,
    shared_files,
    version_of,
)
from hub.ports import SHARED_FILES, AgencyFiles, Clock, InForce, VersionStore

log = structlog.get_logger(__name__)


class Record:
    """The versions that this process works by, as the store has them."""

    def __init__(self, versions: VersionStore, clock: Clock, process: str) -> None:
        self._versions = versions
        self._clock = clock
        self._process = process
        self._written: Mapping[str, str] | None = None
        self._in_force: Mapping[str, InForce] = {}

    def since(self, agency: str) -> datetime | None:
        """Since when its version has been in force."""
        found = self._in_force.get(agency)
        return None if found is None else found.since

    def take(self, configuration: Configuration) -> None:
        """Write down that this is in force from now on. Raises what the store raises."""
        shared = shared_files(configuration.sources)
        now = {**configuration.versions, SHARED_FILES: version_of(shared)}
        known = self._written
        if known is None:
            known = {agency: version.version for agency, version in self._versions.in_force().items()}
        news = [
            AgencyFiles(agency=agency, version=version, files=_files(configuration, agency))
            for agency, version in now.items()
            # Also what the store has already: a process that starts says what it works by.
            if self._written is None or known.get(agency) != version
        ]
        gone = sorted(known.keys() - now.keys())
        at = self._clock()
        self._versions.record_applied(news, at, self._process)
        self._versions.record_removed(gone, at, self._process)
        self._in_force = self._versions.in_force()
        for agency, version in now.items():
            if known.get(agency) != version:
                log.info("configuration.applied", agency=agency, version=version, before=known.get(agency))
        for agency in gone:
            log.info("configuration.removed", agency=agency, before=known[agency])
        self._written = now

    def kept(self) -> Sources | None:
        """What was in force last; None where there is nothing, or the store does not answer."""
        try:
            in_force = self._versions.in_force()
            if SHARED_FILES not in in_force:
                return None
            files = {
                agency: self._versions.version_files(agency, version.version)
                for agency, version in in_force.items()
            }
        except Exception as wrong:
            log.error("configuration.not_followed", reason=f"earlier versions cannot be read: {wrong}")
            return None
        sources: dict[str, Source] = {}
        for agency, kept in files.items():
            assert kept is not None, "what is in force was written down"
            if agency == SHARED_FILES:
                sources |= {name: Source(kept.files.get(name, MISSING)) for name in SHARED}
            else:
                name = agency_file(agency)
                support = {other: content for other, content in kept.files.items() if other != name}
                sources[name] = Source(kept.files[name], support)
        return sources


def _files(configuration: Configuration, agency: str) -> dict[str, bytes]:
    if agency == SHARED_FILES:
        return shared_files(configuration.sources)
    name = agency_file(agency)
    return files_of(name, configuration.sources[name])
