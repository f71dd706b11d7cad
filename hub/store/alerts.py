"""Whom the early warning is to tell: alerts that wait to be put together, and bulletins to be sent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, select, text, update

from hub.ports import Alert, Bulletin
from hub.store.part import Part
from hub.store.tables import alerts, bulletins

_UNSENT = text("bulletins.due_at IS NOT NULL")
"""As the index on it says, word for word: SQLite uses a partial index only then."""


class Alerts(Part):
    """An outbox: written with the incident, kept until the receiver's system has taken it."""

    def receivers_waiting(self) -> set[str]:
        """Who is to be told something that is in no bulletin yet."""
        with self._database.read() as connection:
            return set(connection.scalars(select(alerts.c.receiver).distinct()))

    def waiting_alerts(self, receiver: str) -> list[Alert]:
        """What it is to be told and is in no bulletin yet, the earliest first."""
        query = (
            select(alerts.c.id, alerts.c.document).where(alerts.c.receiver == receiver).order_by(alerts.c.id)
        )
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return [Alert.model_validate_json(row.document).model_copy(update={"id": row.id}) for row in rows]

    def last_bulletin_at(self, receiver: str) -> datetime | None:
        """When the newest bulletin for it was put together."""
        with self._database.read() as connection:
            at: datetime | None = connection.scalar(
                select(func.max(bulletins.c.created_at)).where(bulletins.c.receiver == receiver)
            )
        return at

    def add_bulletin(self, bulletin: Bulletin, told: Sequence[int]) -> bool:
        """Put alerts into a bulletin that is to be sent. False, and nothing done, if one was in another."""
        with self._database.write() as connection:
            gone = connection.execute(delete(alerts).where(alerts.c.id.in_(told))).rowcount
            if gone != len(told):
                connection.rollback()
                return False
            connection.execute(
                insert(bulletins),
                {
                    "id": bulletin.id,
                    "receiver": bulletin.receiver,
                    "created_at": bulletin.created_at,
                    "document": bulletin.model_dump_json(),
                    "due_at": bulletin.created_at,
                    "attempts": 0,
                },
            )
        return True

    def drop_alerts(self, told: Sequence[int]) -> None:
        """Nobody is to be told these any more."""
        with self._database.write() as connection:
            connection.execute(delete(alerts).where(alerts.c.id.in_(told)))

    def lease_bulletins(self, now: datetime, until: datetime) -> list[Bulletin]:
        """What is to be sent now, the earliest first; before `until` nobody else is given it."""
        due = select(bulletins).where(_UNSENT, bulletins.c.due_at <= now).order_by(bulletins.c.due_at)
        with self._database.read() as connection:
            # Most looks find nothing; they are not to wait for those who write.
            if connection.execute(due.limit(1)).first() is None:
                return []
        with self._database.write() as connection:
            rows = connection.execute(due.limit(100).with_for_update(skip_locked=True)).all()
            connection.execute(
                update(bulletins).where(bulletins.c.id.in_([row.id for row in rows])).values(due_at=until)
            )
        return [
            Bulletin.model_validate_json(row.document).model_copy(
                update={"attempts": row.attempts, "trouble": row.trouble}
            )
            for row in rows
        ]

    def renew_bulletins(self, ids: Sequence[str], leased_until: datetime, until: datetime) -> None:
        """Those of them that are leased until then stay leased: who has been sent his, or not, is left."""
        with self._database.write() as connection:
            connection.execute(
                update(bulletins)
                .where(bulletins.c.id.in_(ids), bulletins.c.due_at == leased_until)
                .values(due_at=until)
            )

    def unsent_bulletins(self, receiver: str) -> int:
        """How many bulletins it has not been sent yet."""
        query = select(func.count()).select_from(bulletins).where(_UNSENT, bulletins.c.receiver == receiver)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one()

    def finish_bulletin(
        self, id: str, *, sent_at: datetime | None, next_at: datetime | None, trouble: str | None
    ) -> None:
        """It was sent; or it was not, why, and when it is tried again. Neither: it is given up."""
        with self._database.write() as connection:
            connection.execute(
                update(bulletins)
                .where(bulletins.c.id == id)
                .values(sent_at=sent_at, due_at=next_at, trouble=trouble, attempts=bulletins.c.attempts + 1)
            )
