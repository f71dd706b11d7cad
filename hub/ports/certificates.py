"""Certificates with a quantity, and their ledger."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from hub.domain.certificates import Certificate, CertificateKey, CertificateStanding, LedgerEntry


class LedgerRefused(ValueError):
    """A certificate cannot be issued or corrected so: the message says why."""


class CertificateStore(Protocol):
    """
    The ledger of certificates. Blocking; each method is one transaction, and whatever order they come in, at
    every line of a ledger issued = reserved + written off + available, and none of these is negative.
    """

    def issue_certificate(self, certificate: Certificate, by: str, at: datetime) -> CertificateStanding:
        """
        Write a certificate down, or what has changed of it: another quantity is a correction. The same again
        changes nothing. Raises LedgerRefused when the unit changes, or less is left than is taken up.
        """

    def certificates(self, keys: Sequence[CertificateKey]) -> dict[CertificateKey, CertificateStanding]:
        """Those of them that are in the ledger."""

    def ledger(self, key: CertificateKey) -> list[LedgerEntry]:
        """The lines of a certificate, in order."""

    def allot(self, at: datetime, limit: int) -> list[str]:
        """
        Reserve for claims that wait what has come free, the longest waiting first; event
        `certificate.reserved`. The declarations whose workflows are to be told.
        """
