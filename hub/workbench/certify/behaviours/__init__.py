"""
The behaviours that are played, in their order.

A behaviour is one object of a module of this package: to add one, write it and name it here.
"""

from __future__ import annotations

from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.callbacks import BEFORE_RECEIPT, FORGED, LATE, OUT_OF_ORDER, REPEATED
from hub.workbench.certify.behaviours.changes import AMEND, INFORM, REMIND, WITHDRAW
from hub.workbench.certify.behaviours.doubt import CUT, DUPLICATE, NO_CONNECTION, SLOW
from hub.workbench.certify.behaviours.errors import FAULT, GARBAGE, RETRY_AFTER
from hub.workbench.certify.behaviours.feeds import FEED_POISONED, FEED_TWICE
from hub.workbench.certify.behaviours.ordinary import APPROVE, CONDITIONS, POLL, REFUSE
from hub.workbench.certify.behaviours.protection import LIMITS, MAINTENANCE, SECRETS
from hub.workbench.certify.behaviours.trust import CREDENTIAL, EXPIRED_CERTIFICATE, TAMPERED
from hub.workbench.certify.behaviours.words import UNKNOWN_WORD

BEHAVIOURS: tuple[Behaviour, ...] = (
    APPROVE,
    REFUSE,
    CONDITIONS,
    POLL,
    DUPLICATE,
    SLOW,
    CUT,
    NO_CONNECTION,
    FAULT,
    RETRY_AFTER,
    GARBAGE,
    UNKNOWN_WORD,
    REPEATED,
    LATE,
    OUT_OF_ORDER,
    BEFORE_RECEIPT,
    FORGED,
    FEED_POISONED,
    FEED_TWICE,
    AMEND,
    WITHDRAW,
    INFORM,
    REMIND,
    EXPIRED_CERTIFICATE,
    CREDENTIAL,
    TAMPERED,
    LIMITS,
    MAINTENANCE,
    # The last: it looks through everything that was recorded before.
    SECRETS,
)
"""All of them, each name once."""
