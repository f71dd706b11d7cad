"""The contracts the simulator can keep, by the name of the contract file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hub.simulator.contracts.rest_callback import SubmissionBox
from hub.simulator.contracts.rest_feed import RequestRegister
from hub.simulator.contracts.rest_immediate import ConformityReview
from hub.simulator.contracts.rest_labs import CertificateChecks
from hub.simulator.contracts.rest_ticket import ApplicationDesk
from hub.simulator.contracts.soap11_bare import PermitDesk
from hub.simulator.contracts.soap11_oneway import NotificationExchange
from hub.simulator.contracts.soap11_rpc import ApprovalRegistry
from hub.simulator.contracts.soap11_wrapped import RequirementConfirmation
from hub.simulator.contracts.soap11_wssec import ControlledGoods
from hub.simulator.contracts.soap12 import StandardClearance
from hub.simulator.http import Contract

KNOWN: dict[str, Callable[[Path], Contract]] = {
    "rest-callback": SubmissionBox,
    "rest-feed": RequestRegister,
    "rest-immediate": ConformityReview,
    "rest-labs": CertificateChecks,
    "rest-ticket": ApplicationDesk,
    "soap11-bare": PermitDesk,
    "soap11-oneway": NotificationExchange,
    "soap11-rpc": ApprovalRegistry,
    "soap11-wrapped": RequirementConfirmation,
    "soap11-wssec": ControlledGoods,
    "soap12": StandardClearance,
}


class NotSimulated(Exception):
    """An agency whose contract the simulator cannot keep. The message lists those it can."""


def contract(path: Path) -> Contract:
    """The contract in a file. Raises NotSimulated, or OSError when there is no such file."""
    kept = KNOWN.get(path.stem)
    if kept is None:
        raise NotSimulated(
            f"{path.name} is not among the contracts that can be simulated: {', '.join(KNOWN)}"
        )
    return kept(path)
