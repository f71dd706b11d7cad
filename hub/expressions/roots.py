"""What the expressions of a channel see, by where they stand: the one table loader and adapters share."""

from __future__ import annotations

SUBMIT = frozenset({"referral", "declaration", "items", "agency"})
"""Request, query, headers and path of `submit`."""

FOLLOW_UP = SUBMIT | {"receipt"}
"""The same of `poll` and `look_up`."""

READING = frozenset({"reply", "status", "fault", "receipt", "referral"})
"""Receipt, decision, errors and `found` of an answer to `submit`, `poll` and `look_up`."""

PULL = frozenset({"agency"})
"""Request, query, headers and path of a feed's `pull`."""

FEED_READING = frozenset({"reply", "status", "fault"})
"""`messages` of a feed, and the errors of its `pull` and `acknowledge`."""

MESSAGE = frozenset({"message"})
"""A callback, or one message of a feed."""

ACKNOWLEDGE = frozenset({"ids", "agency"})
"""Request, query, headers and path of a feed's `acknowledge`."""
