"""
What the expressions of a channel see, by where they stand.

Loading checks by this table; what the adapters hand over has at least these.
"""

from __future__ import annotations

SUBMIT = frozenset({"referral", "declaration", "items", "agency"})
"""Request, query, headers and path of `submit`."""

FOLLOW_UP = SUBMIT | {"receipt"}
"""The same of `poll` and `look_up`."""

READING = FOLLOW_UP | {"reply", "status", "fault", "headers"}
"""Receipt, decision, errors and `found` of the answer to `submit`, `poll` or `look_up`."""

PULL = frozenset({"agency"})
"""Request, query, headers and path of a feed's `pull`."""

FEED_READING = PULL | {"reply", "status", "fault", "headers"}
"""`messages` of a feed, and the errors of its `pull` and `acknowledge`."""

MESSAGE = frozenset({"agency", "message", "headers"})
"""A callback, or one message of a feed."""

ACKNOWLEDGE = frozenset({"agency", "ids"})
"""Request, query, headers and path of a feed's `acknowledge`."""
