"""Requests that agencies' own workers have made, counted by the hub: those workers have no store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.activities.agency_messages import CallKind, Exchanges
from hub.domain.errors import ChannelError
from hub.domain.exchange import Answer, Exchange, Feed, LookUp, Submission
from hub.domain.model import Model
from hub.ports import Call, CallMeter, CallResult


class Counting:
    """One call of an agency's own worker, which may have made several requests, or none."""

    def __init__(self, meter: CallMeter, agency: str, kind: CallKind, began_at: datetime) -> None:
        """`began_at` is by the hub's clock: the agency's may be wrong, and nobody could add them up."""
        self._meter = meter
        self._agency = agency
        self._kind = kind
        self._began_at = began_at

    def answered(self, result: Model) -> None:
        """It came back with this."""
        match result:
            case Submission() | LookUp() | Answer() | Feed() | Exchanges():
                self._count(result.exchanges, CallResult.ANSWERED)

    def failed(self, error: ChannelError, until: datetime) -> None:
        """It ended with this error, by what the agency said or because its worker was not to be reached."""
        result = CallResult.of(error)
        self._count(error.exchanges[:-1], CallResult.ANSWERED)
        if error.exchanges:
            self._count(error.exchanges[-1:], result)
            return
        took = max(0, round((until - self._began_at).total_seconds() * 1000))
        self._meter(Call(self._agency, self._kind.value, self._began_at, took, result))

    def _count(self, exchanges: Sequence[Exchange], result: CallResult) -> None:
        for exchange in exchanges:
            self._meter(Call(self._agency, exchange.kind, self._began_at, exchange.milliseconds, result))
