"""What is stuck: found by indexes, judged in small batches, and kept where it can be searched."""

from __future__ import annotations

import base64
import itertools
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
    update,
)

from hub.domain.clearance import Outcome
from hub.domain.declaration import Declaration
from hub.domain.events import EventType
from hub.domain.referral import ReferralState
from hub.domain.stuck import (
    GRACE,
    Cargo,
    Judging,
    Signs,
    Standing,
    Stuck,
    StuckKind,
    cargo_of,
    judge,
    look_at,
    slow_at,
)
from hub.ports import (
    BadCursor,
    StuckCounts,
    StuckFilter,
    StuckOrder,
    StuckPage,
    StuckPlace,
    StuckRow,
)
from hub.store.intake import NOT_STARTED
from hub.store.notices import UNSENT
from hub.store.part import AnyRow, Part
from hub.store.rows import UNTOLD, StoredReferral, read_case, read_referrals_of_many
from hub.store.statements import insert_of
from hub.store.tables import attention, decisions, declarations, events, notices, referrals, untold_news
from hub.store.types import Key

_KEPT = text("attention.kind IS NOT NULL")
_AWAITED = text("referrals.awaited")
_TO_LOOK_AT = text("referrals.look_at IS NOT NULL")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""

_WHOLE = ""
"""Stands as the service of what concerns a declaration as a whole."""

_UNKNOWN_WEIGHT = 1000.0
"""Kilograms: what is sorted as if it were that much, where no mass was declared."""

_AGAIN = timedelta(hours=1)
"""
What may be slow no more because what is usual has changed is looked at again after this; and what is not
stuck, and would be looked at again at once.
"""
_ANEW = timedelta(days=1)
"""What is stuck is looked at again after this though nothing happens: what was kept of it may be lost."""

_TROUBLES = (
    EventType.REFERRAL_DELAYED,
    EventType.REFERRAL_UNDELIVERABLE,
    EventType.MESSAGE_NOT_UNDERSTOOD,
)
_SUCCESSES = (
    EventType.REFERRAL_DELIVERED,
    EventType.REFERRAL_AMENDED,
    EventType.REFERRAL_WITHDRAWN,
    EventType.DECISION_RECEIVED,
)
_MANY = 200
"""Declarations that are read and judged at once."""


@dataclass(frozen=True)
class _Read:
    """A declaration as it was read to be judged."""

    row: AnyRow
    standing: Standing
    stored: Mapping[str, StoredReferral]


class AttentionList(Part):
    """`hub.ports.Attention`."""

    def stuck(
        self, which: StuckFilter, order: StuckOrder, cursor: str | None, limit: int, now: datetime
    ) -> StuckPage:
        """What is stuck, as last judged. Raises BadCursor."""
        query, at = _ordered(which, order, cursor, now)
        with self._database.read() as connection:
            rows = connection.execute(query.limit(limit + 1)).all()
        shown = rows[:limit]
        more = len(rows) > limit
        return StuckPage(
            rows=tuple(map(_stuck_row, shown)),
            cursor=_encode(order, at, shown[-1]) if more else None,
        )

    def count_stuck(self, which: StuckFilter, now: datetime) -> int:
        """How many rows a filter has."""
        query = select(func.count()).select_from(attention).where(*_conditions(which, now))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def stuck_counts(self, which: StuckFilter, now: datetime) -> StuckCounts:
        """The same by kind and by agency."""
        a = attention.c
        # The index holds what is counted, and not what some filters look at: for these a walk along it would
        # fetch the rows one by one, which takes seven times as long as reading them all.
        beyond = (which.older_than, which.declarant, which.chapter, which.office, which.text, which.service)
        kind = a.kind if all(each is None for each in beyond) else a.kind.concat("")
        query = (
            select(
                kind.label("kind"),
                a.agency,
                func.count().label("rows"),
                func.sum(a.kilograms).label("kilograms"),
            )
            .where(*_conditions(which, now))
            .group_by(kind, a.agency)
        )
        by_kind: defaultdict[StuckKind, int] = defaultdict(int)
        by_agency: defaultdict[str, int] = defaultdict(int)
        kilograms = Decimal(0)
        with self._database.read() as connection:
            for row in connection.execute(query):
                by_kind[StuckKind(row.kind)] += row.rows
                if row.agency is not None:
                    by_agency[row.agency] += row.rows
                kilograms += Decimal(str(row.kilograms or 0))
        return StuckCounts(by_kind=dict(by_kind), by_agency=dict(by_agency), kilograms=kilograms)

    def stuck_places(
        self, which: StuckFilter, now: datetime, after: StuckPlace | None, limit: int
    ) -> list[StuckPlace]:
        """The places of a filter, in order of mrn and service."""
        a = attention.c
        query = select(a.mrn, a.service, a.agency).where(*_conditions(which, now))
        if after is not None:
            query = query.where(
                tuple_(a.mrn, a.service)
                > tuple_(literal(after.mrn, Key()), literal(after.service or _WHOLE, Key()))
            )
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(a.mrn, a.service).limit(limit)).all()
        return [StuckPlace(mrn=row.mrn, service=row.service or None, agency=row.agency) for row in rows]

    def judged(self, places: Iterable[StuckPlace], judging: Judging) -> dict[StuckPlace, Stuck]:
        """How these stand this moment: those that are still stuck."""
        wanted = {(place.mrn, place.service): place for place in places}
        with self._database.read() as connection:
            read = _read(connection, sorted({mrn for mrn, _ in wanted}))
        found = {(one.mrn, one.service): one for each in read for one in judge(each.standing, judging)}
        return {place: found[where] for where, place in wanted.items() if where in found}

    def stuck_in(self, mrn: str, judging: Judging) -> list[Stuck]:
        """What of one declaration is stuck this moment; nothing of one that is not known."""
        with self._database.read() as connection:
            return [one for each in _read(connection, [mrn]) for one in judge(each.standing, judging)]

    def judge_stuck(self, judging: Judging, limit: int, *, compare: bool = True) -> int:
        """
        Look at what may have become stuck; with `compare` at what is stuck and has changed, too, for which
        all that is kept is gone over. Keep what comes of it.
        """
        with self._database.read() as connection:
            if not _is_our_turn(connection):
                return 0
            suspects = _suspects(connection, judging, limit, compare=compare)
            batches = [_read(connection, mrns) for mrns in _batched(sorted(suspects), _MANY)]
        for read in batches:
            self._keep(read, suspects, judging)
        return len(suspects)

    def _keep(self, read: Sequence[_Read], suspects: Mapping[str, Collection[str]], judging: Judging) -> None:
        """Put what was judged in the place of what was kept."""
        rows: list[dict[str, Any]] = []
        looks: list[dict[str, Any]] = []
        for each in read:
            for service, row in _kept_of(each, suspects[each.row.mrn], judging, looks).items():
                rows.append({"mrn": each.row.mrn, "service": service, **row})
        kept = {(row["mrn"], row["service"]) for row in rows}
        mrns = [each.row.mrn for each in read]
        a = attention.c
        with self._database.write() as connection:
            there = connection.execute(select(a.mrn, a.service).where(a.mrn.in_(mrns))).all()
            gone = [
                {"mrn_": row.mrn, "service_": row.service}
                for row in there
                if (row.mrn, row.service) not in kept
            ]
            if gone:
                connection.execute(_FORGET, gone)
            if rows:
                new = insert_of(connection)(attention)
                values = {name: new.excluded[name] for name in rows[0] if name not in ("mrn", "service")}
                connection.execute(
                    new.on_conflict_do_update(index_elements=["mrn", "service"], set_=values), rows
                )
            if looks:
                connection.execute(_LOOK_LATER, looks)


# --- finding what to judge ------------------------------------------------------------------------------


def _is_our_turn(connection: Connection) -> bool:
    """One process at a time: what two would find at once is the same. Until the transaction ends."""
    if connection.dialect.name == "sqlite":
        return True  # one process then, as a rule; two do the same twice, and nothing is wrong
    return bool(connection.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _JUDGING}))


_JUDGING = 0x6875626174746E
"""Key of the PostgreSQL advisory lock of whoever looks for stuck work."""


def _suspects(connection: Connection, judging: Judging, limit: int, *, compare: bool) -> dict[str, set[str]]:
    """What to look at, at most `limit` declarations: services by mrn. What has changed comes first."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for query in itertools.chain(_comparisons(judging) if compare else (), _searches(judging)):
        left = limit - len(found)
        if left <= 0:
            break
        for row in connection.execute(query.limit(left)):
            found[row.mrn].add(row.service)
    return dict(found)


def _searches(judging: Judging) -> Iterable[Select[Any]]:
    """Each of them follows an index to what is due, or waits."""
    a, r, d = attention.c, referrals.c, declarations.c
    now, late = judging.now, judging.now - GRACE
    kept = select(a.mrn, a.service)
    yield kept.where(text("attention.again_at IS NOT NULL"), a.again_at <= now)
    yield from _of_pauses(kept, judging)
    yield select(r.mrn, r.service).where(_TO_LOOK_AT, r.look_at <= now).order_by(r.look_at)
    whole = literal(_WHOLE).label("service")
    known_whole = select(a.mrn).where(a.mrn == d.mrn, a.service == _WHOLE)
    yield select(d.mrn, whole).where(NOT_STARTED, d.accepted_at <= late, ~known_whole.exists())
    for table, condition, at in (
        (decisions, UNTOLD, decisions.c.received_at),
        (untold_news, text("1 = 1"), untold_news.c.at),
        (notices, UNSENT, notices.c.issued_at),
    ):
        known_whole = select(a.mrn).where(a.mrn == table.c.mrn, a.service == _WHOLE)
        yield select(table.c.mrn, whole).where(condition, at <= late, ~known_whole.exists()).distinct()


def _comparisons(judging: Judging) -> Iterable[Select[Any]]:
    """Each of them goes over what is kept, or what may be slow, and leaves out what is as it is kept."""
    a, r, d = attention.c, referrals.c, declarations.c
    kept = select(a.mrn, a.service)
    ended = d.closed_at.is_not(None) & a.kind.is_distinct_from(StuckKind.NOTICE_UNSENT.value)
    yield kept.join(declarations, d.mrn == a.mrn).where((a.judged_seq != d.last_seq) | ended)
    yield kept.join(referrals, (r.mrn == a.mrn) & (r.service == a.service)).where(
        a.judged_trouble.is_distinct_from(r.trouble)
    )
    yield from _whole_that_may_have_ended(kept)
    known = select(a.mrn).where(a.mrn == r.mrn, a.service == r.service)
    for service, agency in sorted(judging.agencies.items()):
        longest = judging.is_slow_after(service)
        if longest is not None:
            yield select(r.mrn, r.service).where(
                _AWAITED,
                r.agency == agency,
                r.accepted_at <= judging.now - longest,
                r.service == service,
                r.state == ReferralState.DELIVERED.value,
                ~known.exists(),
            )


def _whole_that_may_have_ended(kept: Select[Any]) -> Iterable[Select[Any]]:
    """What no event tells of: that the engine has it, and that the workflow has heard."""
    a, d = attention.c, declarations.c
    yield kept.join(declarations, d.mrn == a.mrn).where(
        _KEPT, a.kind == StuckKind.NOT_STARTED.value, a.service == _WHOLE, d.started
    )
    untold = select(decisions.c.mrn).where(UNTOLD, decisions.c.mrn == a.mrn)
    news = select(untold_news.c.mrn).where(untold_news.c.mrn == a.mrn)
    yield kept.where(_KEPT, a.kind == StuckKind.UNTOLD.value, ~untold.exists(), ~news.exists())


def _of_pauses(kept: Select[Any], judging: Judging) -> Iterable[Select[Any]]:
    """What stands still because its agency is not asked, or does not any more."""
    a = attention.c
    paused = sorted(judging.pauses)
    yield kept.where(_KEPT, a.kind == StuckKind.PAUSED.value, a.agency.not_in(paused))
    if paused:
        by_that = (
            StuckKind.UNREACHABLE,
            StuckKind.IN_DOUBT,
            StuckKind.NOT_STARTED,
            StuckKind.NOT_UNDERSTOOD,
            StuckKind.CANNOT_BE_TOLD,
        )
        yield kept.where(_KEPT, a.agency.in_(paused), a.kind.in_([kind.value for kind in by_that]))


# --- judging --------------------------------------------------------------------------------------------


def _batched(mrns: Sequence[str], size: int) -> Iterable[Sequence[str]]:
    return (mrns[place : place + size] for place in range(0, len(mrns), size))


def _read(connection: Connection, mrns: Sequence[str]) -> list[_Read]:
    """Declarations with all that judging them needs, each part of it in one query."""
    if not mrns:
        return []
    d = declarations.c
    rows = connection.execute(select(*_OF_A_DECLARATION).where(d.mrn.in_(mrns)).order_by(d.mrn)).all()
    stored = read_referrals_of_many(connection, mrns)
    troubled = [mrn for mrn, all_ in stored.items() if any(one.referral.trouble for one in all_)]
    told = _told_of_trouble(connection, troubled)
    untold, unsent = _untold_since(connection, mrns), _unsent(connection, mrns)
    found = []
    for row in rows:
        of_it = stored.get(row.mrn, [])
        unsent_since, unsent_trouble = unsent.get(row.mrn, (None, None))
        standing = Standing(
            case=read_case(connection, row.mrn, row.life, tuple(one.referral for one in of_it)),
            accepted_at=row.accepted_at,
            outcome=Outcome(row.outcome),
            started=row.started,
            closed=row.closed_at is not None,
            signs={one.referral.terms.service: _signs(one, told.get(row.mrn, ())) for one in of_it},
            untold_since=untold.get(row.mrn),
            unsent_since=unsent_since,
            unsent_trouble=unsent_trouble,
        )
        found.append(_Read(row, standing, {one.referral.terms.service: one for one in of_it}))
    return found


def _told_of_trouble(connection: Connection, mrns: Sequence[str]) -> dict[str, list[AnyRow]]:
    """The events that tell of troubles and of their ends, by mrn, in order."""
    told: defaultdict[str, list[AnyRow]] = defaultdict(list)
    if mrns:
        e = events.c
        kinds = [kind.value for kind in (*_TROUBLES, *_SUCCESSES)]
        query = select(e.mrn, e.service, e.type, e.at, e.data).where(e.mrn.in_(mrns), e.type.in_(kinds))
        for row in connection.execute(query.order_by(e.mrn, e.seq)):
            told[row.mrn].append(row)
    return told


def _signs(stored: StoredReferral, told: Iterable[AnyRow]) -> Signs:
    referral, sending = stored.referral, stored.sending
    told_as: EventType | None = None
    first: dict[EventType, datetime] = {}
    if referral.trouble is not None:
        for row in told:
            if row.service != referral.terms.service:
                continue
            kind = EventType(row.type)
            if kind in _SUCCESSES:
                told_as, first = None, {}
                continue
            first.setdefault(kind, row.at)
            if json.loads(row.data).get("trouble") == referral.trouble:
                told_as = kind
    since = min(first.values(), default=None) if told_as is None else first[told_as]
    return Signs(sent_at=None if sending is None else sending.at, told_as=told_as, since=since)


def _untold_since(connection: Connection, mrns: Sequence[str]) -> dict[str, datetime]:
    since: dict[str, datetime] = {}
    for table, condition, at in (
        (decisions, UNTOLD, decisions.c.received_at),
        (untold_news, text("1 = 1"), untold_news.c.at),
    ):
        query = select(table.c.mrn, func.min(at).label("at")).where(condition, table.c.mrn.in_(mrns))
        for row in connection.execute(query.group_by(table.c.mrn)):
            since[row.mrn] = min(row.at, since.get(row.mrn, row.at))
    return since


def _unsent(connection: Connection, mrns: Sequence[str]) -> dict[str, tuple[datetime, str | None]]:
    """The oldest of each: since when, and its trouble."""
    n = notices.c
    query = select(n.mrn, n.issued_at, n.trouble).where(n.acknowledged_at.is_(None), n.mrn.in_(mrns))
    found: dict[str, tuple[datetime, str | None]] = {}
    for row in connection.execute(query.order_by(n.mrn, n.number.desc())):
        found[row.mrn] = (row.issued_at, row.trouble)
    return found


# --- keeping --------------------------------------------------------------------------------------------


def _kept_of(
    read: _Read, suspected: Collection[str], judging: Judging, looks: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """
    The rows to keep of a declaration, by service: of what is stuck, and of what is not, and would be
    suspected again at once. To `looks` goes when what was suspected is to be looked at next.
    """
    found = {one.service or _WHOLE: one for one in judge(read.standing, judging)}
    declaration = Declaration.model_validate_json(read.row.declaration) if found else None
    rows = {service: _row(read, declaration, service, one, judging) for service, one in found.items()}
    is_open = not read.standing.closed
    for service, stored in read.stored.items():
        if service in suspected:
            looks.append(
                {
                    "mrn_": read.row.mrn,
                    "service_": service,
                    "now_": judging.now,
                    "state_": stored.referral.state.value,
                    "look_at_": _next_look(read, stored, service in found, judging),
                }
            )
        if service not in found and is_open and _is_searched_as_slow(stored, read.row.accepted_at, judging):
            rows[service] = _row(read, None, service, None, judging)
    return rows


def _next_look(read: _Read, stored: StoredReferral, is_stuck: bool, judging: Judging) -> datetime | None:
    """When a referral that was judged now is looked at again though nothing happens to it."""
    if read.standing.closed:
        return None
    if is_stuck:
        return judging.now + _ANEW
    later = look_at(stored.referral, read.row.accepted_at)
    return later if later is None or later > judging.now else judging.now + _AGAIN


def _is_searched_as_slow(stored: StoredReferral, accepted_at: datetime, judging: Judging) -> bool:
    """Whether the search for what is slow finds it, in whose agency's hands it is only since later."""
    terms = stored.referral.terms
    longest = judging.is_slow_after(terms.service)
    return (
        longest is not None
        and stored.awaited
        and stored.referral.state is ReferralState.DELIVERED
        and judging.agencies.get(terms.service) == terms.agency
        and accepted_at <= judging.now - longest
    )


def _row(
    read: _Read, declaration: Declaration | None, service: str, stuck: Stuck | None, judging: Judging
) -> dict[str, Any]:
    row, standing = read.row, read.standing
    stored = read.stored.get(service)
    referral = None if stored is None else stored.referral
    cargo = None if declaration is None else _cargo_held(declaration, standing, read, service)
    since = judging.now if stuck is None else stuck.since
    kilograms = None if cargo is None or cargo.kilograms is None else float(cargo.kilograms)
    return {
        "agency": None if referral is None else referral.terms.agency,
        "kind": None if stuck is None else stuck.kind.value,
        "since": since,
        "since_s": since.timestamp(),
        "stuck": None if stuck is None else stuck.model_dump_json(exclude_defaults=True),
        "lrn": row.lrn,
        "ucr": row.ucr,
        "declarant": row.declarant,
        "office": None if declaration is None else declaration.office,
        "cargo_management_number": row.cargo_management_number,
        "outcome": row.outcome,
        "accepted_at": row.accepted_at,
        "cargo": None if cargo is None else cargo.model_dump_json(),
        "kilograms": kilograms,
        "weight": _UNKNOWN_WEIGHT if kilograms is None else max(kilograms, 1.0),
        "chapters": "" if cargo is None else f",{','.join(cargo.chapters)},",
        "judged_seq": row.last_seq,
        "judged_trouble": None if referral is None else referral.trouble,
        "again_at": _again_at(read, service, stuck, judging),
    }


def _cargo_held(declaration: Declaration, standing: Standing, read: _Read, service: str) -> Cargo:
    stored = read.stored.get(service)
    items = None if stored is None else stored.referral.terms.items
    held = cargo_of(declaration, items, standing.case.released)
    if stored is not None and standing.outcome in (Outcome.REFUSAL, Outcome.WITHDRAWN):
        # It stands still for another reason, and would if this were mended.
        return held.model_copy(update={"kilograms": Decimal(0), "worth": {}})
    return held


def _again_at(read: _Read, service: str, stuck: Stuck | None, judging: Judging) -> datetime | None:
    """When time alone may make something else of it."""
    stored = read.stored.get(service)
    if stored is None:
        return None
    if stuck is not None and stuck.kind is not StuckKind.SLOW:
        return None
    times = (look_at(stored.referral, read.row.accepted_at), slow_at(stored.referral, judging))
    return min([judging.now + _AGAIN, *(time for time in times if time is not None and time > judging.now)])


# --- reading --------------------------------------------------------------------------------------------


def _conditions(which: StuckFilter, now: datetime) -> list[ColumnElement[bool] | Any]:
    a = attention.c
    conditions: list[Any] = [_KEPT]
    for column, value in (
        (a.agency, which.agency),
        (a.service, which.service),
        (a.kind, None if which.kind is None else which.kind.value),
        (a.declarant, which.declarant),
        (a.office, which.office),
    ):
        if value is not None:
            conditions.append(column == value)
    if which.older_than is not None:
        conditions.append(a.since <= now - which.older_than)
    if which.chapter is not None:
        conditions.append(a.chapters.contains(f",{which.chapter},", autoescape=True))
    if which.text is not None:
        said = which.text.strip()
        conditions.append(
            or_(
                a.mrn == said.upper(),
                a.lrn == said,
                a.ucr == said,
                a.cargo_management_number == said,
            )
        )
    return conditions


def _ordered(
    which: StuckFilter, order: StuckOrder, cursor: str | None, now: datetime
) -> tuple[Select[Any], datetime]:
    """The rows of a filter in order, after the cursor; and as of when they are put in order."""
    a = attention.c
    after: tuple[float, str, str] | None = None
    if cursor is not None:
        now, after = _decode(order, cursor)
    place: ColumnElement[float]
    if order is StuckOrder.CARGO:
        place = a.weight * (a.since_s - literal(now.timestamp()))  # the most, below zero, comes first
    elif order is StuckOrder.OLDEST:
        place = a.since_s + literal(0.0)
    else:
        place = -a.since_s
    query = select(attention, place.label("place")).where(*_conditions(which, now))
    if after is not None:
        value, mrn, service = after
        later = tuple_(a.mrn, a.service) > tuple_(literal(mrn, Key()), literal(service, Key()))
        query = query.where(or_(place > value, and_(place == value, later)))
    return query.order_by(place, a.mrn, a.service), now


def _encode(order: StuckOrder, at: datetime, last: AnyRow) -> str:
    plain = json.dumps([order.value, at.isoformat(), last.place, last.mrn, last.service]).encode()
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decode(order: StuckOrder, cursor: str) -> tuple[datetime, tuple[float, str, str]]:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        said, at, value, mrn, service = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        moment = datetime.fromisoformat(at)
        is_one = isinstance(mrn, str) and isinstance(service, str) and isinstance(value, float)
        if said != order.value or moment.utcoffset() is None or not is_one:
            raise ValueError("not of this list")
        return moment, (value, mrn, service)
    except (ValueError, TypeError, OverflowError, RecursionError) as fault:
        raise BadCursor("not a cursor of this list") from fault


def _stuck_row(row: AnyRow) -> StuckRow:
    return StuckRow(
        stuck=Stuck.model_validate_json(row.stuck),
        cargo=Cargo.model_validate_json(row.cargo),
        lrn=row.lrn,
        ucr=row.ucr,
        declarant=row.declarant,
        office=row.office,
        cargo_management_number=row.cargo_management_number,
        outcome=Outcome(row.outcome),
        accepted_at=row.accepted_at,
    )


_OF_A_DECLARATION = tuple(
    declarations.c[name]
    for name in (
        "mrn",
        "declarant",
        "lrn",
        "ucr",
        "cargo_management_number",
        "accepted_at",
        "outcome",
        "started",
        "closed_at",
        "last_seq",
        "life",
        "declaration",
    )
)
_FORGET = delete(attention).where(
    attention.c.mrn == bindparam("mrn_"), attention.c.service == bindparam("service_")
)
# Unless somebody has changed it meanwhile, and said himself when it is to be looked at.
_LOOK_LATER = (
    update(referrals)
    .where(
        referrals.c.mrn == bindparam("mrn_"),
        referrals.c.service == bindparam("service_"),
        referrals.c.look_at <= bindparam("now_", type_=referrals.c.look_at.type),
        referrals.c.state == bindparam("state_"),
    )
    .values(look_at=bindparam("look_at_", type_=referrals.c.look_at.type))
)
