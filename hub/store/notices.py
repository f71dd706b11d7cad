"""Outcomes, and the outbox of what the cargo system is to be told about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, text, update

from hub.domain.clearance import Clearance, Notice, Outcome
from hub.domain.events import EventType
from hub.domain.exchange import Exchange
from hub.domain.names import notice_key
from hub.ports import Acknowledgement, CaseOnRecord, Recorded, Settled
from hub.store.casefile import OpenCase
from hub.store.certificates import write_off
from hub.store.part import AnyRow, Part
from hub.store.record import record_exchanges
from hub.store.statements import Statement
from hub.store.tables import notices

UNSENT = text("notices.acknowledged_at IS NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

_TOLD = {
    Outcome.RELEASE: EventType.CARGO_RELEASED,
    Outcome.HOLD: EventType.CARGO_HELD,
    Outcome.REFUSAL: EventType.CARGO_REFUSED,
    Outcome.PARTIAL_RELEASE: EventType.CARGO_PARTLY_RELEASED,
    Outcome.WITHDRAWN: EventType.CARGO_WITHDRAWN,
}


class Notices(Part):
    """A notice is written with its outcome and stays until the cargo system has acknowledged it."""

    def record_clearance(
        self,
        mrn: str,
        clearance: Clearance,
        notice: Notice | None,
        pending_agencies: Sequence[str],
        at: datetime,
        through: int | None = None,
    ) -> Notice | None:
        """Record an outcome and write its notice, if there is one to send. Raises KeyError, Unheard."""
        settled = Settled(clearance=clearance, notice=notice, pending_agencies=tuple(pending_agencies))
        with self._database.write() as connection:
            recorded = _record(connection, OpenCase.open(connection, mrn), settled, at, through)
        return next((notice for notice in recorded.unsent if notice.number == recorded.number), None)

    def conclude(
        self, mrn: str, settle: Callable[[CaseOnRecord], Settled], at: datetime, through: int | None
    ) -> Recorded:
        """
        The same of what `settle` makes of the case as it stands, under lock. Raises KeyError, Unheard, and
        what `settle` raises; nothing is recorded then.
        """
        with self._database.write() as connection:
            case = OpenCase.open(connection, mrn)
            return _record(connection, case, settle(case.on_record()), at, through)

    def unsent_notice(self, mrn: str) -> Notice | None:
        """The oldest notice of a declaration that the cargo system has not acknowledged."""
        oldest = (
            select(notices.c.document).where(UNSENT, notices.c.mrn == mrn).order_by(notices.c.number).limit(1)
        )
        with self._database.read() as connection:
            document = connection.execute(oldest).scalar_one_or_none()
        return None if document is None else Notice.model_validate_json(document)

    def record_notice_sent(
        self, notice: Notice, acknowledgement: Acknowledgement, exchanges: Sequence[Exchange]
    ) -> None:
        """The cargo system has it. Raises KeyError for a notice that was never written."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, notice.mrn)
            record_exchanges(connection, exchanges)
            if _existing(connection, notice).acknowledged_at is not None:
                return
            _CHANGE.run(
                connection,
                {
                    "mrn_": notice.mrn,
                    "number_": notice.number,
                    "acknowledged_at": acknowledgement.at,
                    "reference": acknowledgement.reference,
                    "trouble": None,
                },
            )
            case.note(
                acknowledgement.at,
                _TOLD[notice.outcome],
                number=notice.number,
                key=notice.key,
                reference=acknowledgement.reference,
            )
            case.save()

    def record_notice_delayed(
        self, notice: Notice, trouble: str, at: datetime, exchanges: Sequence[Exchange] = ()
    ) -> None:
        """The cargo system did not take it. Raises KeyError for a notice that was never written."""
        with self._database.write() as connection:
            case = OpenCase.open(connection, notice.mrn)
            written = _existing(connection, notice)
            record_exchanges(connection, exchanges)
            if written.acknowledged_at is not None or written.trouble == trouble:
                return
            _CHANGE.run(connection, {"mrn_": notice.mrn, "number_": notice.number, "trouble": trouble})
            case.note_once(
                at, EventType.NOTICE_DELAYED, None, number=notice.number, key=notice.key, trouble=trouble
            )
            case.save()


def _record(
    connection: Connection, case: OpenCase, settled: Settled, at: datetime, through: int | None
) -> Recorded:
    clearance, notice = settled.clearance, settled.notice
    last = None if notice is None else _LAST.first(connection, {"mrn_": case.mrn})
    if notice is not None and last is not None and last.number >= notice.number:
        written = Notice.model_validate_json(last.document)
        if written.says_the_same(notice):
            return Recorded(number=written.number, unsent=_unsent(connection, case.mrn))
        # Something else was said under this number by a workflow task that the engine has lost since.
        number = written.number + 1
        notice = notice.model_copy(update={"number": number, "key": notice_key(case.mrn, number)})
    case.refuse_unheard(through, clearance, settled.weighed)
    case.settle(clearance, settled.pending_agencies, at, through)
    if clearance.outcome is Outcome.RELEASE:
        write_off(connection, case, None, at)
    elif clearance.released_items:
        write_off(connection, case, clearance.released_items, at)
    if notice is not None:
        _WRITE.run(
            connection,
            {
                "mrn": case.mrn,
                "number": notice.number,
                "key": notice.key,
                "issued_at": notice.issued_at,
                "document": notice.model_dump_json(),
            },
        )
    case.save()
    if notice is None:
        return Recorded()
    earlier = () if last is None else _unsent(connection, case.mrn)
    return Recorded(number=notice.number, unsent=earlier or (notice,))


def _unsent(connection: Connection, mrn: str) -> tuple[Notice, ...]:
    return tuple(
        Notice.model_validate_json(row.document) for row in _UNSENT_OF.all(connection, {"mrn_": mrn})
    )


def _find(connection: Connection, mrn: str, number: int) -> AnyRow | None:
    return _NOTICE.first(connection, {"mrn_": mrn, "number_": number})


def _existing(connection: Connection, notice: Notice) -> AnyRow:
    found = _find(connection, notice.mrn, notice.number)
    if found is None:
        raise KeyError(f"no notice {notice.key}")
    return found


_THIS = (notices.c.mrn == bindparam("mrn_"), notices.c.number == bindparam("number_"))
_NOTICE = Statement(select(notices.c.document, notices.c.acknowledged_at, notices.c.trouble).where(*_THIS))
_LAST = Statement(
    select(notices.c.number, notices.c.document)
    .where(notices.c.mrn == bindparam("mrn_"))
    .order_by(notices.c.number.desc())
    .limit(1)
)
_UNSENT_OF = Statement(
    select(notices.c.document).where(UNSENT, notices.c.mrn == bindparam("mrn_")).order_by(notices.c.number)
)
_WRITE = Statement(insert(notices))
_CHANGE = Statement(update(notices).where(*_THIS))
