"""What goes to an agency and what comes back, in the hub's own terms."""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import Any

from pydantic import ConfigDict

from hub.domain.declaration import Declaration
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Receipt, ReferralTerms


class Dossier(Model):
    """What an adapter translates into a request: the declaration, and what is asked of the service."""

    declaration: Declaration
    terms: ReferralTerms
    accepted_at: UtcDatetime
    receipt: Receipt | None = None
    former: tuple[str, ...] = ()
    """Earlier ids of the referral, under which it was submitted before it was withdrawn."""


class Exchange(Model):
    """One request and its answer, as recorded; secrets are scrubbed before it exists."""

    id: str
    agency: str
    kind: str
    """
    submit, look_up, amend, withdraw, inform, remind, poll, pull, acknowledge, reject, callback, notice, token
    or login.
    """
    mrn: str | None
    service: str | None
    started_at: UtcDatetime
    milliseconds: int
    request: dict[str, Any]
    """method, url, headers, body (text)."""
    reply: dict[str, Any] | None
    """status, headers, body (text); None when no answer was read."""
    reading: str
    """How it was understood, in one line: `receipt R-12`, `approved`, `unavailable: connection refused`."""
    attempts: int = 1
    config_version: str = ""

    def digest(self) -> str:
        """SHA-256 of what was said, in hexadecimal: of its JSON with sorted keys and no blanks."""
        said = json.dumps(
            self.model_dump(mode="json"), ensure_ascii=True, sort_keys=True, separators=(",", ":")
        )
        return hashlib.sha256(said.encode()).hexdigest()


class Submission(Model):
    """What a hand-over came to: the agency has it, and may have decided already."""

    receipt: Receipt
    decisions: tuple[Decision, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class LookUp(Model):
    """What asking by our reference found; `submission` is None when the agency does not have it."""

    submission: Submission | None
    resend_from: UtcDatetime
    """
    "Not found" counts only from then on: until the channel's time-out has passed since it was sent, the first
    request may still take effect. Where our reference is a key, that is at once.
    """
    exchanges: tuple[Exchange, ...] = ()


class Answer(Model):
    """What a poll found; no decisions means not decided yet."""

    decisions: tuple[Decision, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class Asked(StrEnum):
    """What a channel may be able to do with a referral that the agency has, beside deciding it."""

    AMEND = "amend"
    """Give it other content, under the same reference."""
    WITHDRAW = "withdraw"
    INFORM = "inform"
    """Answer the agency's question."""
    REMIND = "remind"


class Enclosure(Model):
    """A document that is passed on to an agency."""

    model_config = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    name: str
    media_type: str
    sha256: str
    content: bytes


class InformationContent(Model):
    """An answer of the declarant, as it is passed on."""

    id: str
    """Of the answer; a repeated one has the same."""
    request: str
    """Id of the decision that asked."""
    request_reference: str | None
    """The agency's own number for that decision."""
    text: str
    given_at: UtcDatetime
    enclosures: tuple[Enclosure, ...] = ()


class Message(Model):
    """One message of an agency, by callback or from its feed, as read."""

    agency: str
    message_id: str
    """Unique for the agency: its own id, or a hash of the body."""
    referral: str | None = None
    """Our reference, if the message carries it."""
    agency_reference: str | None = None
    """The agency's reference, if the message carries it."""
    decisions: tuple[Decision, ...] = ()
    """With `referral` set to our reference, or to "" while only the agency's reference is known."""
    trouble: str | None = None
    """Why it could not be read. Such a message is kept and blocks no other."""
    raw: str
    via: str
    received_at: UtcDatetime
    evidence: str | None = None
    """SHA-256 of the exchange that it was read from, where it has no text of its own."""


class FeedPage(Model):
    """One page of a feed, as it is asked for."""

    number: int = 1
    """The first is 1."""
    cursor: str = ""
    """What the agency gave to ask for this page by; empty for the first."""
    address: str | None = None
    """Where it is, whole, when the agency told that instead."""


class Feed(Model):
    """One page of the messages waiting in an agency's feed, not acknowledged yet."""

    messages: tuple[Message, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    next: FeedPage | None = None
    """The page after this one; None when this is the last that is to be pulled now."""
    trouble: str | None = None
    """Why it cannot be told whether there are more pages."""
