"""How long services have taken to answer, and how agencies' systems have behaved: counted, not listed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from hub.domain.history import Usual
from hub.domain.model import Model, UtcDatetime


class DayOfAnswers(Model):
    """How long a service took for what it decided on one day (UTC)."""

    service: str
    day: date
    usual: Usual


class CallCount(Model):
    """Requests to one agency's system that began within one minute."""

    agency: str
    operation: str
    """submit, look_up, poll, pull, amend, withdraw, inform, remind ..."""
    minute: UtcDatetime
    result: str
    """answered, unavailable, in_doubt, refused, not_understood."""
    count: int
    total_ms: int
    slowest_ms: int


class Histories(Protocol):
    """Blocking, as the store is."""

    def usual(self, now: datetime) -> dict[str, Usual]:
        """By service: from when the agency has it to its decision, clock stops left out; the last 90 days."""

    def answers(self, services: Sequence[str], since: date) -> list[DayOfAnswers]:
        """By service and day, the earliest first."""

    def count_calls(self, calls: Sequence[CallCount]) -> None:
        """Add to what has been counted; several processes do."""

    def calls(self, agency: str | None, since: datetime) -> list[CallCount]:
        """What has been counted, of one agency or of all, the earliest minute first."""
