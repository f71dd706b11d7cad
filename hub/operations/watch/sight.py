"""Incidents as people are shown them: those in the store, and what this process knows beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from hub.ports import Incident, IncidentChange, IncidentFilter, IncidentStore


class Sight:
    """
    `hub.ports.IncidentStore`. Blocking.

    When the database is away, or its disk is full, its incident is in this process's memory only; it has the
    id 0 until it is recorded.
    """

    def __init__(self, store: IncidentStore, remembered: Callable[[], Sequence[Incident]]) -> None:
        """`remembered` gives what the process knows and could not write down."""
        self._store = store
        self._remembered = remembered

    def open_incidents(self) -> list[Incident]:
        """The most serious first, then the oldest. What is remembered is there even when the store is not."""
        remembered = list(self._remembered())
        try:
            known = self._store.open_incidents()
        except Exception:
            # Whatever a store raises when it is gone: that is what is remembered, if it has been noticed.
            if not remembered:
                raise
            return remembered
        told = {(one.kind, one.subject) for one in known}
        return [*(one for one in remembered if (one.kind, one.subject) not in told), *known]

    def incidents(self, which: IncidentFilter, before: int | None, limit: int) -> list[Incident]:
        """The newest first; `before` is the id of the last one on the page before."""
        return self._store.incidents(which, before, limit)

    def incident(self, id: int) -> Incident | None:
        """One incident; None for an id that was never given."""
        return self._store.incident(id)

    def incident_changes(self, id: int) -> list[IncidentChange]:
        """Its story, the earliest first."""
        return self._store.incident_changes(id)

    def acknowledge_incident(self, id: int, *, by: str, note: str | None, at: datetime) -> Incident:
        """Somebody looks after it. Raises KeyError."""
        return self._store.acknowledge_incident(id, by=by, note=note, at=at)

    def snooze_incident(
        self, id: int, *, until: datetime, by: str, note: str | None, at: datetime
    ) -> Incident:
        """Nobody is reminded of it before that. Raises KeyError."""
        return self._store.snooze_incident(id, until=until, by=by, note=note, at=at)

    def note_incident(self, id: int, *, by: str, note: str, at: datetime) -> Incident:
        """Somebody has something to say about it. Raises KeyError."""
        return self._store.note_incident(id, by=by, note=note, at=at)
