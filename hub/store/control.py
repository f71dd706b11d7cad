"""Agencies that are paused or fail, their queues, and how these go out again: the same for all processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, text, tuple_, update

from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier
from hub.domain.referral import Receipt, ReferralTerms
from hub.ports.control import (
    FIRST_PAUSE,
    AgencyControl,
    ControlState,
    LetGo,
    Pace,
    Probe,
    QueuedReferral,
)
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import agency_controls, declarations, referral_queue, referrals
from hub.store.tables.control import NEVER

WAITS = text("referral_queue.told_at IS NULL")
_TOLD = text("referral_queue.told_at IS NOT NULL")
_AWAITED = text("referrals.awaited")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""

_SHORT = 8
"""In a queue no longer than this nobody need stand: it is gone before the order in it could matter."""
_HEARD_WITHIN = timedelta(seconds=60)
"""What was let go longer ago and is still there keeps nobody else waiting."""
_LONGEST_GAP = timedelta(seconds=2)
"""Longer than this nobody looked after a queue: what could have gone meanwhile does not go at once."""
_GROWTH = 1.2
"""The rate after each round whose referrals were all handed over."""


class AgencyControls(Part):
    """Implements `hub.ports.control.Controls`. Each change of an agency's control locks its row."""

    def controls(self, *, counted: bool = True) -> dict[str, AgencyControl]:
        """Of every agency that is not simply open, with the length of its queue where that is `counted`."""
        with self._database.read() as connection:
            rows = connection.execute(select(agency_controls)).all()
            if not (rows and counted):
                return {row.agency: _control(row, 0) for row in rows}
            waiting = (
                select(referral_queue.c.agency, func.count().label("queued"))
                .where(WAITS, referral_queue.c.agency.in_([row.agency for row in rows]))
                .group_by(referral_queue.c.agency)
            )
            queued = {row.agency: row.queued for row in connection.execute(waiting)}
        return {row.agency: _control(row, queued.get(row.agency, 0)) for row in rows}

    def pause(self, agency: str, *, by: str, reason: str, at: datetime) -> bool:
        """A person pauses it. Whether that is news."""
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is not None and row.state == ControlState.PAUSED:
                return False
            _put(connection, agency, ControlState.PAUSED, at, by, reason)
        return True

    def fails(
        self,
        agency: str,
        *,
        reason: str,
        at: datetime,
        by: str | None = None,
        pause: timedelta = FIRST_PAUSE,
        served: bool = False,
    ) -> bool:
        """
        Its breaker opened: FAILING, unless paused. Whether that is news. One that fails soon after it came
        back is left alone for longer, unless it has `served` meanwhile.
        """
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is not None and row.state != ControlState.DRAINING:
                return False
            last = timedelta(seconds=row.probe_pause or 0.0) if row is not None else timedelta()
            if row is not None and not served and at - row.since < last:
                # It did not last: as after a probe that failed.
                pause = max(pause, min(2 * last, Pace().longest_pause))
            _put(
                connection,
                agency,
                ControlState.FAILING,
                at,
                by,
                reason,
                next_probe_at=at + pause,
                probe_pause=pause.total_seconds(),
            )
        return True

    def resume(
        self,
        agency: str,
        *,
        by: str | None,
        reason: str | None,
        at: datetime,
        rate: float = Pace().slowest,
    ) -> bool:
        """Its queue drains, and then it is open. Whether that is news."""
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is None and not _waits_any(connection, agency):
                return False
            if row is not None and row.state == ControlState.DRAINING:
                return False
            _drain(connection, agency, at, by, reason, rate)
        return True

    def queue(self, referral: QueuedReferral) -> None:
        """It waits. Idempotent: it keeps the time from which it waits."""
        with self._database.write() as connection:
            put_in_queue(
                connection,
                referral.mrn,
                referral.service,
                referral.agency,
                referral.queued_at,
                referral.due_at,
            )

    def queued(self, agency: str, limit: int) -> Sequence[QueuedReferral]:
        """The earliest deadline first; those that have been let go, before."""
        told = (
            select(referral_queue)
            .where(_TOLD, referral_queue.c.agency == agency)
            .order_by(referral_queue.c.told_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            rows = [
                *connection.execute(told),
                *connection.execute(_waiting(agency).limit(limit)),
            ]
        return [_queued(row) for row in rows[:limit]]

    def unqueue(self, mrn: str, service: str) -> None:
        """
        It waits no more. Idempotent; one that was put there and not let go since stays: it is another errand,
        queued while the one that was let go was under way.
        """
        one = (referral_queue.c.mrn == mrn) & (referral_queue.c.service == service) & _TOLD
        with self._database.read() as connection:
            if connection.execute(select(referral_queue.c.mrn).where(one)).first() is None:
                return
        with self._database.write() as connection:
            connection.execute(delete(referral_queue).where(one))

    # --- how the queue goes out -------------------------------------------------------------------------

    def is_let_through(self, mrn: str, service: str, agency: str, at: datetime) -> bool:
        """Whether this referral may be asked about now, as the tables have it."""
        with self._database.read() as connection:
            row = connection.execute(_of(agency)).one_or_none()
            if row is None:
                return True
            if row.state == ControlState.PAUSED:
                return False
            if row.state == ControlState.FAILING:
                probes = (row.probe_mrn, row.probe_service) == (mrn, service)
                return probes and row.probing_until is not None and row.probing_until > at
            waiting = connection.execute(
                select(referral_queue.c.told_at).where(
                    referral_queue.c.mrn == mrn, referral_queue.c.service == service
                )
            ).one_or_none()
            if waiting is not None:
                return waiting.told_at is not None
            beyond = _waiting(agency).with_only_columns(referral_queue.c.mrn).offset(_SHORT).limit(1)
            return connection.execute(beyond).first() is None

    def take_probe(self, agency: str, at: datetime, lease: timedelta) -> Probe | None:
        """
        The one probe that is due, for this caller alone until the lease ends: the referral that is due first.

        After one whose probe has failed, a referral that the agency has, to be asked about; or, where there
        is none, the next one that waits. For what the agency does not answer may be that one referral.
        """
        with self._database.read() as connection:
            if not _is_due(connection.execute(_of(agency)).one_or_none(), at):
                return None
        with self._database.write() as connection:
            control = _locked(connection, agency)
            if control is None or not _is_due(control, at):
                return None
            known, row = _next_to_probe(connection, control)
            queued = None
            if row is not None:
                queued = _queued(row)
                _tell(connection, [row], at)
            about = queued or (known.terms if known is not None else None)
            connection.execute(
                update(agency_controls)
                .where(agency_controls.c.agency == agency)
                .values(
                    probing_until=at + lease,
                    probe_mrn=None if about is None else about.mrn,
                    probe_service=None if about is None else about.service,
                )
            )
        return Probe(agency=agency, queued=queued, known=known)

    def recovered(self, agency: str, at: datetime, rate: float) -> bool:
        """A probe was answered: FAILING becomes DRAINING. Whether that is news."""
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is None or row.state != ControlState.FAILING:
                return False
            _drain(connection, agency, at, None, "it answers again", rate, row.probe_pause)
        return True

    def probe_failed(
        self, agency: str, *, reason: str, at: datetime, longest: timedelta, least: timedelta
    ) -> bool:
        """A probe was not answered: the next comes after twice the pause. False when none was under way."""
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is None or row.state != ControlState.FAILING or row.probing_until is None:
                return False
            pause = min(2 * timedelta(seconds=row.probe_pause or 0.0), longest)
            connection.execute(
                update(agency_controls)
                .where(agency_controls.c.agency == agency)
                .values(
                    reason=reason,
                    next_probe_at=at + max(pause, least),
                    probe_pause=pause.total_seconds(),
                    probing_until=None,
                )
            )
        return True

    def end_probe(self, agency: str) -> None:
        """The probe has come to nothing: another is due at once."""
        with self._database.write() as connection:
            connection.execute(
                update(agency_controls)
                .where(agency_controls.c.agency == agency)
                .values(probing_until=None, probe_mrn=None, probe_service=None)
            )

    def let_go(self, agency: str, at: datetime, pace: Pace) -> LetGo:
        """Of a queue that drains, those whose turn has come, the earliest deadline first."""
        with self._database.write() as connection:
            row = _locked(connection, agency)
            if row is None or row.state != ControlState.DRAINING:
                return LetGo()
            out = connection.scalar(
                select(func.count())
                .select_from(referral_queue)
                .where(
                    _TOLD, referral_queue.c.agency == agency, referral_queue.c.told_at > at - _HEARD_WITHIN
                )
            )
            rate = min(row.rate or pace.slowest, pace.fastest)
            since = max(row.drained_until or at, at - _LONGEST_GAP)
            turns = min(int(rate * (at - since).total_seconds()), pace.at_once - (out or 0))
            gone: Sequence[AnyRow] = ()
            if turns > 0:
                turn = _waiting(agency).limit(turns)
                gone = connection.execute(turn.with_for_update(skip_locked=True)).all()
                _tell(connection, gone, at)
                connection.execute(
                    update(agency_controls)
                    .where(agency_controls.c.agency == agency)
                    .values(
                        drained_until=since + timedelta(seconds=turns / rate),
                        rate=rate if out else min(rate * _GROWTH, pace.fastest),
                    )
                )
            if not (gone or out or _waits_any(connection, agency)):
                connection.execute(delete(agency_controls).where(agency_controls.c.agency == agency))
                return LetGo(opened=True)
        return LetGo(referrals=tuple(map(_queued, gone)))

    def untold(self, told_before: datetime, limit: int) -> Sequence[QueuedReferral]:
        """Let go before then, and still there."""
        late = (
            select(referral_queue)
            .where(_TOLD, referral_queue.c.told_at < told_before)
            .order_by(referral_queue.c.told_at)
            .limit(limit)
        )
        with self._database.read() as connection:
            return [_queued(row) for row in connection.execute(late)]

    def told_again(self, mrn: str, service: str, at: datetime) -> None:
        """Its workflow is told once more, now."""
        with self._database.write() as connection:
            connection.execute(
                update(referral_queue)
                .where(_TOLD, referral_queue.c.mrn == mrn, referral_queue.c.service == service)
                .values(told_at=at, told=referral_queue.c.told + 1)
            )

    def queues_left(self) -> Sequence[str]:
        """Agencies that are open and have a queue all the same."""
        controlled = select(agency_controls.c.agency)
        left = (
            select(referral_queue.c.agency)
            .where(WAITS, referral_queue.c.agency.not_in(controlled))
            .distinct()
        )
        with self._database.read() as connection:
            return sorted(connection.scalars(left))


def control_by_hand(
    connection: Connection,
    agency: str,
    state: ControlState,
    check: Callable[[AgencyControl | None], None],
    *,
    by: str,
    reason: str | None,
    at: datetime,
) -> None:
    """
    Control an agency as a person says, within a transaction in which something is written beside it. `check`
    is given how it is controlled now; what it raises is passed on.
    """
    row = _locked(connection, agency)
    check(None if row is None else _control(row, 0))
    if state is ControlState.PAUSED:
        _put(connection, agency, state, at, by, reason)
    elif state is ControlState.FAILING:
        first = {"next_probe_at": at + FIRST_PAUSE, "probe_pause": FIRST_PAUSE.total_seconds()}
        _put(connection, agency, state, at, by, reason, **first)
    else:
        _drain(connection, agency, at, by, reason, Pace().slowest)


def put_in_queue(
    connection: Connection, mrn: str, service: str, agency: str, at: datetime, due_at: datetime | None
) -> None:
    """It waits; one that had been let go waits anew, at its old place."""
    waits = insert_of(connection)(referral_queue)
    connection.execute(
        waits.on_conflict_do_update(
            index_elements=["mrn", "service"],
            set_={
                "told_at": None,
                "told": 0,
                "due_at": waits.excluded.due_at,
                "agency": waits.excluded.agency,
            },
        ),
        {
            "mrn": mrn,
            "service": service,
            "agency": agency,
            "queued_at": at,
            "due_at": due_at or NEVER,
            "told_at": None,
            "told": 0,
        },
    )


def _of(agency: str) -> Select[Any]:
    return select(agency_controls).where(agency_controls.c.agency == agency)


def _waiting(agency: str) -> Select[Any]:
    return (
        select(referral_queue)
        .where(WAITS, referral_queue.c.agency == agency)
        .order_by(referral_queue.c.due_at, referral_queue.c.queued_at)
    )


def _locked(connection: Connection, agency: str) -> AnyRow | None:
    return connection.execute(_of(agency).with_for_update()).one_or_none()


def _next_to_probe(connection: Connection, control: AnyRow) -> tuple[Dossier | None, AnyRow | None]:
    """Whom to ask about, or whom to have tried; neither, where nothing is known of the agency."""
    place = (
        referral_queue.c.due_at,
        referral_queue.c.queued_at,
        referral_queue.c.mrn,
        referral_queue.c.service,
    )
    waiting = _waiting(control.agency).order_by(referral_queue.c.mrn, referral_queue.c.service).limit(1)
    last = (referral_queue.c.mrn == control.probe_mrn) & (referral_queue.c.service == control.probe_service)
    probed = connection.execute(select(*place).where(last)).one_or_none()
    if probed is not None:
        known = _one_that_the_agency_has(connection, control.agency)
        if known is not None and (known.terms.mrn, known.terms.service) != (probed.mrn, probed.service):
            return known, None
        behind_it = tuple_(*place) > tuple_(*probed, types=[column.type for column in place])
        behind = connection.execute(waiting.where(behind_it)).one_or_none()
        if behind is not None:
            return None, behind
    row = connection.execute(waiting).one_or_none()
    if row is None:
        # Those that were told to go on before, and have not tried.
        told = select(referral_queue).where(_TOLD, referral_queue.c.agency == control.agency)
        row = connection.execute(told.order_by(referral_queue.c.told_at).limit(1)).one_or_none()
    return (None, row) if row is not None else (_one_that_the_agency_has(connection, control.agency), None)


def _waits_any(connection: Connection, agency: str) -> bool:
    return connection.execute(_waiting(agency).limit(1)).first() is not None


def _put(
    connection: Connection,
    agency: str,
    state: ControlState,
    at: datetime,
    by: str | None,
    reason: str | None,
    **more: Any,
) -> None:
    """The agency is controlled like that from now on; nothing of how it was controlled before is left."""
    new = dict.fromkeys(column.name for column in agency_controls.columns)
    new |= {"agency": agency, "state": state.value, "since": at, "by": by, "reason": reason, **more}
    put = insert_of(connection)(agency_controls)
    set_ = {name: put.excluded[name] for name in new if name != "agency"}
    connection.execute(put.on_conflict_do_update(index_elements=["agency"], set_=set_), new)


def _drain(
    connection: Connection,
    agency: str,
    at: datetime,
    by: str | None,
    reason: str | None,
    rate: float,
    probe_pause: float | None = None,
) -> None:
    put = {"rate": rate, "drained_until": at, "probe_pause": probe_pause}
    _put(connection, agency, ControlState.DRAINING, at, by, reason, **put)


def _is_due(row: AnyRow | None, at: datetime) -> bool:
    if row is None or row.state != ControlState.FAILING or row.next_probe_at is None:
        return False
    if row.probing_until is not None and row.probing_until > at:
        return False
    return bool(row.next_probe_at <= at)


def _tell(connection: Connection, rows: Sequence[AnyRow], at: datetime) -> None:
    for row in rows:
        connection.execute(
            update(referral_queue)
            .where(referral_queue.c.mrn == row.mrn, referral_queue.c.service == row.service)
            .values(told_at=at, told=referral_queue.c.told + 1)
        )


def _one_that_the_agency_has(connection: Connection, agency: str) -> Dossier | None:
    known = (
        select(referrals.c.mrn, referrals.c.terms, referrals.c.receipt)
        .where(_AWAITED, referrals.c.agency == agency, referrals.c.delivered_at.is_not(None))
        .order_by(referrals.c.accepted_at.desc())
        .limit(1)
    )
    row = connection.execute(known).one_or_none()
    if row is None:
        return None
    lodged = connection.execute(
        select(declarations.c.declaration, declarations.c.accepted_at).where(declarations.c.mrn == row.mrn)
    ).one()
    return Dossier(
        declaration=Declaration.model_validate_json(lodged.declaration),
        terms=ReferralTerms.model_validate_json(row.terms),
        accepted_at=lodged.accepted_at,
        receipt=None if row.receipt is None else Receipt.model_validate_json(row.receipt),
    )


def _control(row: AnyRow, queued: int) -> AgencyControl:
    return AgencyControl(
        agency=row.agency,
        state=ControlState(row.state),
        since=row.since,
        by=row.by,
        reason=row.reason,
        next_probe_at=row.next_probe_at,
        probing=row.probing_until is not None,
        rate=row.rate,
        queued=queued,
    )


def _queued(row: AnyRow) -> QueuedReferral:
    return QueuedReferral(
        mrn=row.mrn,
        service=row.service,
        agency=row.agency,
        queued_at=row.queued_at,
        due_at=None if row.due_at == NEVER else row.due_at,
        told=row.told,
        told_at=row.told_at,
    )
