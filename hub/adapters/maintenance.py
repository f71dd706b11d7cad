"""Turning requests away while an agency is away, as it has announced."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import SystemRandom

from hub.domain.errors import AgencyUnavailable
from hub.domain.maintenance import Maintenance

LONGEST_NAP = timedelta(minutes=5)
"""
How long whoever is turned away is told to wait, however long the window.

Then the file is asked again: a window that was shortened lets the declarations that wait for it go on within
minutes. Asking costs no exchange and no event. It is also the longest pause between two attempts of the
workflow, so that nothing on the way cuts it.
"""
_SPREAD = 0.025
"""Of a nap: declarations that wake at the end of a window do not all wake in the same instant."""

_random = SystemRandom()


def raise_if_away(agency: str, maintenance: Maintenance, now: datetime) -> None:
    """
    Raises AgencyUnavailable while an announced window is open.

    The words stay the same as long as it lasts, so that they are told once. No failure for the breaker.
    """
    away = maintenance.at(now)
    if away is None:
        return
    until = away.until.astimezone(maintenance.zone)
    words = f"{agency} is away: announced maintenance until {until:%Y-%m-%d %H:%M} ({maintenance.zone.key})"
    nap = min(away.until - now, LONGEST_NAP).total_seconds()
    raise AgencyUnavailable(
        f"{words}: {away.note}" if away.note else words,
        retry_after=nap + _random.uniform(0.0, nap * _SPREAD),
    )
