"""
What can go wrong between the hub and an agency, sorted by what to do next.

Whoever catches one of these needs no table: the class says whether to retry, give up, ask or call a person.
"""

from __future__ import annotations

from hub.domain.exchange import Exchange
from hub.domain.shortening import cut

_LONGEST = 5000
"""Characters of a trouble: it is shown, recorded and told wherever its referral is."""


def in_short(trouble: object) -> str:
    """What is wrong, in words, without all that it quotes: an agency may say megabytes that do not fit."""
    return cut(str(trouble), _LONGEST)


class ChannelError(Exception):
    """
    An exchange with an agency that did not end in a receipt or a decision.

    `exchanges` are those that took place, to be recorded; `retry_after` is how many seconds the agency asks
    us to wait, when it said so.
    """

    def __init__(
        self, message: str, *, exchanges: tuple[Exchange, ...] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(in_short(message))
        self.exchanges = exchanges
        self.retry_after = retry_after
        self.failing = False
        """Too many requests in a row have failed: the agency's breaker is open."""


class AgencyUnavailable(ChannelError):
    """The request did not take effect (no connection, 429, 503, breaker open). Retry later."""


class AgencyPaused(AgencyUnavailable):
    """Nothing was sent: the agency is paused, or its system fails. What waits for it stands in its queue."""


class AgencyRefused(ChannelError):
    """The agency's system turned the request down as wrong (4xx, business error). Never retry as it is."""


class NotUnderstood(ChannelError):
    """
    The answer, or our own configuration, does not fit the contract: an unknown word, a missing element.

    A person must look: retrying would give the same.
    """


class InDoubt(ChannelError):
    """Sent, and no answer read: it may have taken effect. Look it up by our reference before resending."""


class CallbackRefused(Exception):
    """
    A callback that is not from the agency it claims, or not for one of its referrals. `recorded` is the
    declaration one of whose events tells of it now, if one does.
    """

    def __init__(self, reason: str, recorded: str | None = None) -> None:
        super().__init__(in_short(reason))
        self.recorded = recorded
