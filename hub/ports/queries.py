"""The store as the API and the command line read it, and who may use them."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from hub.domain.events import Event
from hub.domain.exchange import (
    Exchange,
    Message,
)
from hub.domain.model import Model, UtcDatetime
from hub.ports.retention import Tombstone
from hub.ports.views import DeclarationFilter, DeclarationView, Page


class Role(StrEnum):
    """What an API client may do."""

    CUSTOMS = "customs"
    """Lodges, and sees what it may: everything, or one declarant's when bound to that declarant."""
    AGENCY = "agency"
    """Sees the referrals of its own agency."""
    CARGO = "cargo"
    """A carrier or a warehouse: reports where cargo is."""
    OPERATOR = "operator"
    ADMIN = "admin"


class ApiClient(Model):
    """Who calls. Its key is kept as a hash only."""

    id: str
    name: str
    role: Role
    declarant: str | None = None
    agency: str | None = None
    created_at: UtcDatetime
    disabled: bool = False


class BadCursor(ValueError):
    """A cursor that this store did not give out."""


class RefusedCallback(Model):
    """A callback that was not let in, as recorded; `body` is its beginning."""

    agency: str
    at: UtcDatetime
    reason: str
    body: str


class QueryStore(Protocol):
    """The store as the API and the CLI read it, and API clients as they manage them. Blocking, as above."""

    def view(self, mrn: str) -> DeclarationView | None: ...

    def page(self, which: DeclarationFilter, cursor: str | None, limit: int) -> Page:
        """Raises BadCursor, and ValueError for a limit below one."""

    def tombstone(self, mrn: str) -> Tombstone | None:
        """What stays of a declaration that was archived."""

    def events(self, mrn: str, after: int, limit: int) -> list[Event]:
        """Events with `seq` greater than `after`, in order."""

    def exchanges(self, mrn: str) -> list[Exchange]:
        """Every exchange about a declaration, oldest first."""

    def messages(self, mrn: str) -> list[Message]:
        """The messages that decisions on a declaration were read from, oldest first."""

    def refused_callbacks(self, limit: int) -> list[RefusedCallback]:
        """Callbacks that were refused, newest first."""

    def open_referrals(self) -> dict[str, int]:
        """How many referrals wait for each agency: not DECIDED, of cases not closed."""

    def counts(self) -> dict[str, int]:
        """Gauges: declarations by outcome (`declarations.hold`), `not_started`, `untold`, `open_polls`,
        `notices_unsent`, `messages_unmatched`."""

    def add_client(self, client: ApiClient, key_hash: str) -> None:
        """Raises ValueError if the id is taken, or the key is another client's."""

    def client_by_key(self, key_hash: str) -> ApiClient | None:
        """The enabled client whose key has this hash."""

    def disable_client(self, client_id: str) -> None:
        """Its key opens nothing any more. Raises KeyError for an unknown id."""

    def clients(self) -> list[ApiClient]: ...

    def is_ready(self) -> bool:
        """Whether the store answers and its schema is the one this code expects."""
