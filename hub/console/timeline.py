"""
The life of a declaration as a picture: one lane for each referral, and one for the declaration.

Worked out here, drawn by `templates/declarations/timeline.html`; places are in percent of the width, so that
it fits a telephone and a wall. What the picture tells stands in a table beside it, too. Marks of one kind
that would lie on each other are one mark that says how many: a thousand attempts that failed are no blot.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from hub.console.i18n import _
from hub.domain.case import Referral
from hub.domain.clearance import Outcome
from hub.domain.events import Event, EventType
from hub.domain.referral import ReferralState
from hub.ports import DeclarationView

_LEFT, _RIGHT = 1.0, 97.0
"""Percent of the width between which times lie: marks at the ends are not cut."""
_TOGETHER = 2.5
"""Marks of one kind that are nearer to each other, in percent, are drawn as one."""
_SOON = timedelta(minutes=1)
"""Times before this are hardly told apart on the scale that favours the beginning."""
_SHORT = timedelta(hours=1)
"""What took no longer is drawn to an even scale."""


class Scale(StrEnum):
    EVEN = "even"
    BEGINNING = "beginning"
    """The first minutes take as much room as the days after: logarithmic from the acceptance on."""


class Span(StrEnum):
    """What is going on for a while."""

    PENDING = "pending"
    AGENCY = "agency"
    STOPPED = "stopped"
    OVERDUE = "overdue"
    REFUSED = "refused"


class Sign(StrEnum):
    """What happens at a moment."""

    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    DECIDED = "decided"
    ASKED = "asked"
    DEADLINE = "deadline"
    REMINDED = "reminded"
    CHANGED = "changed"
    ACTED = "acted"
    SETTLED = "settled"
    TOLD = "told"
    CARGO = "cargo"


SPANS: Mapping[Span, str] = {
    Span.PENDING: _("being handed over"),
    Span.AGENCY: _("with the agency"),
    Span.STOPPED: _("the clock stands still"),
    Span.OVERDUE: _("the legal time is over"),
    Span.REFUSED: _("turned down by the agency's system"),
}
SIGNS: Mapping[Sign, str] = {
    Sign.ACCEPTED: _("accepted"),
    Sign.DELIVERED: _("handed over"),
    Sign.FAILED: _("an attempt failed, or an answer was not understood"),
    Sign.DECIDED: _("decision"),
    Sign.ASKED: _("question to the declarant, or its answer"),
    Sign.DEADLINE: _("end of the legal time"),
    Sign.REMINDED: _("reminder"),
    Sign.CHANGED: _("amendment or withdrawal"),
    Sign.ACTED: _("done by operations"),
    Sign.SETTLED: _("outcome"),
    Sign.TOLD: _("the cargo system knows"),
    Sign.CARGO: _("the cargo moves"),
}

_SIGNS: Mapping[EventType, Sign] = {
    EventType.DECLARATION_ACCEPTED: Sign.ACCEPTED,
    EventType.REFERRAL_DELIVERED: Sign.DELIVERED,
    EventType.REFERRAL_AMENDED: Sign.DELIVERED,
    EventType.REFERRAL_DELAYED: Sign.FAILED,
    EventType.REFERRAL_UNDELIVERABLE: Sign.FAILED,
    EventType.MESSAGE_NOT_UNDERSTOOD: Sign.FAILED,
    EventType.CALLBACK_REFUSED: Sign.FAILED,
    EventType.DECISION_RECEIVED: Sign.DECIDED,
    EventType.DECISION_LATE: Sign.DECIDED,
    EventType.DECISION_SUPERSEDED: Sign.DECIDED,
    EventType.INFORMATION_GIVEN: Sign.ASKED,
    EventType.INFORMATION_PASSED_ON: Sign.ASKED,
    EventType.INFORMATION_EXPIRED: Sign.ASKED,
    EventType.REFERRAL_REMINDED: Sign.REMINDED,
    EventType.DECLARATION_AMENDED: Sign.CHANGED,
    EventType.DECLARATION_WITHDRAWN: Sign.CHANGED,
    EventType.REFERRAL_WITHDRAWN: Sign.CHANGED,
    EventType.DEADLINE_MOVED: Sign.ACTED,
    EventType.REFERRAL_RETRY_ASKED: Sign.ACTED,
    EventType.REFERRAL_LOOK_UP_ASKED: Sign.ACTED,
    EventType.REFERRAL_LOOKED_UP: Sign.ACTED,
    EventType.REFERRAL_RESENT: Sign.ACTED,
    EventType.DECISION_PROPOSED: Sign.ACTED,
    EventType.DECISION_DECLINED: Sign.ACTED,
    EventType.CLEARANCE_SETTLED: Sign.SETTLED,
    EventType.NOTICE_DELAYED: Sign.FAILED,
    EventType.CARGO_RELEASED: Sign.TOLD,
    EventType.CARGO_HELD: Sign.TOLD,
    EventType.CARGO_REFUSED: Sign.TOLD,
    EventType.CARGO_PARTLY_RELEASED: Sign.TOLD,
    EventType.CARGO_WITHDRAWN: Sign.TOLD,
    EventType.CARGO_ARRIVED: Sign.CARGO,
    EventType.CARGO_UNLOADED: Sign.CARGO,
    EventType.CARGO_STORED: Sign.CARGO,
    EventType.CARGO_MOVED_IN_BOND: Sign.CARGO,
    EventType.CARGO_LET_GO: Sign.CARGO,
    EventType.CARGO_GATED_OUT: Sign.CARGO,
    EventType.CARGO_LEFT_UNRELEASED: Sign.CARGO,
}


@dataclass(frozen=True)
class Bar:
    span: Span
    since: datetime
    until: datetime
    x: float
    width: float


@dataclass
class Mark:
    sign: Sign
    first: datetime
    last: datetime
    x: float
    count: int = 1
    events: list[EventType] = field(default_factory=list)
    """Kinds of the events, each once; none of a deadline."""


@dataclass(frozen=True)
class Lane:
    """One referral, or the declaration (`service` None)."""

    service: str | None
    bars: tuple[Bar, ...]
    marks: tuple[Mark, ...]
    begun: datetime
    ended: datetime | None
    handed_over: datetime | None = None
    failed: int = 0
    """Attempts that failed and answers not understood."""
    decided: datetime | None = None
    deadline: datetime | None = None
    stood_still: timedelta = timedelta(0)


@dataclass(frozen=True)
class Tick:
    x: float
    at: datetime
    after: timedelta
    """The acceptance."""


@dataclass(frozen=True)
class Timeline:
    lanes: tuple[Lane, ...]
    ticks: tuple[Tick, ...]
    now: float | None
    """Where now is; None once it is all over."""
    scale: Scale
    spans: tuple[Span, ...]
    """Those there are, for the legend."""
    signs: tuple[Sign, ...]


def timeline_of(
    view: DeclarationView,
    referrals: Sequence[Referral],
    events: Sequence[Event],
    now: datetime,
    scale: Scale | None = None,
) -> Timeline:
    """The picture of these referrals of a declaration, of all its events in order."""
    accepted_at = view.acceptance.accepted_at
    over_at = _over_at(view, events)
    end = _end(referrals, events, now if over_at is None else over_at, over=over_at is not None)
    if scale is None:
        scale = Scale.EVEN if end - accepted_at <= _SHORT else Scale.BEGINNING
    places = _Places(accepted_at, end, scale)
    by_service: defaultdict[str | None, list[Event]] = defaultdict(list)
    for event in events:
        by_service[event.service].append(event)
    until = over_at or now
    lanes = [
        Lane(
            service=None,
            bars=(),
            marks=_marks(by_service[None], places),
            begun=accepted_at,
            ended=over_at,
        )
    ]
    lanes += [
        _lane(referral, by_service[referral.terms.service], accepted_at, until, places)
        for referral in referrals
    ]
    found_spans = {bar.span for lane in lanes for bar in lane.bars}
    found_signs = {mark.sign for lane in lanes for mark in lane.marks}
    return Timeline(
        lanes=tuple(lanes),
        ticks=places.ticks(),
        now=None if over_at is not None else places(now),
        scale=scale,
        spans=tuple(span for span in Span if span in found_spans),
        signs=tuple(sign for sign in Sign if sign in found_signs),
    )


class _Places:
    """From times to places, in percent of the width."""

    def __init__(self, begin: datetime, end: datetime, scale: Scale) -> None:
        self._begin = begin
        self._length = max((end - begin).total_seconds(), 1.0)
        self._scale = scale

    def __call__(self, at: datetime) -> float:
        seconds = min(max((at - self._begin).total_seconds(), 0.0), self._length)
        if self._scale is Scale.EVEN:
            share = seconds / self._length
        else:
            soon = _SOON.total_seconds()
            share = math.log1p(seconds / soon) / math.log1p(self._length / soon)
        return round(_LEFT + (_RIGHT - _LEFT) * share, 3)

    def ticks(self) -> tuple[Tick, ...]:
        """Round lengths of time after the acceptance, not so near that their words would touch."""
        lengths = _ROUND if self._scale is Scale.BEGINNING else _even(timedelta(seconds=self._length))
        ticks = [Tick(self(self._begin), self._begin, timedelta(0))]
        for length in lengths:
            x = self(self._begin + length)
            if (
                length.total_seconds() < self._length
                and x - ticks[-1].x >= _APART
                and x <= _RIGHT - _APART / 2
            ):
                ticks.append(Tick(x, self._begin + length, length))
        return tuple(ticks)


_APART = 11.0
"""Percent between two ticks, at least."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_ROUND = (
    *(n * _MINUTE for n in (1, 5, 15)),
    *(n * _HOUR for n in (1, 4, 12)),
    *(n * _DAY for n in (1, 3, 7, 14, 30, 60, 90, 180, 365)),
)
_STEPS = (
    *(timedelta(seconds=n) for n in (1, 5, 10, 30)),
    *(n * _MINUTE for n in (1, 5, 10, 30)),
    *(n * _HOUR for n in (1, 3, 6, 12)),
    *(n * _DAY for n in (1, 2, 5, 10, 30, 90)),
)


def _even(length: timedelta) -> Iterable[timedelta]:
    step = next((step for step in _STEPS if length / step <= 8), _STEPS[-1])
    return (step * n for n in range(1, int(length / step) + 1))


def _over_at(view: DeclarationView, events: Sequence[Event]) -> datetime | None:
    """When nothing more was awaited."""
    if view.closed_at is not None:
        return view.closed_at
    if view.clearance.outcome is Outcome.RELEASE:
        return max((event.at for event in events), default=view.settled_at)
    return None


def _end(referrals: Iterable[Referral], events: Iterable[Event], at: datetime, *, over: bool) -> datetime:
    times = [at, *(event.at for event in events)]
    if not over:
        times += [r.deadline for r in referrals if r.deadline is not None and not _is_over(r)]
    return max(times)


def _is_over(referral: Referral) -> bool:
    return referral.state in (ReferralState.DECIDED, ReferralState.WITHDRAWN)


def _lane(
    referral: Referral, events: Sequence[Event], accepted_at: datetime, until: datetime, places: _Places
) -> Lane:
    begun = min(
        [referral.terms.opened_at or accepted_at, *(event.at for event in events[:1])], default=accepted_at
    )
    decisions = [event.at for event in events if event.type is EventType.DECISION_RECEIVED]
    ended = None
    if referral.state is ReferralState.DECIDED:
        ended = decisions[-1] if decisions else begun
    elif referral.state is ReferralState.WITHDRAWN:
        ended = max((e.at for e in events if e.type in _ENDS), default=until)
    stop = min(ended or until, until) if ended is not None else until
    changes = [(begun, Span.PENDING)]
    for event in events:
        if (span := _BEGINS.get(event.type)) is not None:
            changes.append((event.at, span))
    bars = [
        _bar(span, since, min(till, stop), places)
        for (since, span), till in zip(changes, [*(at for at, _span in changes[1:]), stop], strict=True)
        if since < stop and till > since
    ]
    stops = [(one.from_, min(one.until or until, until)) for one in referral.stops if one.from_ < until]
    bars += [_bar(Span.STOPPED, since, till, places) for since, till in stops if till > since]
    marks = list(_marks(events, places))
    due_at = referral.due_at or referral.terms.due_at
    if not referral.is_stopped and not _is_over(referral):
        marks.append(Mark(Sign.DEADLINE, due_at, due_at, places(due_at)))
    handed_over = next((e.at for e in events if e.type is EventType.REFERRAL_DELIVERED), None)
    return Lane(
        service=referral.terms.service,
        bars=tuple(bars),
        marks=tuple(marks),
        begun=begun,
        ended=ended,
        handed_over=handed_over or referral.delivered_at,
        failed=sum(1 for event in events if _SIGNS.get(event.type) is Sign.FAILED),
        decided=ended if referral.state is ReferralState.DECIDED else None,
        deadline=referral.deadline,
        stood_still=sum((till - since for since, till in stops if till > since), timedelta(0)),
    )


_BEGINS: Mapping[EventType, Span] = {
    EventType.REFERRAL_DELIVERED: Span.AGENCY,
    EventType.REFERRAL_UNDELIVERABLE: Span.REFUSED,
    EventType.REFERRAL_RESENT: Span.PENDING,
    EventType.REFERRAL_EXPIRED: Span.OVERDUE,
    EventType.DEADLINE_MOVED: Span.AGENCY,
}
_ENDS = (EventType.REFERRAL_WITHDRAWN, EventType.DECLARATION_AMENDED)


def _bar(span: Span, since: datetime, until: datetime, places: _Places) -> Bar:
    x = places(since)
    return Bar(span, since, until, x, max(round(places(until) - x, 3), 0.3))


def _marks(events: Iterable[Event], places: _Places) -> tuple[Mark, ...]:
    marks: list[Mark] = []
    last: dict[Sign, Mark] = {}
    for event in events:
        sign = _SIGNS.get(event.type)
        if sign is None:
            continue
        x = places(event.at)
        before = last.get(sign)
        if before is not None and x - before.x < _TOGETHER:
            before.count += 1
            before.last = max(before.last, event.at)
            if event.type not in before.events:
                before.events.append(event.type)
            continue
        last[sign] = mark = Mark(sign, event.at, event.at, x, events=[event.type])
        marks.append(mark)
    return tuple(marks)
