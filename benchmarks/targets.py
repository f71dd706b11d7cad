"""What the figures are held against."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.agencies import Job
from benchmarks.measuring import Figures, own_processor

Round = Mapping[str, Figures]
"""The figures of one round, by contender."""
PEERS = ("dbos", "celery")


@dataclass(frozen=True)
class Target:
    """A ratio within one round, and how much it may be at least or at most."""

    title: str
    ratio: Callable[[Round], float]
    """Raises KeyError where a contender or a figure is not there."""
    least: float | None = None
    most: float | None = None

    @property
    def words(self) -> str:
        return f"at least {self.least:g}" if self.least is not None else f"at most {self.most:g}"

    def met(self, value: float) -> bool:
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


@dataclass(frozen=True)
class Judged:
    """A ratio in every round that has it."""

    target: Target
    values: Sequence[float]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool:
        return self.target.met(self.median)


def _of(figure: str, over: str, under: str, other: str | None = None) -> Callable[[Round], float]:
    return lambda each: each[over].values[figure] / each[under].values[other or figure]


def _processor(job: Job) -> Callable[[Round], float]:
    def ratio(each: Round) -> float:
        if job not in each["hub"].processor or job not in each["lean"].processor:
            raise KeyError(job)
        return own_processor(each["hub"], job) / own_processor(each["lean"], job)

    return ratio


def _better_peer(each: Round) -> float:
    return each["hub"].values["per_second_50"] / max(
        each[peer].values["per_second_50"] for peer in PEERS if peer in each
    )


TARGETS = (
    Target(
        "hub against lean, declarations a second, 4 agencies", _of("per_second_50", "hub", "lean"), least=2
    ),
    Target(
        "hub against lean, declarations a second, 38 agencies", _of("per_second_38", "hub", "lean"), least=5
    ),
    Target("hub against the better peer, declarations a second", _better_peer, least=1),
    Target("hub against tutorial, declarations a second", _of("per_second_50", "hub", "tutorial"), least=5),
    Target("hub against lean, processor time, 4 agencies", _processor(Job.MIX_4), most=0.5),
    Target("hub against lean, processor time, 38 agencies", _processor(Job.MIX_38), most=0.2),
    Target("hub against lean, POST to 202", _of("accepted_p50", "hub", "lean"), most=1.5),
    Target(
        "hub, POST to outcome, 38 immediate agencies against 4",
        _of("settled_p50_38-reply", "hub", "hub", "settled_p50_4-reply"),
        most=5,
    ),
    Target("hub against the floor, POST to outcome", _of("settled_p50", "hub", "floor"), most=1.2),
)


def judge(rounds: Sequence[Round]) -> list[Judged]:
    """The targets that can be judged by these rounds."""
    judged = []
    for target in TARGETS:
        values = []
        for each in rounds:
            try:
                values.append(target.ratio(each))
            except (KeyError, ValueError):
                continue  # not measured in this round
        if values:
            judged.append(Judged(target, values))
    return judged
