"""How a simulated agency behaves: set for the agency, or for one declaration by a magic value in its ucr."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from hub.domain.referral import Verdict


class Behaviour(StrEnum):
    """What an agency does with an application."""

    APPROVE = "APPROVE"
    CONDITIONS = "CONDITIONS"
    REFUSE = "REFUSE"
    INFO = "INFO"
    """Asks for information, and leaves it at that."""
    ASK = "ASK"
    """
    Asks for information, and approves once it has it. Where the contract has no operation for that, it waits
    for its people, who fetch the answer at the hub and decide there.
    """
    INSPECT = "INSPECT"
    LIFT = "LIFT"
    """Asks for information first, and approves later by itself."""
    RECONSIDER = "RECONSIDER"
    """Refuses first, and approves later by itself."""
    ITEMWISE = "ITEMWISE"
    """Approves the goods items with odd numbers and refuses the others, each by a decision of its own."""
    STALL = "STALL"
    """Gives a receipt, and never decides."""
    FAULT = "FAULT"
    """Turns every call down with an error of the contract's own kind."""
    DOWN = "DOWN"
    """Cuts every connection without an answer; nothing takes effect."""
    FLAP = "FLAP"
    """Is unavailable for the first two submissions, then approves."""
    CUT = "CUT"
    """
    The first submission takes effect, and the connection is cut before the answer; then approves. The same
    befalls the first amendment, the first withdrawal and the first answer to a question.
    """
    STUBBORN = "STUBBORN"
    """Approves; is unavailable for the first two tries to withdraw the application."""
    TWICE = "TWICE"
    """Approves, and tells it twice where it tells it of its own accord."""
    LATE = "LATE"
    """Approves after a longer time."""
    EARLY = "EARLY"
    """Approves, and its callback comes before the answer to the submission."""
    UNKNOWN = "UNKNOWN"
    """Answers a word that is not in its vocabulary."""
    SLOW = "SLOW"
    """Approves; every answer takes `delay_ms`."""


FIRST_VERDICT = {
    Behaviour.CONDITIONS: Verdict.APPROVED_WITH_CONDITIONS,
    Behaviour.REFUSE: Verdict.REFUSED,
    Behaviour.INFO: Verdict.INFORMATION_REQUIRED,
    Behaviour.ASK: Verdict.INFORMATION_REQUIRED,
    Behaviour.RECONSIDER: Verdict.REFUSED,
    Behaviour.LIFT: Verdict.INFORMATION_REQUIRED,
    Behaviour.INSPECT: Verdict.INSPECTION_REQUIRED,
}
"""What is said first; whatever is not here approves."""


@dataclass
class Timings:
    """Milliseconds after the submission, or between two tries; may be set while it runs."""

    callback: int = 200
    """Until a callback is sent or a feed shows the decision."""
    poll: int = 300
    """Until a poll finds the decision."""
    late: int = 3000
    """The same for LATE, and for what LIFT and RECONSIDER say at last."""
    retry: int = 200
    """Before a callback that was not taken is sent again; doubles up to `retry_most`."""
    retry_most: int = 5000


class NoSuchBehaviour(ValueError):
    """A magic value that names no behaviour or no agency of the configuration."""


_MAGIC = re.compile(r"-SIM-(?P<clauses>.+)$")


def asked_for(ucr: str, agency: str, agencies: Collection[str]) -> Behaviour | None:
    """
    The behaviour that a ucr asks of an agency; None when it asks nothing of it.

    `...-SIM-REFUSE` concerns every agency, `...-SIM-APQA-REFUSE+MFDS-STALL` those it names. Raises
    NoSuchBehaviour: a slip of the pen would otherwise pass for an approval.
    """
    found = _MAGIC.search(ucr.upper())
    if found is None:
        return None
    for_all = for_one = None
    for clause in found["clauses"].split("+"):
        name, _, word = clause.rpartition("-")
        if word not in Behaviour.__members__:
            raise NoSuchBehaviour(f"{word} in {ucr} is no behaviour; there are {', '.join(Behaviour)}")
        if not name:
            for_all = Behaviour(word)
        elif name.lower() not in agencies:
            raise NoSuchBehaviour(f"{name} in {ucr} is no agency of this configuration")
        elif name.lower() == agency:
            for_one = Behaviour(word)
    return for_one or for_all
