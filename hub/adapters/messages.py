"""What an agency says of its own accord: one message of a callback or a feed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from zoneinfo import ZoneInfo

from hub.adapters.context import agency_context
from hub.adapters.nul import nul_in, without_nul
from hub.adapters.reading import DecisionReader, as_name, content_id
from hub.adapters.wire import Context, Misfit, Plain
from hub.config.models import AgencyFile, MessageReading
from hub.domain.errors import in_short
from hub.domain.exchange import Message
from hub.domain.referral import Decision, Via
from hub.expressions import Expression, ExpressionFailed, Values, roots

UNNAMED = "sha256:"
"""How the id of a message begins that tells none of its own."""


class MessageReader:
    """How one message of one agency is read."""

    def __init__(self, file: MessageReading, agency: AgencyFile, zone: ZoneInfo) -> None:
        """Raises ExpressionFault."""

        def expression(text: str | None) -> Expression | None:
            return None if text is None else Expression(text, roots.MESSAGE)

        self._agency = agency.agency
        self._agency_context = agency_context(agency)
        self._id = expression(file.id)
        self._referral = expression(file.referral)
        self._agency_reference = expression(file.agency_reference)
        self._decision = DecisionReader(
            file.decision, roots.MESSAGE, agency=agency.agency, verdicts=agency.verdicts, zone=zone
        )

    def read(
        self,
        message: Plain,
        *,
        headers: Mapping[str, str] = MappingProxyType({}),
        raw: str,
        via: Via,
        received_at: datetime,
    ) -> Message:
        """The message as read. Never raises: what is not understood comes back with its `trouble`."""
        named = {name: without_nul(value) for name, value in headers.items()}
        context = Values({**self._agency_context, "message": message, "headers": named})
        message_id = unnamed(message)
        referral = agency_reference = trouble = None
        decisions: tuple[Decision, ...] = ()
        try:
            # Each reading by itself, so that a message that is half understood can still be traced.
            message_id = self._name(self._id, context, "the id of the message") or message_id
            referral = self._name(self._referral, context, "our reference")
            agency_reference = self._name(self._agency_reference, context, "the agency's reference")
            if referral is None and agency_reference is None:
                raise Misfit("the message names neither our reference nor the agency's")
            spoilt = nul_in(message, "message") or nul_in(named, "headers")
            if spoilt is not None:
                raise Misfit(spoilt)
            decisions = self._decision.read(
                context,
                referral=referral or "",
                key=referral or f"agency reference {agency_reference}",
                referred=None,
                via=via,
                received_at=received_at,
                evidence=message_id,
            )
        except (Misfit, ExpressionFailed) as wrong:
            trouble = in_short(wrong)
        return Message(
            agency=self._agency,
            message_id=message_id,
            referral=referral,
            agency_reference=agency_reference,
            decisions=decisions,
            trouble=trouble,
            raw=raw,
            via=via,
            received_at=received_at,
        )

    @staticmethod
    def _name(expression: Expression | None, context: Context, what: str) -> str | None:
        """The text; one that holds what no text can names nothing. Raises Misfit, ExpressionFailed."""
        if expression is None:
            return None
        text = as_name(expression.evaluate(context), what)
        if nul_in(text, ""):
            raise Misfit(
                nul_in(context["message"], "message")
                or nul_in(context["headers"], "headers")
                or "it is no text"
            )
        return text


def unnamed(content: Plain) -> str:
    """An id for a message that tells none: the same content has the same id."""
    return UNNAMED + content_id(content)


def unreadable(
    agency: str, *, raw: str, content: bytes, trouble: str, via: Via, received_at: datetime
) -> Message:
    """A message that is not even plain data."""
    return Message(
        agency=agency,
        message_id=unnamed(content.hex()),
        trouble=in_short(trouble),
        raw=raw,
        via=via,
        received_at=received_at,
    )
