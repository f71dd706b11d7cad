"""What an agency asks the declarant for, and what the declarant answers."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, UtcDatetime


class Scan(StrEnum):
    """What the virus scanner said of a document."""

    CLEAN = "clean"
    INFECTED = "infected"
    """Refused: such a document is never stored nor passed on."""
    NOT_SCANNED = "not_scanned"
    """No scanner is configured."""


class Document(Model):
    """A file that a declarant has handed in; its content is kept by its hash."""

    name: str
    media_type: str
    sha256: str
    """Of the content, in hexadecimal."""
    size: int
    """Octets."""
    scan: Scan


class Information(Model):
    """What the declarant answers to a request for information."""

    id: str
    """Given by the hub; a repeated answer with the same content has the same id."""
    request: str
    """Id of the decision that asked."""
    text: str
    documents: tuple[Document, ...] = ()
    given_at: UtcDatetime
    by: str
    """Id of the API client."""


class InformationRequest(Model):
    """
    What an agency asks for: a decision with the verdict `information_required`, with what became of it.

    The statutory clock of the referral stands still from `asked_at` until `passed_on_at`.
    """

    id: str
    """Id of the decision that asks."""
    items: tuple[int, ...]
    asked_at: UtcDatetime
    due_at: UtcDatetime | None
    """Until when the declarant may answer; None when the policy sets no time."""
    answer: str | None = None
    """Id of the information that answers it."""
    answered_at: UtcDatetime | None = None
    passed_on_at: UtcDatetime | None = None
    """When the agency had it."""
    expired_at: UtcDatetime | None = None
    """When the time to answer had passed without an answer."""

    @property
    def is_open(self) -> bool:
        """Whether the declarant may still answer it, late if need be."""
        return self.answered_at is None


class ClockStop(Model):
    """A time in which the statutory clock of a referral stands still."""

    from_: UtcDatetime
    until: UtcDatetime | None = None
    """None: it stands still now."""
    request: str
    """Id of the request for information that stopped it."""
