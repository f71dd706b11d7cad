"""A database that was brought back from a backup: what is on record of that, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hub.domain.model import Model, UtcDatetime
from hub.ports.actions import BulkSubject


class Restoration(Model):
    """The database was brought back."""

    at: UtcDatetime
    backup_at: UtcDatetime
    """When the backup was made: what was done between the two is not on record."""
    by: str


class Marked(Model):
    """What had to be marked so that nothing is done twice."""

    open: int
    """Declarations."""
    in_doubt: int
    """Referrals that may have been sent since the backup: they are looked up before they are sent."""


class RecoveryStore(Protocol):
    """The store as recovery uses it. Blocking; each method is one transaction."""

    def mark_restored(self, restoration: Restoration) -> Marked:
        """
        Write it down, with what follows: what was not sent yet may have been sent since; what was not started
        may run; and notices go on with numbers that nobody has used.
        """

    def restorations(self) -> list[Restoration]:
        """The newest first."""

    def unheard_of(self, after: tuple[str, str] | None, limit: int) -> Sequence[BulkSubject]:
        """
        Referrals that an agency has and has not decided, and that are not asked about by polls: what it said
        since the backup is not on record. In the order of mrn and service.
        """
