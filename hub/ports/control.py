"""Agencies that are paused, by a person or because their system fails, and what waits for them meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from hub.domain.exchange import Dossier
from hub.domain.model import Model, UtcDatetime

FIRST_PAUSE = timedelta(seconds=5)
"""Before an agency whose system has failed is tried for the first time, where nothing else is said."""


class ControlState(StrEnum):
    OPEN = "open"
    """Asked as usual."""
    PAUSED = "paused"
    """By a person: nothing is asked until a person resumes it."""
    FAILING = "failing"
    """Its breaker opened: what is to be asked is queued; a probe tries one now and then."""
    DRAINING = "draining"
    """It answers again: the queue goes out at a safe rate, the earliest deadline first."""


class AgencyControl(Model):
    """How one agency is controlled; the same for all processes."""

    agency: str
    state: ControlState
    since: UtcDatetime
    by: str | None = None
    """The user; None: the hub itself."""
    reason: str | None = None
    next_probe_at: UtcDatetime | None = None
    probing: bool = False
    """One request has been let through, to see."""
    rate: float | None = None
    """Referrals a second while draining."""
    queued: int = 0
    """Referrals in its queue that have not been let go."""


class Pace(Model):
    """How an agency that has failed is tried, and how fast its queue goes out again."""

    first_pause: timedelta = FIRST_PAUSE
    """Between the failure and the first probe; doubled after each that fails."""
    longest_pause: timedelta = timedelta(minutes=5)
    slowest: float = 1.0
    """Referrals a second when the queue begins to go out."""
    fastest: float = 8.0
    """Referrals a second at most, as long as all goes well."""
    at_once: int = 8
    """Referrals let go and not yet handed over, at most."""


class QueuedReferral(Model):
    """A referral that waits until its agency is asked again."""

    mrn: str
    service: str
    agency: str
    queued_at: UtcDatetime
    due_at: UtcDatetime | None
    """Its deadline: the earliest goes first."""
    told: int = 0
    """How often its workflow has been told to go on."""
    told_at: UtcDatetime | None = None
    """When it was told so last; None while it waits for its turn."""


class Probe(Model):
    """One request that may try whether an agency is there again."""

    agency: str
    queued: QueuedReferral | None = None
    """The referral of the queue that is to try."""
    known: Dossier | None = None
    """Where nothing is queued: a referral that the agency has, to ask about."""


class LetGo(Model):
    """What has left a queue."""

    referrals: tuple[QueuedReferral, ...] = ()
    opened: bool = False
    """Nothing is left in it: the agency is asked as usual again."""


class Controls(Protocol):
    """Blocking, as the store is."""

    def controls(self, *, counted: bool = True) -> dict[str, AgencyControl]:
        """
        Of every agency that is not simply open, with the length of its queue; not `counted`, which is for who
        looks every second, without.
        """

    def pause(self, agency: str, *, by: str, reason: str, at: datetime) -> bool:
        """A person pauses it. Whether that is news."""

    def fails(
        self,
        agency: str,
        *,
        reason: str,
        at: datetime,
        by: str | None = None,
        pause: timedelta = FIRST_PAUSE,
        served: bool = False,
    ) -> bool:
        """
        Its breaker opened, in this process or another, or a person opens it: FAILING, unless paused; the
        first probe comes after `pause`, or after twice the last one where it fails soon after it came back
        and has not `served` meanwhile. Whether that is news.
        """

    def resume(
        self,
        agency: str,
        *,
        by: str | None,
        reason: str | None,
        at: datetime,
        rate: float = Pace().slowest,
    ) -> bool:
        """Its queue drains, at that rate to begin with, and then it is open. Whether that is news."""

    def queue(self, referral: QueuedReferral) -> None:
        """It waits. Idempotent: it keeps the time from which it waits."""

    def queued(self, agency: str, limit: int) -> Sequence[QueuedReferral]:
        """The earliest deadline first."""

    def unqueue(self, mrn: str, service: str) -> None:
        """It waits no more, unless it was put there and has not been let go since. Idempotent."""

    # how the queue goes out

    def is_let_through(self, mrn: str, service: str, agency: str, at: datetime) -> bool:
        """
        Whether this referral may be asked about now, as the tables have it: the agency is open; or it is the
        one that probes; or it was let go from the queue; or the queue that drains is so short that standing
        in it would cost more than it brings.
        """

    def take_probe(self, agency: str, at: datetime, lease: timedelta) -> Probe | None:
        """
        The one probe that is due, for this caller alone until the lease ends; None when none is due. A probe
        whose lease has ended was lost, and falls due again.
        """

    def recovered(self, agency: str, at: datetime, rate: float) -> bool:
        """A probe was answered: FAILING becomes DRAINING. Whether that is news."""

    def probe_failed(
        self, agency: str, *, reason: str, at: datetime, longest: timedelta, least: timedelta
    ) -> bool:
        """
        A probe was not answered: the next comes after twice the pause, `longest` at most, and not before
        `least`, which the agency asks for. False when none was under way.
        """

    def end_probe(self, agency: str) -> None:
        """The probe has come to nothing, for reasons that are not the agency's: another is due at once."""

    def let_go(self, agency: str, at: datetime, pace: Pace) -> LetGo:
        """
        Of a queue that drains, those whose turn has come, the earliest deadline first: as many as the rate
        has let through since the last time, whoever asks. The rate grows while all goes well. An agency with
        an empty queue is open from now on.
        """

    def untold(self, told_before: datetime, limit: int) -> Sequence[QueuedReferral]:
        """Let go before then, and still there: their workflows have not heard it, or want nothing more."""

    def told_again(self, mrn: str, service: str, at: datetime) -> None:
        """Its workflow is told once more, now."""

    def queues_left(self) -> Sequence[str]:
        """Agencies that are open while somebody waits for them, as a process leaves it that has not heard."""


class Gate(Protocol):
    """What one process knows of all controls: looked up in memory, looked at anew every second."""

    def control(self, agency: str) -> AgencyControl | None:
        """How it is controlled, as last looked at; None when it is open. Never blocks."""

    def shut(self) -> dict[str, int]:
        """Of agencies that are not simply open: how many may ask at once what stands in no queue."""

    def pace(self, agency: str) -> Pace:
        """How it is tried, and how fast its queue goes out: as its file says."""
