"""Versions of the agencies' files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from hub.domain.model import Model, UtcDatetime


class ChangeKind(StrEnum):
    """What became of an agency's files when they had changed."""

    APPLIED = "applied"
    """In force from then on, for new declarations."""
    REFUSED = "refused"
    """They have faults; what was in force stays in force."""
    MENDED = "mended"
    """After files that were refused, those in force stand in the folder again."""
    REMOVED = "removed"
    """The agency is asked no more."""


class ToldFault(Model):
    """One thing wrong with a file of the configuration folder, as it was told."""

    file: str
    """Below the folder."""
    line: int
    key: str
    what: str
    cure: str


class AgencyFiles(Model):
    """One version of an agency: its file and every file of the folder that it names, by name below it."""

    agency: str
    version: str
    files: dict[str, bytes]


class AgencyChange(Model):
    """What became of an agency's files, and which process did it."""

    agency: str
    at: UtcDatetime
    process: str
    kind: ChangeKind
    version: str | None
    """None when it was removed. Of files that were refused, what would have been their version."""
    faults: tuple[ToldFault, ...] = ()


class InForce(Model):
    """The version of an agency that is in force."""

    agency: str
    version: str
    since: UtcDatetime


class Served(Model):
    """How many referrals a version serves or has served."""

    open: int
    """Not DECIDED, of cases not closed."""
    all: int


SHARED_FILES = "*"
"""Stands for an agency where the versions are of the files beside the agencies': attributes, lists, ..."""


class VersionArchive(Protocol):
    """The versions of agencies' files that have ever been in force. Blocking."""

    def version_files(self, agency: str, version: str) -> AgencyFiles | None:
        """That version; None when it was never in force."""

    def last_version(self, agency: str) -> str | None:
        """The version that was in force last, also of an agency that has been removed."""


class VersionStore(VersionArchive, Protocol):
    """Writes versions down before they are used. Blocking; each method is one transaction."""

    def record_applied(self, versions: Sequence[AgencyFiles], at: datetime, process: str) -> None:
        """Write versions down, and that they are in force from `at`. One that is already stays as it is."""

    def record_mended(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """After files that were refused, what is in force stands in the folder again. Once."""

    def record_removed(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """These agencies are asked no more. Their versions are kept."""

    def record_refused(
        self, agency: str, version: str | None, faults: Sequence[ToldFault], at: datetime, process: str
    ) -> None:
        """What stands in the folder has faults and is not in force. The same again is recorded once."""

    def in_force(self) -> dict[str, InForce]:
        """By agency, the files beside them as `SHARED_FILES`."""

    def agency_changes(self, agency: str | None, limit: int) -> list[AgencyChange]:
        """The latest changes of an agency, or of all; newest first."""

    def served(self, agency: str) -> dict[str, Served]:
        """By version, counted over every referral of the agency."""

    def agencies_left(self) -> set[str]:
        """Agencies that were removed and still have open referrals."""
