"""One declaration under lock: read what stands, change it, and write the change and its events as one."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, literal, select, update

from hub.domain import life
from hub.domain.case import Case, Referral
from hub.domain.clearance import Clearance, Outcome
from hub.domain.deadlines import parse_duration
from hub.domain.declaration import Declaration
from hub.domain.event_data import Question
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.exchange import Dossier
from hub.domain.history import time_run
from hub.domain.names import referral_id, split_referral_id
from hub.domain.referral import Decision, Receipt, ReferralState, Verdict
from hub.domain.settling import is_live, settle
from hub.ports import CaseOnRecord, DeclarationView, Unheard
from hub.store.asking import PollChanges, end_all_polls, is_polled
from hub.store.histories import Answered, count_answers
from hub.store.part import AnyRow
from hub.store.record import append_events, numbered, settled_data, to_json
from hub.store.rows import (
    Sending,
    StoredReferral,
    decision_row,
    is_awaited,
    keys_of,
    life_of,
    new_referral_row,
    read_case,
    read_referrals,
    referral_values,
    terms_values,
)
from hub.store.statements import Statement
from hub.store.tables import decisions, declarations, events, referral_queue, referrals
from hub.store.tables.control import NEVER
from hub.store.types import key, storable
from hub.store.views import WHOLE, view_of

_RELEASES = (Outcome.RELEASE, Outcome.PARTIAL_RELEASE)


class OpenCase:
    """
    A declaration, locked until its transaction ends.

    Everything that appends to a declaration opens it first, so its events are numbered without gaps and its
    columns keep in step with its referrals, however many processes write at once. What an event makes of the
    case `hub.domain.life` says, here as everywhere; beside it the store keeps what is no part of the case:
    what was sent, what is asked about, and the words that operations are shown.
    """

    def __init__(self, connection: Connection, row: AnyRow) -> None:
        self._connection = connection
        self.mrn: str = row.mrn
        self.outcome = Outcome(row.outcome)
        self.closed_at: datetime | None = row.closed_at
        self.accepted_at: datetime = row.accepted_at
        self._row = row
        self._events: list[NewEvent] = []
        self._values: dict[str, Any] = {}
        self._decisions: list[dict[str, Any]] = []
        self._polls = PollChanges(self.mrn)
        self._just_delivered: set[str] = set()
        self._deadlines: dict[str, datetime | None] = {}
        self._answered: list[Answered] = []
        self._known: dict[str, set[str]] = {}

    @classmethod
    def open(cls, connection: Connection, mrn: str) -> OpenCase:
        """Lock a declaration. Raises KeyError."""
        row = _LOCK.first(connection, {"mrn_": mrn})
        if row is None:
            raise KeyError(f"no declaration {mrn}")
        return cls(connection, row)

    # --- reading ----------------------------------------------------------------------------------------

    @cached_property
    def case(self) -> Case:
        """As it stands now, with what this transaction has changed."""
        standing = tuple(stored.referral for stored in self._stored.values())
        self._as_read = read_case(self._connection, self.mrn, self._row.life, standing)
        return self._as_read

    @cached_property
    def _stored(self) -> dict[str, StoredReferral]:
        """By service, as they were when the declaration was opened."""
        return {r.referral.terms.service: r for r in read_referrals(self._connection, self.mrn)}

    @cached_property
    def _sendings(self) -> dict[str, Sending]:
        return {
            service: stored.sending for service, stored in self._stored.items() if stored.sending is not None
        }

    def _known_of(self, service: str) -> set[str]:
        """Keys of the decisions on record; also of those that were set aside."""
        known = self._known.get(service)
        if known is None:
            stored = self._stored.get(service)
            known = self._known[service] = keys_of(stored.decisions) if stored is not None else set()
        return known

    def referral(self, service: str) -> Referral:
        """The referral to a service, as it stands now. Raises KeyError."""
        try:
            return self.case.referral(service)
        except KeyError:
            raise KeyError(f"no referral {referral_id(self.mrn, service)}") from None

    def sending(self, service: str) -> Sending | None:
        """Which submission was begun that may have reached the agency."""
        return self._sendings.get(service)

    @property
    def being_handed_over(self) -> Collection[str]:
        """The services a submission to which was begun, and has not ended for certain."""
        return self._sendings

    @cached_property
    def clearance(self) -> Clearance:
        """As last recorded."""
        [row] = _CLEARANCE.all(self._connection, {"mrn_": self.mrn})
        return Clearance.model_validate_json(row.clearance)

    @cached_property
    def _declaration(self) -> Declaration:
        [row] = _DECLARATION.all(self._connection, {"mrn_": self.mrn})
        return Declaration.model_validate_json(row.declaration)

    def view(self) -> DeclarationView:
        """All of it, as it was when it was opened."""
        case = self.case
        [row] = WHOLE.all(self._connection, {"mrn_": self.mrn})
        return view_of(self._connection, row, list(self._stored.values()), case)

    def on_record(self) -> CaseOnRecord:
        """What an outcome is settled on."""
        return CaseOnRecord(
            case=self.case,
            ucr=self._row.ucr,
            cargo_management_number=self._row.cargo_management_number,
        )

    def dossier(self, service: str) -> Dossier:
        """What an adapter needs of a referral. Raises KeyError."""
        referral = self.referral(service)
        return Dossier.model_construct(
            declaration=self._declaration,
            terms=referral.terms,
            accepted_at=self.accepted_at,
            receipt=referral.receipt,
            former=referral.former,
        )

    @property
    def takes_no_more(self) -> bool:
        """Released or closed: what an agency says now is late, and changes nothing."""
        return self.outcome is Outcome.RELEASE or self.closed_at is not None

    # --- changing ---------------------------------------------------------------------------------------

    def record(self, event: NewEvent) -> Event:
        """Append an event, and make of the case what it says."""
        self._events.append(event)
        if life.is_change(event.type):
            before = self.case
            self.case = life.apply(before, event)
            self._keep_up(before, event)
        return numbered(event, self.mrn, self._last_seq)

    def note(self, at: datetime, kind: EventType, service: str | None = None, **data: Any) -> Event:
        """Append an event; `None` values are left out of its data."""
        said = {name: value for name, value in data.items() if value is not None}
        return self.record(NewEvent(at=at, type=kind, service=service, data=said))

    def note_once(self, at: datetime, kind: EventType, service: str | None, **data: Any) -> None:
        """Append an event unless this very thing has been noted before."""
        recorded = _NOTED.all(self._connection, {"mrn_": self.mrn, "type_": kind.value})
        noted = [(row.service, json.loads(row.data)) for row in recorded]
        noted += [(event.service, event.data) for event in self._events if event.type is kind]
        said = {name: value for name, value in data.items() if value is not None}
        if (service, said) not in noted:
            self.note(at, kind, service, **said)

    def set_trouble(self, service: str, trouble: str | None) -> None:
        """What operations are shown of a referral; no event of its own tells of it."""
        self._put(self.referral(service), trouble=trouble)

    def set_sending(self, service: str, sending: Sending | None) -> None:
        """A submission is begun; None when it is certain that it has not reached the agency."""
        if sending is None:
            self._sendings.pop(service, None)
        else:
            self._sendings[service] = sending

    def settle(
        self, clearance: Clearance, pending: Sequence[str], at: datetime, through: int | None = None
    ) -> None:
        """Record an outcome and its reasons; the same again is no event."""
        if clearance.outcome is self.outcome and clearance == self.clearance:
            return
        self.clearance = clearance
        self._values["clearance"] = clearance.model_dump_json()
        if clearance.outcome is not self.outcome:
            self.outcome = clearance.outcome
            self._values |= {"outcome": clearance.outcome.value, "settled_at": at}
        data = settled_data(clearance, pending, through)
        settled = NewEvent(at=at, type=EventType.CLEARANCE_SETTLED, data=data)
        if clearance.released_items:
            self.record(settled)
        else:
            # It changes nothing of the case, which need not be read for it.
            self._events.append(settled)

    def close(self, at: datetime) -> None:
        """Nothing more is awaited."""
        self.closed_at = at
        self._values["closed_at"] = at
        end_all_polls(self._connection, self.mrn)

    def set_columns(self, **values: Any) -> None:
        """Change columns of the declaration itself."""
        self._values |= values

    def deliver(self, service: str, receipt: Receipt | None, at: datetime, revision: int) -> None:
        """
        The agency has that revision of it. The first receipt stands; a later one adds the reference it may
        have lacked, and what it says of the values to be remembered: one that it leaves out stays.
        """
        referral = self.referral(service)
        if referral.delivered_at is None:
            self._just_delivered.add(service)
            self.note(
                receipt.received_at if receipt else at,
                EventType.REFERRAL_DELIVERED,
                service,
                agency=referral.terms.agency,
                reference=receipt.reference if receipt else None,
                receipt=receipt.model_dump(mode="json", exclude_none=True) if receipt else None,
                revision=revision if revision != referral.terms.revision else None,
            )
        elif receipt is not None:
            self._put(referral, receipt=_joined(referral.receipt, receipt))

    def begin_poll(self, service: str, at: datetime) -> None:
        """Ask about a delivered referral from `at` on, if that is how its agency answers."""
        referral = self.referral(service)
        if referral.delivered_at is not None and is_polled(referral) and not self.takes_no_more:
            self._polls.begin(referral, at)

    def reopen_poll(self, service: str, at: datetime) -> None:
        """Ask about a referral from `at` on, whatever became of asking before."""
        self._polls.reopen(self.referral(service), at)

    def end_poll(self, service: str) -> None:
        """Ask about it no more."""
        self._polls.end(service)

    def not_understood(self, service: str, trouble: str, at: datetime, **about: Any) -> None:
        """
        The agency said something of the referral that was not understood. It stays as it is, with its
        trouble; an event tells of it unless it is the trouble that is shown already.
        """
        trouble = storable(trouble)
        referral = self.referral(service)
        if referral.trouble == trouble:
            return
        if referral.state is not ReferralState.UNDELIVERABLE:
            # There the trouble says why the agency does not have it, which a person must still see.
            self.set_trouble(service, trouble)
        agency = referral.terms.agency
        self.note(at, EventType.MESSAGE_NOT_UNDERSTOOD, service, agency=agency, trouble=trouble, **about)

    def understood(self, service: str) -> None:
        """What the agency says of the referral is understood again."""
        if self.referral(service).state is not ReferralState.UNDELIVERABLE:
            self.set_trouble(service, None)

    def decide(
        self,
        service: str,
        said: Iterable[Decision],
        at: datetime,
        *,
        told: bool,
        evidence: Mapping[str, str] | str | None = None,
    ) -> tuple[Decision, ...]:
        """
        Record decisions that are not known yet, and what they make of the case; returns those that count.

        `told` says that the caller brings them to the workflow itself, in the result of its activity.
        `evidence` is the SHA-256 of what they were read from; of exchanges, by their id.
        """
        new = []
        for decision in said:
            known = self._known_of(service)
            if key(decision.id) in known:
                continue
            known.add(key(decision.id))
            referral = self.referral(service)
            decision = decision.model_copy(update={"revision": life.revision_of(referral, decision)})
            kind = self._kind_of(referral, decision)
            counts = kind is EventType.DECISION_RECEIVED
            told_by = decision.exchange or ""
            read_from = evidence.get(told_by) if isinstance(evidence, Mapping) else evidence
            recorded = self.note(
                at,
                kind,
                service,
                agency=referral.terms.agency,
                **_in_event(decision, referral),
                question=self._question(decision) if counts else None,
                evidence=read_from,
            )
            self._decisions.append(
                decision_row(
                    self.mrn,
                    service,
                    decision,
                    recorded.seq,
                    told=told or not counts,
                    set_aside=not counts,
                )
            )
            if counts:
                new.append(decision)
            elif life.is_ahead(referral, decision) and decision.referral == referral.terms.id:
                self.not_understood(service, ahead(referral, decision), at)
        return tuple(new)

    def note_late(self, service: str, decision: str) -> None:
        """
        The workflow ended without this decision, given by key; unless the outcome rests on it, or its end
        has noted it already.
        """
        referral = self.referral(service)
        [said] = [known for known in referral.decisions if key(known.id) == decision]
        weighed = {(reason.service, reason.decision) for reason in self.clearance.reasons}
        recorded = _NOTED.all(self._connection, {"mrn_": self.mrn, "type_": EventType.DECISION_LATE.value})
        noted = {(row.service, json.loads(row.data).get("decision")) for row in recorded}
        if (service, said.id) not in weighed | noted:
            self.note(
                said.received_at,
                EventType.DECISION_LATE,
                service,
                agency=referral.terms.agency,
                **_in_event(said, referral),
            )

    def refuse_unheard(
        self,
        through: int | None,
        clearance: Clearance | None = None,
        weighed: Collection[tuple[str, str]] = (),
    ) -> None:
        """
        Raises Unheard when the store holds what the workflow has not heard: an event after `through`, a
        decision that is not told, or what does not let it release, as `clearance` would. None: all is heard.

        What it has `weighed`, by service and id, it has heard, though nobody has noted yet that it was told.
        """
        if through is None:
            return
        place = {"mrn_": self.mrn, "through_": through}
        if self._last_seq > through and _LATER_FACT.first(self._connection, place) is not None:
            raise Unheard(f"{self.mrn} has news after {through}")
        heard = {(service, key(decision)) for service, decision in weighed}
        untold = [(service, each) for service, stored in self._stored.items() for each in stored.untold]
        if not heard.issuperset(untold):
            raise Unheard(f"{self.mrn} has decisions that its workflow has not been told")
        if untold:
            _TELL.run_each(
                self._connection, [{"mrn_": self.mrn, "service_": s, "id_": id} for s, id in sorted(untold)]
            )
        if clearance is not None and clearance.outcome in _RELEASES:
            # Told is not heard yet: a refusal may be on its way into the workflow this moment.
            now = settle(self.case)
            let_go = clearance.outcome is Outcome.RELEASE and now.outcome is not Outcome.RELEASE
            if let_go or not (
                now.outcome is Outcome.RELEASE or {*clearance.released_items} <= {*now.released_items}
            ):
                raise Unheard(f"{self.mrn} has been told what does not release it")

    # --- parts of changing ------------------------------------------------------------------------------

    @property
    def _last_seq(self) -> int:
        return int(self._row.last_seq) + len(self._events)

    def _put(self, referral: Referral, **update: Any) -> None:
        """Set what differs; what is the same is not written."""
        if any(getattr(referral, name) != value for name, value in update.items()):
            changed = referral.model_copy(update=update)
            standing = tuple(changed if r is referral else r for r in self.case.referrals)
            self.case = self.case.model_copy(update={"referrals": standing})

    def _kind_of(self, referral: Referral, decision: Decision) -> EventType:
        if self.takes_no_more or self.case.withdrawal is not None:
            return EventType.DECISION_LATE
        if set(decision.items or referral.terms.items) <= set(self.case.released):
            return EventType.DECISION_LATE
        if decision.revision != referral.terms.revision or not is_live(referral):
            return EventType.DECISION_SUPERSEDED
        return EventType.DECISION_RECEIVED

    def _question(self, decision: Decision) -> dict[str, Any] | None:
        if decision.verdict is not Verdict.INFORMATION_REQUIRED:
            return None
        within = self.case.policy.information_within
        due_at = None if within is None else decision.decided_at + parse_duration(within)
        return Question(due_at=due_at).model_dump(mode="json")

    def _keep_up(self, before: Case, event: NewEvent) -> None:
        """Bring what is beside the case in step with what an event has made of its referrals."""
        unchanged = set(map(id, before.referrals))
        for now in self.case.referrals:
            if id(now) in unchanged:
                continue
            was = next((r for r in before.referrals if r.terms.service == now.terms.service), None)
            self._keep_decisions_up(now)
            if was is None:
                continue
            if was.deadline != now.deadline:
                self._deadlines[now.terms.service] = now.deadline
            if was.terms.id != now.terms.id:
                # Another application: nothing of what was sent before is its own.
                self.set_sending(now.terms.service, None)
                self._polls.drop(now.terms.service)
            elif event.type is EventType.REFERRAL_RESENT:
                self._send_anew(now.terms.service)
            else:
                self._keep_poll_up(was, now, event)
            if now.state is ReferralState.DECIDED and was.state is not ReferralState.DECIDED:
                if event.type is EventType.DECISION_RECEIVED:
                    self._time_answer(now)
                self._put(now, trouble=None)

    def _time_answer(self, referral: Referral) -> None:
        """
        How long the agency took that has decided now, the clock's stops left out; counted anew where it takes
        a decision back and decides again. A decision may overtake the receipt: then from when it was sent.
        """
        service, decided_at = referral.terms.service, referral.decisions[-1].received_at
        sending = self.sending(service)
        begun = referral.delivered_at or (None if sending is None else sending.at)
        if begun is not None:
            took = time_run(begun, decided_at, referral.stops)
            self._answered.append(Answered(service, decided_at, took))

    def _send_anew(self, service: str) -> None:
        """What was sent before is looked up first; who answers now is asked about it from its receipt on."""
        if self.sending(service) is None:
            # It has come to its end whenever that was: what is not found at the agency is not there.
            self.set_sending(service, Sending(self.accepted_at, self.referral(service).terms.revision))
        self._polls.drop(service)

    def _keep_decisions_up(self, referral: Referral) -> None:
        """What customs' own control begins anew with comes with the amendment, by which it is told."""
        service = referral.terms.service
        known = self._known_of(service)
        for decision in referral.decisions:
            if key(decision.id) not in known:
                known.add(key(decision.id))
                self._decisions.append(decision_row(self.mrn, service, decision, self._last_seq, told=True))

    def _keep_poll_up(self, was: Referral, now: Referral, event: NewEvent) -> None:
        if event.type is EventType.REFERRAL_DELIVERED:
            return  # whoever records the delivery says from when on
        if not is_polled(now):
            # Of most the reply says both that the agency has it and what it has decided.
            if now.terms.service not in self._just_delivered and is_polled(was):
                self._polls.end(now.terms.service)
        elif not is_polled(was) or event.type is EventType.REFERRAL_AMENDED:
            # The agency takes a final word back and asks for more, or has other content to decide on. It
            # has decided once, so it has the referral, receipt or not.
            self._polls.reopen(now, event.at)

    # --- writing ----------------------------------------------------------------------------------------

    def save(self) -> list[Event]:
        """Write what changed, with its events. Call it last, once."""
        connection = self._connection
        if self.closed_at != self._row.closed_at or "case" in self.__dict__:
            self._save_case()
        if self._events:
            self._values["last_seq"] = self._last_seq
        recorded = append_events(connection, self.mrn, self._row.last_seq, self._events, self._agency_of)
        if self._decisions:
            INSERT_DECISION.run_each(connection, self._decisions)
        self._polls.save(connection)
        if self._deadlines:
            # Whoever waits for its agency waits at another place now.
            _MOVE_IN_QUEUE.run_each(
                connection,
                [
                    {"mrn_": self.mrn, "service_": s, "due_": due or NEVER}
                    for s, due in self._deadlines.items()
                ],
            )
        if self._values:
            _CHANGE_DECLARATION.run(connection, {"mrn_": self.mrn, **self._values})
        if self._answered:
            count_answers(connection, self.mrn, self._answered)
        return recorded

    def _agency_of(self, service: str) -> str | None:
        """The agency that is asked, or was before an amendment."""
        before = (stored.referral for stored in self._stored.values())
        asked = (r.terms.agency for r in (*self.case.referrals, *before) if r.terms.service == service)
        return next(asked, None)

    def _save_case(self) -> None:
        case = self.case
        new, changed, asked = [], [], []
        place = max((stored.place for stored in self._stored.values()), default=-1)
        awaited = [self.closed_at is None and is_awaited(case, r) for r in case.referrals]
        for referral, is_waited_for in zip(case.referrals, awaited, strict=True):
            service = referral.terms.service
            stored, sending = self._stored.get(service), self.sending(service)
            if stored is None:
                place += 1
                new.append(new_referral_row(referral, place, self.accepted_at, awaited=is_waited_for))
                continue
            if referral is stored.referral and (sending, is_waited_for) == (stored.sending, stored.awaited):
                continue
            about = {"mrn_": self.mrn, "service_": service}
            open_since = None if self.closed_at is not None else self.accepted_at
            changed.append(about | referral_values(referral, sending, is_waited_for, open_since))
            if referral.terms is not stored.referral.terms:
                asked.append(about | terms_values(referral.terms))
            self._set_aside(stored.referral, referral)
        if new:
            INSERT_REFERRAL.run_each(self._connection, new)
        for rows in (changed, asked):
            if rows:
                _CHANGE_REFERRAL.run_each(self._connection, rows)
        waited_for = zip(case.referrals, awaited, strict=True)
        pending = to_json(sorted({referral.terms.agency for referral, is_so in waited_for if is_so}))
        if pending != self._row.pending_agencies:
            self._values["pending_agencies"] = pending
        if _differ_beside_referrals(self._as_read, case):
            self._values["life"] = life_of(case)

    def _set_aside(self, was: Referral, now: Referral) -> None:
        """What was said of an application that another has taken the place of is no part of the case."""
        gone = keys_of(was.decisions) - keys_of(now.decisions)
        if gone:
            _SET_ASIDE.run_each(
                self._connection,
                [{"mrn_": self.mrn, "service_": was.terms.service, "id_": id} for id in sorted(gone)],
            )


def _joined(first: Receipt | None, later: Receipt) -> Receipt:
    """The first stands, with the reference that it lacked, and the values as last told."""
    if first is None:
        return later
    return first.model_copy(
        update={
            "reference": first.reference if first.reference is not None else later.reference,
            "values": {**first.values, **later.values},
        }
    )


def _differ_beside_referrals(one: Case, other: Case) -> bool:
    if one is other:
        return False
    names = (name for name in Case.model_fields if name != "referrals")
    return any(getattr(one, name) != getattr(other, name) for name in names)


def services_of(mrn: str, referral: str) -> str:
    """The service of a referral id of this declaration. Raises KeyError when it is another's."""
    of, service = split_referral_id(referral)
    if of != mrn:
        raise KeyError(f"{referral} is not a referral of {mrn}")
    return service


def ahead(referral: Referral, decision: Decision) -> str:
    """What is wrong with a decision about a revision that the agency was never told of."""
    return (
        f"the decision speaks of revision {decision.about} of the application; the hub has told the agency "
        f"of none after {referral.terms.revision}"
    )


def _in_event(decision: Decision, referral: Referral) -> dict[str, Any]:
    """The decision as its event has it; what goes without saying is left out."""
    said = decision.model_dump(mode="json", exclude_none=True, exclude={"referral", "id"})
    if decision.revision == 1:
        del said["revision"]
    if decision.referral != referral.terms.id:
        said["referral"] = decision.referral
    return {"decision": decision.id, **said}


_MRN: BindParameter[str] = bindparam("mrn_")

_LOCK = Statement(
    select(
        declarations.c.mrn,
        declarations.c.ucr,
        declarations.c.cargo_management_number,
        declarations.c.accepted_at,
        declarations.c.outcome,
        declarations.c.pending_agencies,
        declarations.c.closed_at,
        declarations.c.last_seq,
        declarations.c.life,
    )
    .where(declarations.c.mrn == _MRN)
    .with_for_update(key_share=True)
)
# Documents may be large: only who needs one reads it.
_DECLARATION = Statement(select(declarations.c.declaration).where(declarations.c.mrn == _MRN))
_CLEARANCE = Statement(select(declarations.c.clearance).where(declarations.c.mrn == _MRN))
_NOTED = Statement(
    select(events.c.service, events.c.data).where(events.c.mrn == _MRN, events.c.type == bindparam("type_"))
)
_LATER_FACT = Statement(
    select(events.c.seq)
    .where(
        events.c.mrn == _MRN,
        events.c.seq > bindparam("through_"),
        events.c.type.in_([literal(kind.value) for kind in sorted(life.NEWS)]),
    )
    .limit(1)
)
INSERT_REFERRAL = Statement(insert(referrals))
INSERT_DECISION = Statement(insert(decisions))
_THIS_DECISION = (
    decisions.c.mrn == _MRN,
    decisions.c.service == bindparam("service_"),
    decisions.c.id == bindparam("id_"),
)
_SET_ASIDE = Statement(update(decisions).where(*_THIS_DECISION).values(set_aside=True, told=True))
_TELL = Statement(update(decisions).where(*_THIS_DECISION).values(told=True))
_CHANGE_DECLARATION = Statement(update(declarations).where(declarations.c.mrn == _MRN))
_CHANGE_REFERRAL = Statement(
    update(referrals).where(referrals.c.mrn == _MRN, referrals.c.service == bindparam("service_"))
)
_MOVE_IN_QUEUE = Statement(
    update(referral_queue)
    .where(referral_queue.c.mrn == _MRN, referral_queue.c.service == bindparam("service_"))
    .values(due_at=bindparam("due_"))
)
