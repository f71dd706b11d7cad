"""What a behaviour comes to: its mark, what was seen, and what to fix."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from hub.domain.exchange import Exchange
from hub.domain.model import Model
from hub.domain.shortening import in_a_line

_SHORT = 300


class Mark(StrEnum):
    """How a behaviour ended."""

    PASSED = "pass"
    FAILED = "fail"
    NOT_APPLICABLE = "not_applicable"
    """This channel has no such thing."""
    NOT_PLAYED = "not_played"
    """It could be played, if the kit were given what it needs."""


class Ending(Exception):
    """A behaviour that ends before its end: `why`, and the `cure` or what is needed."""

    mark = Mark.FAILED

    def __init__(self, why: str, cure: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.cure = cure


class Failed(Ending):
    """Hub and agency do not behave together."""


class NotApplicable(Ending):
    mark = Mark.NOT_APPLICABLE


class NotPlayed(Ending):
    mark = Mark.NOT_PLAYED


class Finding(Model):
    """One behaviour as it was played."""

    name: str
    """As `--only` takes it."""
    title: str
    expected: str
    """What has to hold."""
    mark: Mark
    reason: str = ""
    """Why it failed, does not apply, or was not played."""
    cure: str = ""
    """What to fix, or what is needed."""
    seen: tuple[str, ...] = ()
    """What was sent and what came of it, in order."""
    exchanges: tuple[str, ...] = ()
    """Ids of the exchanges that were recorded."""
    seconds: float = 0.0


class Notes:
    """What is written down while a behaviour is played."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.exchanges: list[str] = []

    def saw(self, what: str, exchanges: Iterable[Exchange] = ()) -> None:
        """Note what was seen, with the exchanges that show it."""
        self.seen.append(short(what))
        self.exchanges += [one.id for one in exchanges if one.id not in self.exchanges]


def insist(holds: object, wrong: str, cure: str) -> None:
    """Raises Failed unless it holds."""
    if not holds:
        raise Failed(wrong, cure)


def short(text: str) -> str:
    """A text in one line of bounded length."""
    return in_a_line(text, _SHORT)
