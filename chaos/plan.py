"""
What a campaign does, made of its seed before anything is started: data, so that a seed can be read and rerun.

Every lot is one declaration with all that befalls it by its declarant's and its agencies' doing; every fault
stands at a place in the flow of lots.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """How a lot is to go, if nothing fails."""

    CONSENTED = "consented"
    REFUSED = "refused"
    RECONSIDERED = "refused, then consented"
    LIFTED = "asked, then consented"
    ITEMWISE = "judged item by item"
    ANSWERED = "questioned and answered"
    UNANSWERED = "questioned, never answered"
    INSPECTED = "inspected, decided by hand"
    STALLED = "never decided"
    EXPIRED = "expired"
    NOT_UNDERSTOOD = "answered in a word nobody knows"
    NOBODY = "nobody to ask"
    PROHIBITED = "prohibited"
    AMENDED = "amended"
    REPLACED = "amended to other goods"
    WITHDRAWN = "withdrawn"
    CONTESTED = "amended and withdrawn at once"
    CERTIFIED = "written off a certificate"
    DUTIES = "waits for duties"
    REPEATED = "lodged twice alike"
    CONFLICTING = "lodged twice, with other content"
    FAULTY = "not a declaration"
    GIVEN_UP = "its declarant hangs up"


class Act(StrEnum):
    """What people do with a declaration after it was lodged."""

    AMEND = "amend"
    WITHDRAW = "withdraw"
    ANSWER = "answer"
    DECIDE = "decide"
    """An agency's people decide by hand, at the hub's own door."""
    ASSESS = "assess"
    COVER = "cover"
    REPEAT = "repeat"
    CONFLICT = "conflict"


@dataclass(frozen=True)
class Line:
    """One goods item as declared."""

    good: int
    """Its place in the world's goods."""
    mass: str
    """Kilograms."""


@dataclass(frozen=True)
class Step:
    """One act, so many seconds after what came before it."""

    act: Act
    after: float
    version: int = 0
    """Of an amendment or a conflicting declaration: which of the lot's versions it is."""
    service: str = ""
    """Of a decision by hand."""


@dataclass(frozen=True)
class Lot:
    """One declaration, and what befalls it."""

    number: int
    kind: Kind
    procedure: str
    office: str | None
    ucr: str
    """Ends in what it asks of the simulated agencies."""
    versions: tuple[tuple[Line, ...], ...]
    """The content as lodged, and as amended."""
    steps: tuple[Step, ...] = ()
    patience: float | None = None
    """Seconds after which the declarant hangs up and asks no more; None: asks until there is an answer."""

    @property
    def lrn(self) -> str:
        return f"CHAOS-{self.number:06}"


class FaultKind(StrEnum):
    """What goes wrong."""

    KILL = "kill"
    REFUSE = "refuse"
    """Connections are reset before a word is said."""
    CUT = "cut"
    """Connections are cut in mid-answer."""
    SLOW = "slow"
    HANG = "hang"
    """Nothing passes, and nobody is told."""
    REPEAT = "repeat"
    """Callbacks come twice."""
    DELAY = "delay"
    REORDER = "reorder"
    """Callbacks come in another order."""
    DEAFEN = "deafen"
    """Callbacks arrive, and the answer to them is lost."""
    FORGE = "forge"
    DISK = "disk"
    CLOCK = "clock"
    EDIT = "edit"
    """An agency's file is changed, and stays valid."""
    BREAK = "break"
    """An agency's file is broken, and mended later."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, when so many lots have been begun."""

    number: int
    at: int
    kind: FaultKind
    target: str
    """A process, a link, a disk, a clock, an agency."""
    seconds: float
    """For how long it stays so: of a kill, until it is started again."""
    amount: float = 0.0
    """Octets let through before a cut; seconds of a delay or of a jump."""


@dataclass(frozen=True)
class Plan:
    """Everything of one leg."""

    seed: str
    database: str
    lots: tuple[Lot, ...]
    faults: tuple[Fault, ...]
    pauses: tuple[float, ...] = field(repr=False)
    """Seconds before each lot is lodged."""


SHORT_TERMS = {
    "kcl": "deemed_approved",
    "ktc": "deemed_refused",
    "ktr": "escalate",
    "kofons": "hold",
}
"""Agencies that have seconds instead of days in the campaign, and what follows when these have passed."""
TERM = 10.0
"""Those seconds."""
SILENCE = 60.0
"""Seconds after which silence is taken for consent: an agency repeats a callback that was not taken."""
