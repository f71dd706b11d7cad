"""The certificates and keys that a channel names: there, readable, a pair, and valid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from hub.config.certificates import (
    SOON,
    CertificateUnusable,
    ended,
    located,
    read_certificates,
    read_pair,
    subject,
)
from hub.config.faults import Key
from hub.config.models import ChannelFile
from hub.config.models.base import Holds
from hub.config.references import Found, credential_texts
from hub.config.schema_faults import FileReport

_AUTH: Key = ("channel", "auth")


def check_files(
    channel: ChannelFile,
    folder: Path,
    environment: Mapping[str, str] | None,
    now: datetime,
    report: FileReport,
) -> None:
    """
    Every file of credentials of a channel.

    A certificate whose time is over is a warning: time passes by itself, and the requests of one agency that
    fail for it must not keep a hub from starting for all the others.

    Those that a variable names are looked at where `environment` is given; those below the folder always, but
    for their time, which passes wherever they are. A variable that is not set is told elsewhere.
    """
    known = {} if environment is None else environment
    for found in credential_texts(channel):
        if not report.is_sure(found.key):
            continue
        if found.holds is Holds.TRUST_FILE:
            _check_trust(found, folder, known, None if environment is None else now, report)
    if environment is None:
        return
    for key, certificate, private in _pairs(channel):
        _check_pair(key, _path(certificate, known), _path(private, known), now, report)
    _check_algorithm(channel, known, report)


def _check_trust(
    found: Found, folder: Path, environment: Mapping[str, str], now: datetime | None, report: FileReport
) -> None:
    if found.variable is None and not _is_below(found.text):
        report.add(
            found.key,
            f"{found.text!r} leads out of the folder",
            "write a path below it, or env:NAME of the path of a file elsewhere",
        )
        return
    path = located(found, environment, folder)
    if path is None:
        if found.variable is None:
            report.add(
                found.key, f"{found.text!r} is a link out of the folder", "copy the file into the folder"
            )
        return
    try:
        certificates = read_certificates(path)
    except CertificateUnusable as wrong:
        report.add(found.key, str(wrong), "put a PEM file of certificates there")
        return
    if now is None:
        return
    # Several may stand there for the time of a change: one that is valid is enough.
    over = ended(certificates, now)
    if all(ended([one], now) for one in certificates):
        report.warn(found.key, str(over), "ask the agency for its new certificate")
    else:
        _warn_of_the_end(certificates, found.key, now, report)


def _pairs(channel: ChannelFile) -> Iterator[tuple[Key, str, str | None]]:
    mutual, security = channel.auth.mtls, channel.auth.ws_security
    if mutual is not None:
        yield (*_AUTH, "mtls"), mutual.certificate, mutual.key
    if security is not None and security.signature is not None:
        signature = security.signature
        yield (*_AUTH, "ws_security", "signature"), signature.certificate, signature.key


def _check_pair(
    key: Key, certificate: Path | None, private: Path | None, now: datetime, report: FileReport
) -> None:
    if certificate is None:
        return  # the variable is not set, or the text is none: told elsewhere
    try:
        read = read_certificates(certificate)
    except CertificateUnusable as wrong:
        report.add((*key, "certificate"), str(wrong), "name the path of a PEM file that the hub may read")
        return
    over = ended(read[:1], now)
    if over is not None:
        report.warn((*key, "certificate"), over, "have it renewed, and put the new one in its place")
    else:
        _warn_of_the_end(read, (*key, "certificate"), now, report)
    try:
        read_pair(certificate, private)
    except CertificateUnusable as wrong:
        place = "certificate" if private is None else "key"
        report.add((*key, place), str(wrong), "name the PEM file of the certificate's own key, not encrypted")


def _check_algorithm(channel: ChannelFile, environment: Mapping[str, str], report: FileReport) -> None:
    security = channel.auth.ws_security
    if security is None or security.signature is None:
        return
    path = _path(security.signature.certificate, environment)
    if path is None:
        return
    try:
        key = read_certificates(path)[0].public_key()
    except CertificateUnusable:
        return
    on_curve = isinstance(key, ec.EllipticCurvePublicKey)
    if on_curve != security.signature.algorithm.startswith("ecdsa"):
        report.add(
            (*_AUTH, "ws_security", "signature", "algorithm"),
            f"the key is {'on an elliptic curve' if on_curve else 'RSA'}, and does not go with "
            f"{security.signature.algorithm}",
            f"write {'ecdsa-sha256' if on_curve else 'rsa-sha256'}, or use another key",
        )


def _warn_of_the_end(
    certificates: list[x509.Certificate], key: Key, now: datetime, report: FileReport
) -> None:
    for one in certificates:
        if one.not_valid_after_utc - now < SOON:
            report.warn(
                key,
                f"the certificate of {subject(one)} ends on {one.not_valid_after_utc:%Y-%m-%d}",
                "have the next one ready",
            )


def _path(text: str | None, environment: Mapping[str, str]) -> Path | None:
    if text is None or not text.startswith("env:"):
        return None
    value = environment.get(text.removeprefix("env:"), "")
    return Path(value) if value else None


def _is_below(text: str) -> bool:
    path = PurePosixPath(text)
    return "\0" not in text and not path.is_absolute() and ".." not in path.parts
