"""What is written down when a declaration is accepted, before anything else happens."""

from __future__ import annotations

from hub.domain.case import Case
from hub.domain.clearance import Clearance
from hub.domain.declaration import Declaration
from hub.domain.model import Model, UtcDatetime
from hub.domain.routing import Routing


class Acceptance(Model):
    """An accepted declaration: what was lodged, how it was routed, and the case as it starts."""

    mrn: str
    client: str
    """Id of the API client that lodged it."""
    declaration: Declaration
    content_hash: str
    accepted_at: UtcDatetime
    routing: Routing
    case: Case
    clearance: Clearance
    """As settled at acceptance: released at once when nobody need consent."""
    due_at: UtcDatetime | None
    """The latest time by which a referral is due."""
