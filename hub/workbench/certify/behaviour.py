"""What a behaviour is, and how one is played."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from hub.adapters.recording import in_a_line
from hub.domain.errors import ChannelError
from hub.workbench.certify.finding import Ending, Finding, Mark, Notes, short
from hub.workbench.certify.stage import Stage

_MEND = "mend what it complains of; `hub agency try` shows the whole exchange"


@dataclass(frozen=True)
class Behaviour:
    """
    One thing that hub and agency must do rightly together.

    `play` returns when it held, and raises an `Ending` when it did not, does not apply or cannot be played.
    """

    name: str
    """As `--only` takes it."""
    title: str
    expected: str
    """What has to hold, in a sentence."""
    play: Callable[[Stage, Notes], Awaitable[None]]

    async def played(self, stage: Stage) -> Finding:
        """Play it, and say what it came to."""
        notes, began, passed = Notes(), time.monotonic(), len(stage.tap.passages)
        mark, reason, cure = Mark.PASSED, "", ""
        try:
            await self.play(stage, notes)
        except Ending as ending:
            mark, reason, cure = ending.mark, ending.why, ending.cure
        except ChannelError as error:
            # An exchange that the behaviour did not expect to go wrong: a finding like any other.
            notes.saw(in_a_line(error), error.exchanges)
            mark, reason, cure = Mark.FAILED, f"an exchange came to {in_a_line(error)}", _MEND
        for broken in {one.broke: one for one in stage.tap.since(passed) if one.broke}.values():
            notes.saw(f"the agency did not answer a request ({broken.request.kind}): {broken.broke}")
        return Finding(
            name=self.name,
            title=self.title,
            expected=self.expected,
            mark=mark,
            reason=short(reason),
            cure=short(cure),
            seen=tuple(notes.seen),
            exchanges=tuple(notes.exchanges),
            seconds=round(time.monotonic() - began, 2),
        )
