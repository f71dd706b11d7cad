"""How long services have taken to answer, and how agencies' systems have behaved: counted, not listed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt
from hub.domain.history import AnswerTimes, Usual
from hub.domain.model import Model, UtcDatetime


class DayOfAnswers(Model):
    """How long a service took for what it decided on one day (UTC)."""

    service: str
    day: date
    usual: Usual


class CallResult(StrEnum):
    """What became of one request to an agency's system; the errors are those of `hub.domain.errors`."""

    ANSWERED = "answered"
    """Also where the answer is that it knows of nothing."""
    UNAVAILABLE = "unavailable"
    IN_DOUBT = "in_doubt"
    REFUSED = "refused"
    NOT_UNDERSTOOD = "not_understood"

    @classmethod
    def of(cls, error: ChannelError) -> CallResult:
        """What a request came to that ended with this error."""
        if isinstance(error, AgencyUnavailable):
            return cls.UNAVAILABLE
        if isinstance(error, InDoubt):
            return cls.IN_DOUBT
        return cls.REFUSED if isinstance(error, AgencyRefused) else cls.NOT_UNDERSTOOD


@dataclass(frozen=True, slots=True)
class Call:
    """One request to an agency's system, whoever made it and whatever for."""

    agency: str
    operation: str
    """The `kind` of its exchange."""
    started_at: datetime
    milliseconds: int
    result: CallResult


class CallCount(Model):
    """Requests to one agency's system that began within one minute, hour or day."""

    agency: str
    operation: str
    """submit, look_up, poll, pull, amend, withdraw, inform, remind ..."""
    minute: UtcDatetime
    """When that begins."""
    result: str
    """A CallResult."""
    count: int
    total_ms: int
    slowest_ms: int
    ladder: tuple[int, ...]
    """How many took how long, on the ladder of `hub.domain.latency`."""


CallMeter = Callable[[Call], None]
"""Is told of every request to an agency's system when it has ended. From any thread; returns at once."""


def unmetered(call: Call) -> None:
    """The meter where nobody counts, as in the workbench."""


class Histories(Protocol):
    """Blocking, as the store is."""

    def answer_times(self, now: datetime) -> dict[str, AnswerTimes]:
        """By service: from when the agency has it to its decision, clock stops left out; the last 90 days."""

    def usual(self, now: datetime) -> dict[str, Usual]:
        """By service, from the same."""

    def answers(self, services: Sequence[str], since: date) -> list[DayOfAnswers]:
        """By service and day, the earliest first."""

    def count_calls(self, calls: Sequence[CallCount]) -> None:
        """Add to what has been counted; several processes do."""

    def calls(self, agency: str | None, since: datetime) -> list[CallCount]:
        """By minute, of one agency or of all, the earliest first; those of the last two days are kept."""

    def calls_by_hour(self, agency: str | None, since: datetime) -> list[CallCount]:
        """The same by hour, for a year."""

    def calls_by_day(self, agency: str | None, since: datetime) -> list[CallCount]:
        """The same by day (UTC), for a year."""

    def forget_calls(self, minutes_before: datetime, hours_before: datetime) -> None:
        """Minutes, and hours and days, that began before these times are dropped."""
