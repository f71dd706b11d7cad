"""What operations do: each action with a preview, a reason and a line in the audit; in bulk, too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from hub.domain.events import Event, NewEvent
from hub.domain.exchange import Message
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Verdict
from hub.ports.control import AgencyControl, ControlState
from hub.ports.users import UserRole
from hub.ports.views import DeclarationView


class ActionKind(StrEnum):
    """What can be done. Of a referral, unless said otherwise."""

    RETRY = "retry"
    """Try what is waiting for its next attempt now."""
    LOOK_UP = "look_up"
    """Ask the agency by our reference how it stands."""
    RESEND = "resend"
    """Submit it anew, by the newest version of the agency's file; what was sent before is looked up first."""
    EXTEND = "extend"
    """Move its deadline."""
    DECIDE = "decide"
    """Record a decision by hand, with evidence; a second person confirms."""
    WITHDRAWN = "withdrawn"
    """Record that a person has told the agency that the application is withdrawn."""
    WITHDRAW = "withdraw"
    """Withdraw a declaration."""
    PAUSE = "pause"
    """Of an agency."""
    RESUME = "resume"
    """Of an agency."""
    OPEN_BREAKER = "open_breaker"
    """Of an agency: as if its system had failed; a probe tries it."""
    CLOSE_BREAKER = "close_breaker"
    """Of an agency: it is asked as usual again."""


LEAST_ROLE: dict[ActionKind, UserRole] = {
    ActionKind.RETRY: UserRole.OPERATOR,
    ActionKind.LOOK_UP: UserRole.OPERATOR,
    ActionKind.RESEND: UserRole.OPERATOR,
    ActionKind.EXTEND: UserRole.OPERATOR,
    ActionKind.DECIDE: UserRole.OPERATOR,
    ActionKind.WITHDRAWN: UserRole.OPERATOR,
    ActionKind.WITHDRAW: UserRole.SUPERVISOR,
    ActionKind.PAUSE: UserRole.OPERATOR,
    ActionKind.RESUME: UserRole.OPERATOR,
    ActionKind.OPEN_BREAKER: UserRole.SUPERVISOR,
    ActionKind.CLOSE_BREAKER: UserRole.SUPERVISOR,
}
"""Who may do it. Bulk actions are for supervisors, whatever the kind."""


class Audited(Model):
    """One line of the audit: who did what, to what, why, and what came of it."""

    id: int = 0
    at: UtcDatetime
    user: str
    role: UserRole
    action: str
    """An ActionKind, or a dotted name as `user.created`, `session.signed_in`, `bulk.stopped`."""
    mrn: str | None = None
    service: str | None = None
    agency: str | None = None
    reason: str | None = None
    result: str = ""
    data: dict[str, str] = Field(default_factory=dict)


class AuditFilter(Model):
    """Which lines of the audit to list; None does not filter."""

    user: str | None = None
    action: str | None = None
    """An action, or the part before the dot: `bulk` finds `bulk.started` and `bulk.stopped`."""
    mrn: str | None = None
    agency: str | None = None
    since: UtcDatetime | None = None
    before: UtcDatetime | None = None


class AuditPage(Model):
    """Newest first; `cursor` continues after the last line, None at the end."""

    lines: tuple[Audited, ...]
    cursor: str | None


class DoneBefore(Exception):
    """What has this request id was done before, as this line of the audit says; nothing was done now."""

    def __init__(self, line: Audited) -> None:
        super().__init__(f"{line.action} was asked for before, at {line.at:%Y-%m-%d %H:%M:%S} UTC")
        self.line = line


class ChangedMeanwhile(Exception):
    """It is not as whoever asks for something saw it; nothing was done."""


class ProposalState(StrEnum):
    OPEN = "open"
    """Waits for the second person."""
    CONFIRMED = "confirmed"
    DECLINED = "declined"
    """By the second person."""
    TAKEN_BACK = "taken_back"
    """By whoever proposed it."""


class EvidenceDocument(Model):
    """A document that bears a proposal out; kept with the documents of the declaration."""

    name: str
    media_type: str
    size: int
    sha256: str


class Proposal(Model):
    """A decision by hand that counts for nothing until a second person has confirmed it."""

    id: str
    mrn: str
    service: str
    agency: str
    revision: int
    """Of the referral, when it was proposed: about other content it cannot be confirmed."""
    heard: int
    """How many decisions the agency had given on the referral by then; one more, and it is out of date."""
    verdict: Verdict
    items: tuple[int, ...] | None = None
    """Numbers of the goods items; None: all that were referred."""
    remarks: str | None = None
    """For the declarant."""
    reference: str | None = None
    """The agency's number for its decision."""
    decided_at: UtcDatetime
    """When the agency decided."""
    evidence: str
    """How it is known what the agency has decided: who said so, when, and where that is kept."""
    document: EvidenceDocument | None = None
    by: str
    at: UtcDatetime
    state: ProposalState = ProposalState.OPEN
    ended_by: str | None = None
    ended_at: UtcDatetime | None = None
    ended_reason: str | None = None


class ProposalPage(Model):
    """Those that are open, the oldest first; others, the newest first."""

    proposals: tuple[Proposal, ...]
    cursor: str | None


class ProposalOver(Exception):
    """It has been confirmed, declined or taken back already."""

    def __init__(self, proposal: Proposal) -> None:
        super().__init__(f"{proposal.state.value.replace('_', ' ')} by {proposal.ended_by}")
        self.proposal = proposal


class BulkState(StrEnum):
    RUNNING = "running"
    """Being carried out, or waiting until those before it are."""
    STOPPED = "stopped"
    """By a person; what was not done by then is left."""
    DONE = "done"


class ItemState(StrEnum):
    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    """As things stood when its turn came, it could not be done; the result says why."""


class BulkSubject(Model):
    """One of those that a bulk action is about."""

    mrn: str
    service: str
    agency: str


class BulkItem(BulkSubject):
    """What has become of it."""

    place: int
    """From 1, in the order in which they are done."""
    state: ItemState = ItemState.WAITING
    result: str = ""
    at: UtcDatetime | None = None


class Bulk(Model):
    """One action on many referrals, one after the other, at a rate."""

    id: str
    kind: ActionKind
    by: str
    role: UserRole
    reason: str
    due_at: UtcDatetime | None = None
    """The deadline, of an extension."""
    picked: dict[str, str] = Field(default_factory=dict)
    """By which filter they were found, as the page has it in its address."""
    rate: float
    """At most so many a second."""
    begun_at: UtcDatetime
    state: BulkState = BulkState.RUNNING
    ended_by: str | None = None
    """Who stopped it."""
    ended_at: UtcDatetime | None = None
    counts: dict[ItemState, int] = Field(default_factory=dict)

    @property
    def size(self) -> int:
        """Of all its items."""
        return sum(self.counts.values())


class BulkPage(Model):
    bulks: tuple[Bulk, ...]
    """Newest first."""
    cursor: str | None


class BulkOver(Exception):
    """It has been stopped, or the item is not waiting any more: nothing was done."""


Step = Callable[[DeclarationView], Sequence[NewEvent]]
"""From how a declaration stands: what happens. Raises `hub.domain.steps.StepRefused`."""


class ActionStore(Protocol):
    """
    What operations have done, and what they are doing. Blocking, as the store is.

    Whatever changes something is given a line of the audit and a request id, and both are written in the
    transaction of the change itself: what was done is in the audit, and nothing that was not. The same
    request id again raises DoneBefore, and changes nothing.
    """

    # the audit: append-only

    def note_audit(self, line: Audited, request: str | None = None) -> Audited:
        """Write a line that stands alone: of a sign-in, of something refused. Raises DoneBefore."""

    def audit(self, which: AuditFilter, cursor: str | None, limit: int) -> AuditPage:
        """Raises BadCursor."""

    def audit_line(self, request: str) -> Audited | None:
        """What was done under this request id."""

    # actions

    def act(
        self, mrn: str, step: Step, line: Audited, request: str, *, place: tuple[str, int] | None = None
    ) -> list[Event]:
        """
        As `CaseStore.change`, with the line. `place` is the bulk action and the place in it that this is
        done for: the item is marked as done. Raises KeyError, what `step` raises, DoneBefore, BulkOver.
        """

    def set_control(
        self,
        agency: str,
        state: ControlState,
        check: Callable[[AgencyControl | None], None],
        line: Audited,
        request: str,
    ) -> None:
        """
        Control an agency as a person says, with the line: PAUSED, FAILING, or back to OPEN by way of
        DRAINING. `check` is given how it is controlled now, under lock. Raises what `check` raises,
        DoneBefore.
        """

    # decisions by hand

    def propose(
        self, proposal: Proposal, step: Step, line: Audited, request: str, content: bytes | None = None
    ) -> None:
        """
        Record what `step` says, the proposal, and its document, if it has one. Raises KeyError, what `step`
        raises, DoneBefore.
        """

    def proposal(self, id: str) -> Proposal | None: ...

    def proposals(
        self,
        *,
        open: bool,
        mrn: str | None = None,
        cursor: str | None = None,
        limit: int = 50,
    ) -> ProposalPage:
        """Those that wait, or those that have ended. Raises BadCursor."""

    def confirm(
        self,
        id: str,
        message: Callable[[DeclarationView, Proposal], Message],
        line: Audited,
        request: str,
    ) -> tuple[Decision, ...]:
        """
        Lock the declaration, and put the decision that `message` makes of the proposal into the inbox, as any
        other. Returns the decisions that the workflow is to be told. Raises KeyError, ProposalOver,
        what `message` raises, DoneBefore.
        """

    def decline(self, id: str, state: ProposalState, step: Step, line: Audited, request: str) -> None:
        """Record what `step` says, and end it so. Raises KeyError, ProposalOver, DoneBefore."""

    # in bulk

    def begin_bulk(self, bulk: Bulk, subjects: Sequence[BulkSubject], line: Audited, request: str) -> None:
        """Write it down with all its items. Raises DoneBefore."""

    def subjects(self, places: Sequence[tuple[str, str]]) -> list[BulkSubject]:
        """The referrals of these mrns and services that there are, each once, in order."""

    def bulk(self, id: str) -> Bulk | None: ...

    def running_bulks(self) -> list[Bulk]:
        """Those that are carried out, or wait for their turn; in that order."""

    def bulks(self, cursor: str | None, limit: int) -> BulkPage:
        """Raises BadCursor."""

    def bulk_items(self, id: str, state: ItemState | None, after: int, limit: int) -> list[BulkItem]:
        """Its items whose place is greater than `after`, in order."""

    def lease_bulk(self, holder: str, now: datetime, until: datetime) -> Bulk | None:
        """
        The bulk action whose turn it is: the oldest that runs, unless another holder is at it. One at a time,
        in all processes together: so rates never add up.
        """

    def refuse_item(self, id: str, place: int, line: Audited, request: str) -> None:
        """Its turn came, and it could not be done. Raises DoneBefore, BulkOver."""

    def end_bulk(self, id: str, state: BulkState, line: Audited | None, request: str | None) -> bool:
        """Stop it, or note that nothing of it waits any more. Whether it was running. Raises DoneBefore."""
