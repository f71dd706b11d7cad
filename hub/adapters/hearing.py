"""What an agency has said, in the hub's own terms: receipts and decisions out of answers."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hub.adapters.channel import Channel, Operation
from hub.adapters.reading import Kind, Meaning
from hub.adapters.talk import Talk
from hub.adapters.wire import Context, Misfit
from hub.domain.exchange import Submission
from hub.domain.referral import Decision, Receipt, ReferralTerms, Via
from hub.expressions import ExpressionFailed, Values


def look_up(talk: Talk, operation: Operation, context: Context) -> Submission | None:
    """What asking by our reference found; None when the agency does not have it. Raises ChannelError."""
    _, meaning, reading = talk.ask(operation, context, Kind.LOOK_UP)
    with talk.understanding():
        found = meaning is not Meaning.NOT_FOUND
        if found and operation.found is not None:
            told = operation.found.evaluate(reading)
            if not isinstance(told, bool):
                raise Misfit(f"`found` is {told!r}, neither true nor false")
            found = told
        if not found:
            talk.understood("not found")
            return None
        return read_submission(talk, operation, reading, Via.LOOK_UP)


def already_received(
    talk: Talk, channel: Channel, operation: Operation, context: Context, reading: dict[str, object]
) -> Submission:
    """
    A submission the agency has already: its receipt.

    Read from this very answer where it tells the reference; otherwise looked up, if the channel can;
    otherwise a receipt without a reference.
    """
    # An answer of another shape than the usual one need not hold them.
    reference, values = None, dict[str, str]()
    with suppress(Misfit, ExpressionFailed):
        reference = operation.receipt.reference(reading)
        values = operation.receipt.values(reading)
    if reference is None and channel.look_up is not None:
        talk.understood("already received")
        found = look_up(talk, channel.look_up, context)
        if found is not None:
            return found
    receipt = Receipt(reference=reference, received_at=talk.heard_at, values=values)
    talk.understood(f"already received, receipt {reference}" if reference else "already received")
    return Submission(receipt=receipt, exchanges=talk.exchanges)


def read_submission(talk: Talk, operation: Operation, reading: dict[str, object], via: Via) -> Submission:
    """Receipt and decisions out of the answer to a submission. Raises Misfit, ExpressionFailed."""
    reference, values = operation.receipt.reference(reading), operation.receipt.values(reading)
    # The decision may name the receipt that came with it.
    told = Values({**reading, "receipt": {"reference": reference or "", "values": values}})
    decisions = read_decisions(talk, operation, told, via)
    receipt = Receipt(reference=reference, received_at=talk.heard_at, values=values)
    words = [f"receipt {reference}" if reference else "receipt", said(decisions)]
    talk.understood(", ".join(word for word in words if word))
    return Submission(receipt=receipt, decisions=decisions, exchanges=talk.exchanges)


def read_decisions(
    talk: Talk, operation: Operation, reading: Context, via: Via, *, key: str | None = None
) -> tuple[Decision, ...]:
    """
    The decisions in an answer; none when it holds none. `key` stands for what it is about in the id of a
    decision that has none of its own; without it, the referral. Raises Misfit, ExpressionFailed.
    """
    if operation.decision is None or talk.terms is None:
        return ()
    return operation.decision.read(
        reading,
        referral=talk.terms.id,
        key=key or talk.terms.id,
        referred=_referred(talk.terms, via),
        via=via,
        received_at=talk.heard_at,
        evidence=talk.evidence,
    )


def _referred(terms: ReferralTerms, via: Via) -> tuple[int, ...] | None:
    """
    What a decision may speak of. Asked how an application stands that was amended, an agency may tell what it
    decided on the content before, which the store can tell from what it says now: None, as with callbacks.
    """
    return None if terms.revision > 1 and via in (Via.LOOK_UP, Via.POLL) else terms.items


def said(decisions: Sequence[Decision]) -> str:
    """Verdicts in one line, for the record."""
    return ", ".join(decision.verdict.value for decision in decisions)
