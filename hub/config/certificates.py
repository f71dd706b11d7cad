"""PEM files of certificates and keys: read, and held against the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.config.faults import Key
from hub.config.models import AgencyFile
from hub.config.models.base import Holds
from hub.config.references import Found, credential_texts

SOON = timedelta(days=30)
"""How long before its end a certificate is worth a warning."""
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class CertificateUnusable(Exception):
    """A file that holds no certificate or key that can be used. The message says why, and names no secret."""


@dataclass(frozen=True)
class Pair:
    """A certificate of ours with its key; `chain` is what stands between it and its root."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    key: PrivateKey = field(repr=False)


@dataclass(frozen=True)
class Expiring:
    """A certificate that ends soon, or has ended."""

    key: Key
    """The way to it in the agency's file."""
    subject: str
    ends: datetime
    days: int
    """Whole days left; negative when it has ended."""


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Every certificate of a PEM file, in its order. Raises CertificateUnusable."""
    content = _content(path)
    try:
        return x509.load_pem_x509_certificates(content)
    except ValueError as wrong:
        raise CertificateUnusable("the file holds no PEM certificate that can be read") from wrong


def read_pair(certificate: Path, key: Path | None) -> Pair:
    """A certificate and its key, perhaps from the same file. Raises CertificateUnusable."""
    first, *others = read_certificates(certificate)
    content = _content(key or certificate)
    try:
        read = load_pem_private_key(content, password=None)
    except TypeError as wrong:
        raise CertificateUnusable("the key is encrypted, and nobody can be asked for its password") from wrong
    except (ValueError, UnsupportedAlgorithm) as wrong:
        raise CertificateUnusable("the file holds no PEM private key that can be read") from wrong
    if not isinstance(read, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise CertificateUnusable("the key is neither RSA nor on an elliptic curve")
    if read.public_key() != first.public_key():
        raise CertificateUnusable("the key is not that of the first certificate")
    return Pair(first, tuple(others), read)


def located(found: Found, environment: Mapping[str, str], folder: Path) -> Path | None:
    """Where a file lies; None while its variable is not set, or where the text leads out of the folder."""
    if found.variable is not None:
        value = environment.get(found.variable, "")
        return Path(value) if value else None
    path = (folder / found.text).resolve()
    return path if path.is_relative_to(folder.resolve()) else None


def subject(certificate: x509.Certificate) -> str:
    """Whose it is, as `CN=hub,O=Customs`."""
    return certificate.subject.rfc4514_string() or "nobody by name"


def ended(certificates: Sequence[x509.Certificate], now: datetime) -> str | None:
    """Which of these are not valid now, in words; None when all are."""
    for one in certificates:
        if one.not_valid_after_utc < now:
            return f"the certificate of {subject(one)} expired on {one.not_valid_after_utc:%Y-%m-%d}"
        if one.not_valid_before_utc > now:
            return (
                f"the certificate of {subject(one)} is not valid before {one.not_valid_before_utc:%Y-%m-%d}"
            )
    return None


def expiring(
    file: AgencyFile, environment: Mapping[str, str], now: datetime, folder: Path
) -> Iterator[Expiring]:
    """
    The certificates of an agency's file that end within `SOON`, or have ended.

    Ours and those we trust alike. Files that cannot be read are left out: loading tells of them.
    """
    for found in credential_texts(file.channel):
        if found.holds not in (Holds.KEY_FILE, Holds.TRUST_FILE) or found.key[-1] == "key":
            continue
        path = located(found, environment, folder)
        if path is None:
            continue
        try:
            certificates = read_certificates(path)
        except CertificateUnusable:
            continue
        for one in certificates:
            left = one.not_valid_after_utc - now
            if left < SOON:
                yield Expiring(found.key, subject(one), one.not_valid_after_utc, left // timedelta(days=1))


def stamps(file: AgencyFile, environment: Mapping[str, str] | None) -> tuple[tuple[str, int, int], ...]:
    """Path, size and time of each file that a variable of the file names: another, once a file is renewed."""
    found = []
    for one in credential_texts(file.channel):
        if one.holds in (Holds.KEY_FILE, Holds.TRUST_FILE) and one.variable is not None:
            path = (environment or {}).get(one.variable, "")
            try:
                told = Path(path).stat()
            except (OSError, ValueError):
                found.append((path, 0, 0))
            else:
                found.append((path, told.st_size, told.st_mtime_ns))
    return tuple(found)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as wrong:
        raise CertificateUnusable(f"the file cannot be read: {wrong.strerror}") from wrong
    except ValueError as wrong:  # a NUL in the name
        raise CertificateUnusable("that is no name of a file") from wrong
