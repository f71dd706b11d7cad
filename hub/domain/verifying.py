"""
An outcome worked out once more from the events alone, and held against what was recorded and what was sent.

What a person could do with the events and the rules in hand: nothing here reads what the store made of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from hub.domain.case import Case
from hub.domain.clearance import Clearance, Outcome, Reason
from hub.domain.events import Event, EventType
from hub.domain.exchange import Exchange
from hub.domain.life import apply, opened
from hub.domain.model import Model
from hub.domain.settling import settle

TOLD = {
    EventType.CARGO_RELEASED: Outcome.RELEASE,
    EventType.CARGO_PARTLY_RELEASED: Outcome.PARTIAL_RELEASE,
    EventType.CARGO_HELD: Outcome.HOLD,
    EventType.CARGO_REFUSED: Outcome.REFUSAL,
    EventType.CARGO_WITHDRAWN: Outcome.WITHDRAWN,
}
"""What the cargo system was told, by the event that says so."""

_DECISIONS = frozenset({EventType.DECISION_RECEIVED, EventType.DECISION_LATE, EventType.DECISION_SUPERSEDED})


class Check(Model):
    """One thing that was held against another."""

    what: str
    holds: bool
    detail: str = ""


class SentNotice(Model):
    """A notice to the cargo system, as it stands in the exchange that was recorded."""

    number: int
    outcome: Outcome
    released_items: tuple[int, ...] = ()


def sent_notices(exchanges: Iterable[Exchange]) -> list[SentNotice]:
    """The notices in what was sent to the cargo system."""
    bodies = [json.loads(one.request["body"]) for one in exchanges if one.kind == "notice"]
    return [
        SentNotice(
            number=body["number"],
            outcome=body["outcome"],
            released_items=tuple(body.get("released_items", ())),
        )
        for body in bodies
    ]


class Settled(Model):
    """An outcome as recorded."""

    seq: int
    clearance: Clearance
    through: int | None
    """The last event that the workflow had heard; None where that was not recorded."""


def verify(
    events: Sequence[Event],
    evidence: Mapping[str, str],
    sent: Sequence[SentNotice],
    outcome: Outcome,
) -> tuple[Check, ...]:
    """
    Everything that can be checked, in order.

    `events` are all of a declaration's. `evidence` names each exchange and message that is kept, by the
    SHA-256 of what is kept. `sent` are the notices as recorded when they were sent; `outcome` is the one that
    is shown today.
    """
    whole = _whole(events)
    if not whole.holds:
        return (whole,)
    settled = _settled(events)
    return (
        whole,
        *_outcomes(events, settled),
        _shown(settled, events, outcome),
        *_notices(events, settled, sent),
        *_evidence(events, evidence),
    )


def _whole(events: Sequence[Event]) -> Check:
    """Whether the events are all there, from the first on, with the case that they begin with."""
    what = "the events are whole"
    if [event.seq for event in events] != list(range(1, len(events) + 1)) or not events:
        return Check(what=what, holds=False, detail="they are not numbered from 1 without gaps")
    if events[0].type is not EventType.DECLARATION_ACCEPTED:
        return Check(what=what, holds=False, detail=f"the first is {events[0].type}")
    if "case" not in events[0].data:
        said = "it was accepted before events told what was accepted"
        return Check(what=what, holds=False, detail=said)
    return Check(what=what, holds=True, detail=f"{len(events)}")


def _settled(events: Iterable[Event]) -> list[Settled]:
    return [
        Settled(
            seq=event.seq,
            clearance=Clearance(
                outcome=Outcome(event.data["outcome"]),
                final=event.data.get("final", False),
                reasons=tuple(Reason.model_validate(reason) for reason in event.data["reasons"]),
                released_items=tuple(event.data.get("released_items", ())),
            ),
            through=event.data.get("through"),
        )
        for event in events
        if event.type is EventType.CLEARANCE_SETTLED
    ]


def _outcomes(events: Sequence[Event], settled: Sequence[Settled]) -> Iterator[Check]:
    """Each outcome on record against what the events before it come to."""
    cases = _cases(events)
    earliest = 1
    for one in settled:
        yield _outcome(cases, one, earliest)
        earliest = one.seq


def _cases(events: Sequence[Event]) -> list[Case]:
    """The case after each event, the first at place 1."""
    cases = [opened(events[0]), opened(events[0])]
    for event in events[1:]:
        cases.append(apply(cases[-1], event))
    return cases


def _outcome(cases: Sequence[Case], recorded: Settled, earliest: int) -> Check:
    """
    The workflow settles by what it has heard, which may be a little less than was on record by then: but by
    no less than the events it named, and never so that it lets go what the record did not.
    """
    what = f"event {recorded.seq}: {recorded.clearance.outcome}"
    last = recorded.seq - 1
    begin = max(earliest, recorded.through or 1) if _lets_go(cases[last], recorded.clearance) else last
    for seq in range(last, min(begin, last) - 1, -1):
        if not (differs := _difference(settle(cases[seq]), recorded.clearance)):
            return Check(what=what, holds=True, detail=f"by events 1 to {seq}")
        if seq == last:
            first = differs
    return Check(what=what, holds=False, detail=first)


def _lets_go(case: Case, recorded: Clearance) -> bool:
    """Whether all that an outcome let go may go by this case, as the store insists before it records one."""
    if recorded.outcome is Outcome.RELEASE:
        return False  # of all goods items: nothing more may have been on record
    now = settle(case)
    return now.outcome is Outcome.RELEASE or {*recorded.released_items} <= {*now.released_items}


def _difference(now: Clearance, recorded: Clearance) -> str:
    """What is different, in words; nothing when it comes to the same."""
    if now.outcome is not recorded.outcome:
        return f"the events come to {now.outcome}"
    if now.released_items != recorded.released_items:
        return f"the events let go {list(now.released_items)}, recorded is {list(recorded.released_items)}"
    ours, theirs = _told(now), _told(recorded)
    if ours == theirs:
        return ""
    return "; ".join(
        [f"the events give also {one}" for one in sorted(ours - theirs)]
        + [f"recorded is also {one}" for one in sorted(theirs - ours)]
    )


def _told(clearance: Clearance) -> set[str]:
    """The reasons, each in words, without what is only for reading."""
    return {
        " ".join(
            filter(
                None,
                (
                    reason.rule,
                    f"item {reason.item}" if reason.item is not None else None,
                    reason.service,
                    reason.verdict,
                    f"decision {reason.decision}" if reason.decision else None,
                    f"evidence {reason.evidence}" if reason.evidence else None,
                    f"by {reason.by}" if reason.by else None,
                ),
            )
        )
        for reason in clearance.reasons
    }


def _shown(settled: Sequence[Settled], events: Sequence[Event], outcome: Outcome) -> Check:
    """What is shown today is what was settled last; before anything was, what was accepted comes to."""
    last = settled[-1].clearance.outcome if settled else settle(opened(events[0])).outcome
    what = f"shown today: {outcome}"
    return Check(what=what, holds=last is outcome, detail="" if last is outcome else f"settled last: {last}")


def _notices(
    events: Sequence[Event], settled: Sequence[Settled], sent: Sequence[SentNotice]
) -> Iterator[Check]:
    """Each notice that the cargo system took against the outcomes, in order, and against what was sent."""
    by_number: dict[int, list[SentNotice]] = {}
    for notice in sent:
        by_number.setdefault(notice.number, []).append(notice)
    waiting = _to_be_told(settled)
    for event in events:
        told = TOLD.get(event.type)
        if told is None:
            continue
        what = f"event {event.seq}: the cargo system was told {told}"
        while waiting and waiting[0].clearance.outcome is not told:
            waiting.pop(0)
        if not waiting or waiting[0].seq > event.seq:
            yield Check(what=what, holds=False, detail="no outcome on record before it says so")
            continue
        rests_on = waiting.pop(0)
        clearance = rests_on.clearance
        copies = by_number.get(event.data.get("number", 0), [])
        wrong = [
            notice
            for notice in copies
            if notice.outcome is not told or notice.released_items != clearance.released_items
        ]
        if wrong:
            said = f"what was sent says {wrong[0].outcome} {list(wrong[0].released_items)}".strip(" []")
            yield Check(what=what, holds=False, detail=said)
        else:
            kept = f", as sent {len(copies)} time{'s' if len(copies) > 1 else ''}" if copies else ""
            yield Check(what=what, holds=True, detail=f"by event {rests_on.seq}{kept}")


def _to_be_told(settled: Iterable[Settled]) -> list[Settled]:
    """Of each run of outcomes that are the same to the cargo system the first: of that it is told, once."""
    of_news = (one for one in settled if one.clearance.outcome is not Outcome.IN_PROGRESS)
    runs = groupby(of_news, key=lambda one: (one.clearance.outcome, one.clearance.released_items))
    return [next(run) for _, run in runs]


def _evidence(events: Iterable[Event], evidence: Mapping[str, str]) -> Iterator[Check]:
    """Each decision against what it was read from."""
    for event in events:
        if event.type not in _DECISIONS or (recorded := event.data.get("evidence")) is None:
            continue
        what = f"event {event.seq}: decision {event.data['decision']} of {event.service}"
        kept = evidence.get(recorded)
        if kept is None:
            said = f"nothing that is kept has the SHA-256 {recorded} of what it was read from"
            yield Check(what=what, holds=False, detail=said)
        else:
            yield Check(what=what, holds=True, detail=f"read from {kept}, SHA-256 {recorded[:12]}...")
