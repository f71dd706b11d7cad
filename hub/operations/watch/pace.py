"""How often the early warning looks: the times that are not thresholds, and one factor for all of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

_ROUND_LEAST = timedelta(seconds=10)


@dataclass(frozen=True)
class Pace:
    """
    The times at a `scale`: 1 where people are watched over, less where nobody waits so long, as in drills.

    Times by which a figure is judged are thresholds, and stand in `watch.yaml`.
    """

    scale: float = 1.0

    @property
    def every(self) -> timedelta:
        """Between two rounds that the engine schedules."""
        return self.scaled(15)

    @property
    def standby(self) -> timedelta:
        """
        When no round has ended for so long, whoever notices goes one.

        A process that has just started lets the engine's schedule have its turn first, for as long.
        """
        return 2 * self.every

    @property
    def round_within(self) -> timedelta:
        """How long a round may take, or its process be dead, before another process may go one."""
        return max(self.standby, _ROUND_LEAST)

    @property
    def scheduled_after(self) -> timedelta:
        """A scheduled round is left out when one has ended so recently: somebody stood in."""
        return self.every / 3

    @property
    def beat(self) -> timedelta:
        """Between two signs of life of a process; what it has counted is written down as often."""
        return self.scaled(5)

    def scaled(self, seconds: float) -> timedelta:
        """Another of its times."""
        return timedelta(seconds=seconds) * self.scale


AS_USUAL = Pace()
