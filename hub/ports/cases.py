"""The store as worker, relays and doors use it: what is written of a declaration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from hub.domain.case import Case, Change, Referral
from hub.domain.clearance import Clearance, Notice
from hub.domain.declaration import Declaration
from hub.domain.errors import CallbackRefused
from hub.domain.events import Event, NewEvent
from hub.domain.exchange import (
    Dossier,
    Exchange,
    Message,
)
from hub.domain.information import Information
from hub.domain.intake import Acceptance
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState
from hub.domain.withdrawal import Withdrawal
from hub.ports.outside import Acknowledgement
from hub.ports.views import DeclarationView


class LodgedBefore(Model):
    """The declarant has used this lrn already: with the same content, or with other content."""

    acceptance: Acceptance
    same_content: bool


class HandOverMark(Model):
    """How far the hand-over of a referral has got, as read when a new attempt begins."""

    dossier: Dossier
    state: ReferralState
    sent_before: bool
    """An earlier attempt may have reached the agency: look it up before sending."""
    sent_at: UtcDatetime | None = None
    """When that earlier attempt was begun; None when `sent_before` is False."""
    decisions: tuple[Decision, ...] = ()
    """Decisions already recorded; a callback may overtake the receipt of its own submission."""
    change: Change = Change.NONE
    """It is to be amended or withdrawn: nothing is to be submitted."""
    asked_again: int = 0
    """How often people have asked for something about it."""


class HandOver(Model):
    """What one attempt came to, as recorded."""

    referral: str
    state: ReferralState
    receipt: Receipt | None = None
    decisions: tuple[Decision, ...] = ()
    trouble: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    sent: bool = False
    """The attempt may have reached the agency (InDoubt): the next one must look it up first."""
    retry_in: timedelta | None = None
    """How long to wait before the next attempt, when the agency or the doubt says so; not recorded."""
    revision: int = 1
    """Of the content that was handed over; 0 when nothing was done, and this is how it stands."""
    queued: bool = False
    """Its agency is paused, or fails: it stands in the queue from now on."""
    left_alone: timedelta = timedelta(0)
    """How long after this the agency is asked about it first, where it answers when it is asked."""


class Unheard(Exception):
    """The store holds news or decisions that the workflow has not heard: it must hear them first."""


class CaseOnRecord(Model):
    """What an outcome is settled on, and what its notice says of the consignment."""

    case: Case
    ucr: str
    cargo_management_number: str | None


class Settled(Model):
    """An outcome to be recorded."""

    clearance: Clearance
    notice: Notice | None
    """None when there is nothing to tell the cargo system."""
    pending_agencies: tuple[str, ...]
    weighed: tuple[tuple[str, str], ...] = ()
    """The decisions that it rests on, by service and id: whoever has weighed them need not be told them."""


class Recorded(Model):
    """What has become of an outcome that was to be recorded."""

    number: int | None = None
    """Of the notice that says so; None when there was nothing to tell."""
    unsent: tuple[Notice, ...] = ()
    """What the cargo system has not acknowledged yet, the oldest first."""


class ReferralFile(Model):
    """A referral as it stands now, and what is needed to speak to its agency about it."""

    referral: Referral
    dossier: Dossier
    """With the declaration as it stands now, and the receipt of the application that the agency has."""
    sent_at: UtcDatetime | None
    """When a submission was begun that may have reached the agency; None when none was."""
    withdrawal: Withdrawal | None = None


class DeclarationVersion(Model):
    """One version of a declaration, as lodged or as amended."""

    version: int
    lodged_at: UtcDatetime
    by: str
    content_hash: str
    declaration: Declaration


class OpenPoll(Model):
    """A referral that is to be asked about, leased to this caller."""

    dossier: Dossier
    attempts: int
    """How often it has been asked about before."""
    trouble: str | None = None
    """Why the poll before failed; None when it went well."""


class Polled(Model):
    """What came of asking about a referral."""

    referral: str
    next_at: UtcDatetime | None
    """When it is to be asked about again; None ends that."""
    messages: tuple[Message, ...] = ()
    """What the agency has decided, as far as it says so."""
    exchanges: tuple[Exchange, ...] = ()
    says_something: bool = True
    """The exchanges are recorded; else only where a message is new."""
    trouble: str | None = None
    """Shown until a poll goes well."""
    not_understood_at: UtcDatetime | None = None
    """Since when, where the trouble is that the answer was not understood."""
    heard_at: UtcDatetime | None = None
    """When it was asked, where the agency has answered so that it could be understood."""


class Received(Model):
    """What became of a message put into the inbox."""

    new: bool
    """False: the same message was there already, and counts once."""
    mrn: str | None
    """None while no referral is known by the agency's reference."""
    decisions: tuple[Decision, ...] = ()
    """Those that are new and count; empty once the cargo is released."""
    to_tell: tuple[Decision, ...] = ()
    """
    What the workflow is to be told now: these, and what has waited for them. Empty while they can change
    nothing yet; they are told with the next that can, or after a while.
    """
    trouble: str | None = None
    """Why it was not understood: as it was read, or when it was held against what was known."""
    id_used_before: bool = False
    """Its id is that of a message with other content; it is kept under another, and changes nothing."""


class CaseStore(Protocol):
    """
    The store as worker, relays and callback door use it. Each method is one transaction; none is open across
    a network call. Methods are blocking: asynchronous callers use a thread.

    Events are appended in the same transaction as the change they tell of, and `seq` has no gaps. Whoever
    changes a declaration that does not exist gets KeyError.
    """

    def begin_hand_over(
        self, mrn: str, services: Sequence[str], at: datetime, asked_again: int | None = None
    ) -> list[HandOverMark]:
        """
        Read the dossiers and mark each still pending referral as being sent, so that a crash leaves a trace;
        not one about which people have asked more often than `asked_again`.

        A mark that is there already stays as it is, and is what `sent_before` and `sent_at` tell. Raises
        KeyError for an unknown mrn or service.
        """

    def mark_resent(self, referral: str, at: datetime) -> None:
        """The referral is about to be sent once more: the mark moves to `at`. Raises KeyError."""

    def record_hand_overs(self, mrn: str, results: Sequence[HandOver], at: datetime) -> list[HandOver]:
        """
        Record attempts: exchanges, receipts, decisions, state, events; open a poll for a delivered referral
        that answers by poll. `sent` False clears the mark of being sent.

        Messages waiting in the inbox for an agency reference that a receipt now brings are matched. Returns
        the results with state, receipt, trouble and every decision as they now stand. A PENDING result
        records `referral.delayed` once for each different trouble, not for each attempt.

        Recording a result twice is recording it once, and nothing is taken back by a result that comes late:
        a failure does not undo a delivery, a referral decided by an early callback stays DECIDED and gains
        its receipt, the first receipt stands. The first poll is due at `at`. Decisions in the results count
        as told, since the caller brings them to the workflow; those that come out of the inbox do not.
        """

    def receive(self, message: Message) -> Received:
        """
        Put a message into the inbox, once for each (agency, message_id), with its decisions and events. One
        that comes with the id of another, and says something else, is kept under an id made of that id and
        its content, and is not understood: which of the two the agency means is not guessed at.

        Unknown agency references wait, and so do those that several referrals of the agency bear: a verdict
        is never given to a referral that was only guessed at. A decision already known (same id and
        referral) is not recorded again. A message that could not be read counts for nothing, so a readable
        one with the same id takes its place. Raises CallbackRefused when a message is about a referral that
        is not this agency's, or about several (recorded, event `callback.refused` if the declaration exists).

        A message whose decisions speak of goods items that were not referred is not understood as a whole.
        What was not understood leaves the referral as it is, with its `trouble`, until a later message of the
        referral is understood; event `message.not_understood` once for each different trouble.

        A referral is DECIDED when every goods item has a standing decision other than a demand for
        information or inspection; when a later decision demands it after all, the referral is DELIVERED
        again and asked about again. Once the outcome recorded is a release, or the case is closed,
        `decision.late` is recorded instead, and states stay as they are.
        """

    def refuse_callback(self, agency: str, reason: str, body: str, at: datetime) -> None:
        """Record a callback that was refused before it could be read; of its body the beginning."""

    def untold_messages(
        self, received_before: datetime, limit: int
    ) -> list[tuple[str, tuple[Decision, ...]]]:
        """
        Decisions (by mrn) received but not yet told to the workflow: what a crash left half done.

        At most `limit` declarations, the longest waiting first, each with all of its decisions.
        """

    def mark_told(self, mrn: str, decisions: Sequence[str], *, late: bool = False) -> None:
        """
        The workflow knows these decisions, given by id; or it has ended without them, when they are `late`:
        then there is nobody left to tell, and each is recorded as `decision.late`, once. One that the outcome
        rests on was told all the same, by somebody who did not live to mark it, and is not late.

        Two agencies may use the same id. Given once while both decisions are untold, neither is marked:
        telling one twice does no harm, never telling it would.
        """

    def record_clearance(
        self,
        mrn: str,
        clearance: Clearance,
        notice: Notice | None,
        pending_agencies: Sequence[str],
        at: datetime,
        through: int | None = None,
    ) -> Notice | None:
        """
        Record an outcome (event `clearance.settled`) and write its notice, if there is one to send.

        Repeating it with the same notice number changes nothing and returns the notice as first written, or
        None if it has been acknowledged already. Where the last notice has that number or a higher one and
        says something else, this one gets the next: who asks does not know any more what he has said. The
        clearance that is recorded already is no event again.
        `through` is the last event that the outcome rests on: when the store holds later news, or a decision
        not told to the workflow yet, nothing is recorded, and Unheard is raised. None does not look.

        A release, whole or in part, writes off what was reserved of certificates for the goods it lets go.

        `pending_agencies` goes into the event; lists show the agencies of referrals not DECIDED of cases not
        closed, which the store keeps in step itself.
        """

    def conclude(
        self, mrn: str, settle: Callable[[CaseOnRecord], Settled], at: datetime, through: int | None
    ) -> Recorded:
        """
        Lock a declaration, let `settle` say from how it stands what its outcome is, and record that, as
        `record_clearance` does. `settle` is pure; what it raises is passed on, and nothing is recorded.
        """

    def unsent_notice(self, mrn: str) -> Notice | None:
        """The oldest notice of a declaration that the cargo system has not acknowledged."""

    def record_notice_sent(
        self, notice: Notice, acknowledgement: Acknowledgement, exchanges: Sequence[Exchange]
    ) -> None:
        """The cargo system has it: event `cargo.released`, `cargo.held` or `cargo.refused`. Idempotent."""

    def record_notice_delayed(
        self, notice: Notice, trouble: str, at: datetime, exchanges: Sequence[Exchange] = ()
    ) -> None:
        """
        The cargo system did not take it; event `notice.delayed` once for each different trouble. Every
        attempt is kept, also one whose trouble is no news.
        """

    def record_expired(self, mrn: str, services: Sequence[str], at: datetime) -> dict[str, datetime]:
        """
        The time of these referrals has passed: state EXPIRED unless decided, event `referral.expired` and,
        where the service says so, `referral.escalated`. Idempotent. Polls go on: a late approval may still
        lift a hold.

        Where silence would be consent, nothing is recorded before the hub could have heard a refusal, and the
        agency is asked at once where it is one that is asked. Returned is when to look at these again.
        """

    def append_event(self, mrn: str, event: NewEvent) -> Event:
        """Append one event."""

    def close_case(self, mrn: str, at: datetime, through: int | None = None) -> None:
        """
        Nothing more is awaited: open polls end, later decisions are late, what is still reserved is given
        back. Idempotent. Raises Unheard, as `record_clearance` does.
        """

    # what happens to a case by somebody's will, or by time

    def change(
        self,
        mrn: str,
        step: Callable[[DeclarationView], Sequence[NewEvent]],
        *,
        acceptance: Acceptance | None = None,
        exchanges: Sequence[Exchange] = (),
        messages: Sequence[Message] = (),
    ) -> list[Event]:
        """
        Lock a declaration, let `step` say from how it stands what happens, and record that: the events, and
        the case as `hub.domain.life.apply` makes it of them. `step` is pure; what it raises is passed on, and
        nothing is recorded. It may say that nothing happens.

        `acceptance` is the new version of the declaration, with an amendment: its content and routing take
        the place of the old, which is kept. Claims of certificates that the amendment adds are reserved as at
        lodging; those that it drops are given back. A withdrawn referral gives back what was reserved for it.
        Events of `hub.domain.life.NEWS` count as untold until the workflow has read them.

        `messages` about this declaration came with what the step tells of, and are taken in after it, as
        `receive` does. Raises CallbackRefused for one that is refused; everything is on record then.
        """

    def news(self, mrn: str, after: int) -> list[Event]:
        """The news: events with `seq` greater than `after`, in order. They count as told from now on."""

    def untold_news(self, recorded_before: datetime, limit: int) -> list[str]:
        """Declarations with news that their workflow has not read, the longest waiting first."""

    def drop_news(self, mrn: str) -> None:
        """The workflow has ended without them: there is nobody left to tell."""

    def referral_file(self, mrn: str, service: str) -> ReferralFile:
        """A referral with everything that its agency is to be told. Raises KeyError."""

    def versions_of(self, mrn: str) -> list[DeclarationVersion]:
        """Every version of a declaration, the first first."""

    # documents

    def put_information(
        self, mrn: str, service: str, information: Information, contents: Mapping[str, bytes]
    ) -> None:
        """Keep an answer of the declarant, and the documents in it by their hash. Idempotent."""

    def information(self, mrn: str, service: str) -> list[Information]:
        """What the declarant has answered, in order."""

    def document(self, mrn: str, sha256: str) -> bytes | None:
        """The content of a document of this declaration."""

    # intake and its relay

    def lodge(self, acceptance: Acceptance) -> LodgedBefore | None:
        """
        Write an accepted declaration down, with `declaration.accepted` and, when it is settled already,
        `clearance.settled`. None when it is new; atomic on (declarant, lrn). Raises ValueError when the mrn
        is another declaration's.
        """

    def lodged(self, declarant: str, lrn: str) -> Acceptance | None:
        """What this declarant lodged under this lrn."""

    def mark_started(self, mrn: str) -> None:
        """Its workflow has been started."""

    def not_started(self, accepted_before: datetime, limit: int) -> list[Acceptance]:
        """Accepted declarations whose workflow has not been started, oldest first."""

    # polls and feeds

    def lease_polls(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        busy: Sequence[str],
        *,
        only: str | None = None,
    ) -> list[OpenPoll]:
        """
        Polls that are due, oldest first, leased to this caller; none of the agencies in `busy`, and only
        those of `only`, if that is said. One that is not finished falls due again when its lease runs out.
        """

    def finish_polls(self, mrn: str, polled: Sequence[Polled]) -> list[Received | CallbackRefused]:
        """
        Record polls about referrals of one declaration and when the next are due; what became of each of
        their messages, which are taken in as `receive` does. What the workflow is to be told comes with the
        last.

        A poll that has ended meanwhile, because the agency decided or the case closed, stays ended. An answer
        that was not understood is event `message.not_understood`, once for each different trouble.
        """

    def next_poll_at(self, busy: Sequence[str] = ()) -> datetime | None:
        """When the next poll is due, or its lease runs out; none of the agencies in `busy`."""

    def lease_feed(self, agency: str, now: datetime, lease: timedelta) -> bool:
        """Whether this caller may pull the agency's feed now (it is due, and nobody else does)."""

    def hasten_feed(self, agency: str, due_at: datetime) -> None:
        """
        The agency's feed is due at that time, or before: it is pulled more often from now on.

        Whoever is at it now may be joined by another then; what both take in counts once.
        """

    def finish_feed(
        self,
        agency: str,
        *,
        next_at: datetime,
        exchanges: Sequence[Exchange],
        leased_until: datetime | None = None,
        heard_at: datetime | None = None,
    ) -> bool: ...
