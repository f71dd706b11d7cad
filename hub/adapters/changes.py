"""What an agency is told of a referral that it has: other content, an answer, a reminder, that it is over."""

from __future__ import annotations

from contextlib import suppress

from hub.adapters.channel import Operation
from hub.adapters.context import dossier_context, information_context, withdrawal_context
from hub.adapters.hearing import read_decisions, said
from hub.adapters.reading import Meaning
from hub.adapters.talk import Talk
from hub.adapters.wire import Context, Misfit
from hub.domain.errors import NotUnderstood
from hub.domain.exchange import Answer, Dossier, Exchange, InformationContent, Submission
from hub.domain.referral import Receipt, Via
from hub.domain.withdrawal import Withdrawal
from hub.expressions import ExpressionFailed


def amend(talk: Talk, dossier: Dossier) -> Submission:
    """Give the agency the new content: its receipt, and what it decides at once. Raises ChannelError."""
    operation = _operation(talk)
    _, meaning, reading = talk.ask(operation, dossier_context(dossier, talk.line.file))
    if meaning is Meaning.ALREADY_RECEIVED:
        receipt = dossier.receipt or Receipt(received_at=talk.heard_at)
        # An answer of another shape than the usual one need not hold them.
        with suppress(Misfit, ExpressionFailed):
            receipt = _receipt(talk, operation, dossier, reading)
        talk.understood("already amended")
        return Submission(receipt=receipt, exchanges=talk.exchanges)
    with talk.understanding():
        receipt = _receipt(talk, operation, dossier, reading)
        told = {**reading, "receipt": {"reference": receipt.reference or "", "values": receipt.values}}
        # What it says in this very answer is about this content, also where it says what it said before.
        about = f"{dossier.terms.id} in revision {dossier.terms.revision}"
        decisions = read_decisions(talk, operation, told, Via.REPLY, key=about)
        talk.understood(", ".join(word for word in ("amended", said(decisions)) if word))
        return Submission(receipt=receipt, decisions=decisions, exchanges=talk.exchanges)


def withdraw(talk: Talk, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
    """Tell the agency that it is asked no more. Raises ChannelError."""
    context = dossier_context(dossier, talk.line.file) | withdrawal_context(withdrawal)
    return _told(talk, context, "withdrawn")


def inform(talk: Talk, dossier: Dossier, information: InformationContent) -> Answer:
    """Pass on what the agency has asked for. Raises ChannelError."""
    operation = _operation(talk)
    context = dossier_context(dossier, talk.line.file) | information_context(information)
    _, meaning, reading = talk.ask(operation, context)
    if meaning is Meaning.ALREADY_RECEIVED:
        talk.understood("passed on before")
        return Answer(exchanges=talk.exchanges)
    with talk.understanding():
        about = f"{dossier.terms.id} after {information.id}"
        decisions = read_decisions(talk, operation, reading, Via.REPLY, key=about)
        talk.understood(", ".join(word for word in ("passed on", said(decisions)) if word))
        return Answer(decisions=decisions, exchanges=talk.exchanges)


def remind(talk: Talk, dossier: Dossier) -> tuple[Exchange, ...]:
    """Remind the agency. Raises ChannelError."""
    return _told(talk, dossier_context(dossier, talk.line.file), "reminded")


_BEFORE = {Meaning.ALREADY_RECEIVED: " before", Meaning.NOT_FOUND: ": the agency does not have it"}


def _told(talk: Talk, context: Context, word: str) -> tuple[Exchange, ...]:
    _, meaning, _ = talk.ask(_operation(talk), context)
    talk.understood(f"{word}{_BEFORE.get(meaning, '')}")
    return talk.exchanges


def _receipt(talk: Talk, operation: Operation, dossier: Dossier, reading: dict[str, object]) -> Receipt:
    """The receipt as it stands after an answer: what that does not tell anew stays. Raises Misfit."""
    before = dossier.receipt or Receipt(received_at=talk.heard_at)
    reference = operation.receipt.reference(reading)
    values = operation.receipt.values(reading)
    if reference is None and not values:
        return before
    return Receipt(
        reference=reference or before.reference,
        received_at=talk.heard_at,
        values={**before.values, **values},
    )


def _operation(talk: Talk) -> Operation:
    """The operation that this talk is for. Raises NotUnderstood where the channel has none."""
    operation: Operation | None = getattr(talk.line.channel(), talk.kind)
    if operation is None:
        raise NotUnderstood(
            f"the file of {talk.line.file.agency} has no {talk.kind}: a person must tell the agency"
        )
    return operation
