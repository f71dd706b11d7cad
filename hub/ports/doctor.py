"""What the doctor compares: the records in the store, and the workflows as the engine has them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from hub.domain.clearance import Notice, Outcome
from hub.domain.model import Model, UtcDatetime
from hub.ports.views import DeclarationView


class FindingKind(StrEnum):
    """What store, engine, inbox and outbox can disagree about. The words for people are the doors'."""

    # between store and engine
    ENGINE_UNREACHABLE = "engine_unreachable"
    """It cannot be compared."""
    NOT_STARTED = "not_started"
    """Accepted a while ago, and no workflow has been started."""
    WORKFLOW_LOST = "workflow_lost"
    """Open, and the engine knows no workflow of it."""
    WORKFLOW_ENDED = "workflow_ended"
    """Open, and its workflow has ended: failed, terminated, timed out."""
    WORKFLOW_STRAY = "workflow_stray"
    """A workflow runs for a declaration that is not in the store."""
    WORKFLOW_LEFT = "workflow_left"
    """A workflow runs for a declaration that has been closed."""
    WORKFLOW_FAILING = "workflow_failing"
    """Its tasks fail: the version of the worker does not fit it."""
    RETENTION_DIFFERS = "retention_differs"
    """The engine keeps what has ended longer than the store keeps what is closed."""

    # what has not been passed on
    DECISIONS_UNTOLD = "decisions_untold"
    NEWS_UNTOLD = "news_untold"
    NOTICES_UNSENT = "notices_unsent"
    """The cargo system has not acknowledged."""
    MESSAGES_UNMATCHED = "messages_unmatched"
    """They bear a reference that no referral has."""
    MESSAGES_LEFT = "messages_left"
    """They bear the reference of exactly one referral, and wait all the same."""

    # what is asked about
    POLL_MISSING = "poll_missing"
    """It is the agency's turn, which answers when it is asked, and it is not asked."""
    POLL_LEFT = "poll_left"
    """It is asked about what nothing is to be asked about any more."""
    POLL_FAR = "poll_far"
    """It is to be asked about only in the far future: a clock was wrong."""
    POLLS_OVERDUE = "polls_overdue"
    """Nobody asks."""
    FEED_FAR = "feed_far"
    FEED_OVERDUE = "feed_overdue"
    """Nobody pulls it."""
    QUEUE_LEFT = "queue_left"
    """It waits in the queue of its agency, and there is nothing to be asked."""

    # within the store
    EVENTS_BROKEN = "events_broken"
    """They are not numbered from 1 without gaps."""
    CASE_DIFFERS = "case_differs"
    """What is kept of the case is not what its events make of it."""
    LEDGER_DIFFERS = "ledger_differs"
    """What is kept of a certificate is not what its lines add up to."""


class Repair(StrEnum):
    """What the doctor can do. Each looks once more before it acts, and may be repeated."""

    START = "start"
    """Start the workflow, from how the declaration stands."""
    TERMINATE = "terminate"
    """End the workflow."""
    TELL = "tell"
    """Tell the workflow."""
    MATCH = "match"
    """Give the message to its referral."""
    ASK = "ask"
    """Have it asked about now."""
    STOP_ASKING = "stop_asking"
    UNQUEUE = "unqueue"
    ADD_UP = "add_up"
    """Write down what the lines add up to."""


REPAIRS: Mapping[FindingKind, Repair] = {
    FindingKind.NOT_STARTED: Repair.START,
    FindingKind.WORKFLOW_LOST: Repair.START,
    FindingKind.WORKFLOW_ENDED: Repair.START,
    FindingKind.WORKFLOW_STRAY: Repair.TERMINATE,
    FindingKind.WORKFLOW_LEFT: Repair.TERMINATE,
    FindingKind.DECISIONS_UNTOLD: Repair.TELL,
    FindingKind.NEWS_UNTOLD: Repair.TELL,
    FindingKind.MESSAGES_LEFT: Repair.MATCH,
    FindingKind.POLL_MISSING: Repair.ASK,
    FindingKind.POLL_LEFT: Repair.STOP_ASKING,
    FindingKind.POLL_FAR: Repair.ASK,
    FindingKind.FEED_FAR: Repair.ASK,
    FindingKind.QUEUE_LEFT: Repair.UNQUEUE,
    FindingKind.LEDGER_DIFFERS: Repair.ADD_UP,
}
"""What mends it. What is not here a person must mend; the runbook says how."""


class Place(Model):
    """Where something was found: as many of the names as it has."""

    mrn: str | None = None
    service: str | None = None
    agency: str | None = None
    subject: str | None = None
    """What is neither: the id of a message, `type id` of a certificate, a workflow's id."""
    detail: str = ""
    """What was seen: `terminated`, `issued 5, its lines add up to 4`."""
    since: UtcDatetime | None = None


class Finding(Model):
    """One kind of disagreement."""

    kind: FindingKind
    count: int
    places: tuple[Place, ...] = ()
    """The first of them, 100 at most."""

    @property
    def repair(self) -> Repair | None:
        return REPAIRS.get(self.kind)


class Examination(Model):
    """What one look at everything has found."""

    began_at: UtcDatetime
    ended_at: UtcDatetime
    by: str
    deep: bool
    """Every declaration's events and case were gone through, not only the newest."""
    declarations: int
    """Open ones that were compared."""
    workflows: int
    """Running ones."""
    findings: tuple[Finding, ...]


class OpenDeclaration(Model):
    """A declaration, as far as the comparison needs it."""

    mrn: str
    accepted_at: UtcDatetime
    started: bool
    outcome: Outcome


class Resumption(Model):
    """A declaration that is open, as a new workflow is to take it up."""

    view: DeclarationView
    notice: Notice | None
    """The last to the cargo system."""
    unsent: bool
    """Some notice has not been acknowledged."""
    notices_from: int = 0
    """Numbers up to this one may have been used by notices that are not on record any more."""


class WorkflowStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELED = "canceled"
    TERMINATED = "terminated"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"
    """The engine has none of this id."""


class WorkflowStanding(Model):
    """How a workflow stands now."""

    status: WorkflowStatus
    attempt: int = 0
    """Of the task that it waits for: 1 when it is asked for the first time, 0 when it waits for none."""


class EngineView(Protocol):
    """The engine, as it is looked at. Every method raises EngineUnavailable."""

    def running(self) -> AsyncIterator[Sequence[str]]:
        """The mrn of every running clearance, page by page, as the engine's index has them: a little late."""

    async def count_running(self) -> int:
        """How many there are, as the index has it."""

    async def standing(self, mrn: str) -> WorkflowStanding:
        """How the workflow of one declaration stands now."""

    async def failing(self, limit: int) -> Sequence[Place]:
        """Workflows whose tasks fail again and again, with the reason."""

    async def keeps_ended_for(self) -> timedelta:
        """How long it keeps workflows that have ended."""

    async def resume(self, resumption: Resumption) -> bool:
        """
        Start the workflow of a declaration from how it stands. False when one is running already: then
        nothing is done. Raises EngineBusy while workers have not begun with what was started before.
        """

    async def terminate(self, mrn: str, reason: str) -> bool:
        """End a running workflow. False when none was running."""


class Records(Protocol):
    """The store, as the doctor looks at it. Blocking; each method is one transaction."""

    def list_open(self, after: OpenDeclaration | None, limit: int) -> list[OpenDeclaration]:
        """Those that are not closed, in an order of its own, page by page."""

    def are_open(self, mrns: Sequence[str]) -> dict[str, bool]:
        """Whether these are open; what is not in the store is not in the answer."""

    def count_open(self) -> int:
        """How many are open."""

    def disagreements(self, kind: FindingKind, now: datetime, after: Place | None, limit: int) -> list[Place]:
        """What is wrong within the store, page by page; [] for what the store alone cannot tell."""

    def count_disagreements(self, kind: FindingKind, now: datetime) -> int: ...

    def examine_cases(self, mrns: Sequence[str]) -> list[tuple[FindingKind, Place]]:
        """What is wrong with the events and the case of these."""

    def newest(self, limit: int, before: OpenDeclaration | None = None) -> list[OpenDeclaration]:
        """Declarations, closed ones too, the newest first."""

    def mend(self, kind: FindingKind, place: Place, now: datetime) -> bool:
        """Mend what the store alone can mend, if it is still so. Whether anything was done."""

    def resumption(self, mrn: str) -> Resumption | None:
        """How a workflow is to take it up; None when it is not open any more."""

    def note_examination(self, examination: Examination) -> None:
        """Keep it, and the ones before it for a while."""

    def last_examination(self) -> Examination | None: ...
