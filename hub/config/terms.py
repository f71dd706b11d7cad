"""Lengths of time as files write them: long enough to mean something, short enough to be meant."""

from __future__ import annotations

from datetime import timedelta

from hub.config.faults import Key
from hub.config.schema_faults import FileReport
from hub.domain.deadlines import parse_duration

_LONGEST_DAYS = 3660
_CURE = f"write more than nothing and at most {_LONGEST_DAYS}d"


def check_term(text: str, key: Key, report: FileReport, *, may_be_zero: bool = False) -> timedelta | None:
    """
    Whether a length of time is reasonable. Its length, unless it is at fault or counts working days.

    Its form has been checked already.
    """
    days, plus, rest = text.partition("+")
    parts = [part for part in (days, rest) if part]
    if any(len(part.rstrip("wdhms")) > len(str(_LONGEST_DAYS * 86400)) for part in parts):
        report.add(key, f"{text} is too long", _CURE)
        return None
    if days.endswith("wd"):
        if not 0 < int(days.removesuffix("wd")) <= _LONGEST_DAYS:
            report.add(key, f"{text} is no sensible number of working days", "write 1wd or more")
        elif plus and parse_duration(rest) > timedelta(days=_LONGEST_DAYS):
            report.add(key, f"{text} is too long", _CURE)
        return None
    length = parse_duration(text)
    if length > timedelta(days=_LONGEST_DAYS) or (not length and not may_be_zero):
        report.add(key, f"{text} is {'too long' if length else 'no time at all'}", _CURE)
        return None
    return length
