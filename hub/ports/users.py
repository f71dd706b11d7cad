"""Who signs in to the console."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from hub.domain.model import Model, UtcDatetime

if TYPE_CHECKING:
    from hub.ports.actions import Audited


class UserRole(StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    """Sees, and does nothing. An agency's own people are viewers that are bound to their agency."""
    OPERATOR = "operator"
    """
    Retries, looks up, resends, extends; proposes decisions by hand, and confirms others'; pauses an agency.
    """
    SUPERVISOR = "supervisor"
    """Withdraws, acts in bulk, opens and closes breakers."""
    ADMIN = "admin"
    """Manages users."""

    def may(self, least: UserRole) -> bool:
        """Whether this role may do what is for `least` and those above."""
        ranks = list(UserRole)
        return ranks.index(self) >= ranks.index(least)


class User(Model):
    """A user of the console. The password is kept as an argon2id hash only, and not in this model."""

    name: str
    """Signs in with it, and is named by it in the audit."""
    display: str
    role: UserRole
    agency: str | None = None
    """Bound to this agency: sees its referrals only, and does nothing."""
    language: str | None = None
    """ISO 639-1; None: as the browser prefers."""
    subject: str | None = None
    """`issuer#sub` of the OpenID Connect provider, for one who signs in there."""
    disabled: bool = False
    one_time_password: bool = False
    """Its password is known to whoever made it: the user does nothing before there is another."""
    created_at: UtcDatetime


class Actor(Model):
    """Who does something: a user of the console, or an API client."""

    name: str
    """Of the user; of a client, `client:` and its id. Nobody confirms what stands under the same name."""
    role: UserRole
    agency: str | None = None
    """Bound to this agency."""


class Session(Model):
    """A signed-in browser. Its token is in the browser's cookie only; the store keeps the token's hash."""

    user: User
    opened_at: UtcDatetime
    seen_at: UtcDatetime
    """When its person last did something; refreshes that a page makes by itself do not count."""


class UserTaken(Exception):
    """There is a user of this name, or of this subject, already."""


class NoSuchUser(Exception):
    """There is no user of this name."""


class LastAdmin(Exception):
    """Nobody who could manage users would be left."""


class Users(Protocol):
    """
    Users and their sessions. Blocking, as the store is.

    A `line` is written into the audit together with what it tells of, or neither is.
    """

    def add_user(self, user: User, password_hash: str | None, line: Audited | None) -> None:
        """Without a password for one who signs in with the OpenID Connect provider. Raises UserTaken."""

    def user(self, name: str) -> User | None: ...

    def user_by_subject(self, subject: str) -> User | None: ...

    def users(self) -> list[User]:
        """Every user, by name."""

    def password_hash(self, name: str) -> str | None:
        """Of a user; None when there is no such user, or none with a password."""

    def set_password(self, name: str, password_hash: str, line: Audited | None, *, one_time: bool) -> None:
        """
        A new password; a `one_time` one is for whoever is then asked for his own. Every session of the user
        ends. Raises NoSuchUser.
        """

    def rehash(self, name: str, old: str, new: str) -> None:
        """The same password, hashed by newer parameters; nothing if it has been changed meanwhile."""

    def change_user(self, user: User, line: Audited | None) -> User:
        """
        The user of this name is from now on as given; as it was before. When role, agency or `disabled`
        change, every session of the user ends. Raises NoSuchUser, LastAdmin.
        """

    def open_session(self, token_hash: str, user: str, at: datetime, line: Audited | None) -> None:
        """Raises NoSuchUser."""

    def session(self, token_hash: str) -> Session | None:
        """The session of a user who is not disabled."""

    def session_seen(self, token_hash: str, at: datetime) -> None:
        """Its person does something."""

    def close_session(self, token_hash: str, line: Audited | None = None) -> None:
        """Idempotent; the line is written only if it was open."""

    def close_sessions(self, user: str, line: Audited | None) -> int:
        """All of a user; how many there were."""

    def forget_sessions(self, opened_before: datetime) -> int:
        """Drop what is over anyway; how many there were."""

    def try_sign_in(self, limits: Sequence[AttemptLimit], at: datetime) -> datetime | None:
        """
        Count an attempt under each key, as if it failed. When one of them has reached its limit, count
        nothing and say from when on it may be tried again.

        Counted before the password is looked at, so that attempts made at once cannot be more than allowed.
        """

    def forgive(self, keys: Sequence[str]) -> None:
        """The attempts under these keys did not fail in the end, or not all: begin anew."""

    def keep_ticket(self, id_hash: str, document: str, at: datetime) -> None:
        """What is needed to go on with a sign-in that leads by another site."""

    def take_ticket(self, id_hash: str, kept_after: datetime) -> str | None:
        """Once: it is gone then. What is older is dropped, too."""


class AttemptLimit(Model):
    """How often may be tried to sign in."""

    key: str
    """By what attempts are counted: a user, an address, or both."""
    most: int
    within: timedelta
