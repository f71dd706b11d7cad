"""A configuration without faults: what the hub works by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.config.faults import Fault
from hub.config.models import AgencyFile, PolicyFile
from hub.config.sources import Sources
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Catalogue
from hub.domain.deadlines import WorkingCalendar
from hub.domain.intake import Rulebook


@dataclass(frozen=True)
class Configuration:
    """
    A configuration folder, read and found free of faults.

    Versions are the first twelve hexadecimal digits of a SHA-256.
    """

    folder: Path
    catalogue: Catalogue
    agencies: Mapping[str, AgencyFile]
    """By slug, in its order."""
    versions: Mapping[str, str]
    """Version of each agency: of its file, and of every file that it names."""
    calendars: Mapping[str, WorkingCalendar]
    """By agency."""
    policy: PolicyFile
    version: str
    """Of all files together, contracts included."""
    policy_version: str
    zone: ZoneInfo
    """Of the `default` calendar: the administration's."""
    sources: Sources
    """The files themselves."""
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """Of every calendar, by its name."""
    environment: Mapping[str, str] | None = None
    """What `env:` names meant when it was checked."""
    warnings: tuple[Fault, ...] = ()
    """What is legal and unwise in the agencies' files, in the order of the files."""

    def rulebook(self) -> Rulebook:
        """What accepting a declaration reads."""
        return Rulebook(
            catalogue=self.catalogue,
            calendars=self.calendars,
            versions=self.versions,
            policy=CasePolicy(version=self.policy_version, refusal_open_for=self.policy.refusal_open_for),
            country=self.policy.country,
            zone=self.zone,
        )
