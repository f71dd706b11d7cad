"""
After the database was brought back from a backup: nothing is done twice, and what was missed is asked about.

What the agencies said between the backup and now is not on record. Polls find it by themselves; for the
others each referral is looked up at its agency, slowly.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime

import structlog

from hub.operations.bulk import MOST, USUAL_RATE
from hub.ports import ActionKind, ActionStore, Audited, Bulk, BulkSubject, Clock, UserRole
from hub.ports.recovery import Marked, RecoveryStore, Restoration

log = structlog.get_logger(__name__)


class Recovery:
    """Blocking."""

    def __init__(self, records: RecoveryStore, actions: ActionStore, clock: Clock) -> None:
        self._records = records
        self._actions = actions
        self._clock = clock

    def begin(self, backup_at: datetime, by: str, role: UserRole, reason: str) -> Marked:
        """Mark what may have been done since the backup, before anything of the hub runs."""
        at = self._clock()
        marked = self._records.mark_restored(Restoration(at=at, backup_at=backup_at, by=by))
        self._actions.note_audit(
            Audited(
                at=at,
                user=by,
                role=role,
                action="database.restored",
                reason=reason,
                result=f"{marked.open} open declarations, {marked.in_doubt} referrals in doubt",
                data={"backup_at": backup_at.isoformat()},
            )
        )
        return marked

    def look_up(self, by: str, role: UserRole, reason: str, rate: float = USUAL_RATE) -> int:
        """
        Have every referral looked up that an agency has, and may have decided since; so many a second.
        Returns how many: it is done by bulk actions, which may be watched and stopped as any other.
        """
        begun, after = 0, None
        while page := self._records.unheard_of(after, MOST):
            self._begin_bulk(page, by, role, reason, rate)
            begun += len(page)
            after = (page[-1].mrn, page[-1].service)
        return begun

    def _begin_bulk(
        self, subjects: Sequence[BulkSubject], by: str, role: UserRole, reason: str, rate: float
    ) -> None:
        at, id = self._clock(), secrets.token_hex(12)
        bulk = Bulk(id=id, kind=ActionKind.LOOK_UP, by=by, role=role, reason=reason, rate=rate, begun_at=at)
        line = Audited(
            at=at,
            user=by,
            role=role,
            action="bulk.started",
            reason=reason,
            result="done",
            data={"bulk": id, "kind": bulk.kind.value, "count": str(len(subjects)), "rate": f"{rate:g}"},
        )
        self._actions.begin_bulk(bulk, subjects, line, id)
