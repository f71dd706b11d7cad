"""The Security header of one channel's requests, and what its answers must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lxml import etree

from hub.adapters.proof.tls import trusted_file
from hub.adapters.proof.ws_security import names
from hub.adapters.proof.ws_security.answer import check_answer
from hub.adapters.proof.ws_security.names import soap, wsse
from hub.adapters.proof.ws_security.signing import Signer
from hub.adapters.proof.ws_security.tokens import User, add_timestamp
from hub.adapters.proof.ws_security.trust import Trusted
from hub.adapters.secrets import CredentialUnusable, resolve
from hub.config.certificates import CertificateUnusable, read_certificates, read_pair
from hub.config.models import WsSecurityAuth, WsSignature
from hub.domain.deadlines import parse_duration


@dataclass(frozen=True)
class WsSecurity:
    """Implements `hub.adapters.wire.MessageSecurity`. For use from several threads."""

    user: User | None = None
    timestamp: timedelta | None = None
    signer: Signer | None = None
    trusted: Trusted | None = None
    """Whose answers are believed; None where answers are not checked."""

    @property
    def checks_answers(self) -> bool:
        return self.trusted is not None

    def apply(self, envelope: etree._Element, headers: dict[str, str], now: datetime) -> None:
        """Add the Security header to a finished envelope: it must be the last thing done to it."""
        security = _security(envelope)
        parts = [envelope.find(soap(envelope, "Body"))]
        if self.timestamp is not None:
            parts.append(add_timestamp(security, now, self.timestamp))
        # A token stands before what points to it, so that a reader need not look ahead.
        token = None if self.signer is None else self.signer.add_token(security)
        if self.user is not None:
            parts.append(self.user.add_to(security, now))
        if self.signer is not None and token is not None:
            self.signer.sign(envelope, security, token, [part for part in parts if part is not None])

    def check(self, root: etree._Element, now: datetime) -> None:
        """Whether an answer is the agency's own. Raises Unproven."""
        if self.trusted is not None:
            check_answer(root, self.trusted, now)


def ws_security(auth: WsSecurityAuth, environment: Mapping[str, str], folder: Path) -> WsSecurity:
    """Raises CredentialUnusable."""
    user = signer = trusted = None
    if auth.username is not None and auth.password is not None:
        user = User(resolve(auth.username, environment), resolve(auth.password, environment), auth.digest)
    if auth.signature is not None:
        signer, trusted = _signature(auth.signature, environment, folder)
    timestamp = None if auth.timestamp is None else parse_duration(auth.timestamp)
    return WsSecurity(user, timestamp, signer, trusted)


def _signature(
    auth: WsSignature, environment: Mapping[str, str], folder: Path
) -> tuple[Signer, Trusted | None]:
    try:
        pair = read_pair(Path(resolve(auth.certificate, environment)), Path(resolve(auth.key, environment)))
        signer = Signer(pair, auth)
        if not auth.check_answer:
            return signer, None
        theirs = trusted_file(auth.agency_certificate, environment, folder)
        return signer, Trusted(read_certificates(theirs))
    except CertificateUnusable as wrong:
        raise CredentialUnusable(f"auth.ws_security.signature: {wrong}") from wrong


def _security(envelope: etree._Element) -> etree._Element:
    """A new Security header, which whoever does not understand it must turn down."""
    header = envelope.find(soap(envelope, "Header"))
    if header is None:
        header = etree.Element(soap(envelope, "Header"))
        envelope.insert(0, header)
    security = etree.SubElement(header, wsse("Security"), nsmap={"wsse": names.WSSE, "wsu": names.WSU})
    security.set(soap(envelope, "mustUnderstand"), "1")
    return security
