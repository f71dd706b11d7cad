"""What is stuck: why, and what would unstick it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from hub.domain.case import Case, Referral
from hub.domain.clearance import Outcome, Rule
from hub.domain.declaration import Declaration
from hub.domain.errands import ErrandKind, awaits_agency, errands
from hub.domain.events import EventType
from hub.domain.history import Usual
from hub.domain.model import CurrencyCode, Model, UtcDatetime
from hub.domain.referral import Answers, ReferralState
from hub.domain.settling import is_live, settle


class StuckKind(StrEnum):
    """Why something is stuck. The words for people are the console's, in its languages."""

    NOT_STARTED = "not_started"
    """
    Accepted, and nobody has taken it up: the engine has not been reached since; of a referral, no worker has
    tried to hand it over.
    """
    UNREACHABLE = "unreachable"
    """The agency's system is not reached; the hub goes on trying."""
    PAUSED = "paused"
    """The agency is paused, by a person or because its system fails: what concerns it waits in its queue."""
    IN_DOUBT = "in_doubt"
    """Sent without an answer, and not found at the agency yet."""
    UNDELIVERABLE = "undeliverable"
    """The agency's system refuses it, or answers what the hub cannot read."""
    NOT_UNDERSTOOD = "not_understood"
    """A message of the agency about it cannot be read."""
    SLOW = "slow"
    """The agency has had it for longer than 99 in 100 of this service's before."""
    DUE_SOON = "due_soon"
    """The legal time is nearly over, and there is no decision."""
    EXPIRED = "expired"
    """The legal time has passed, and the cargo is held for it."""
    CANNOT_BE_TOLD = "cannot_be_told"
    """An amendment, a withdrawal or an answer that the agency cannot be told by its channel, or refuses."""
    NOTICE_UNSENT = "notice_unsent"
    """The cargo system has not acknowledged the outcome."""
    UNTOLD = "untold"
    """A decision or other news has been recorded, and the workflow has not heard of it."""


class Stuck(Model):
    """One thing that is stuck: a referral, or a declaration as a whole."""

    mrn: str
    service: str | None = None
    """None: the declaration as a whole."""
    agency: str | None = None
    kind: StuckKind
    since: UtcDatetime
    """Since when it has been stuck, not since when it waits."""
    until: UtcDatetime | None = None
    """When it is tried again, or the deadline that threatens, as the kind has it."""
    trouble: str | None = None
    """As operations are shown it."""
    words: dict[str, str] = Field(default_factory=dict)
    """
    What else the sentence about it needs, by name: `errand` (what is to be told), `usual_half` and
    `usual_nearly_all` (seconds), `delivered_at` (RFC 3339), `paused_by`,
    `reason` and `draining`, `on_expiry`.
    """


class Cargo(Model):
    """What stands still: the goods items of a referral, or of a declaration, that are not released."""

    kilograms: Decimal | None
    """Gross mass, net where no gross mass was declared; None where neither was, for any of them."""
    worth: dict[CurrencyCode, Decimal]
    """Declared values; currencies are not added up."""
    chapters: tuple[str, ...]
    """Of the Harmonized System, two digits each, in order."""


class Pause(Model):
    """An agency is not asked at present."""

    since: UtcDatetime
    by: str | None = None
    """The user; None: the hub, because the agency's system fails."""
    reason: str | None = None
    next_probe_at: UtcDatetime | None = None
    draining: bool = False
    """It is asked again, at a safe rate: what waits goes out one after the other."""


@dataclass(frozen=True)
class Judging:
    """What is judged by, beside the declaration itself."""

    now: datetime
    usual: Mapping[str, Usual] = field(default_factory=dict)
    """By service."""
    agencies: Mapping[str, str] = field(default_factory=dict)
    """The agency of each service in `usual`, where it is known."""
    pauses: Mapping[str, Pause] = field(default_factory=dict)
    """By agency: those that are not asked at present."""

    def is_slow_after(self, service: str) -> timedelta | None:
        """How long 99 in 100 took no longer than; None where too few are known to say."""
        usual = self.usual.get(service)
        if usual is None or usual.count < ENOUGH:
            return None
        return max(usual.nearly_all, LEAST_SLOW)


@dataclass(frozen=True)
class Signs:
    """What a case does not tell of one of its referrals."""

    sent_at: datetime | None = None
    """When a submission was begun that may have reached the agency."""
    told_as: EventType | None = None
    """The event that told of its present trouble; None where none did."""
    since: datetime | None = None
    """Of the first event of this trouble, or of others of its kind before it without success between."""


@dataclass(frozen=True)
class Standing:
    """A declaration as it is judged."""

    case: Case
    accepted_at: datetime
    outcome: Outcome
    started: bool = True
    """Its workflow runs."""
    closed: bool = False
    signs: Mapping[str, Signs] = field(default_factory=dict)
    """By service."""
    untold_since: datetime | None = None
    """When the oldest decision or news was recorded that the workflow has not heard of."""
    unsent_since: datetime | None = None
    """When the oldest notice was issued that the cargo system has not acknowledged."""
    unsent_trouble: str | None = None


ENOUGH = 30
"""From fewer answers nobody can say what is slow for a service."""
LEAST_SLOW = timedelta(minutes=15)
"""Nothing is slow before: a service that decides within seconds may take minutes for once."""
LAST_PART = 5
"""A deadline threatens in the last fifth of the legal time; clock stops are left out of that."""
GRACE = timedelta(minutes=2)
"""What the hub does by itself at once, or soon again, is not stuck before."""

_DECIDED = (ReferralState.DECIDED, ReferralState.WITHDRAWN)
_HOLDS = frozenset({Rule.EXPIRED, Rule.ESCALATED})


def judge(standing: Standing, judging: Judging) -> list[Stuck]:
    """
    What of a declaration is stuck: the declaration as a whole at most once, and each referral at most once,
    each by what tells most.

    What waits for somebody outside is not stuck: information awaited from the declarant, an inspection that
    has its appointment, duties, a certificate; nor is what its agency takes no longer over than it has
    before, and than the law allows.
    """
    whole = _whole(standing, judging)
    stuck = [] if whole is None else [whole]
    if not standing.closed and standing.outcome is not Outcome.RELEASE:
        errands_of = {errand.service: errand.kind for errand in errands(standing.case)}
        held = _held(standing.case)
        for referral in standing.case.referrals:
            signs = standing.signs.get(referral.terms.service, Signs())
            errand = errands_of.get(referral.terms.service)
            one = _referral(standing, referral, signs, errand, held, judging)
            # Of a declaration that nobody has taken up, that is said once.
            if one is not None and (standing.started or one.kind is not StuckKind.NOT_STARTED):
                stuck.append(one)
    return stuck


def pressing_at(referral: Referral, accepted_at: datetime) -> datetime | None:
    """When the last part of the legal time begins; None while the clock stands still."""
    deadline = referral.deadline
    if deadline is None:
        return None
    opened_at = referral.terms.opened_at or accepted_at
    still = sum(((s.until - s.from_ for s in referral.stops if s.until is not None)), timedelta(0))
    return deadline - max(deadline - opened_at - still, timedelta(0)) / LAST_PART


def look_at(referral: Referral, accepted_at: datetime) -> datetime | None:
    """
    From when on it is worth judging a referral of an open declaration though nothing happens to it; None:
    not before something does. Nothing that `judge` finds stuck is looked at later than it is stuck, but what
    is slow: that depends on what others took.
    """
    if referral.state is ReferralState.WITHDRAWN:
        return None
    if referral.trouble is not None:
        return accepted_at
    if referral.state is ReferralState.DECIDED or not is_live(referral):
        return None
    if referral.state in (ReferralState.UNDELIVERABLE, ReferralState.EXPIRED):
        return accepted_at
    pressing = pressing_at(referral, accepted_at)
    if referral.state is ReferralState.PENDING:
        soon = (referral.terms.opened_at or accepted_at) + GRACE
        return soon if pressing is None else min(soon, pressing)
    return pressing


def slow_at(referral: Referral, judging: Judging) -> datetime | None:
    """When the agency has had it for longer than nearly all before; None while the clock stands still."""
    longest = judging.is_slow_after(referral.terms.service)
    if longest is None or referral.delivered_at is None or referral.is_stopped:
        return None
    begun = _latest(referral.delivered_at, referral.amended_at)
    still = [
        (max(stop.from_, begun), stop.until)
        for stop in referral.stops
        if stop.until is not None and stop.until > begun
    ]
    return begun + longest + sum((until - from_ for from_, until in still), timedelta(0))


def cargo_of(declaration: Declaration, items: Collection[int] | None, released: Collection[int]) -> Cargo:
    """What stands still of these goods items (None: of all), those that have been released left out."""
    held = [
        item
        for item in declaration.items
        if (items is None or item.number in items) and item.number not in released
    ]
    masses = [mass for item in held if (mass := item.gross_mass_kg or item.net_mass_kg) is not None]
    worth: defaultdict[str, Decimal] = defaultdict(Decimal)
    for item in held:
        if item.value is not None:
            worth[item.value.currency] += item.value.amount
    return Cargo(
        kilograms=sum(masses, Decimal(0)) if masses else None,
        worth=dict(sorted(worth.items())),
        chapters=tuple(sorted({item.hs_code[:2] for item in held})),
    )


# --- parts ------------------------------------------------------------------------------------------


def _whole(standing: Standing, judging: Judging) -> Stuck | None:
    late = judging.now - GRACE
    mrn = standing.case.mrn
    if not standing.started:
        # Of a release, too: nobody has been told of it yet.
        if standing.accepted_at <= late:
            return Stuck(mrn=mrn, kind=StuckKind.NOT_STARTED, since=standing.accepted_at)
        return None
    if standing.untold_since is not None and standing.untold_since <= late and not standing.closed:
        return Stuck(mrn=mrn, kind=StuckKind.UNTOLD, since=standing.untold_since)
    if standing.unsent_since is not None and standing.unsent_since <= late:
        return Stuck(
            mrn=mrn,
            kind=StuckKind.NOTICE_UNSENT,
            since=standing.unsent_since,
            trouble=standing.unsent_trouble,
        )
    return None


def _held(case: Case) -> frozenset[str]:
    """The services for whose passed time the cargo is held; settled only when some time has passed."""
    if not any(referral.state is ReferralState.EXPIRED for referral in case.referrals):
        return frozenset()
    return frozenset(
        reason.service for reason in settle(case).reasons if reason.rule in _HOLDS and reason.service
    )


def _referral(
    standing: Standing,
    referral: Referral,
    signs: Signs,
    errand: ErrandKind | None,
    held: Collection[str],
    judging: Judging,
) -> Stuck | None:
    if referral.state is ReferralState.WITHDRAWN or (referral.state in _DECIDED and errand is None):
        return None
    kind = _kind(standing, referral, signs, errand, held, judging)
    if kind is None:
        return None
    terms = referral.terms
    return Stuck(
        mrn=standing.case.mrn,
        service=terms.service,
        agency=terms.agency,
        kind=kind,
        since=_since(kind, standing, referral, signs, judging),
        until=_until(kind, referral, judging),
        trouble=referral.trouble,
        words=_words(kind, referral, errand, judging),
    )


def _kind(
    standing: Standing,
    referral: Referral,
    signs: Signs,
    errand: ErrandKind | None,
    held: Collection[str],
    judging: Judging,
) -> StuckKind | None:
    """The most telling: what a person must see to before what mends itself, a cause before its effect."""
    terms = referral.terms
    if terms.service in held:
        return StuckKind.EXPIRED
    if referral.state is ReferralState.UNDELIVERABLE and is_live(referral):
        return StuckKind.UNDELIVERABLE
    waits = errand is not None or referral.trouble is not None
    opened_at = _latest(referral.terms.opened_at or standing.accepted_at, referral.amended_at)
    overdue = opened_at + GRACE <= judging.now
    if waits and terms.agency in judging.pauses and terms.answers is not Answers.DOOR:
        return StuckKind.PAUSED
    if referral.trouble is not None:
        if errand is not None and errand is not ErrandKind.SUBMIT:
            return StuckKind.CANNOT_BE_TOLD
        if errand is ErrandKind.SUBMIT and signs.sent_at is not None:
            return StuckKind.IN_DOUBT
        if signs.told_as is EventType.MESSAGE_NOT_UNDERSTOOD:
            return StuckKind.NOT_UNDERSTOOD
        if signs.told_as is EventType.REFERRAL_UNDELIVERABLE:
            return StuckKind.UNDELIVERABLE
        return StuckKind.UNREACHABLE
    if errand is ErrandKind.SUBMIT:
        if signs.sent_at is not None:
            return StuckKind.IN_DOUBT if signs.sent_at + GRACE <= judging.now else None
        return StuckKind.NOT_STARTED if overdue else None
    if not awaits_agency(standing.case, referral):
        return None
    pressing = pressing_at(referral, standing.accepted_at)
    if pressing is not None and pressing <= judging.now:
        return StuckKind.DUE_SOON
    slow = slow_at(referral, judging)
    if slow is not None and slow <= judging.now:
        return StuckKind.SLOW
    return None


def _latest(one: datetime, other: datetime | None) -> datetime:
    return one if other is None else max(one, other)


def _since(
    kind: StuckKind, standing: Standing, referral: Referral, signs: Signs, judging: Judging
) -> datetime:
    begun = referral.terms.opened_at or standing.accepted_at
    match kind:
        case StuckKind.EXPIRED:
            return min(referral.due_at or referral.terms.due_at, judging.now)
        case StuckKind.DUE_SOON:
            return pressing_at(referral, standing.accepted_at) or begun
        case StuckKind.SLOW:
            return slow_at(referral, judging) or begun
        case StuckKind.IN_DOUBT:
            return signs.sent_at or signs.since or begun
        case StuckKind.PAUSED:
            return max(begun, judging.pauses[referral.terms.agency].since)
        case _:
            return signs.since or referral.delivered_at or begun


def _until(kind: StuckKind, referral: Referral, judging: Judging) -> datetime | None:
    if kind is StuckKind.PAUSED:
        return judging.pauses[referral.terms.agency].next_probe_at
    return referral.due_at or referral.terms.due_at if not referral.is_stopped else None


def _words(
    kind: StuckKind, referral: Referral, errand: ErrandKind | None, judging: Judging
) -> dict[str, str]:
    words: dict[str, str] = {}
    if errand is not None:
        words["errand"] = errand.value
    usual = judging.usual.get(referral.terms.service)
    if usual is not None and usual.count >= ENOUGH:
        words["usual_half"] = str(int(usual.half.total_seconds()))
        words["usual_nearly_all"] = str(int(usual.nearly_all.total_seconds()))
    if kind is StuckKind.PAUSED:
        pause = judging.pauses[referral.terms.agency]
        words |= {"paused_by": pause.by or "", "reason": pause.reason or ""}
        if pause.draining:
            words["draining"] = "yes"
    if referral.delivered_at is not None:
        words["delivered_at"] = referral.delivered_at.isoformat()
    if kind is StuckKind.EXPIRED:
        words["on_expiry"] = referral.terms.on_expiry.value
    return words
