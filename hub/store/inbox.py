"""The one way in for what agencies say: stored once, then told to the workflow."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, bindparam, insert, select, update

from hub.domain.case import Case
from hub.domain.errors import CallbackRefused
from hub.domain.events import EventType
from hub.domain.exchange import Message
from hub.domain.names import split_referral_id
from hub.domain.referral import Decision, Via
from hub.ports import Received
from hub.store.casefile import OpenCase
from hub.store.messages import (
    DECISIONS,
    apply_message,
    evidence_of,
    lock_references,
    not_referred,
    referral_by_reference,
)
from hub.store.part import AnyRow, Part
from hub.store.retention import archived_by_reference, is_archived
from hub.store.rows import UNTOLD
from hub.store.statements import Statement, insert_of
from hub.store.tables import decisions, inbox, refused_callbacks
from hub.store.telling import to_tell
from hub.store.types import key, storable

_LONGEST_BODY = 16_384
"""Characters kept of a body that was refused: enough to see what it was, too little to fill a disk with."""


_SEVERAL = 40
"""Decisions of one declaration that may wait together: as many as it has referrals, or more."""


class Inbox(Part):
    """Messages of agencies, by whatever way they came, and the decisions the workflow is still to hear."""

    def receive(self, message: Message) -> Received:
        """Put a message into the inbox, once for each (agency, message_id). Raises CallbackRefused."""
        with self._database.write() as connection:
            [received] = receive_in(connection, [message])
        # Raised after the commit: that it was refused is on record.
        if isinstance(received, CallbackRefused):
            raise received
        return received

    def refuse_callback(self, agency: str, reason: str, body: str, at: datetime) -> None:
        """Record a callback that was refused before it could be read; of its body the beginning."""
        with self._database.write() as connection:
            connection.execute(
                insert(refused_callbacks),
                {"agency": agency, "at": at, "reason": reason, "body": body[:_LONGEST_BODY]},
            )

    def untold_messages(
        self, received_before: datetime, limit: int
    ) -> list[tuple[str, tuple[Decision, ...]]]:
        """
        Decisions received but not yet told to the workflow, of at most `limit` declarations, those that have
        waited longest first. Of each declaration they are all there.
        """
        # In the order of the index of what is untold. Grouped by declaration, SQLite would go over all the
        # decisions there are, since they are in that order in their key.
        waiting = (
            select(decisions.c.mrn)
            .where(UNTOLD, decisions.c.received_at < received_before)
            .order_by(decisions.c.received_at, decisions.c.mrn)
            .limit(limit * _SEVERAL)
        )
        with self._database.read() as connection:
            mrns = list(dict.fromkeys(connection.scalars(waiting)))[:limit]
            untold: dict[str, list[Decision]] = {mrn: [] for mrn in mrns}
            if untold:
                rows = connection.execute(
                    select(decisions.c.mrn, decisions.c.document)
                    .where(
                        UNTOLD, decisions.c.mrn.in_(list(untold)), decisions.c.received_at < received_before
                    )
                    .order_by(decisions.c.received_at, decisions.c.id)
                )
                for row in rows:
                    untold[row.mrn].append(Decision.model_validate_json(row.document))
        return [(mrn, tuple(said)) for mrn, said in untold.items()]

    def mark_told(self, mrn: str, decisions: Sequence[str], *, late: bool = False) -> None:
        """
        The workflow knows these decisions, given by id, or has ended without them (`late`; raises KeyError).

        Two agencies may use the same id. Given it once while both decisions are untold, the store cannot know
        which was meant, and lets both be told again rather than one of them never.
        """
        keys = [key(decision) for decision in decisions]
        if not keys:
            return
        with self._database.write() as connection:
            if not late:
                _mark_told(connection, mrn, keys)
                return
            case = OpenCase.open(connection, mrn)
            for service, decision in _mark_told(connection, mrn, keys):
                case.note_late(service, decision)
            case.save()


def _mark_told(connection: Connection, mrn: str, told: Sequence[str]) -> list[tuple[str, str]]:
    """Mark them; the service and key of each that was untold, in the order in which they were received."""
    rows = [row for row in _UNTOLD_OF.all(connection, {"mrn_": mrn}) if row.id in told]
    untold = Counter(row.id for row in rows)
    meant = {decision for decision, times in untold.items() if times <= told.count(decision)}
    if meant:
        _MARK_TOLD.run_each(connection, [{"mrn_": mrn, "id_": decision} for decision in sorted(meant)])
    return [(row.service, row.id) for row in rows if row.id in meant]


_MRN: BindParameter[str] = bindparam("mrn_")
_UNTOLD_OF = Statement(
    select(decisions.c.service, decisions.c.id)
    .where(UNTOLD, decisions.c.mrn == _MRN)
    .order_by(decisions.c.received_at, decisions.c.id)
)
_MARK_TOLD = Statement(
    update(decisions).where(decisions.c.mrn == _MRN, decisions.c.id == bindparam("id_")).values(told=True)
)


def receive_in(connection: Connection, messages: Sequence[Message]) -> list[Received | CallbackRefused]:
    """
    `Inbox.receive` within a transaction, for whoever writes something else beside it.

    Several messages that come together are all about one declaration, which is opened and written once:
    whoever locks two could wait in a circle. What its workflow is to be told comes with the last of them.
    That a message was refused is on record only where the transaction is committed all the same.
    """
    lock_references(connection, [m.agency_reference for m in messages if m.agency_reference is not None])
    arrivals = _Arrivals(connection)
    return arrivals.end([arrivals.take(message) for message in messages])


_Target = tuple[OpenCase, str]


class _Arrivals:
    """Messages that are taken in within one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._opened: dict[str, OpenCase] = {}
        self._before: dict[str, Case] = {}
        """The cases that are changed, as they stood."""

    def take(self, message: Message) -> Received | CallbackRefused:
        """Put one into the inbox, and make of its case what it says."""
        try:
            target = self._target(message)
        except CallbackRefused as refused:
            return refused
        message = _weighed(message, target)
        known = _put(self._connection, message, target)
        used_before = False
        if known is not None and _says_other(message, known, target):
            used_before = known.trouble is None
            message = _under_another_id(message, used_before)
            known = _put(self._connection, message, target)
        if known is not None:
            return Received(new=False, mrn=known.mrn, trouble=message.trouble, id_used_before=used_before)
        if target is None:
            return Received(new=True, mrn=None, trouble=message.trouble, id_used_before=used_before)
        case, service = target
        self._before.setdefault(case.mrn, case.case)
        said = apply_message(
            case,
            service,
            message.message_id,
            message.decisions,
            message.trouble,
            message.received_at,
            message.evidence or evidence_of(message.raw),
        )
        return Received(
            new=True, mrn=case.mrn, decisions=said, trouble=message.trouble, id_used_before=used_before
        )

    def end(self, taken: list[Received | CallbackRefused]) -> list[Received | CallbackRefused]:
        """Write what they have made of their cases, and find out what is to be told of that now."""
        for mrn, before in self._before.items():
            case = self._opened[mrn]
            case.save()
            news = [
                (place, one)
                for place, one in enumerate(taken)
                if isinstance(one, Received) and one.mrn == mrn and one.decisions
            ]
            if news:
                said = [decision for _, one in news for decision in one.decisions]
                place, last = news[-1]
                update = {"to_tell": to_tell(self._connection, case, before, said)}
                taken[place] = last.model_copy(update=update)
        return taken

    def _target(self, message: Message) -> _Target | None:
        """The referral a message is about, locked; None while nobody knows. Raises CallbackRefused."""
        claimed = {decision.referral for decision in message.decisions if decision.referral}
        if message.referral is not None:
            claimed.add(message.referral)
        if len(claimed) > 1:
            raise self._refuse(message, f"one message about several referrals: {sorted(claimed)}")
        if claimed:
            return self._claimed(message, claimed.pop())
        if message.agency_reference is None:
            return None
        found = referral_by_reference(self._connection, message.agency, message.agency_reference)
        if found is None:
            self._refuse_archived(message, message.agency_reference)
            return None
        mrn, service = found
        return self._open(mrn), service

    def _claimed(self, message: Message, referral: str) -> _Target:
        try:
            mrn, service = split_referral_id(referral)
            case = self._open(mrn)
        except (ValueError, KeyError):
            archived = is_archived(self._connection, referral.partition("/")[0])
            reason = f"{referral!r} was archived" if archived else f"no such referral: {referral!r}"
            raise self._refuse(message, reason) from None
        found = [
            r
            for r in case.case.referrals
            if r.terms.service == service
            and r.terms.agency == message.agency
            and referral in (r.terms.id, *r.former)
        ]
        if not found:
            raise self._refuse(message, f"{referral!r} is not a referral of {message.agency}", case)
        return case, service

    def _open(self, mrn: str) -> OpenCase:
        if mrn not in self._opened:
            self._opened[mrn] = OpenCase.open(self._connection, mrn)
        return self._opened[mrn]

    def _refuse_archived(self, message: Message, reference: str) -> None:
        """A message for a declaration that was archived would wait for ever. Raises CallbackRefused."""
        mrn = archived_by_reference(self._connection, message.agency, reference)
        if mrn is not None:
            raise self._refuse(message, f"{reference!r} is of declaration {mrn}, which was archived")

    def _refuse(self, message: Message, reason: str, case: OpenCase | None = None) -> CallbackRefused:
        """Record it, the first time that it comes."""
        new = self._connection.execute(
            insert_of(self._connection)(refused_callbacks)
            .on_conflict_do_nothing()
            .returning(refused_callbacks.c.id),
            {
                "agency": message.agency,
                "message_id": message.message_id,
                "at": message.received_at,
                "reason": reason,
                "body": message.raw[:_LONGEST_BODY],
            },
        ).one_or_none()
        if new is None or case is None:
            return CallbackRefused(reason)
        self._before.setdefault(case.mrn, case.case)
        case.note(
            message.received_at,
            EventType.CALLBACK_REFUSED,
            agency=message.agency,
            message=message.message_id,
            reason=reason,
        )
        return CallbackRefused(reason, recorded=case.mrn)


def _weighed(message: Message, target: _Target | None) -> Message:
    """The message, not understood if it does not fit the referral it is about."""
    if target is None or message.trouble is not None:
        return message
    case, service = target
    trouble = not_referred(case.referral(service), message.decisions)
    return message.model_copy(update={"trouble": trouble, "decisions": ()}) if trouble else message


def _says_other(message: Message, known: AnyRow, target: _Target | None) -> bool:
    """Whether a message says something else than the one that has its id."""
    if message.via == Via.POLL or storable(message.raw) == known.raw:
        return False  # the hub makes the ids of polls itself, out of what was decided
    if known.trouble is not None or message.trouble is not None:
        return True
    reference = None if message.agency_reference is None else key(message.agency_reference)
    about = (target[0].mrn, target[1]) if target else (known.mrn, known.service)
    if known.mrn is not None and about != (known.mrn, known.service):
        return True
    said = [_content(decision) for decision in message.decisions]
    before = [_content(decision) for decision in DECISIONS.validate_json(known.decisions)]
    return (reference, said) != (known.agency_reference, before)


def _content(decision: Decision) -> dict[str, Any]:
    """What the agency said, without when and how it came; a time it did not state is that of receipt."""
    said = decision.model_dump(include={"id", "verdict", "items", "word", "reference", "remarks", "about"})
    believed = decision.decided_at if decision.decided_at != decision.received_at else None
    return {**said, "decided_at": decision.stated_at or believed}


def _under_another_id(message: Message, used_before: bool) -> Message:
    """To be kept beside the one that has its id; what could not be read anyway keeps its own trouble."""
    content = hashlib.sha256(message.raw.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    trouble = f"message id {message.message_id} was used before with other content"
    return message.model_copy(
        update={
            "message_id": f"{message.message_id} {content}",
            "trouble": trouble if used_before else message.trouble,
            "decisions": (),
        }
    )


def _put(connection: Connection, message: Message, target: _Target | None) -> AnyRow | None:
    """
    Write the message down. None when it counts; else the row of the same message that is there already.

    A message that could not be read counts for nothing, so a readable one of the same id takes its place.
    """
    values = {
        "agency": message.agency,
        "message_id": message.message_id,
        "received_at": message.received_at,
        "via": message.via,
        "agency_reference": message.agency_reference,
        "mrn": target[0].mrn if target else None,
        "service": target[1] if target else None,
        "waiting": target is None,
        "trouble": message.trouble,
        "decisions": DECISIONS.dump_json(message.decisions).decode(),
        "raw": message.raw,
    }
    if _PUT.first(connection, values) is not None:
        return None
    same = (inbox.c.agency == message.agency, inbox.c.message_id == message.message_id)
    known = connection.execute(select(inbox).where(*same).with_for_update()).one()
    if known.trouble is None or message.trouble is not None:
        return known
    connection.execute(update(inbox).where(*same).values(values))
    return None


_PUT = Statement(lambda insert: insert(inbox).on_conflict_do_nothing().returning(inbox.c.waiting))
