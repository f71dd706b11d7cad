"""Links by which a declaration is followed without an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hub.domain.model import Model, UtcDatetime


class TrackingLink(Model):
    """Whoever has its code may follow one declaration. Of the code only a hash is kept, and not in here."""

    id: str
    """By which it is listed and revoked."""
    mrn: str
    made_at: UtcDatetime
    made_by: str
    """Id of the API client."""
    revoked_at: UtcDatetime | None = None


class TrackingLinks(Protocol):
    """Blocking, as the store is."""

    def add_tracking_link(self, link: TrackingLink, code_hash: str, most: int) -> bool:
        """
        Keep a link; False, and it is not kept, where `most` links of the declaration are open already.
        Raises KeyError for an unknown mrn.
        """

    def tracking_links(self, mrn: str) -> list[TrackingLink]:
        """All of a declaration, revoked ones too, the oldest first; none for an unknown mrn."""

    def tracking_link(self, code_hash: str) -> TrackingLink | None:
        """The link whose code has this hash, revoked or not."""

    def revoke_tracking_link(self, mrn: str, id: str, at: datetime) -> None:
        """It opens nothing any more. Idempotent. Raises KeyError."""

    def may_fail_again_in(self, who: Sequence[str], at: datetime, every: timedelta, burst: int) -> timedelta:
        """
        How long the first of these who has failed too often must wait; nothing where none has. Each may fail
        `burst` times at once, and once more after each `every`; the same for all processes.
        """

    def note_failure(self, who: Sequence[str], at: datetime, every: timedelta) -> None:
        """Each of these has failed once more. Failures that are forgotten are dropped."""
