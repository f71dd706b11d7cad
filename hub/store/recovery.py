"""What a database that was brought back from a backup must not take for granted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, tuple_, update

from hub.domain.referral import Answers, ReferralState
from hub.ports.actions import BulkSubject
from hub.ports.recovery import Marked, Restoration
from hub.store.part import Part
from hub.store.tables import declarations, referrals, restorations

_STEP = 1000
"""By so much the numbers of notices move on with every restoration: no declaration has so many."""
_OPEN = text("declarations.closed_at IS NULL")
_AWAITED = text("referrals.awaited")
"""As the indexes on them say, word for word: SQLite uses a partial index only then."""
_ASKED = (Answers.POLL.value, Answers.DOOR.value)
"""What polls find by themselves; what is decided at the hub is on record or was never said."""


class Recovery(Part):
    """`hub.ports.recovery.RecoveryStore`."""

    def mark_restored(self, restoration: Restoration) -> Marked:
        """Write it down, with what follows for what is open."""
        with self._database.write() as connection:
            connection.execute(insert(restorations), restoration.model_dump())
            # Whoever starts it looks how it stands first: the doctor does, the relay of starts need not.
            count = select(func.count()).select_from(declarations).where(_OPEN)
            open_ones = connection.execute(count).scalar_one()
            connection.execute(
                update(declarations).where(_OPEN, declarations.c.started.is_(False)).values(started=True)
            )
            marked = connection.execute(
                update(referrals)
                .where(
                    _AWAITED,
                    referrals.c.sent_at.is_(None),
                    referrals.c.state == ReferralState.PENDING.value,
                    referrals.c.accepted_at <= restoration.at,
                )
                .values(sent_at=referrals.c.accepted_at)
            )
        return Marked(open=open_ones, in_doubt=marked.rowcount)

    def restorations(self) -> list[Restoration]:
        """The newest first."""
        query = select(restorations.c.at, restorations.c.backup_at, restorations.c.by)
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(restorations.c.id.desc()))
            return [Restoration.model_validate(dict(row._mapping)) for row in rows]

    def unheard_of(self, after: tuple[str, str] | None, limit: int) -> Sequence[BulkSubject]:
        """Referrals that an agency has and has not decided, and that are not asked about by polls."""
        place = tuple_(referrals.c.mrn, referrals.c.service)
        query = (
            select(referrals.c.mrn, referrals.c.service, referrals.c.agency, referrals.c.terms)
            .where(
                _AWAITED,
                referrals.c.state.in_([ReferralState.DELIVERED.value, ReferralState.EXPIRED.value]),
            )
            .order_by(referrals.c.mrn, referrals.c.service)
            .limit(limit)
        )
        found: list[BulkSubject] = []
        with self._database.read() as connection:
            while len(found) < limit:
                page = query if after is None else query.where(place > after)
                rows = connection.execute(page).all()
                if not rows:
                    break
                after = (rows[-1].mrn, rows[-1].service)
                found += [
                    BulkSubject(mrn=row.mrn, service=row.service, agency=row.agency)
                    for row in rows
                    if json.loads(row.terms)["answers"] not in _ASKED
                ]
        return found[:limit]


def notices_from(connection: Connection, accepted_at: datetime) -> int:
    """The number after which the notices of a declaration of that time are numbered."""
    since = select(func.count()).select_from(restorations).where(restorations.c.at >= accepted_at)
    return _STEP * connection.execute(since).scalar_one()
