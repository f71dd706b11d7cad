"""Who signs in to the console."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, UtcDatetime


class UserRole(StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    """Sees, and does nothing. An agency's own people are viewers that are bound to their agency."""
    OPERATOR = "operator"
    """Retries, looks up, resends, extends; proposes decisions by hand; pauses an agency."""
    SUPERVISOR = "supervisor"
    """Confirms others' decisions, withdraws, acts in bulk, opens and closes breakers."""
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
    created_at: UtcDatetime


class Actor(Model):
    """Who does something: a user of the console, or an API client."""

    name: str
    """Of the user; of a client, `client:` and its id. Nobody confirms what stands under the same name."""
    role: UserRole
    agency: str | None = None
    """Bound to this agency."""
