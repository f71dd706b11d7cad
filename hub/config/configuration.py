"""A configuration without faults: what the hub works by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zoneinfo import ZoneInfo

from hub.config.faults import Fault
from hub.config.models import AgencyFile, PolicyFile, RetentionFile, WatchFile
from hub.config.policy import case_policy, dated_policies
from hub.config.retention import retention_policy
from hub.config.sources import Sources
from hub.config.watch import watch_policy
from hub.domain.catalogue import Catalogue
from hub.domain.deadlines import WorkingCalendar
from hub.domain.intake import Rulebook
from hub.domain.model import Text
from hub.domain.policy import Control
from hub.domain.risk import BuiltInRisk, RiskRules
from hub.ports import WatchPolicy
from hub.ports.retention import RetentionPolicy

_CONTROL: Text = {"en": "Customs control", "ko": "세관 심사·검사"}
"""What customs' own control is called."""


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
    default_calendar: WorkingCalendar
    """The administration's own."""
    sources: Sources
    """The files themselves."""
    zones: Mapping[str, ZoneInfo] = field(default_factory=dict)
    """Of every calendar, by its name."""
    environment: Mapping[str, str] | None = None
    """What `env:` names meant when it was checked."""
    warnings: tuple[Fault, ...] = ()
    """What is legal and unwise in the agencies' files, in the order of the files."""
    risk: RiskRules | None = None
    """None where the administration has no rules."""
    watch: WatchFile | None = None
    """None where there is no such file: the early warning goes by its defaults, and tells nobody."""
    retention: RetentionFile | None = None
    """None where there is no such file: the defaults hold."""

    @property
    def zone(self) -> ZoneInfo:
        """The administration's own time zone."""
        return self.default_calendar.zone

    def calendar_of(self, agency: str) -> WorkingCalendar:
        """When an agency works; the administration's own calendar for customs, and for one that has left."""
        return self.calendars.get(agency, self.default_calendar)

    @cached_property
    def watch_policy(self) -> WatchPolicy:
        """By what the early warning goes."""
        return watch_policy(self.watch, self.environment)

    @cached_property
    def retention_policy(self) -> RetentionPolicy:
        """By what is archived."""
        return retention_policy(self.retention)

    def rulebook(self) -> Rulebook:
        """What accepting a declaration reads."""
        return self._rulebook

    @cached_property
    def _rulebook(self) -> Rulebook:
        file = self.policy
        return Rulebook(
            catalogue=self.catalogue,
            calendars=self.calendars,
            versions=self.versions,
            policy=case_policy(file, self.policy_version),
            country=file.country,
            zone=self.zone,
            policies=dated_policies(file, self.policy_version),
            remind_before=tuple(file.remind_before),
            withdrawal_reasons={code: reason.name for code, reason in file.withdrawal_reasons.items()},
            risk=BuiltInRisk(self.risk) if self.risk else None,
            control=Control(
                calendar=self.default_calendar,
                answer_within=file.control_within,
                law=file.control_law,
                name=_CONTROL,
            ),
        )
