"""Mutual TLS: the certificate the hub shows, and whose certificates it believes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.adapters.secrets import CredentialUnusable, resolve
from hub.config.certificates import CertificateUnusable, read_certificates, read_pair
from hub.config.models import ChannelFile


@dataclass(frozen=True, slots=True)
class Tls:
    """Paths of PEM files; None where there is nothing of one's own."""

    certificate: str | None = None
    key: str | None = None
    trust: str | None = None
    """Authorities to believe, instead of the machine's."""

    @property
    def pair(self) -> tuple[str, str] | str | None:
        """As requests takes them: one file, or two."""
        if self.certificate is None or self.key is None:
            return self.certificate
        return self.certificate, self.key


def tls(channel: ChannelFile, environment: Mapping[str, str], folder: Path) -> Tls:
    """
    What a channel's connections use; its files are known to be usable.

    They are read anew with each connection, so a certificate that is renewed in its place is soon in use.
    Raises CredentialUnusable.
    """
    mutual = channel.auth.mtls
    certificate = key = None
    if mutual is not None:
        certificate = Path(resolve(mutual.certificate, environment))
        key = None if mutual.key is None else Path(resolve(mutual.key, environment))
        try:
            read_pair(certificate, key)
        except CertificateUnusable as wrong:
            raise CredentialUnusable(f"auth.mtls: {wrong}") from wrong
    trust = None if channel.trust is None else trusted_file(channel.trust, environment, folder)
    if trust is not None:
        try:
            read_certificates(trust)
        except CertificateUnusable as wrong:
            raise CredentialUnusable(f"trust: {wrong}") from wrong
    return Tls(_text(certificate), _text(key), _text(trust))


def trusted_file(text: str, environment: Mapping[str, str], folder: Path) -> Path:
    """Where a file lies that says whom to trust. Raises CredentialUnusable."""
    if text.startswith("env:"):
        return Path(resolve(text, environment))
    path = (folder / text).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise CredentialUnusable(f"{text} lies outside the configuration folder")
    return path


def _text(path: Path | None) -> str | None:
    return None if path is None else str(path)
