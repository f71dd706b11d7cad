"""The audit: who did what, to what, why, and what came of it."""

from __future__ import annotations

import asyncio

import structlog

from hub.ports import ActionStore, Actor, Audited, AuditFilter, AuditPage, Clock

log = structlog.get_logger(__name__)


class Audit:
    """
    Lines that stand alone: sign-ins, users made and changed. What changes a declaration or an agency writes
    its line in the same transaction (`hub.operations.actions`).
    """

    def __init__(self, store: ActionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def record(self, line: Audited) -> None:
        """Write a line. Blocking."""
        self._store.note_audit(line)
        log.info("audit.noted", user=line.user, action=line.action, result=line.result)

    def note(
        self,
        actor: Actor,
        action: str,
        *,
        result: str = "done",
        reason: str | None = None,
        agency: str | None = None,
        **data: str,
    ) -> None:
        """Write a line of what this actor has done now. Blocking."""
        self.record(
            Audited(
                at=self._clock(),
                user=actor.name,
                role=actor.role,
                action=action,
                agency=agency,
                reason=reason,
                result=result,
                data=data,
            )
        )

    async def search(self, which: AuditFilter, cursor: str | None = None, limit: int = 100) -> AuditPage:
        """Lines, the newest first. Raises BadCursor."""
        return await asyncio.to_thread(self._store.audit, which, cursor, limit)
