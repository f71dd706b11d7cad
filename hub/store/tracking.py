"""Links by which a declaration is followed without an account."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, func, insert, select, update

from hub.ports import TrackingLink
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import declarations, tracking_failures, tracking_links

_DROPPED_AT_ONCE = 100
"""More than a request ever adds, so that the table holds those only that are not forgotten yet."""


class Tracking(Part):
    """`hub.ports.TrackingLinks`."""

    def add_tracking_link(self, link: TrackingLink, code_hash: str, most: int) -> bool:
        """False, and it is not kept, where `most` are open already. Raises KeyError for an unknown mrn."""
        known = (
            select(declarations.c.mrn).where(declarations.c.mrn == link.mrn).with_for_update(key_share=True)
        )
        are_open = (
            select(func.count())
            .select_from(tracking_links)
            .where(tracking_links.c.mrn == link.mrn, tracking_links.c.revoked_at.is_(None))
        )
        with self._database.write() as connection:
            if connection.execute(known).first() is None:
                raise KeyError(f"no declaration {link.mrn}")
            if connection.execute(are_open).scalar_one() >= most:
                return False
            connection.execute(insert(tracking_links), {**link.model_dump(), "code_hash": code_hash})
        return True

    def tracking_links(self, mrn: str) -> list[TrackingLink]:
        """All of a declaration, revoked ones too, the oldest first; none for an unknown mrn."""
        query = (
            select(tracking_links)
            .where(tracking_links.c.mrn == mrn)
            .order_by(tracking_links.c.made_at, tracking_links.c.id)
        )
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def tracking_link(self, code_hash: str) -> TrackingLink | None:
        """The link whose code has this hash, revoked or not."""
        query = select(tracking_links).where(tracking_links.c.code_hash == code_hash)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _read(row)

    def revoke_tracking_link(self, mrn: str, id: str, at: datetime) -> None:
        """It opens nothing any more. Idempotent. Raises KeyError."""
        this = (tracking_links.c.mrn == mrn, tracking_links.c.id == id)
        with self._database.write() as connection:
            if connection.execute(select(tracking_links.c.id).where(*this)).first() is None:
                raise KeyError(f"no tracking link {id!r} of {mrn}")
            connection.execute(
                update(tracking_links)
                .where(*this, tracking_links.c.revoked_at.is_(None))
                .values(revoked_at=at)
            )

    def may_fail_again_in(self, who: Sequence[str], at: datetime, every: timedelta, burst: int) -> timedelta:
        """How long the first of these who has failed too often must wait; nothing where none has."""
        query = select(func.max(tracking_failures.c.forgotten_at)).where(
            tracking_failures.c.who.in_(list(who))
        )
        with self._database.read() as connection:
            forgotten_at = connection.execute(query).scalar_one()
        # Each failure is forgotten one `every` after the one before: that many are remembered now.
        remembered = timedelta(0) if forgotten_at is None else forgotten_at - at
        return max(remembered - (burst - 1) * every, timedelta(0))

    def note_failure(self, who: Sequence[str], at: datetime, every: timedelta) -> None:
        """Each of these has failed once more. Failures that are forgotten are dropped."""
        # In one order, so that none waits for one that waits for it.
        names = sorted(set(who))
        with self._database.write() as connection:
            new = insert_of(connection)(tracking_failures)
            # A row that is there is locked, and told as it is.
            locked = new.on_conflict_do_update(
                index_elements=["who"], set_={"who": new.excluded.who}
            ).returning(tracking_failures.c.forgotten_at)
            for name in names:
                before = connection.execute(locked, {"who": name, "forgotten_at": at}).scalar_one()
                connection.execute(
                    update(tracking_failures)
                    .where(tracking_failures.c.who == name)
                    .values(forgotten_at=max(before, at) + every)
                )
            connection.execute(_DROP, {"at_": at})


def _read(row: AnyRow) -> TrackingLink:
    return TrackingLink(
        id=row.id, mrn=row.mrn, made_at=row.made_at, made_by=row.made_by, revoked_at=row.revoked_at
    )


# A row that somebody else is writing is left for the next time: then it is not forgotten any more anyway.
_DROP = delete(tracking_failures).where(
    tracking_failures.c.who.in_(
        select(tracking_failures.c.who)
        .where(tracking_failures.c.forgotten_at < bindparam("at_"))
        .order_by(tracking_failures.c.forgotten_at)
        .limit(_DROPPED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
)
