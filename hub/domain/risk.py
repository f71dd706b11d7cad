"""The risk channel: how closely customs itself looks at a declaration. Rules are data; chance has a seed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Protocol

from hub.domain.catalogue import Attribute, Predicate
from hub.domain.declaration import Declaration
from hub.domain.facts import FactValue, read_facts
from hub.domain.model import Model, Text


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


@dataclass(frozen=True, slots=True)
class RiskRule:
    """
    One thing that makes a declaration worth a closer look; a negative weight speaks for it.

    It counts once for a declaration, for however many of its goods items it holds.
    """

    name: str
    when: Predicate
    weight: int
    title: Text

    @property
    def is_of_items(self) -> bool:
        """Whether it reads anything of a goods item, and not of the declaration alone."""
        return any(name.startswith("item.") for name in self.when.names)


@dataclass(frozen=True)
class RiskRules:
    """The rules of one version of risk.yaml. A function of declaration and seed, and of nothing else."""

    rules: tuple[RiskRule, ...]
    attributes: Mapping[str, Attribute]
    yellow_from: int
    red_from: int
    share: float = 0.0
    """Of the declarations that the rules leave green, how many are picked all the same: 0 to 1."""
    drawn_channel: Channel = Channel.YELLOW
    """What becomes of those."""
    version: str = ""

    def assess(self, declaration: Declaration, seed: str) -> Assessment:
        """The channel of a declaration. Raises ExpressionFailed where a rule cannot be evaluated."""
        facts = [
            (item.number, read_facts(declaration, item, self.attributes, self._names))
            for item in declaration.items
        ]
        reasons = [reason for rule in self.rules for reason in _reasons(rule, facts)]
        held = {reason.rule for reason in reasons}
        score = sum(rule.weight for rule in self.rules if rule.name in held)
        channel, drawn = self._channel(score), False
        if channel is Channel.GREEN and draw(seed) < self.share:
            channel, drawn = self.drawn_channel, True
        return Assessment(
            channel=channel,
            score=score,
            reasons=tuple(reasons),
            drawn=drawn,
            seed=seed,
            rules_version=self.version,
        )

    def _channel(self, score: int) -> Channel:
        if score >= self.red_from:
            return Channel.RED
        return Channel.YELLOW if score >= self.yellow_from else Channel.GREEN

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """The facts that some rule reads."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.when.names))


def _reasons(rule: RiskRule, facts: Sequence[tuple[int, Mapping[str, FactValue]]]) -> list[RiskReason]:
    """`facts` are those of each goods item, by its number."""
    if not rule.is_of_items:
        [(_, of_all), *_] = facts
        return [RiskReason(rule=rule.name, weight=rule.weight)] if rule.when(of_all) else []
    return [
        RiskReason(rule=rule.name, weight=rule.weight, item=number)
        for number, of_item in facts
        if rule.when(of_item)
    ]


def draw(seed: str) -> float:
    """The number from 0 up to 1 that a seed draws: the same for the same seed, everywhere and always."""
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6]) / 2**48


class RiskEngine(Protocol):
    """
    Who says how closely customs looks at a declaration. The administration's own system may take the place of
    `BuiltInRisk`; what it answers is recorded with the declaration.
    """

    @property
    def titles(self) -> Mapping[str, Text]:
        """What the rules are called, by name, for customs."""

    def assess(self, declaration: Declaration, at: datetime) -> Assessment:
        """Assess a declaration that is being lodged, or amended, at that time."""

    def repeated(self, declaration: Declaration, assessment: Assessment) -> Assessment | None:
        """The same assessment worked out once more with its seed; None when its rules are no longer there."""


@dataclass(frozen=True)
class BuiltInRisk:
    """The `RiskEngine` that works by the rules of risk.yaml."""

    rules: RiskRules
    new_seed: Callable[[], str] = field(default=lambda: secrets.token_hex(16), compare=False)

    @property
    def titles(self) -> Mapping[str, Text]:
        return {rule.name: rule.title for rule in self.rules.rules}

    def assess(self, declaration: Declaration, at: datetime) -> Assessment:
        return self.rules.assess(declaration, self.new_seed())

    def repeated(self, declaration: Declaration, assessment: Assessment) -> Assessment | None:
        if assessment.rules_version != self.rules.version:
            return None
        return self.rules.assess(declaration, assessment.seed)
