"""The risk channel: how closely customs itself looks at a declaration. Rules are data; chance has a seed."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model


class Channel(StrEnum):
    """What customs does with a declaration beside what the agencies do."""

    GREEN = "green"
    """Nothing."""
    YELLOW = "yellow"
    """The documents are looked at."""
    RED = "red"
    """The goods are inspected."""


class RiskReason(Model):
    """A rule that held, for the declaration or for one goods item. For customs only."""

    rule: str
    weight: int
    item: int | None = None


class Assessment(Model):
    """
    A channel and why, so that it can be worked out again from the declaration, the rules and the seed.

    For customs only: the declarant learns what is to be done, never why.
    """

    channel: Channel
    score: int
    reasons: tuple[RiskReason, ...] = ()
    drawn: bool = False
    """The random share picked it: its score alone would have been green."""
    seed: str
    """Hexadecimal; the draw is a function of it."""
    rules_version: str
