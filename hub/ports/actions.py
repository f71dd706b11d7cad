"""What operations do: each action with a preview, a reason and a line in the audit; in bulk, too."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hub.domain.model import Model, UtcDatetime
from hub.ports.users import UserRole


class ActionKind(StrEnum):
    """What can be done. Of a referral, unless said otherwise."""

    RETRY = "retry"
    """Try what is waiting for its next attempt now."""
    LOOK_UP = "look_up"
    """Ask the agency by our reference how it stands."""
    RESEND = "resend"
    """Submit it anew, by the newest version of the agency's file; what was sent before is looked up first."""
    EXTEND = "extend"
    """Move its deadline."""
    DECIDE = "decide"
    """Record a decision by hand, with evidence; a second person confirms."""
    WITHDRAWN = "withdrawn"
    """Record that a person has told the agency that the application is withdrawn."""
    WITHDRAW = "withdraw"
    """Withdraw a declaration."""
    PAUSE = "pause"
    """Of an agency."""
    RESUME = "resume"
    """Of an agency."""
    OPEN_BREAKER = "open_breaker"
    """Of an agency: as if its system had failed; a probe tries it."""
    CLOSE_BREAKER = "close_breaker"
    """Of an agency: it is asked as usual again."""


LEAST_ROLE: dict[ActionKind, UserRole] = {
    ActionKind.RETRY: UserRole.OPERATOR,
    ActionKind.LOOK_UP: UserRole.OPERATOR,
    ActionKind.RESEND: UserRole.OPERATOR,
    ActionKind.EXTEND: UserRole.OPERATOR,
    ActionKind.DECIDE: UserRole.OPERATOR,
    ActionKind.WITHDRAWN: UserRole.OPERATOR,
    ActionKind.WITHDRAW: UserRole.SUPERVISOR,
    ActionKind.PAUSE: UserRole.OPERATOR,
    ActionKind.RESUME: UserRole.OPERATOR,
    ActionKind.OPEN_BREAKER: UserRole.SUPERVISOR,
    ActionKind.CLOSE_BREAKER: UserRole.SUPERVISOR,
}
"""Who may do it. Bulk actions are for supervisors, whatever the kind."""


class Audited(Model):
    """One line of the audit: who did what, to what, why, and what came of it."""

    id: int = 0
    at: UtcDatetime
    user: str
    role: UserRole
    action: str
    """An ActionKind, or a dotted name as `user.created`, `session.signed_in`, `bulk.stopped`."""
    mrn: str | None = None
    service: str | None = None
    agency: str | None = None
    reason: str | None = None
    result: str = ""
    data: dict[str, str] = Field(default_factory=dict)
