"""
What the hub needs from outside: the agencies, the cargo system, a store, an engine, a clock.

Implemented in `adapters`, `store` and `engine`; used by activities, relays and the API; joined in
`bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from hub.domain.cargo import CargoEvent
from hub.domain.case import Case, Change, Referral
from hub.domain.certificates import Certificate, CertificateKey, CertificateStanding, LedgerEntry
from hub.domain.clearance import Clearance, Notice, Outcome, Reason
from hub.domain.declaration import Declaration
from hub.domain.events import Event, NewEvent
from hub.domain.exchange import (
    Answer,
    Asked,
    Dossier,
    Exchange,
    Feed,
    FeedPage,
    InformationContent,
    LookUp,
    Message,
    Submission,
)
from hub.domain.information import Information, Scan
from hub.domain.intake import Acceptance
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms
from hub.domain.settling import settle
from hub.domain.withdrawal import Withdrawal

NONE_REFUSED: Mapping[str, str] = MappingProxyType({})
"""No message of a feed was refused."""


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class AgencyGateway(Protocol):
    """
    The agencies, as the hub speaks to them: sends, times, retries briefly, scrubs.

    Every method may raise a `ChannelError`, which carries the exchanges that took place. The gateway knows
    no store: whoever calls it records what it returns.
    """

    async def submit(self, dossier: Dossier) -> Submission:
        """Put the referral to the agency. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt."""

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        """
        Ask the agency, by our reference, whether it has the referral that was sent at `sent_at`.

        Where the contract has no such operation the agency is taken to treat our reference as a key: the
        answer is "not found", and sending again is safe at once. Raises AgencyUnavailable, NotUnderstood.
        """

    async def poll(self, dossier: Dossier) -> Answer:
        """Ask whether it is decided. Raises AgencyUnavailable, AgencyRefused, NotUnderstood."""

    async def amend(self, dossier: Dossier) -> Submission:
        """
        Give the agency the new content of a referral that it has, by the contract's own operation.

        It may be repeated: the request carries `referral.revision`. The receipt is that of before, where the
        answer brings none. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        """
        Tell the agency that a referral is asked no more; `withdrawal` is None when the declaration goes on
        without it. May be repeated: an agency that does not have it (`not_found`) has been told. Raises
        AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        """
        Pass on the declarant's answer to the agency's question. May be repeated, with the same id. Raises
        AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        """Remind the agency. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt."""

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        """
        What the channel of a referral accepted under that version can do. Raises AgencyUnavailable,
        NotUnderstood.
        """

    async def inputs_of(self, dossier: Dossier) -> str:
        """
        A digest of everything that a submission of this dossier would tell the agency, credentials, ids of
        the request and the deadline apart: two dossiers with the same digest are the same to the agency.
        Sends nothing. Raises AgencyUnavailable, NotUnderstood.
        """

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        """
        One page of the messages waiting in the agency's feed: the first, or the one that the page before told
        of. Raises AgencyUnavailable, AgencyRefused, NotUnderstood.
        """

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        """
        Tell the agency which messages are safely stored.

        `refused` tells of those that could not be read, and why: they are rejected where the agency takes
        that, and acknowledged like the others where it does not. When the agency does not take one, the
        others are told all the same, and the first error is raised at the end: AgencyUnavailable,
        AgencyRefused, NotUnderstood.
        """

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        """
        Authenticate and read a callback. Raises CallbackRefused when it is not from the agency, KeyError when
        no agency of that name takes callbacks. A message that cannot be read comes back with `trouble`.
        """


class Acknowledgement(Model):
    """The cargo system has taken a notice."""

    at: UtcDatetime
    reference: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    """What was said, to be recorded."""


class CargoSystem(Protocol):
    """Whoever keeps the cargo and lets it go."""

    async def tell(self, notice: Notice) -> Acknowledgement:
        """
        Hand over a notice, known by its key. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """


class Engine(Protocol):
    """The durable engine, as intake and relays need it."""

    async def start_clearance(self, acceptance: Acceptance) -> None:
        """Start the declaration's workflow; starting it again is no error. Raises EngineUnavailable."""

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        """Signal decisions. False when the workflow has ended. Raises EngineUnavailable."""

    async def tell_facts(self, mrn: str) -> bool:
        """
        Signal that the store holds facts which the workflow has not heard (`hub.domain.life.FACTS`); it reads
        them there. False when the workflow has ended. Raises EngineUnavailable.
        """

    async def is_reachable(self) -> bool: ...


class EngineUnavailable(Exception):
    """The engine cannot be reached; what was written down will be handed over by a relay."""


class Scanner(Protocol):
    """Looks for viruses in what declarants hand in. Blocking."""

    def scan(self, name: str, content: bytes) -> Scan:
        """What it says of a document; `name` is for its log. Raises ScannerUnavailable."""


class ScannerUnavailable(Exception):
    """The scanner cannot say whether a document is clean; the message says why."""


# --- the store --------------------------------------------------------------------------------------


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


class Unheard(Exception):
    """The store holds facts or decisions that the workflow has not heard: it must hear them first."""


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


class Received(Model):
    """What became of a message put into the inbox."""

    new: bool
    """False: the same message was there already, and counts once."""
    mrn: str | None
    """None while no referral is known by the agency's reference."""
    decisions: tuple[Decision, ...] = ()
    """Those that are new and are to be told to the workflow; empty once the cargo is released."""
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

    def begin_hand_over(self, mrn: str, services: Sequence[str], at: datetime) -> list[HandOverMark]:
        """
        Read the dossiers and mark each still pending referral as being sent, so that a crash leaves a trace.

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
        None if it has been acknowledged already. The clearance that is recorded already is no event again.
        `through` is the last fact that the outcome rests on: when the store holds a later one, or a decision
        not told to the workflow yet, nothing is recorded, and Unheard is raised. None does not look.

        A release, whole or in part, writes off what was reserved of certificates for the goods it lets go.

        `pending_agencies` goes into the event; lists show the agencies of referrals not DECIDED of cases not
        closed, which the store keeps in step itself.
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

    def record_expired(self, mrn: str, services: Sequence[str], at: datetime) -> None:
        """
        The time of these referrals has passed: state EXPIRED unless decided, event `referral.expired` and,
        where the service says so, `referral.escalated`. Idempotent. Polls go on: a late approval may still
        lift a hold.
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
    ) -> list[Event]:
        """
        Lock a declaration, let `step` say from how it stands what happens, and record that: the events, and
        the case as `hub.domain.life.apply` makes it of them. `step` is pure; what it raises is passed on, and
        nothing is recorded. It may say that nothing happens.

        `acceptance` is the new version of the declaration, with an amendment: its content and routing take
        the place of the old, which is kept. Claims of certificates that the amendment adds are reserved as at
        lodging; those that it drops are given back. A withdrawn referral gives back what was reserved for it.
        Events of `hub.domain.life.FACTS` count as untold until the workflow has read them.
        """

    def facts(self, mrn: str, after: int) -> list[Event]:
        """The facts with `seq` greater than `after`, in order; they count as told from now on."""

    def untold_facts(self, recorded_before: datetime, limit: int) -> list[str]:
        """Declarations with facts that their workflow has not read, the longest waiting first."""

    def drop_facts(self, mrn: str) -> None:
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

    def lease_polls(self, now: datetime, lease: timedelta, limit: int, busy: Sequence[str]) -> list[OpenPoll]:
        """
        Polls that are due, oldest first, leased to this caller; none of the agencies in `busy`. One that is
        not finished falls due again when its lease runs out.
        """

    def finish_poll(
        self,
        referral: str,
        *,
        next_at: datetime | None,
        exchanges: Sequence[Exchange],
        trouble: str | None,
        not_understood_at: datetime | None = None,
    ) -> None:
        """
        Record a poll and when the next is due; None ends it. A poll that has ended meanwhile, because the
        agency decided or the case closed, stays ended. `trouble` is shown until a poll goes well. With
        `not_understood_at` it was the answer that was not understood: event `message.not_understood`, once
        for each different trouble.
        """

    def next_poll_at(self) -> datetime | None:
        """When the next poll is due, or its lease runs out."""

    def lease_feed(self, agency: str, now: datetime, lease: timedelta) -> bool:
        """Whether this caller may pull the agency's feed now (it is due, and nobody else does)."""

    def hasten_feed(self, agency: str, due_at: datetime) -> None:
        """
        The agency's feed is due at that time, or before: it is pulled more often from now on.

        Whoever is at it now may be joined by another then; what both take in counts once.
        """

    def finish_feed(self, agency: str, *, next_at: datetime, exchanges: Sequence[Exchange]) -> None: ...


class NoticeView(Model):
    """The latest notice to the cargo system; `acknowledged_at` is None while it is being sent."""

    number: int
    outcome: Outcome
    issued_at: UtcDatetime
    acknowledged_at: UtcDatetime | None
    reference: str | None = None
    trouble: str | None = None


class ReferralView(Model):
    """A referral as it stands now."""

    terms: ReferralTerms
    state: ReferralState
    receipt: Receipt | None
    decisions: tuple[Decision, ...]
    trouble: str | None
    delivered_at: UtcDatetime | None
    sent_at: UtcDatetime | None = None
    """When a submission was begun that may have reached the agency."""


class DeclarationView(Model):
    """A declaration as it stands now: the one true answer."""

    acceptance: Acceptance
    """Of its newest version."""
    case: Case
    """As `hub.domain.life` makes it of the events."""
    clearance: Clearance
    settled_at: UtcDatetime
    """When the outcome last changed."""
    referrals: tuple[ReferralView, ...]
    notice: NoticeView | None
    engine_started: bool
    """False while intake waits for the engine."""
    closed_at: UtcDatetime | None
    last_seq: int

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """
        The reasons as they stand now.

        What is recorded with the outcome is as old as its last change; a consent that came since and did not
        change the outcome is a reason all the same. A decision that will change the outcome, and has not yet,
        leaves the recorded reasons: outcome and reasons always agree.
        """
        now = settle(self.case)
        return now.reasons if now.outcome is self.clearance.outcome else self.clearance.reasons


class DeclarationRow(Model):
    """A declaration in a list."""

    mrn: str
    lrn: str
    declarant: str
    procedure: str
    ucr: str
    outcome: Outcome
    accepted_at: UtcDatetime
    due_at: UtcDatetime | None
    pending_agencies: tuple[str, ...]


class DeclarationFilter(Model):
    """Which declarations to list; None does not filter."""

    declarant: str | None = None
    outcome: Outcome | None = None
    pending_agency: str | None = None
    lrn: str | None = None
    cargo_management_number: str | None = None
    accepted_from: UtcDatetime | None = None
    accepted_before: UtcDatetime | None = None


class Page(Model):
    """Newest first; `cursor` continues after the last row, None at the end."""

    rows: tuple[DeclarationRow, ...]
    cursor: str | None


class Role(StrEnum):
    """What an API client may do."""

    CUSTOMS = "customs"
    """Lodges, and sees what it may: everything, or one declarant's when bound to that declarant."""
    AGENCY = "agency"
    """Sees the referrals of its own agency."""
    CARGO = "cargo"
    """A carrier or a warehouse: reports where cargo is."""
    OPERATOR = "operator"
    ADMIN = "admin"


class ApiClient(Model):
    """Who calls. Its key is kept as a hash only."""

    id: str
    name: str
    role: Role
    declarant: str | None = None
    agency: str | None = None
    created_at: UtcDatetime
    disabled: bool = False


class BadCursor(ValueError):
    """A cursor that this store did not give out."""


class RefusedCallback(Model):
    """A callback that was not let in, as recorded; `body` is its beginning."""

    agency: str
    at: UtcDatetime
    reason: str
    body: str


class QueryStore(Protocol):
    """The store as the API and the CLI read it, and API clients as they manage them. Blocking, as above."""

    def view(self, mrn: str) -> DeclarationView | None: ...

    def page(self, which: DeclarationFilter, cursor: str | None, limit: int) -> Page:
        """Raises BadCursor, and ValueError for a limit below one."""

    def events(self, mrn: str, after: int, limit: int) -> list[Event]:
        """Events with `seq` greater than `after`, in order."""

    def exchanges(self, mrn: str) -> list[Exchange]:
        """Every exchange about a declaration, oldest first."""

    def messages(self, mrn: str) -> list[Message]:
        """The messages that decisions on a declaration were read from, oldest first."""

    def refused_callbacks(self, limit: int) -> list[RefusedCallback]:
        """Callbacks that were refused, newest first."""

    def open_referrals(self) -> dict[str, int]:
        """How many referrals wait for each agency: not DECIDED, of cases not closed."""

    def counts(self) -> dict[str, int]:
        """Gauges: declarations by outcome (`declarations.hold`), `not_started`, `untold`, `open_polls`,
        `notices_unsent`, `messages_unmatched`."""

    def add_client(self, client: ApiClient, key_hash: str) -> None:
        """Raises ValueError if the id is taken, or the key is another client's."""

    def client_by_key(self, key_hash: str) -> ApiClient | None:
        """The enabled client whose key has this hash."""

    def disable_client(self, client_id: str) -> None:
        """Its key opens nothing any more. Raises KeyError for an unknown id."""

    def clients(self) -> list[ApiClient]: ...

    def is_ready(self) -> bool:
        """Whether the store answers and its schema is the one this code expects."""


# --- certificates and cargo ----------------------------------------------------------------------------


class LedgerRefused(ValueError):
    """A certificate cannot be issued or corrected so: the message says why."""


class CertificateStore(Protocol):
    """
    The ledger of certificates. Blocking; each method is one transaction, and whatever order they come in, at
    every line of a ledger issued = reserved + written off + available, and none of these is negative.
    """

    def issue_certificate(self, certificate: Certificate, by: str, at: datetime) -> CertificateStanding:
        """
        Write a certificate down, or what has changed of it: another quantity is a correction. The same again
        changes nothing. Raises LedgerRefused when the unit changes, or less is left than is taken up.
        """

    def certificates(self, keys: Sequence[CertificateKey]) -> dict[CertificateKey, CertificateStanding]:
        """Those of them that are in the ledger."""

    def ledger(self, key: CertificateKey) -> list[LedgerEntry]:
        """The lines of a certificate, in order."""

    def allot(self, at: datetime, limit: int) -> list[str]:
        """
        Reserve for claims that wait what has come free, the longest waiting first; event
        `certificate.reserved`. The declarations whose workflows are to be told.
        """


class CargoStore(Protocol):
    """What carriers and warehouses report. Blocking."""

    def record_cargo(self, event: CargoEvent) -> list[str]:
        """
        Write an event down once, and note it with every declaration of that cargo management number: also
        those lodged later. `cargo.left_unreleased` beside a gate-out of cargo that the hub has not released.
        The mrns; empty when it was known already. Raises ValueError for the same message id with other
        content.
        """

    def cargo_events(self, cargo_management_number: str) -> list[CargoEvent]:
        """In the order in which they took place."""


# --- versions of the agencies' files ------------------------------------------------------------------


class ChangeKind(StrEnum):
    """What became of an agency's files when they had changed."""

    APPLIED = "applied"
    """In force from then on, for new declarations."""
    REFUSED = "refused"
    """They have faults; what was in force stays in force."""
    MENDED = "mended"
    """After files that were refused, those in force stand in the folder again."""
    REMOVED = "removed"
    """The agency is asked no more."""


class ToldFault(Model):
    """One thing wrong with a file of the configuration folder, as it was told."""

    file: str
    """Below the folder."""
    line: int
    key: str
    what: str
    cure: str


class AgencyFiles(Model):
    """One version of an agency: its file and every file of the folder that it names, by name below it."""

    agency: str
    version: str
    files: dict[str, bytes]


class AgencyChange(Model):
    """What became of an agency's files, and which process did it."""

    agency: str
    at: UtcDatetime
    process: str
    kind: ChangeKind
    version: str | None
    """None when it was removed. Of files that were refused, what would have been their version."""
    faults: tuple[ToldFault, ...] = ()


class InForce(Model):
    """The version of an agency that is in force."""

    agency: str
    version: str
    since: UtcDatetime


class Served(Model):
    """How many referrals a version serves or has served."""

    open: int
    """Not DECIDED, of cases not closed."""
    all: int


SHARED_FILES = "*"
"""Stands for an agency where the versions are of the files beside the agencies': attributes, lists, ..."""


class VersionArchive(Protocol):
    """The versions of agencies' files that have ever been in force. Blocking."""

    def version_files(self, agency: str, version: str) -> AgencyFiles | None:
        """That version; None when it was never in force."""

    def last_version(self, agency: str) -> str | None:
        """The version that was in force last, also of an agency that has been removed."""


class VersionStore(VersionArchive, Protocol):
    """Writes versions down before they are used. Blocking; each method is one transaction."""

    def record_applied(self, versions: Sequence[AgencyFiles], at: datetime, process: str) -> None:
        """Write versions down, and that they are in force from `at`. One that is already stays as it is."""

    def record_mended(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """After files that were refused, what is in force stands in the folder again. Once."""

    def record_removed(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """These agencies are asked no more. Their versions are kept."""

    def record_refused(
        self, agency: str, version: str | None, faults: Sequence[ToldFault], at: datetime, process: str
    ) -> None:
        """What stands in the folder has faults and is not in force. The same again is recorded once."""

    def in_force(self) -> dict[str, InForce]:
        """By agency, the files beside them as `SHARED_FILES`."""

    def agency_changes(self, agency: str | None, limit: int) -> list[AgencyChange]:
        """The latest changes of an agency, or of all; newest first."""

    def served(self, agency: str) -> dict[str, Served]:
        """By version, counted over every referral of the agency."""

    def agencies_left(self) -> set[str]:
        """Agencies that were removed and still have open referrals."""
