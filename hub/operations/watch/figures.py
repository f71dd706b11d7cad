"""Figures as evidence shows them: short, with their unit, the same in every language."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def span(length: timedelta | float) -> str:
    """A length of time: `0.31 s`, `4 s`, `12 min`, `3.5 h`, `2 d`. Seconds where it is a number."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            return f"{_short(seconds / size)} {unit}"
    return f"{_short(seconds, places=2)} s"


def share(part: float) -> str:
    """A share of one as per cent."""
    return f"{part * 100:.0f} %"


def instant(at: datetime) -> str:
    """A moment, as RFC 3339 has it; whoever shows it puts it into the reader's words."""
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def size(length: int) -> str:
    """Bytes as MB or GB, of 1000."""
    return f"{length / 1e9:.1f} GB" if length >= 1e9 else f"{length / 1e6:.0f} MB"


def _short(value: float, places: int = 1) -> str:
    if abs(value) >= 10:
        return f"{value:.0f}"
    return f"{value:.{places}f}".rstrip("0").rstrip(".") or "0"
