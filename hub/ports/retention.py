"""How long what is closed stays in the store, and what stays of it after that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from hub.domain.archive import Entry
from hub.domain.model import Model, UtcDatetime


@dataclass(frozen=True)
class Window:
    """The hours in which the hub archives by itself; over midnight where they end before they begin."""

    begins: time = time(1)
    ends: time = time(5)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Seoul"))

    def holds(self, at: datetime) -> bool:
        """Whether an instant is in it."""
        now = at.astimezone(self.zone).time()
        if self.begins <= self.ends:
            return self.begins <= now < self.ends
        return now >= self.begins or now < self.ends


class Pruned(StrEnum):
    """What is dropped when it is old: nothing of it belongs to a declaration that is kept."""

    ANSWER_TIMES = "answer_times"
    """How long services took, by day."""
    BULKS = "bulks"
    """Bulk actions that have ended, with their steps; each step is in the audit, too."""
    REFUSED_CALLBACKS = "refused_callbacks"
    MESSAGES = "messages"
    """Messages in the inbox that no declaration was ever found for."""
    EXCHANGES = "exchanges"
    """Exchanges about no declaration: log-ins, pages of feeds."""
    CARGO_EVENTS = "cargo_events"
    """Where cargo was that no declaration in the store is about."""
    VERSIONS = "versions"
    """Versions of agencies' files that are not in force and that no referral was asked under."""
    TOMBSTONES = "tombstones"
    """What stays of archived declarations, once the law no longer asks for their records."""


@dataclass(frozen=True)
class RetentionPolicy:
    """How long what is kept. `retention.yaml`, once it is read."""

    after: timedelta = timedelta(days=90)
    """A declaration that has been closed for so long is archived."""
    years: Mapping[str, int] = field(default_factory=lambda: {"import": 5, "export": 3, "transit": 2})
    """By procedure: for so many years from its acceptance the law asks for its records."""
    law: Mapping[str, str] = field(
        default_factory=lambda: {
            "en": "Customs Act art. 12 and its Enforcement Decree art. 3",
            "ko": "관세법 제12조, 같은 법 시행령 제3조",
        }
    )
    window: Window = field(default_factory=Window)
    per_file: int = 500
    """So many declarations in one file at most."""
    prune: Mapping[Pruned, timedelta] = field(
        default_factory=lambda: {
            Pruned.ANSWER_TIMES: timedelta(days=731),
            Pruned.BULKS: timedelta(days=400),
            Pruned.REFUSED_CALLBACKS: timedelta(days=400),
            Pruned.MESSAGES: timedelta(days=400),
            Pruned.EXCHANGES: timedelta(days=90),
            Pruned.CARGO_EVENTS: timedelta(days=400),
            Pruned.VERSIONS: timedelta(days=1827),
        }
    )
    """From which age on it is dropped."""

    def keep_until(self, procedure: str, accepted_at: datetime) -> datetime:
        """Until when the records of a declaration must be kept: the longest time for an unknown procedure."""
        years = self.years.get(procedure, max(self.years.values()))
        try:
            return accepted_at.replace(year=accepted_at.year + years)
        except ValueError:  # accepted on 29 February
            return accepted_at.replace(year=accepted_at.year + years, month=3, day=1)


class Closed(Model):
    """A declaration that may be archived."""

    mrn: str
    closed_at: UtcDatetime


class ArchiveFile(Model):
    """A file of archived declarations, as the store knows it."""

    name: str
    """Below the archive folder."""
    sha256: str
    size: int
    declarations: int
    made_at: UtcDatetime
    keep_until: UtcDatetime
    """Of none of its declarations the records must be kept longer."""
    emptied_at: UtcDatetime | None = None
    """When all that is in it had left the store; None while that is under way."""


class Tombstone(Model):
    """What stays in the store of a declaration that was archived."""

    mrn: str
    declarant: str
    client: str
    lrn: str
    agencies: tuple[str, ...]
    outcome: str
    accepted_at: UtcDatetime
    closed_at: UtcDatetime
    archived_at: UtcDatetime
    keep_until: UtcDatetime
    file: str
    digest: str
    """Of its section in the file."""
    offset: int
    """Where its section begins in the file, in bytes."""


class LegalHold(Model):
    """A declaration that must stay where it is, whatever its age."""

    mrn: str
    at: UtcDatetime
    by: str
    reason: str


class Done(Model):
    """What one round of archiving has done."""

    file: str | None = None
    exported: int = 0
    left: int = 0
    """How many left the store; of files of earlier rounds, too."""
    stayed: int = 0
    """Changed since they were exported, or held: they leave with a later file."""
    swept: int = 0
    """Unfinished files that were removed."""


class NotNow(Exception):
    """Somebody else archives at this moment."""


class LeaseLost(Exception):
    """Somebody else archives by now: what was begun must not be gone on with."""


class RetentionStore(Protocol):
    """The store as retention uses it. Blocking; each method is one transaction."""

    def lease_retention(self, process: str, now: datetime, lasts: timedelta) -> bool:
        """Whether this process may archive now, for so long; again, to go on. One at a time does."""

    def end_retention(self, process: str, now: datetime) -> None:
        """This process is done for now."""

    def archivable(self, closed_before: datetime, after: Closed | None, limit: int) -> list[Closed]:
        """
        Closed declarations about which nothing is left to do, those closed first first: none that is held, or
        of which news is untold, a notice not acknowledged, a decision by hand not confirmed.
        """

    def count_closed(self, closed_before: datetime) -> int:
        """How many declarations were closed before."""

    def record_of(self, mrn: str) -> list[dict[str, Any]]:
        """All there is about a declaration, line by line, always in the same order; [] for an unknown mrn."""

    def last_archive_file(self) -> ArchiveFile | None:
        """The one that was written down last."""

    def note_archive_file(self, file: ArchiveFile, process: str) -> None:
        """Write down a file that is about to take its name. Raises LeaseLost."""

    def archive_files(self, *, under_way: bool = False) -> list[ArchiveFile]:
        """The files there are, the oldest first; or those only whose declarations have not all left."""

    def leave(self, file: str, leaving: Sequence[tuple[Entry, int]], at: datetime, process: str) -> int:
        """
        Take declarations out of the store that are in a file, each with the offset of its section. One that
        has left is passed over, and so is one that is not what the file says of it any more, or is held.
        Returns how many left. Raises LeaseLost.
        """

    def empty_archive_file(self, file: str, at: datetime) -> None:
        """All that is in it has left, or stays."""

    def tombstone(self, mrn: str) -> Tombstone | None:
        """What stays of a declaration that was archived."""

    def tombstones(self, file: str) -> list[Tombstone]:
        """Of all declarations that left for a file, by mrn."""

    def hold(self, hold: LegalHold) -> bool:
        """Hold a declaration. False when it is held already. Raises KeyError for one that is not there."""

    def lift(self, mrn: str) -> LegalHold | None:
        """Hold it no more; the hold that there was."""

    def holds(self) -> list[LegalHold]:
        """The oldest first."""

    def prune(self, what: Pruned, before: datetime, limit: int) -> int:
        """Drop what is older, at most so many rows at once; how many were dropped."""
