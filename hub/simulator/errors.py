"""Why a simulated agency gives no ordinary answer. Each contract says it in its own way."""

from __future__ import annotations

from hub.simulator.ledger import Case


class Trouble(Exception):
    """An error that is told."""


class Invalid(Trouble):
    """The request does not fit the contract."""


class Unauthorised(Trouble):
    """The caller did not prove who it is."""


class Rejected(Trouble):
    """The agency's system turns a well-formed request down."""


class Unavailable(Trouble):
    """Not now; nothing was done."""


class NotKnown(Trouble):
    """There is no case of that number."""


class Closed(Trouble):
    """The application was withdrawn: nothing more can be done with it."""

    def __init__(self, case: Case) -> None:
        super().__init__(f"{case.receipt} is withdrawn")
        self.case = case


class ConnectionCut(Exception):
    """No answer at all: the connection ends."""
