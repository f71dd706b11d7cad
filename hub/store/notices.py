"""Outcomes, and the outbox of what the cargo system is to be told about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, insert, select, text, update

from hub.domain.clearance import Clearance, Notice, Outcome
from hub.domain.events import EventType
from hub.domain.exchange import Exchange
from hub.ports import Acknowledgement, CaseOnRecord, Settled
from hub.store.casefile import OpenCase, record_exchanges
from hub.store.certificates import write_off
from hub.store.part import AnyRow, Part
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
            return _record(connection, OpenCase.open(connection, mrn), settled, at, through)

    def conclude(
        self, mrn: str, settle: Callable[[CaseOnRecord], Settled], at: datetime, through: int | None
    ) -> Notice | None:
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
) -> Notice | None:
    clearance, notice = settled.clearance, settled.notice
    if notice is not None:
        written = _find(connection, case.mrn, notice.number)
        if written is not None:
            first = Notice.model_validate_json(written.document)
            return first if written.acknowledged_at is None else None
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
    return notice


def _find(connection: Connection, mrn: str, number: int) -> AnyRow | None:
    return _NOTICE.first(connection, {"mrn_": mrn, "number_": number})


def _existing(connection: Connection, notice: Notice) -> AnyRow:
    found = _find(connection, notice.mrn, notice.number)
    if found is None:
        raise KeyError(f"no notice {notice.key}")
    return found


_THIS = (notices.c.mrn == bindparam("mrn_"), notices.c.number == bindparam("number_"))
_NOTICE = Statement(select(notices.c.document, notices.c.acknowledged_at, notices.c.trouble).where(*_THIS))
_WRITE = Statement(insert(notices))
_CHANGE = Statement(update(notices).where(*_THIS))
