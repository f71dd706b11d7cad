"""What is to be asked about and when: open polls and feeds, leased so that nobody asks twice."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import BindParameter, Connection, bindparam, func, literal, select, text, tuple_, update

from hub.domain.declaration import Declaration
from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Dossier, Exchange
from hub.domain.names import split_referral_id
from hub.domain.referral import Receipt, ReferralState, ReferralTerms
from hub.ports import OpenPoll, Polled, Received
from hub.store.casefile import OpenCase
from hub.store.inbox import receive_in
from hub.store.part import Part
from hub.store.record import record_exchanges
from hub.store.statements import Statement, insert_of
from hub.store.tables import declarations, feeds, polls, referrals
from hub.store.types import Utc

OPEN = text("polls.due_at IS NOT NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""

_ASKED_ABOUT = (ReferralState.DELIVERED, ReferralState.EXPIRED)


class Polls(Part):
    """
    Due-tables. A lease moves the time at which a row falls due to the lease's end, so that the work of a
    process that died falls due again by itself.
    """

    def lease_polls(
        self,
        now: datetime,
        lease: timedelta,
        limit: int,
        busy: Sequence[str],
        *,
        only: str | None = None,
    ) -> list[OpenPoll]:
        """
        Polls that are due, oldest first, leased to this caller; none of the agencies in `busy`, and only
        those of `only`, if that is said.
        """
        due = (
            select(polls.c.mrn, polls.c.service, polls.c.attempts)
            .where(OPEN, polls.c.due_at <= now)
            .order_by(polls.c.due_at, polls.c.mrn, polls.c.service)
            .limit(limit)
        )
        if only is not None:
            due = due.where(polls.c.agency == only)
        if busy:
            due = due.where(polls.c.agency.not_in(busy))
        with self._database.read() as connection:
            # Most rounds find nothing, and need not stand in line with those who write.
            if connection.execute(due.limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            leased = connection.execute(due.with_for_update(skip_locked=True)).all()
            if leased:
                connection.execute(
                    update(polls)
                    .where(
                        tuple_(polls.c.mrn, polls.c.service).in_([(row.mrn, row.service) for row in leased])
                    )
                    .values(due_at=now + lease)
                )
            asked = _asked(connection, [(row.mrn, row.service) for row in leased])
        return [
            OpenPoll.model_construct(dossier=dossier, attempts=row.attempts, trouble=trouble)
            for row in leased
            for dossier, trouble in [asked[row.mrn, row.service]]
        ]

    def finish_polls(self, mrn: str, polled: Sequence[Polled]) -> list[Received | CallbackRefused]:
        """
        Record polls about referrals of one declaration, and when the next are due; what became of their
        messages.
        """
        with self._database.write() as connection:
            # Before anything else: whoever changes a declaration locks it first.
            _note_troubles(connection, mrn, polled)
            messages = [message for poll in polled for message in poll.messages]
            received = receive_in(connection, messages)
            record_exchanges(connection, _saying_something(polled, received))
            about = [{"mrn_": mrn, "service_": split_referral_id(poll.referral)[1]} for poll in polled]
            ended = list(zip(about, polled, strict=True))
            _FINISH.run_each(
                connection,
                [{**one, "next_at_": poll.next_at, "heard_at_": poll.heard_at} for one, poll in ended],
            )
            _SHOW_TROUBLE.run_each(connection, [{**one, "trouble_": poll.trouble} for one, poll in ended])
        return received

    def next_poll_at(self, busy: Sequence[str] = ()) -> datetime | None:
        """When the next poll is due, or its lease runs out; none of the agencies in `busy`."""
        earliest = select(func.min(polls.c.due_at)).where(OPEN)
        if busy:
            earliest = earliest.where(polls.c.agency.not_in(busy))
        with self._database.read() as connection:
            next_at: datetime | None = connection.scalar(earliest)
        return next_at

    def lease_feed(self, agency: str, now: datetime, lease: timedelta) -> bool:
        """Whether this caller may pull the agency's feed now (it is due, and nobody else does)."""
        with self._database.read() as connection:
            due_at = connection.execute(select(feeds.c.due_at).where(feeds.c.agency == agency)).scalar()
            if due_at is not None and due_at > now:
                return False
        with self._database.write() as connection:
            leasing = insert_of(connection)(feeds)
            leased = leasing.on_conflict_do_update(
                index_elements=["agency"],
                set_={"due_at": leasing.excluded.due_at},
                where=feeds.c.due_at <= now,
            ).returning(feeds.c.agency)
            return connection.execute(leased, {"agency": agency, "due_at": now + lease}).first() is not None

    def hasten_feed(self, agency: str, due_at: datetime) -> None:
        """The agency's feed is due at that time, or before."""
        sooner = update(feeds).where(feeds.c.agency == agency, feeds.c.due_at > due_at)
        with self._database.write() as connection:
            connection.execute(sooner.values(due_at=due_at))

    def finish_feed(
        self,
        agency: str,
        *,
        next_at: datetime,
        exchanges: Sequence[Exchange],
        leased_until: datetime | None = None,
        heard_at: datetime | None = None,
    ) -> bool:
        """
        Record a pull and when the next is due; False when the lease, where its end is said, is another's by
        now: then it stays that.
        """
        ours = feeds.c.agency == agency
        if leased_until is not None:
            ours &= feeds.c.due_at == leased_until
        with self._database.write() as connection:
            record_exchanges(connection, exchanges)
            if heard_at is not None:
                connection.execute(update(feeds).where(feeds.c.agency == agency).values(heard_at=heard_at))
            moved = connection.execute(update(feeds).where(ours).values(due_at=next_at))
        return moved.rowcount > 0


_ABOUT: BindParameter[str] = bindparam("mrn_")
_SERVICE: BindParameter[str] = bindparam("service_")
_TROUBLE: BindParameter[str | None] = bindparam("trouble_")
_FINISH = Statement(
    update(polls)
    .where(OPEN, polls.c.mrn == _ABOUT, polls.c.service == _SERVICE)
    .values(
        due_at=bindparam("next_at_"),
        attempts=polls.c.attempts + 1,
        heard_at=func.coalesce(bindparam("heard_at_", type_=Utc()), polls.c.heard_at),
    )
)
_SHOW_TROUBLE = Statement(
    update(referrals)
    .where(
        referrals.c.mrn == _ABOUT,
        referrals.c.service == _SERVICE,
        referrals.c.state.in_([literal(state.value) for state in _ASKED_ABOUT]),
        referrals.c.trouble.is_distinct_from(_TROUBLE),
    )
    # Whether it is stuck by that, or is not any more, is worth looking at.
    .values(trouble=_TROUBLE, look_at=referrals.c.accepted_at)
)


def _note_troubles(connection: Connection, mrn: str, polled: Sequence[Polled]) -> None:
    case: OpenCase | None = None
    for poll in polled:
        if poll.trouble is None or poll.not_understood_at is None:
            continue
        case = case or OpenCase.open(connection, mrn)
        _, service = split_referral_id(poll.referral)
        if case.referral(service).state in _ASKED_ABOUT:
            case.not_understood(service, poll.trouble, poll.not_understood_at)
    if case is not None:
        case.save()


def _saying_something(
    polled: Sequence[Polled], received: Sequence[Received | CallbackRefused]
) -> list[Exchange]:
    """The exchanges to be recorded: of polls that say something, or have brought what was not known."""
    each = iter(received)
    exchanges: list[Exchange] = []
    for poll in polled:
        became = list(islice(each, len(poll.messages)))
        if poll.says_something or any(isinstance(one, Received) and one.new for one in became):
            exchanges += poll.exchanges
    return exchanges


def _asked(
    connection: Connection, wanted: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], tuple[Dossier, str | None]]:
    """What is asked about, with the trouble it is in."""
    if not wanted:
        return {}
    lodged = {
        row.mrn: (Declaration.model_validate_json(row.declaration), row.accepted_at)
        for row in connection.execute(
            select(declarations.c.mrn, declarations.c.declaration, declarations.c.accepted_at).where(
                declarations.c.mrn.in_({mrn for mrn, _ in wanted})
            )
        )
    }
    rows = connection.execute(
        select(
            referrals.c.mrn,
            referrals.c.service,
            referrals.c.terms,
            referrals.c.receipt,
            referrals.c.trouble,
        ).where(tuple_(referrals.c.mrn, referrals.c.service).in_(wanted))
    )
    return {
        (row.mrn, row.service): (
            Dossier.model_construct(
                declaration=lodged[row.mrn][0],
                terms=ReferralTerms.model_validate_json(row.terms),
                accepted_at=lodged[row.mrn][1],
                receipt=None if row.receipt is None else Receipt.model_validate_json(row.receipt),
            ),
            row.trouble,
        )
        for row in rows
    }
