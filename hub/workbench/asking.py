"""One question about a referral, put through the gateway."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from hub.adapters.sample import sample_information, sample_withdrawal
from hub.domain.exchange import Answer, Dossier, Exchange, InformationContent, LookUp, Submission
from hub.domain.withdrawal import Withdrawal
from hub.ports import AgencyGateway
from hub.workbench.operations import OperationName

Told = Submission | LookUp | Answer | None
"""What the agency's answer came to; None where it only says that it has taken something."""


@dataclass(frozen=True)
class Beside:
    """What a request may tell beside the dossier; samples, unless said otherwise."""

    withdrawal: Withdrawal | None = field(default_factory=lambda: sample_withdrawal(whole=True))
    """Why it is withdrawn; None: the declaration goes on without it."""
    information: InformationContent = field(default_factory=lambda: sample_information(whole=True))
    """What the declarant answers."""


SAMPLE = Beside()


async def ask_about(
    gateway: AgencyGateway, name: OperationName, dossier: Dossier, at: datetime, beside: Beside = SAMPLE
) -> tuple[Told, tuple[Exchange, ...]]:
    """Ask the agency once; `at` is when a submission that is looked up was sent. Raises ChannelError."""
    done: Submission | LookUp | Answer
    match name:
        case OperationName.SUBMIT:
            done = await gateway.submit(dossier)
        case OperationName.LOOK_UP:
            done = await gateway.look_up(dossier, at)
        case OperationName.POLL:
            done = await gateway.poll(dossier)
        case OperationName.AMEND:
            done = await gateway.amend(dossier)
        case OperationName.INFORM:
            done = await gateway.inform(dossier, beside.information)
        case OperationName.WITHDRAW:
            return None, await gateway.withdraw(dossier, beside.withdrawal)
        case OperationName.REMIND:
            return None, await gateway.remind(dossier)
        case _:
            raise AssertionError(f"{name} is about no referral")
    return done, done.exchanges
