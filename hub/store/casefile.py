"""One declaration under lock: read what stands, change it, and write the change and its events as one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from hub.domain import case as domain
from hub.domain.clearance import Clearance, Outcome
from hub.domain.declaration import Declaration
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.exchange import Dossier, Exchange
from hub.domain.names import referral_id, split_referral_id
from hub.domain.referral import Answers, Decision, Receipt, ReferralState, ReferralTerms, Verdict
from hub.domain.settling import standing_decisions
from hub.store.part import AnyRow
from hub.store.tables import decisions, declarations, events, exchanges, polls, referrals
from hub.store.types import key, storable

_ASKS_FOR_MORE = frozenset({Verdict.INFORMATION_REQUIRED, Verdict.INSPECTION_REQUIRED})


def to_json(value: object) -> str:
    """Plain data as compact JSON."""
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def rfc3339(moment: datetime) -> str:
    """An instant as events show it: UTC, `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass
class OpenReferral:
    """A referral of a locked declaration, and what this transaction changes of it."""

    terms: ReferralTerms
    state: ReferralState
    sent_at: datetime | None
    delivered_at: datetime | None
    receipt: Receipt | None
    trouble: str | None
    decisions: dict[str, Decision] = field(default_factory=dict)
    """By their key, in the order in which they were received."""
    changed: bool = False

    @classmethod
    def of(cls, row: AnyRow) -> OpenReferral:
        """As it stands in its row, without its decisions."""
        return cls(
            terms=ReferralTerms.model_validate_json(row.terms),
            state=ReferralState(row.state),
            sent_at=row.sent_at,
            delivered_at=row.delivered_at,
            receipt=None if row.receipt is None else Receipt.model_validate_json(row.receipt),
            trouble=row.trouble,
        )

    @property
    def is_decided(self) -> bool:
        """Every item has a standing decision, and none of these asks for something more."""
        referral = domain.Referral(terms=self.terms, decisions=tuple(self.decisions.values()))
        standing = standing_decisions(referral)
        verdicts = {decision.verdict for decision in standing.values()}
        return len(standing) == len(self.terms.items) and not verdicts & _ASKS_FOR_MORE

    def change(self, **values: Any) -> None:
        """Set what differs, and remember whether anything did."""
        for name, value in values.items():
            if getattr(self, name) != value:
                setattr(self, name, value)
                self.changed = True


class OpenCase:
    """
    A declaration, locked until its transaction ends.

    Everything that appends to a declaration opens it first, so its events are numbered without gaps and its
    columns keep in step with its referrals, however many processes write at once.
    """

    def __init__(self, connection: Connection, row: AnyRow) -> None:
        self._connection = connection
        self.mrn: str = row.mrn
        self.outcome = Outcome(row.outcome)
        self.closed_at: datetime | None = row.closed_at
        self._row = row
        self._events: list[NewEvent] = []
        self._values: dict[str, Any] = {}
        self._decisions: list[dict[str, Any]] = []
        self._polls_begun: list[dict[str, Any]] = []
        self._polls_reopened: list[dict[str, Any]] = []
        self._polls_ended: list[dict[str, Any]] = []

    @classmethod
    def open(cls, connection: Connection, mrn: str) -> OpenCase:
        """Lock a declaration. Raises KeyError."""
        row = connection.execute(_LOCK, {"mrn_": mrn}).one_or_none()
        if row is None:
            raise KeyError(f"no declaration {mrn}")
        return cls(connection, row)

    # --- reading ----------------------------------------------------------------------------------------

    @cached_property
    def referrals(self) -> dict[str, OpenReferral]:
        """By service, with the decisions of each."""
        found = {
            row.service: OpenReferral.of(row)
            for row in self._connection.execute(_REFERRALS, {"mrn_": self.mrn})
        }
        for row in self._connection.execute(_DECISIONS, {"mrn_": self.mrn}):
            found[row.service].decisions[row.id] = Decision.model_validate_json(row.document)
        return found

    def referral(self, service: str) -> OpenReferral:
        """The referral to a service. Raises KeyError."""
        try:
            return self.referrals[service]
        except KeyError:
            raise KeyError(f"no referral {referral_id(self.mrn, service)}") from None

    @cached_property
    def clearance(self) -> Clearance:
        """As last recorded."""
        return Clearance.model_validate_json(
            self._connection.execute(_CLEARANCE, {"mrn_": self.mrn}).scalar_one()
        )

    @cached_property
    def _declaration(self) -> Declaration:
        return Declaration.model_validate_json(
            self._connection.execute(_DECLARATION, {"mrn_": self.mrn}).scalar_one()
        )

    def dossier(self, referral: OpenReferral) -> Dossier:
        """What an adapter needs of a referral."""
        return Dossier.model_construct(
            declaration=self._declaration,
            terms=referral.terms,
            accepted_at=self._row.accepted_at,
            receipt=referral.receipt,
        )

    @property
    def takes_no_more(self) -> bool:
        """Released or closed: what an agency says now is late, and changes nothing."""
        return self.outcome is Outcome.RELEASE or self.closed_at is not None

    # --- changing ---------------------------------------------------------------------------------------

    def note(self, at: datetime, kind: EventType, service: str | None = None, **data: Any) -> None:
        """Append an event; `None` values are left out of its data."""
        said = {name: value for name, value in data.items() if value is not None}
        self._events.append(NewEvent(at=at, type=kind, service=service, data=said))

    def append(self, event: NewEvent) -> Event:
        """Append an event as it is."""
        self._events.append(event)
        return _numbered(event, self.mrn, self._row.last_seq + len(self._events))

    def note_once(self, at: datetime, kind: EventType, service: str | None, **data: Any) -> None:
        """Append an event unless this very thing has been noted before."""
        recorded = self._connection.execute(_NOTED, {"mrn_": self.mrn, "type_": kind.value})
        noted = [(row.service, json.loads(row.data)) for row in recorded]
        noted += [(event.service, event.data) for event in self._events if event.type is kind]
        said = {name: value for name, value in data.items() if value is not None}
        if (service, said) not in noted:
            self.note(at, kind, service, **said)

    def settle(self, clearance: Clearance, pending: Sequence[str], at: datetime) -> None:
        """Record an outcome and its reasons; the same again is no event."""
        if clearance == self.clearance:
            return
        self._values["clearance"] = clearance.model_dump_json()
        if clearance.outcome is not self.outcome:
            self.outcome = clearance.outcome
            self._values |= {"outcome": clearance.outcome.value, "settled_at": at}
        self.note(at, EventType.CLEARANCE_SETTLED, **settled_data(clearance, pending))

    def close(self, at: datetime) -> None:
        """Nothing more is awaited."""
        self.closed_at = at
        self._values["closed_at"] = at
        self._connection.execute(_END_POLLS, {"mrn_": self.mrn})
        for referral in self.referrals.values():
            referral.changed = True

    def deliver(self, referral: OpenReferral, receipt: Receipt | None, at: datetime) -> None:
        """
        The agency has it. The first receipt stands; a later one adds the reference it may have lacked, and
        what it says of the values to be remembered: one that it leaves out stays.
        """
        held = referral.receipt
        if receipt is not None and held is None:
            referral.change(receipt=receipt)
        elif receipt is not None and held is not None:
            first = held if held.reference is not None or receipt.reference is None else receipt
            told = first.model_copy(update={"values": {**held.values, **receipt.values}})
            if told != held:
                referral.change(receipt=told)
        if referral.delivered_at is None:
            referral.change(delivered_at=receipt.received_at if receipt else at)
            self.note(
                at,
                EventType.REFERRAL_DELIVERED,
                referral.terms.service,
                agency=referral.terms.agency,
                reference=receipt.reference if receipt else None,
            )
        if referral.state in (ReferralState.PENDING, ReferralState.UNDELIVERABLE):
            referral.change(state=ReferralState.DELIVERED, trouble=None)

    def begin_poll(self, referral: OpenReferral, at: datetime) -> None:
        """Ask about a delivered referral from `at` on, if that is how its agency answers."""
        waits = referral.delivered_at is not None and referral.state is not ReferralState.DECIDED
        if referral.terms.answers is Answers.POLL and waits and not self.takes_no_more:
            self._polls_begun.append(self._poll(referral, at))

    def not_understood(self, referral: OpenReferral, trouble: str, at: datetime, **about: Any) -> None:
        """
        The agency said something of the referral that was not understood. It stays as it is, with its
        trouble; an event tells of it unless it is the trouble that is shown already.
        """
        trouble = storable(trouble)
        if referral.trouble == trouble:
            return
        if referral.state is not ReferralState.UNDELIVERABLE:
            # There the trouble says why the agency does not have it, which a person must still see.
            referral.change(trouble=trouble)
        terms = referral.terms
        self.note(
            at,
            EventType.MESSAGE_NOT_UNDERSTOOD,
            terms.service,
            agency=terms.agency,
            trouble=trouble,
            **about,
        )

    def understood(self, referral: OpenReferral) -> None:
        """What the agency says of the referral is understood again."""
        if referral.state is not ReferralState.UNDELIVERABLE:
            referral.change(trouble=None)

    def decide(
        self, referral: OpenReferral, said: Iterable[Decision], at: datetime, *, told: bool
    ) -> tuple[Decision, ...]:
        """
        Record decisions that are not known yet and bring the state in step; returns those that count.

        `told` says that the caller brings them to the workflow itself, in the result of its activity.
        """
        late = self.takes_no_more
        new = []
        for decision in said:
            if key(decision.id) in referral.decisions:
                continue
            referral.decisions[key(decision.id)] = decision
            new.append(decision)
            self._decisions.append(
                {
                    "mrn": self.mrn,
                    "service": referral.terms.service,
                    "id": decision.id,
                    "received_at": decision.received_at,
                    "told": told or late,
                    "document": decision.model_dump_json(),
                }
            )
            kind = EventType.DECISION_LATE if late else EventType.DECISION_RECEIVED
            self.note(at, kind, referral.terms.service, agency=referral.terms.agency, **_in_event(decision))
        if not new or late:
            return ()
        self._keep_state_in_step(referral, at)
        return tuple(new)

    def note_late(self, referral: OpenReferral, decision: str) -> None:
        """
        The workflow ended without this decision, given by key; unless the outcome rests on it, or its end
        has noted it already.
        """
        said, service = referral.decisions[decision], referral.terms.service
        weighed = {(reason.service, reason.decision) for reason in self.clearance.reasons}
        recorded = self._connection.execute(
            _NOTED, {"mrn_": self.mrn, "type_": EventType.DECISION_LATE.value}
        )
        noted = {(row.service, json.loads(row.data).get("decision")) for row in recorded}
        if (service, said.id) not in weighed | noted:
            self.note(
                said.received_at,
                EventType.DECISION_LATE,
                service,
                agency=referral.terms.agency,
                **_in_event(said),
            )

    def _keep_state_in_step(self, referral: OpenReferral, at: datetime) -> None:
        if referral.is_decided:
            referral.change(state=ReferralState.DECIDED, trouble=None)
            if referral.terms.answers is Answers.POLL:
                self._polls_ended.append({"mrn_": self.mrn, "service_": referral.terms.service})
        elif referral.state is ReferralState.DECIDED:
            # The agency takes a final word back and asks for more: it is awaited again. It has decided
            # once, so it has the referral, receipt or not.
            referral.change(state=ReferralState.DELIVERED)
            if referral.terms.answers is Answers.POLL:
                self._polls_reopened.append(self._poll(referral, at))

    # --- writing ----------------------------------------------------------------------------------------

    def save(self) -> list[Event]:
        """Write what changed, with its events. Call it last, once."""
        connection = self._connection
        changed = [r for r in self.__dict__.get("referrals", {}).values() if r.changed]
        if changed:
            connection.execute(_CHANGE_REFERRAL, [self._referral_values(r) for r in changed])
            pending = to_json(self._pending_agencies())
            if pending != self._row.pending_agencies:
                self._values["pending_agencies"] = pending
        if self._decisions:
            connection.execute(_INSERT_DECISION, self._decisions)
        self._save_polls()
        if self._events:
            self._values["last_seq"] = self._row.last_seq + len(self._events)
        recorded = append_events(connection, self.mrn, self._row.last_seq, self._events)
        if self._values:
            connection.execute(
                update(declarations).where(declarations.c.mrn == bindparam("mrn_")),
                {"mrn_": self.mrn, **self._values},
            )
        return recorded

    def _save_polls(self) -> None:
        begin = insert_of(self._connection)(polls)
        if self._polls_begun:
            self._connection.execute(begin.on_conflict_do_nothing(), self._polls_begun)
        if self._polls_reopened:
            reopen = begin.on_conflict_do_update(
                index_elements=["mrn", "service"], set_={"due_at": begin.excluded.due_at}
            )
            self._connection.execute(reopen, self._polls_reopened)
        if self._polls_ended:
            self._connection.execute(_END_POLL, self._polls_ended)

    def _is_awaited(self, referral: OpenReferral) -> bool:
        return referral.state is not ReferralState.DECIDED and self.closed_at is None

    def _pending_agencies(self) -> list[str]:
        return sorted({r.terms.agency for r in self.referrals.values() if self._is_awaited(r)})

    def _referral_values(self, referral: OpenReferral) -> dict[str, Any]:
        receipt = referral.receipt
        return {
            "mrn_": self.mrn,
            "service_": referral.terms.service,
            "state": referral.state.value,
            "awaited": self._is_awaited(referral),
            "sent_at": referral.sent_at,
            "delivered_at": referral.delivered_at,
            "receipt": None if receipt is None else receipt.model_dump_json(),
            "receipt_reference": None if receipt is None else receipt.reference,
            "trouble": referral.trouble,
        }

    def _poll(self, referral: OpenReferral, due_at: datetime) -> dict[str, Any]:
        return {
            "mrn": self.mrn,
            "service": referral.terms.service,
            "agency": referral.terms.agency,
            "due_at": due_at,
            "attempts": 0,
        }


def insert_of(connection: Connection) -> Any:
    """The INSERT of this database that knows ON CONFLICT."""
    return sqlite_insert if connection.dialect.name == "sqlite" else postgresql_insert


def append_events(connection: Connection, mrn: str, last_seq: int, new: Sequence[NewEvent]) -> list[Event]:
    """Write events after `last_seq`. The declaration must be locked, or new in this transaction."""
    if not new:
        return []
    recorded = [_numbered(event, mrn, seq) for seq, event in enumerate(new, last_seq + 1)]
    connection.execute(
        _INSERT_EVENT,
        [
            {
                "mrn": mrn,
                "seq": event.seq,
                "at": event.at,
                "type": event.type.value,
                "service": event.service,
                "data": to_json(event.data),
            }
            for event in recorded
        ],
    )
    return recorded


def _numbered(event: NewEvent, mrn: str, seq: int) -> Event:
    return Event(at=event.at, type=event.type, service=event.service, data=event.data, mrn=mrn, seq=seq)


def record_exchanges(connection: Connection, took_place: Sequence[Exchange]) -> None:
    """Write exchanges down; one that is there already stays as it is."""
    if took_place:
        connection.execute(
            insert_of(connection)(exchanges).on_conflict_do_nothing(),
            [
                {
                    "id": exchange.id,
                    "mrn": exchange.mrn,
                    "agency": exchange.agency,
                    "started_at": exchange.started_at,
                    "document": exchange.model_dump_json(),
                }
                for exchange in took_place
            ],
        )


def services_of(mrn: str, referral: str) -> str:
    """The service of a referral id of this declaration. Raises KeyError when it is another's."""
    of, service = split_referral_id(referral)
    if of != mrn:
        raise KeyError(f"{referral} is not a referral of {mrn}")
    return service


def settled_data(clearance: Clearance, pending: Sequence[str]) -> dict[str, Any]:
    """The data of `clearance.settled`: the whole of it, since the next outcome takes its place."""
    return {
        "outcome": clearance.outcome.value,
        "final": clearance.final,
        "reasons": [r.model_dump(mode="json", exclude_none=True) for r in clearance.reasons],
        "pending_agencies": list(pending),
    }


def _in_event(decision: Decision) -> dict[str, Any]:
    said = decision.model_dump(mode="json", exclude_none=True, exclude={"referral", "id"})
    return {"decision": decision.id, **said}


_MRN: BindParameter[str] = bindparam("mrn_")

_LOCK = (
    select(
        declarations.c.mrn,
        declarations.c.accepted_at,
        declarations.c.outcome,
        declarations.c.pending_agencies,
        declarations.c.closed_at,
        declarations.c.last_seq,
    )
    .where(declarations.c.mrn == _MRN)
    .with_for_update(key_share=True)
)
# Documents may be large: only who needs one reads it.
_DECLARATION = select(declarations.c.declaration).where(declarations.c.mrn == _MRN)
_CLEARANCE = select(declarations.c.clearance).where(declarations.c.mrn == _MRN)
_REFERRALS = select(referrals).where(referrals.c.mrn == _MRN).order_by(referrals.c.place)
_DECISIONS = (
    select(decisions.c.service, decisions.c.id, decisions.c.document)
    .where(decisions.c.mrn == _MRN)
    .order_by(decisions.c.received_at, decisions.c.id)
)
_NOTED = select(events.c.service, events.c.data).where(
    events.c.mrn == _MRN, events.c.type == bindparam("type_")
)
_INSERT_DECISION = insert(decisions)
_INSERT_EVENT = insert(events)
_CHANGE_REFERRAL = update(referrals).where(
    referrals.c.mrn == _MRN, referrals.c.service == bindparam("service_")
)
_END_POLL = (
    update(polls).where(polls.c.mrn == _MRN, polls.c.service == bindparam("service_")).values(due_at=None)
)
_END_POLLS = update(polls).where(polls.c.mrn == _MRN).values(due_at=None)
