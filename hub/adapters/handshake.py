"""What went wrong in a TLS handshake, in words that say whose certificate it is about and what to do."""

from __future__ import annotations

import ssl
from urllib.parse import urlsplit

from cryptography import x509

from hub.config.certificates import subject

_PATIENCE = 2.0
_EXPIRED, _NOT_YET = 10, 9  # OpenSSL's X509_V_ERR_*
_OTHER_NAME = {62, 64}
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}

# Alerts by which a server turns down what we showed, or did not show, before it reads a request.
_WANTED = "CERTIFICATE_REQUIRED"
_REFUSED = "HANDSHAKE_FAILURE"
_ABOUT_OURS = {
    "BAD_CERTIFICATE": "it cannot use it",
    "UNSUPPORTED_CERTIFICATE": "it does not take its kind",
    "CERTIFICATE_REVOKED": "it was revoked",
    "CERTIFICATE_EXPIRED": "it has expired",
    "CERTIFICATE_UNKNOWN": "it does not know it",
    "UNKNOWN_CA": "it does not know the authority that issued it",
    "ACCESS_DENIED": "it gives it no access",
    "DECRYPT_ERROR": "its key does not fit",
}
_BEFORE_ANYTHING = (
    "WRONG_VERSION",
    "HANDSHAKE",
    "UNSUPPORTED_PROTOCOL",
    "KEY_VALUES_MISMATCH",
    "NO_START_LINE",
)


def before_the_request(error: object) -> bool:
    """Whether TLS failed before the server read the first byte of a request."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return True
    if not isinstance(error, ssl.SSLError):
        return False
    return _alert(error) is not None or any(word in str(error) for word in _BEFORE_ANYTHING)


def words(error: object, url: str | None, *, has_certificate: bool) -> str | None:
    """What was wrong; None when it is nothing that this module knows."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _about_theirs(error, url)
    alert = _alert(error) if isinstance(error, ssl.SSLError) else None
    if alert is None:
        return None
    if alert == _WANTED or (alert in _ABOUT_OURS and not has_certificate):
        return "it wants a client certificate, and the channel shows none"
    if alert == _REFUSED:  # TLS 1.2 has no word of its own for a certificate that is missing
        return "it turns the handshake down" + (
            "" if has_certificate else "; perhaps it wants a client certificate, and the channel shows none"
        )
    return f"it turns our client certificate down: {_ABOUT_OURS[alert]}"


def _alert(error: ssl.SSLError) -> str | None:
    text = str(error)
    if "ALERT" not in text:
        return None
    return next((word for word in (_WANTED, _REFUSED, *_ABOUT_OURS) if word in text), None)


def _about_theirs(error: ssl.SSLCertVerificationError, url: str | None) -> str:
    code = error.verify_code
    theirs = _certificate_of(url)
    if code == _EXPIRED:
        return "its certificate expired" + (
            f" on {theirs.not_valid_after_utc:%Y-%m-%d}" if theirs is not None else ""
        )
    if code == _NOT_YET:
        return "its certificate is not valid yet" + (
            f", but from {theirs.not_valid_before_utc:%Y-%m-%d}" if theirs is not None else ""
        )
    if code in _OTHER_NAME:
        names = ", ".join(_names(theirs)) if theirs is not None else ""
        return f"its certificate is not for this address{f', but for {names}' if names else ''}"
    if code in _UNKNOWN_AUTHORITY:
        of = f" ({subject(theirs)})" if theirs is not None else ""
        return (
            f"its certificate{of} was not issued by an authority that is trusted here; "
            "`trust` of the channel names its authorities"
        )
    return f"its certificate cannot be believed: {error.verify_message}"


def _certificate_of(url: str | None) -> x509.Certificate | None:
    """
    The certificate that a server shows, to tell people about it.

    Nothing is sent over this connection, and nothing that is read from it is believed.
    """
    if url is None:
        return None
    parts = urlsplit(url)
    if not parts.hostname:
        return None
    try:
        shown = ssl.get_server_certificate((parts.hostname, parts.port or 443), timeout=_PATIENCE)
        return x509.load_pem_x509_certificate(shown.encode())
    except (OSError, ValueError):
        return None


def _names(certificate: x509.Certificate) -> list[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [subject(certificate)]
    return [str(name.value) for name in found][:5]
