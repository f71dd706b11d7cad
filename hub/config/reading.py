"""The files of a folder, read and checked: everything wrong with them, or the configuration they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hub.config.configuration import Configuration
from hub.config.faults import Fault
from hub.config.schema_faults import FileReport
from hub.config.services import CheckedAgency
from hub.config.shared import Shared
from hub.config.sources import FOR_OPERATIONS, SHARED, Sources, agency_file, files_of, version_of
from hub.domain.catalogue import Catalogue, ExemptionCode


@dataclass(frozen=True)
class Reading:
    """The files of a folder, read and checked."""

    folder: Path
    sources: Sources
    shared: Shared
    agencies: Sequence[CheckedAgency]
    reasons: Mapping[str, ExemptionCode]
    environment: Mapping[str, str] | None
    """What `env:` names meant when they were checked."""
    reports: Sequence[FileReport]

    @property
    def faults(self) -> list[Fault]:
        """Every fault of every file."""
        return [fault for report in self.reports for fault in report.faults]

    @property
    def warnings(self) -> list[Fault]:
        """What is legal and unwise."""
        return [warning for report in self.reports for warning in report.warnings]

    def configuration(self) -> Configuration:
        """What the hub works by. For a reading without faults only."""
        policy, calendars = self.shared.policy, self.shared.calendars
        assert policy is not None
        files = {agency.file.agency: agency.file for agency in self.agencies}
        names = {slug: agency_file(slug) for slug in files}
        versions = {slug: version_of(files_of(name, self.sources[name])) for slug, name in names.items()}
        frozen = [name for name in SHARED if name not in FOR_OPERATIONS]
        shared = version_of({n: c for name in frozen for n, c in files_of(name, self.sources[name]).items()})
        version = version_of({"": shared.encode(), **{slug: v.encode() for slug, v in versions.items()}})
        return Configuration(
            folder=self.folder,
            catalogue=Catalogue(
                services=tuple(service for agency in self.agencies for service in agency.services),
                attributes=self.shared.known,
                exemptions=self.reasons,
                lists=self.shared.lists,
                version=version,
                agencies={slug: file.name for slug, file in files.items()},
                hs_digits=policy.hs_digits,
            ),
            agencies=files,
            versions=versions,
            calendars={slug: calendars[file.calendar] for slug, file in files.items()},
            policy=policy,
            version=version,
            policy_version=version_of(files_of("policy.yaml", self.sources["policy.yaml"])),
            default_calendar=calendars["default"],
            risk=None
            if self.shared.risk is None
            else replace(
                self.shared.risk, version=version_of(files_of("risk.yaml", self.sources["risk.yaml"]))
            ),
            sources=self.sources,
            zones={name: calendar.zone for name, calendar in calendars.items()},
            environment=self.environment,
            watch=self.shared.watch,
            retention=self.shared.retention,
            warnings=tuple(sorted(self.warnings, key=lambda warning: (warning.file, warning.line))),
        )
