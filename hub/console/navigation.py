"""The console's menu."""

from __future__ import annotations

from dataclasses import dataclass

from hub.console.i18n import _
from hub.ports import User, UserRole


@dataclass(frozen=True)
class Entry:
    """One line of the menu."""

    path: str
    label: str
    """The words in English, marked by `_`."""
    least: UserRole = UserRole.VIEWER
    for_agencies: bool = False
    """Whether users that are bound to an agency have it, too."""


ENTRIES: tuple[Entry, ...] = (
    Entry("/console", _("Now"), for_agencies=True),
    Entry("/console/stuck", _("Stuck work"), for_agencies=True),
    Entry("/console/declarations", _("Declarations"), for_agencies=True),
    Entry("/console/agencies", _("Agencies")),
    Entry("/console/approvals", _("Approvals")),
    Entry("/console/bulks", _("Bulk actions")),
    Entry("/console/incidents", _("Incidents")),
    Entry("/console/doctor", _("Doctor")),
    Entry("/console/audit", _("Audit"), UserRole.OPERATOR),
    Entry("/console/users", _("Users"), UserRole.ADMIN),
)
"""In the order of the menu."""


def menu_of(user: User) -> list[Entry]:
    """What a user may open."""
    return [
        entry
        for entry in ENTRIES
        if user.role.may(entry.least) and (user.agency is None or entry.for_agencies)
    ]
