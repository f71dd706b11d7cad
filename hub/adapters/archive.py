"""Versions of agencies as they are prepared from: those in force, and earlier ones out of what was kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from zoneinfo import ZoneInfo

import structlog

from hub.adapters.channel import Contracts
from hub.adapters.shelf import Shelf
from hub.config.archived import VersionUnreadable, archived_file
from hub.config.closure import support_of
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, NotUnderstood
from hub.ports import AgencyFiles, VersionArchive

_PAUSE = 5.0
"""Seconds until the archive is asked again when it does not answer."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Edition:
    """One version of an agency: its file, and what it is prepared from."""

    file: AgencyFile
    version: str
    contracts: Contracts
    zone: ZoneInfo
    support: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """The files that the agency's file names, where they may have to be shown to another version."""


class Archive:
    """Editions that are not in force, out of the versions that were kept. Blocking."""

    def __init__(self, versions: VersionArchive, shelf: Shelf, zones: Mapping[str, ZoneInfo]) -> None:
        """`zones` are by the names of calendars."""
        self._versions = versions
        self._shelf = shelf
        self._zones = zones

    def edition(self, agency: str, version: str) -> Edition | None:
        """That version; None when it was never kept. Raises AgencyUnavailable, NotUnderstood."""
        try:
            kept = self._versions.version_files(agency, version)
        except Exception as wrong:
            raise self._away(agency, wrong) from wrong
        return None if kept is None else self._read(kept)

    def last(self, agency: str) -> str | None:
        """The version that came into force last, wherever this hub runs. Raises AgencyUnavailable."""
        try:
            return self._versions.last_version(agency)
        except Exception as wrong:
            raise self._away(agency, wrong) from wrong

    def _read(self, kept: AgencyFiles) -> Edition:
        try:
            file, support = archived_file(kept.agency, kept.version, kept.files)
        except VersionUnreadable as wrong:
            raise NotUnderstood(str(wrong)) from wrong
        zone = self._zones.get(file.calendar) or self._zones["default"]
        return Edition(file, kept.version, self._shelf.contracts(support), zone, support)

    def where_newest_is(self, edition: Edition, newest: Edition) -> Edition:
        """An earlier version, spoken as it was, where the newest file says."""
        file, channel = edition.file, newest.file.channel
        taken = {name: getattr(channel, name) for name in ("limits", "maintenance", "own_worker")}
        contracts = edition.contracts
        if file.channel.adapter == channel.adapter:
            # Another protocol has another address, and other proof: then they stay as they were.
            proof = {name: getattr(channel, name) for name in ("endpoint", "auth", "secrets", "trust")}
            taken |= proof
            named, _ = support_of(
                {"auth": channel.auth.model_dump(), "trust": channel.trust}, newest.support.get
            )
            if named:
                contracts = self._shelf.contracts({**edition.support, **named})
        merged = file.model_copy(update={"channel": file.channel.model_copy(update=taken)})
        return replace(edition, file=merged, contracts=contracts)

    @staticmethod
    def _away(agency: str, wrong: Exception) -> AgencyUnavailable:
        # Whatever a store raises when it is gone: it is asked again.
        log.warning("versions.unreadable", agency=agency, reason=str(wrong))
        return AgencyUnavailable(
            f"the earlier version of {agency} that serves this referral cannot be had now", retry_after=_PAUSE
        )
