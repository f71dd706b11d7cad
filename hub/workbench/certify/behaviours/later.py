"""What a channel of this version cannot do."""

from __future__ import annotations

from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.finding import NotApplicable, Notes
from hub.workbench.certify.stage import Stage


def _not_there(name: str, title: str, expected: str) -> Behaviour:
    async def play(stage: Stage, notes: Notes) -> None:
        raise NotApplicable(f"a channel has no `{name}` yet")

    return Behaviour(name, title, expected, play)


AMEND = _not_there(
    "amend", "Amendment", "A declaration that is corrected reaches the agency as a correction."
)
WITHDRAW = _not_there("withdraw", "Withdrawal", "A declaration that is withdrawn is withdrawn at the agency.")
