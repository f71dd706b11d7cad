"""By what stuck work is judged at this moment: histories, the agencies that are not asked, and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hub.domain.stuck import Judging, Pause
from hub.ports import AgencyControl, Clock, Controls, ControlState, Histories

_PAUSED = (ControlState.PAUSED, ControlState.FAILING, ControlState.DRAINING)


@dataclass(frozen=True)
class Judges:
    """Puts together what `hub.domain.stuck.judge` needs. Blocking: call it in a thread."""

    histories: Histories
    controls: Controls
    agencies: Callable[[], Mapping[str, str]]
    """The agency of each service in force."""
    clock: Clock

    def __call__(self) -> Judging:
        now = self.clock()
        controls = self.controls.controls()
        return Judging(
            now=now,
            usual=self.histories.usual(now),
            agencies=self.agencies(),
            pauses={agency: _pause(c) for agency, c in controls.items() if c.state in _PAUSED},
        )


def _pause(control: AgencyControl) -> Pause:
    return Pause(
        since=control.since,
        by=control.by,
        reason=control.reason,
        next_probe_at=control.next_probe_at,
        draining=control.state is ControlState.DRAINING,
    )
