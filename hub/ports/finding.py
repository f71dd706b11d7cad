"""Declarations as people look for them, and the parts of one that are too long for one page."""

from __future__ import annotations

from typing import Protocol

from hub.domain.exchange import Exchange
from hub.domain.information import Information
from hub.domain.model import Model
from hub.ports.views import DeclarationRow


class ExchangePage(Model):
    """The newest first; `cursor` continues after the last, None at the end."""

    exchanges: tuple[Exchange, ...]
    cursor: str | None


class Finding(Protocol):
    """Blocking, as the store is."""

    def find(self, text: str, agency: str | None, limit: int) -> list[DeclarationRow]:
        """
        Declarations by an mrn (or the first six of its characters or more), lrn, ucr or cargo management
        number, the newest first; those put to that agency only, where one is given.
        """

    def exchanges_of(self, mrn: str, service: str | None, cursor: str | None, limit: int) -> ExchangePage:
        """
        Exchanges about a declaration, or about one of its referrals. Raises BadCursor. A page may hold fewer
        than `limit`, and still not be the last.
        """

    def count_exchanges(self, mrn: str) -> int:
        """How many there are."""

    def answers_of(self, mrn: str) -> list[tuple[str, Information]]:
        """What the declarant has answered: service and answer, in order."""

    def document(self, mrn: str, sha256: str) -> bytes | None:
        """The content of a document that the declarant handed in."""
