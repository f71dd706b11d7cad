"""Users of the console, their sessions, and how often somebody has tried to sign in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select, text, update

from hub.ports import Audited
from hub.ports.users import AttemptLimit, LastAdmin, NoSuchUser, Session, User, UserRole, UserTaken
from hub.store.audit import add_line
from hub.store.part import AnyRow, Part
from hub.store.statements import insert_of
from hub.store.tables import sessions, sign_in_attempts, sign_in_tickets, users

_ATTEMPTS_LOCK = 0x68756261
"""Key of the PostgreSQL advisory lock under which attempts are counted."""


class Users(Part):
    """`hub.ports.Users`."""

    def add_user(self, user: User, password_hash: str | None, line: Audited | None) -> None:
        """Raises UserTaken."""
        with self._database.write() as connection:
            added = connection.execute(
                insert_of(connection)(users).on_conflict_do_nothing().returning(users.c.name),
                {"name": user.name, "password_hash": password_hash, **_columns(user)},
            ).one_or_none()
            if added is None:
                raise UserTaken(f"there is a user {user.name!r} already, or one with this subject")
            _note(connection, line)

    def user(self, name: str) -> User | None:
        """By name."""
        with self._database.read() as connection:
            row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
        return None if row is None else _user(row)

    def user_by_subject(self, subject: str) -> User | None:
        """Whoever is known to the OpenID Connect provider as this."""
        with self._database.read() as connection:
            row = connection.execute(select(users).where(users.c.subject == subject)).one_or_none()
        return None if row is None else _user(row)

    def users(self) -> list[User]:
        """By name."""
        with self._database.read() as connection:
            rows = connection.execute(select(users).order_by(users.c.name)).all()
        return [_user(row) for row in rows]

    def password_hash(self, name: str) -> str | None:
        """Argon2id, as text."""
        with self._database.read() as connection:
            kept: str | None = connection.execute(
                select(users.c.password_hash).where(users.c.name == name)
            ).scalar_one_or_none()
        return kept

    def set_password(self, name: str, password_hash: str, line: Audited | None, *, one_time: bool) -> None:
        """Raises NoSuchUser."""
        with self._database.write() as connection:
            user = _locked(connection, name).model_copy(update={"one_time_password": one_time})
            connection.execute(
                update(users)
                .where(users.c.name == name)
                .values(password_hash=password_hash, **_columns(user))
            )
            connection.execute(delete(sessions).where(sessions.c.user == name))
            _note(connection, line)

    def rehash(self, name: str, old: str, new: str) -> None:
        """Only if `old` is still what is kept."""
        with self._database.write() as connection:
            connection.execute(
                update(users)
                .where(users.c.name == name, users.c.password_hash == old)
                .values(password_hash=new)
            )

    def change_user(self, user: User, line: Audited | None) -> User:
        """Raises NoSuchUser, LastAdmin."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                # Two administrators who demote each other at once must not both see the other one.
                connection.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
            before = _locked(connection, user.name)
            if _manages(before) and not _manages(user) and _managers(connection) == 1:
                raise LastAdmin(user.name)
            connection.execute(update(users).where(users.c.name == user.name).values(**_columns(user)))
            if (before.role, before.agency, before.disabled) != (user.role, user.agency, user.disabled):
                connection.execute(delete(sessions).where(sessions.c.user == user.name))
            _note(connection, line)
        return before

    def open_session(self, token_hash: str, user: str, at: datetime, line: Audited | None) -> None:
        """Raises NoSuchUser."""
        with self._database.write() as connection:
            _locked(connection, user)
            connection.execute(
                insert_of(connection)(sessions),
                {"token_hash": token_hash, "user": user, "opened_at": at, "seen_at": at},
            )
            _note(connection, line)

    def session(self, token_hash: str) -> Session | None:
        """With its user as he is now."""
        with self._database.read() as connection:
            row = connection.execute(
                select(sessions.c.opened_at, sessions.c.seen_at, users)
                .join(users, users.c.name == sessions.c.user)
                .where(sessions.c.token_hash == token_hash)
            ).one_or_none()
        if row is None or row.disabled:
            return None
        return Session(user=_user(row), opened_at=row.opened_at, seen_at=row.seen_at)

    def session_seen(self, token_hash: str, at: datetime) -> None:
        """Nothing when it has ended meanwhile."""
        with self._database.write() as connection:
            connection.execute(
                update(sessions)
                .where(sessions.c.token_hash == token_hash, sessions.c.seen_at < at)
                .values(seen_at=at)
            )

    def close_session(self, token_hash: str, line: Audited | None = None) -> None:
        """Idempotent."""
        with self._database.write() as connection:
            closed = connection.execute(delete(sessions).where(sessions.c.token_hash == token_hash))
            if closed.rowcount:
                _note(connection, line)

    def close_sessions(self, user: str, line: Audited | None) -> int:
        """How many there were."""
        with self._database.write() as connection:
            closed = connection.execute(delete(sessions).where(sessions.c.user == user)).rowcount
            _note(connection, line)
        return closed

    def forget_sessions(self, opened_before: datetime) -> int:
        """How many there were."""
        with self._database.write() as connection:
            return connection.execute(delete(sessions).where(sessions.c.opened_at < opened_before)).rowcount

    def try_sign_in(self, limits: Sequence[AttemptLimit], at: datetime) -> datetime | None:
        """From when on it may be tried again; None: it was counted, go on."""
        with self._database.write() as connection:
            if not self._database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ATTEMPTS_LOCK})
            longest = max(limit.within for limit in limits)
            connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.at <= at - longest))
            frees = [free for limit in limits if (free := _free_at(connection, limit, at)) is not None]
            if frees:
                return max(frees)
            connection.execute(
                insert_of(connection)(sign_in_attempts),
                [{"key": limit.key, "at": at} for limit in limits],
            )
        return None

    def forgive(self, keys: Sequence[str]) -> None:
        """Begin to count anew."""
        with self._database.write() as connection:
            connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key.in_(keys)))

    def keep_ticket(self, id_hash: str, document: str, at: datetime) -> None:
        """For a sign-in that comes back."""
        with self._database.write() as connection:
            connection.execute(
                insert_of(connection)(sign_in_tickets),
                {"id_hash": id_hash, "document": document, "at": at},
            )

    def take_ticket(self, id_hash: str, kept_after: datetime) -> str | None:
        """Once."""
        with self._database.write() as connection:
            connection.execute(delete(sign_in_tickets).where(sign_in_tickets.c.at <= kept_after))
            kept: str | None = connection.execute(
                delete(sign_in_tickets)
                .where(sign_in_tickets.c.id_hash == id_hash)
                .returning(sign_in_tickets.c.document)
            ).scalar_one_or_none()
        return kept


def _free_at(connection: Connection, limit: AttemptLimit, at: datetime) -> datetime | None:
    """When the attempt that fills the limit will have been long enough ago; None when it is not full."""
    filling: datetime | None = connection.execute(
        select(sign_in_attempts.c.at)
        .where(sign_in_attempts.c.key == limit.key, sign_in_attempts.c.at > at - limit.within)
        .order_by(sign_in_attempts.c.at.desc())
        .offset(limit.most - 1)
        .limit(1)
    ).scalar_one_or_none()
    return None if filling is None else filling + limit.within


def _note(connection: Connection, line: Audited | None) -> None:
    if line is not None:
        add_line(connection, line, None)


def _manages(user: User) -> bool:
    return user.role is UserRole.ADMIN and not user.disabled and user.agency is None


def _managers(connection: Connection) -> int:
    rows = connection.execute(
        select(users).where(users.c.role == UserRole.ADMIN.value, users.c.disabled.is_(False))
    ).all()
    return sum(_manages(_user(row)) for row in rows)


def _locked(connection: Connection, name: str) -> User:
    """Raises NoSuchUser."""
    row = connection.execute(select(users).where(users.c.name == name).with_for_update()).one_or_none()
    if row is None:
        raise NoSuchUser(name)
    return _user(row)


def _columns(user: User) -> dict[str, object]:
    return {
        "role": user.role.value,
        "disabled": user.disabled,
        "subject": user.subject,
        "document": user.model_dump_json(),
    }


def _user(row: AnyRow) -> User:
    return User.model_validate_json(row.document)
