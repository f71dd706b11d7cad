"""
What the expressions of a channel see, by where they stand.

Loading checks by this table; what the adapters hand over has at least these. `session` is seen only where the
channel logs in first, and of `secret` what the channel's `secrets` name. Answers are read without either.
"""

from __future__ import annotations

_AGENCY = frozenset({"agency", "table"})
_ANSWER = frozenset({"reply", "status", "fault", "headers", "header"})
"""`headers` are HTTP's; `header` are the parts of a SOAP envelope's Header, by local name."""

_PROOF = frozenset({"session", "secret"})

LOGIN = _AGENCY | {"secret"}
"""Request, query, headers and path of `login`."""

LOGIN_READING = _AGENCY | _ANSWER
"""What is read from the answer to `login`."""

SUBMIT = _AGENCY | _PROOF | {"referral", "declaration", "items"}
"""Request, query, headers and path of `submit`."""

FOLLOW_UP = SUBMIT | {"receipt"}
"""The same of `poll`, `look_up`, `amend` and `remind`."""

WITHDRAW = FOLLOW_UP | {"withdrawal"}
"""The same of `withdraw`: `reason` and `remarks`, both empty where the declaration goes on without it."""

INFORM = FOLLOW_UP | {"information", "documents"}
"""
The same of `inform`: the declarant's answer, and its documents: each has `name`, `type`, `sha256`, `size` and
`base64`, the content in Base64 (RFC 4648 section 4), since CEL holds no octets here.
"""

FOLLOWING = {
    "look_up": FOLLOW_UP,
    "poll": FOLLOW_UP,
    "amend": FOLLOW_UP,
    "withdraw": WITHDRAW,
    "inform": INFORM,
    "remind": FOLLOW_UP,
}
"""By the key of the channel: the operations about a referral that the agency has, or may have."""

READING = (FOLLOW_UP | _ANSWER) - _PROOF
"""Receipt, decision, errors and `found` of the answer to any of these operations."""

PULL = _AGENCY | _PROOF | {"page"}
"""Request, query, headers and path of a feed's `pull`."""

FEED_READING = _AGENCY | _ANSWER
"""`messages` and `next_page` of a feed, and the errors of its operations."""

MESSAGE = _AGENCY | {"message", "headers"}
"""A callback, or one message of a feed."""

ACKNOWLEDGE = _AGENCY | _PROOF | {"ids", "id"}
"""Request, query, headers and path of a feed's `acknowledge`."""

REJECT = ACKNOWLEDGE | {"reason"}
"""The same of a feed's `reject`."""

SIGNING = frozenset({"method", "path", "query", "body", "body_sha256", "timestamp", "nonce"})
"""The text that a request's HMAC is taken over."""
