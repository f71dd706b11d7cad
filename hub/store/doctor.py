"""The store, as the doctor looks at it: what disagrees within it, and what mends that."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    String,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    text,
    tuple_,
    update,
)

from hub.domain.case import Case, Referral
from hub.domain.certificates import EntryKind
from hub.domain.clearance import Notice, Outcome
from hub.domain.life import replayed
from hub.domain.referral import ReferralState
from hub.ports.doctor import Examination, FindingKind, OpenDeclaration, Place, Resumption
from hub.store.asking import ASKED, is_polled
from hub.store.casefile import OpenCase
from hub.store.intake import NOT_STARTED
from hub.store.messages import WAITING, lock_references, match_waiting
from hub.store.notices import UNSENT
from hub.store.part import AnyRow, Part
from hub.store.polls import OPEN
from hub.store.recovery import notices_from
from hub.store.rows import UNTOLD, read_case, read_referrals
from hub.store.tables import (
    agency_controls,
    archived,
    certificate_entries,
    certificates,
    decisions,
    declarations,
    events,
    examinations,
    feeds,
    inbox,
    notices,
    polls,
    referral_queue,
    referrals,
    untold_news,
)
from hub.store.types import Key, Utc
from hub.store.views import read_event, read_view

_SOON = timedelta(minutes=2)
"""Whoever wrote it down tells it at once, and a relay within seconds: after this long it is left over."""
_LONG = timedelta(minutes=10)
"""So long nothing that is due stays undone where somebody does it."""
_UNMATCHED = timedelta(days=1)
"""A receipt that brings the reference of a message comes with its submission."""
_FAR = timedelta(days=7)
"""No agency is asked less often."""
_PAGE = 500
_KEPT = 50
"""Examinations."""

_CLOSED_NOT = text("declarations.closed_at IS NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""
_AWAITED = text("referrals.awaited")
_ASKED_ABOUT = [ReferralState.DELIVERED.value, ReferralState.EXPIRED.value]


@dataclass(frozen=True)
class _Look:
    """What to look for: rows in the order of `by`, each a place."""

    rows: Select[Any]
    by: tuple[ColumnElement[Any], ...]
    place: Callable[[AnyRow], Place]
    key: Callable[[Place], tuple[Any, ...]]
    """The values of `by` at a place."""

    def page(self, after: Place | None, limit: int) -> Select[Any]:
        rows = self.rows.order_by(*self.by).limit(limit)
        if after is None:
            return rows
        types = [column.type for column in self.by]
        values = [literal(value, kind) for value, kind in zip(self.key(after), types, strict=True)]
        return rows.where(tuple_(*self.by) > tuple_(*values))


class Doctor(Part):
    """`hub.ports.doctor.Records`."""

    def list_open(self, after: OpenDeclaration | None, limit: int) -> list[OpenDeclaration]:
        """Those that are not closed, the oldest of each outcome first, page by page."""
        d = declarations.c
        rows = select(d.mrn, d.accepted_at, d.started, d.outcome).where(_CLOSED_NOT)
        by = (d.outcome, d.accepted_at, d.mrn)
        if after is not None:
            place = (literal(after.outcome, String()), literal(after.accepted_at, Utc()))
            rows = rows.where(tuple_(*by) > tuple_(*place, literal(after.mrn, Key())))
        with self._database.read() as connection:
            return [_open(row) for row in connection.execute(rows.order_by(*by).limit(limit))]

    def newest(self, limit: int, before: OpenDeclaration | None = None) -> list[OpenDeclaration]:
        """Declarations, closed ones too, the newest first."""
        d = declarations.c
        rows = select(d.mrn, d.accepted_at, d.started, d.outcome)
        if before is not None:
            place = tuple_(literal(before.accepted_at, Utc()), literal(before.mrn, Key()))
            rows = rows.where(tuple_(d.accepted_at, d.mrn) < place)
        with self._database.read() as connection:
            page = connection.execute(rows.order_by(d.accepted_at.desc(), d.mrn.desc()).limit(limit))
            return [_open(row) for row in page]

    def are_open(self, mrns: Sequence[str]) -> dict[str, bool]:
        """Whether these are open, as what was archived is not; what never was here is not in the answer."""
        found: dict[str, bool] = {}
        with self._database.read() as connection:
            for chunk in _chunks(mrns):
                rows = select(declarations.c.mrn, declarations.c.closed_at).where(
                    declarations.c.mrn.in_(chunk)
                )
                found |= {row.mrn: row.closed_at is None for row in connection.execute(rows)}
                if gone := [mrn for mrn in chunk if mrn not in found]:
                    left = select(archived.c.mrn).where(archived.c.mrn.in_(gone))
                    found |= dict.fromkeys(connection.scalars(left), False)
        return found

    def count_open(self) -> int:
        """How many are open."""
        with self._database.read() as connection:
            return connection.execute(
                select(func.count()).select_from(declarations).where(_CLOSED_NOT)
            ).scalar_one()

    def disagreements(self, kind: FindingKind, now: datetime, after: Place | None, limit: int) -> list[Place]:
        """What is wrong within the store, page by page; none for what the store alone cannot tell."""
        with self._database.read() as connection:
            if kind is FindingKind.LEDGER_DIFFERS:
                return list(islice(_wrong_ledgers(connection, after), limit))
            if (look := _look(connection, kind, now)) is None:
                return []
            return [look.place(row) for row in connection.execute(look.page(after, limit))]

    def count_disagreements(self, kind: FindingKind, now: datetime) -> int:
        """How many there are of them."""
        with self._database.read() as connection:
            if kind is FindingKind.LEDGER_DIFFERS:
                return sum(1 for _ in _wrong_ledgers(connection, None))
            if (look := _look(connection, kind, now)) is None:
                return 0
            found = select(func.count()).select_from(look.rows.order_by(None).subquery())
            return connection.execute(found).scalar_one()

    def examine_cases(self, mrns: Sequence[str]) -> list[tuple[FindingKind, Place]]:
        """What is wrong with the events and the case of these."""
        found = []
        for mrn in mrns:
            with self._database.read() as connection:
                found += _examined(connection, mrn)
        return found

    def resumption(self, mrn: str) -> Resumption | None:
        """How a workflow is to take it up; None when it is not open any more."""
        last = select(notices.c.document).where(notices.c.mrn == mrn).order_by(notices.c.number.desc())
        unsent = select(notices.c.number).where(UNSENT, notices.c.mrn == mrn).limit(1)
        with self._database.read() as connection:
            view = read_view(connection, mrn)
            if view is None or view.closed_at is not None:
                return None
            document = connection.scalar(last.limit(1))
            return Resumption(
                view=view,
                notice=None if document is None else Notice.model_validate_json(document),
                unsent=connection.execute(unsent).first() is not None,
                notices_from=notices_from(connection, view.acceptance.accepted_at),
            )

    def mend(self, kind: FindingKind, place: Place, now: datetime) -> bool:
        """Mend what the store alone can mend, if it is still so. Whether anything was done."""
        match kind:
            case FindingKind.POLL_MISSING | FindingKind.POLL_LEFT:
                return self._mend_poll(kind, place, now)
            case FindingKind.POLL_FAR:
                poll = (polls.c.mrn == place.mrn) & (polls.c.service == place.service)
                return self._mend_row(update(polls).where(poll, polls.c.due_at > now).values(due_at=now))
            case FindingKind.FEED_FAR:
                feed = (feeds.c.agency == place.agency) & (feeds.c.due_at > now)
                return self._mend_row(update(feeds).where(feed).values(due_at=now))
            case FindingKind.QUEUE_LEFT:
                return self._mend_queue(place)
            case FindingKind.MESSAGES_LEFT:
                return self._mend_message(place, now)
            case FindingKind.LEDGER_DIFFERS:
                return self._mend_ledger(place)
        return False

    def note_examination(self, examination: Examination) -> None:
        """Keep it, and as many of those before it as one looks back at."""
        row = {"ended_at": examination.ended_at, "document": examination.model_dump_json()}
        with self._database.write() as connection:
            connection.execute(insert(examinations), row)
            oldest = (
                select(examinations.c.id).order_by(examinations.c.id.desc()).offset(_KEPT - 1).limit(1)
            ).scalar_subquery()
            connection.execute(delete(examinations).where(examinations.c.id < oldest))

    def last_examination(self) -> Examination | None:
        """The newest."""
        newest = select(examinations.c.document).order_by(examinations.c.id.desc()).limit(1)
        with self._database.read() as connection:
            document = connection.scalar(newest)
        return None if document is None else Examination.model_validate_json(document)

    # --- mending ----------------------------------------------------------------------------------------

    def _mend_row(self, change: Any) -> bool:
        with self._database.write() as connection:
            return connection.execute(change).rowcount > 0

    def _mend_poll(self, kind: FindingKind, place: Place, now: datetime) -> bool:
        assert place.mrn is not None
        assert place.service is not None
        mine = (polls.c.mrn == place.mrn) & (polls.c.service == place.service)
        with self._database.write() as connection:
            case = OpenCase.open(connection, place.mrn)
            is_asked = connection.execute(select(polls.c.mrn).where(OPEN, mine)).first() is not None
            is_to_be = not case.takes_no_more and is_polled(case.referral(place.service))
            if is_asked == is_to_be:
                return False
            if kind is FindingKind.POLL_MISSING and is_to_be:
                case.reopen_poll(place.service, now)
            elif kind is FindingKind.POLL_LEFT and is_asked:
                case.end_poll(place.service)
            else:
                return False
            case.save()
        return True

    def _mend_queue(self, place: Place) -> bool:
        q = referral_queue.c
        over = _queue_left().rows.where(q.mrn == place.mrn, q.service == place.service)
        with self._database.write() as connection:
            if connection.execute(over).first() is None:
                return False
            mine = (q.mrn == place.mrn) & (q.service == place.service)
            return connection.execute(delete(referral_queue).where(mine)).rowcount > 0

    def _mend_message(self, place: Place, now: datetime) -> bool:
        assert place.agency is not None
        with self._database.write() as connection:
            waiting = connection.execute(
                select(inbox.c.agency_reference).where(
                    WAITING, inbox.c.agency == place.agency, inbox.c.message_id == place.subject
                )
            ).first()
            if waiting is None or place.mrn is None or place.service is None:
                return False
            lock_references(connection, [waiting.agency_reference])
            case = OpenCase.open(connection, place.mrn)
            match_waiting(connection, case, [place.service], now)
            case.save()
            return (
                connection.execute(
                    select(inbox.c.agency).where(
                        WAITING, inbox.c.agency == place.agency, inbox.c.message_id == place.subject
                    )
                ).first()
                is None
            )

    def _mend_ledger(self, place: Place) -> bool:
        kind, _, id = (place.subject or "").partition(" ")
        mine = (certificates.c.type == kind) & (certificates.c.id == id)
        with self._database.write() as connection:
            row = connection.execute(select(certificates).where(mine).with_for_update()).one_or_none()
            if row is None:
                return False
            added = _added_up(connection, [row])[row.type, row.id]
            if not _differs(row, added):
                return False
            connection.execute(
                update(certificates).where(mine),
                {
                    "issued": f"{added.issued:f}",
                    "reserved": f"{added.reserved:f}",
                    "written_off": f"{added.written_off:f}",
                    "last_number": added.last_number,
                },
            )
        return True


def _open(row: AnyRow) -> OpenDeclaration:
    return OpenDeclaration(
        mrn=row.mrn, accepted_at=row.accepted_at, started=row.started, outcome=Outcome(row.outcome)
    )


def _chunks(mrns: Sequence[str]) -> Iterator[Sequence[str]]:
    return (mrns[start : start + _PAGE] for start in range(0, len(mrns), _PAGE))


# --- what is looked for ---------------------------------------------------------------------------------


def _look(connection: Connection, kind: FindingKind, now: datetime) -> _Look | None:
    match kind:
        case FindingKind.NOT_STARTED:
            return _not_started(now - _SOON)
        case FindingKind.DECISIONS_UNTOLD:
            d = decisions.c
            return _by_declaration(d.mrn, d.received_at, UNTOLD, now - _SOON)
        case FindingKind.NEWS_UNTOLD:
            n = untold_news.c
            return _by_declaration(n.mrn, n.at, literal_column("1 = 1"), now - _SOON)
        case FindingKind.NOTICES_UNSENT:
            return _unsent(now - _LONG)
        case FindingKind.MESSAGES_UNMATCHED:
            return _unmatched(now - _UNMATCHED)
        case FindingKind.MESSAGES_LEFT:
            return _messages_left(now - _SOON)
        case FindingKind.POLL_MISSING:
            return _polls_missing(connection)
        case FindingKind.POLL_LEFT:
            return _polls_left()
        case FindingKind.QUEUE_LEFT:
            return _queue_left()
        case FindingKind.POLL_FAR:
            return _polls_due(polls.c.due_at > now + _FAR)
        case FindingKind.POLLS_OVERDUE:
            return _polls_due(and_(polls.c.due_at < now - _LONG, _is_asked(polls.c.agency)))
        case FindingKind.FEED_FAR:
            return _feeds_due(feeds.c.due_at > now + _FAR)
        case FindingKind.FEED_OVERDUE:
            return _feeds_due(and_(feeds.c.due_at < now - _LONG, _is_asked(feeds.c.agency)))
    return None


def _not_started(before: datetime) -> _Look:
    d = declarations.c
    return _Look(
        select(d.mrn, d.accepted_at).where(NOT_STARTED, d.accepted_at < before),
        (d.accepted_at, d.mrn),
        lambda row: Place(mrn=row.mrn, since=row.accepted_at),
        lambda place: (place.since, place.mrn),
    )


def _by_declaration(
    mrn: ColumnElement[str], at: ColumnElement[datetime], untold: ColumnElement[Any] | Any, before: datetime
) -> _Look:
    """One place for each declaration, by its mrn: what is left over is little."""
    rows = (
        select(func.min(mrn).label("mrn"), func.min(at).label("since"), func.count().label("count"))
        .where(untold, at < before)
        # By a text made of it: by the key itself, SQLite would go over all the decisions there are.
        .group_by(mrn.concat(""))
        .subquery()
    )
    return _Look(
        select(rows),
        (rows.c.mrn,),
        lambda row: Place(mrn=row.mrn, since=row.since, detail=str(row.count)),
        lambda place: (place.mrn,),
    )


def _unsent(before: datetime) -> _Look:
    n = notices.c
    return _Look(
        select(n.mrn, n.number, n.issued_at, n.trouble).where(UNSENT, n.issued_at < before),
        (n.mrn, n.number),
        lambda row: Place(
            mrn=row.mrn, subject=str(row.number), since=row.issued_at, detail=row.trouble or ""
        ),
        lambda place: (place.mrn, int(place.subject or 0)),
    )


def _unmatched(before: datetime) -> _Look:
    i = inbox.c
    return _Look(
        select(i.agency, i.message_id, i.received_at, i.agency_reference).where(
            WAITING, i.received_at < before
        ),
        (i.agency, i.message_id),
        lambda row: Place(
            agency=row.agency,
            subject=row.message_id,
            since=row.received_at,
            detail=row.agency_reference or "",
        ),
        lambda place: (place.agency, place.subject),
    )


def _messages_left(before: datetime) -> _Look:
    i, r = inbox.c, referrals.c
    same = (r.agency == i.agency) & (r.receipt_reference == i.agency_reference)
    named = (
        select(i.agency, i.message_id, i.received_at, func.min(r.mrn).label("mrn"))
        .add_columns(func.min(r.service).label("service"), func.min(i.agency_reference).label("reference"))
        .select_from(inbox)
        .join(referrals, same)
        .where(WAITING, text("referrals.receipt_reference IS NOT NULL"), i.received_at < before)
        .group_by(i.agency, i.message_id, i.received_at)
        .having(func.count() == 1)
        .subquery()
    )
    return _Look(
        select(named),
        (named.c.agency, named.c.message_id),
        lambda row: Place(
            agency=row.agency,
            subject=row.message_id,
            mrn=row.mrn,
            service=row.service,
            since=row.received_at,
            detail=row.reference,
        ),
        lambda place: (place.agency, place.subject),
    )


def _polls_missing(connection: Connection) -> _Look:
    r = referrals.c
    answers = (
        func.json_extract(r.terms, "$.answers")
        if connection.dialect.name == "sqlite"
        else r.terms.op("->>")(literal_column("'answers'"))
    )
    asked = exists(select(polls.c.mrn).where(OPEN, polls.c.mrn == r.mrn, polls.c.service == r.service))
    has_it = or_(
        r.state == ReferralState.DELIVERED.value,
        and_(r.state == ReferralState.EXPIRED.value, r.delivered_at.is_not(None)),
    )
    released = exists(
        select(declarations.c.mrn).where(
            declarations.c.mrn == r.mrn, declarations.c.outcome == Outcome.RELEASE.value
        )
    )
    return _Look(
        select(r.mrn, r.service, r.agency, r.accepted_at).where(
            _AWAITED, has_it, ~asked, answers.in_([one.value for one in ASKED]), ~released
        ),
        (r.agency, r.accepted_at, r.mrn, r.service),
        lambda row: Place(mrn=row.mrn, service=row.service, agency=row.agency, since=row.accepted_at),
        lambda place: (place.agency, place.since, place.mrn, place.service),
    )


def _polls_left() -> _Look:
    p, r, d = polls.c, referrals.c, declarations.c
    over = or_(r.state.not_in(_ASKED_ABOUT), d.closed_at.is_not(None))
    return _Look(
        select(p.mrn, p.service, p.agency, p.due_at, r.state)
        .select_from(polls)
        .join(referrals, (r.mrn == p.mrn) & (r.service == p.service))
        .join(declarations, d.mrn == p.mrn)
        .where(OPEN, over),
        (p.due_at, p.mrn, p.service),
        lambda row: Place(
            mrn=row.mrn, service=row.service, agency=row.agency, since=row.due_at, detail=row.state
        ),
        lambda place: (place.since, place.mrn, place.service),
    )


def _queue_left() -> _Look:
    q, r, d = referral_queue.c, referrals.c, declarations.c
    over = or_(r.state == ReferralState.WITHDRAWN.value, d.closed_at.is_not(None))
    return _Look(
        select(q.mrn, q.service, q.agency, q.queued_at)
        .select_from(referral_queue)
        .join(referrals, (r.mrn == q.mrn) & (r.service == q.service))
        .join(declarations, d.mrn == q.mrn)
        .where(over),
        (q.mrn, q.service),
        lambda row: Place(mrn=row.mrn, service=row.service, agency=row.agency, since=row.queued_at),
        lambda place: (place.mrn, place.service),
    )


def _polls_due(when: ColumnElement[bool]) -> _Look:
    p = polls.c
    return _Look(
        select(p.mrn, p.service, p.agency, p.due_at).where(OPEN, when),
        (p.due_at, p.mrn, p.service),
        lambda row: Place(mrn=row.mrn, service=row.service, agency=row.agency, since=row.due_at),
        lambda place: (place.since, place.mrn, place.service),
    )


def _is_asked(agency: ColumnElement[str]) -> ColumnElement[bool]:
    """The polls and feeds of an agency that is paused or fails rest: nobody should have asked."""
    return agency.not_in(select(agency_controls.c.agency))


def _feeds_due(when: ColumnElement[bool]) -> _Look:
    f = feeds.c
    return _Look(
        select(f.agency, f.due_at).where(when),
        (f.agency,),
        lambda row: Place(agency=row.agency, since=row.due_at),
        lambda place: (place.agency,),
    )


# --- one declaration ------------------------------------------------------------------------------------


def _examined(connection: Connection, mrn: str) -> list[tuple[FindingKind, Place]]:
    row = connection.execute(
        select(declarations.c.last_seq, declarations.c.life).where(declarations.c.mrn == mrn)
    ).one_or_none()
    if row is None:
        return []
    rows = connection.execute(select(events).where(events.c.mrn == mrn).order_by(events.c.seq))
    said = [read_event(one) for one in rows]
    numbers = [event.seq for event in said]
    if numbers != list(range(1, row.last_seq + 1)):
        detail = f"{len(numbers)} events, the last of them {max(numbers, default=0)}; {row.last_seq} expected"
        return [(FindingKind.EVENTS_BROKEN, Place(mrn=mrn, detail=detail))]
    if "case" not in said[0].data:
        return []  # accepted before events told what was accepted: they do not say what to compare with
    standing = tuple(stored.referral for stored in read_referrals(connection, mrn))
    kept, made = (
        _without_words(read_case(connection, mrn, row.life, standing)),
        _without_words(replayed(said)),
    )
    if kept == made:
        return []
    return [(FindingKind.CASE_DIFFERS, Place(mrn=mrn, detail=", ".join(_different(kept, made))))]


def _without_words(case: Case) -> Case:
    """
    The case without the troubles that are for people's eyes: how often the hub tries in vain is no event each
    time. Why a referral cannot be delivered is one.
    """

    def plain(referral: Referral) -> Referral:
        if referral.state is ReferralState.UNDELIVERABLE:
            return referral
        return referral.model_copy(update={"trouble": None})

    return case.model_copy(update={"referrals": tuple(map(plain, case.referrals))})


def _different(kept: Case, made: Case) -> Iterator[str]:
    """What is different, by its name."""
    for name in Case.model_fields:
        if name != "referrals" and getattr(kept, name) != getattr(made, name):
            yield name
    ours = {r.terms.service: r for r in kept.referrals}
    theirs = {r.terms.service: r for r in made.referrals}
    for service in sorted(ours.keys() ^ theirs.keys()):
        yield service
    for service in sorted(ours.keys() & theirs.keys()):
        for name in Referral.model_fields:
            if getattr(ours[service], name) != getattr(theirs[service], name):
                yield f"{name} of {service}"


# --- certificates ---------------------------------------------------------------------------------------


@dataclass
class _Sum:
    issued: Decimal = Decimal(0)
    reserved: Decimal = Decimal(0)
    written_off: Decimal = Decimal(0)
    last_number: int = 0

    def add(self, kind: EntryKind, quantity: Decimal) -> None:
        match kind:
            case EntryKind.ISSUE | EntryKind.CORRECT:
                self.issued += quantity
            case EntryKind.RESERVE:
                self.reserved += quantity
            case EntryKind.GIVE_BACK:
                self.reserved -= quantity
            case EntryKind.WRITE_OFF:
                self.reserved -= quantity
                self.written_off += quantity


def _wrong_ledgers(connection: Connection, after: Place | None) -> Iterator[Place]:
    c = certificates.c
    last = None
    if after is not None:
        kind, _, id = (after.subject or "").partition(" ")
        last = (kind, id)
    while True:
        page = select(certificates).order_by(c.type, c.id).limit(_PAGE)
        if last is not None:
            page = page.where(tuple_(c.type, c.id) > tuple_(*(literal(part, Key()) for part in last)))
        rows = connection.execute(page).all()
        if not rows:
            return
        added = _added_up(connection, rows)
        for row in rows:
            now = added[row.type, row.id]
            if _differs(row, now):
                yield Place(
                    subject=f"{row.type} {row.id}",
                    detail=f"kept {_figures(row)}; its lines add up to {_figures(now)}",
                )
        last = (rows[-1].type, rows[-1].id)


def _added_up(connection: Connection, rows: Sequence[AnyRow]) -> dict[tuple[str, str], _Sum]:
    e = certificate_entries.c
    added: defaultdict[tuple[str, str], _Sum] = defaultdict(_Sum)
    names = [(row.type, row.id) for row in rows]
    lines = select(e.type, e.id, e.number, e.kind, e.quantity).where(tuple_(e.type, e.id).in_(names))
    for line in connection.execute(lines):
        one = added[line.type, line.id]
        one.add(EntryKind(line.kind), Decimal(line.quantity))
        one.last_number = max(one.last_number, line.number)
    return defaultdict(_Sum, added)


def _differs(row: AnyRow, added: _Sum) -> bool:
    kept = (Decimal(row.issued), Decimal(row.reserved), Decimal(row.written_off), row.last_number)
    return kept != (added.issued, added.reserved, added.written_off, added.last_number)


def _figures(of: Any) -> str:
    return f"issued {of.issued}, reserved {of.reserved}, written off {of.written_off}"
