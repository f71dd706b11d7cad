"""What stands at the axes of pictures, in the reader's words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, tzinfo

from babel.dates import format_skeleton

from hub.console.i18n import Words


def of_days(words: Words) -> Callable[[datetime], str]:
    """Days are counted in UTC, so that is how they are named."""
    return lambda at: str(format_skeleton("Md", at, tzinfo=UTC, locale=words.locale))


def of_hours(words: Words, zone: tzinfo) -> Callable[[datetime], str]:
    """The hour of the day, as people there see it."""
    return lambda at: f"{at.astimezone(zone):%H:%M}"


def of_seconds(words: Words) -> Callable[[float], str]:
    """A length of time."""
    return words.duration
