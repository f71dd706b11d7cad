"""How everything stands, in numbers that cost the store little while 100,000 declarations are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from hub.domain.clearance import Outcome
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import ReferralState


class OpenDeclarations(Model):
    """Declarations of one outcome that are not closed."""

    outcome: Outcome
    by_age: tuple[int, ...]
    """How many were accepted at each of the times asked about or after, and not in the span before; then
    those accepted before all of them."""

    @property
    def count(self) -> int:
        return sum(self.by_age)


class ClosedDay(Model):
    """Declarations that were closed on one day (UTC)."""

    day: date
    outcome: Outcome
    count: int


class OpenReferrals(Model):
    """What waits for one agency."""

    count: int
    oldest: UtcDatetime
    """When the first of them was accepted."""


class ServiceQueue(Model):
    """What waits for one service, in one state."""

    service: str
    state: ReferralState
    count: int
    oldest: UtcDatetime


class WaitingReferral(Model):
    """One referral that waits for its agency."""

    mrn: str
    service: str
    state: ReferralState
    accepted_at: UtcDatetime
    delivered_at: UtcDatetime | None
    trouble: str | None


class Overview(Protocol):
    """Blocking, as the store is."""

    def open_declarations(self, since: Sequence[datetime]) -> list[OpenDeclarations]:
        """By outcome and age; `since` are the times that part the ages, the latest first."""

    def closed_declarations(self, since: date) -> list[ClosedDay]:
        """By day and outcome, the earliest day first; of today, so far."""

    def roll_closed(self, until: date, limit: int) -> int:
        """Count the days before `until` that are not counted yet, once; at most `limit` of them."""

    def open_by_agency(self) -> Mapping[str, OpenReferrals]:
        """Of every agency that something waits for: not decided, of declarations that are not closed."""

    def open_by_service(self, agency: str) -> list[ServiceQueue]:
        """What waits for one agency, by service and state."""

    def open_by_age(self, agency: str, since: Sequence[datetime]) -> tuple[int, ...]:
        """Referrals that wait for one agency, by age as `open_declarations` parts them."""

    def waiting_longest(self, agency: str, limit: int) -> list[WaitingReferral]:
        """The referrals that wait for an agency, the first accepted first."""
