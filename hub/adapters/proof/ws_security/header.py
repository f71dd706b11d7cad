"""The Security header of one channel's requests, and what its answers must show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from lxml import etree

from hub.adapters.proof.ws_security import names
from hub.adapters.proof.ws_security.names import soap, wsse
from hub.adapters.proof.ws_security.tokens import User, add_timestamp
from hub.adapters.secrets import resolve
from hub.config.models import WsSecurityAuth
from hub.domain.deadlines import parse_duration


@dataclass(frozen=True)
class WsSecurity:
    """Implements `hub.adapters.wire.MessageSecurity`. For use from several threads."""

    user: User | None = None
    timestamp: timedelta | None = None

    def apply(self, envelope: etree._Element, headers: dict[str, str], now: datetime) -> None:
        """Add the Security header to a finished envelope: it must be the last thing done to it."""
        security = _security(envelope)
        if self.timestamp is not None:
            add_timestamp(security, now, self.timestamp)
        if self.user is not None:
            self.user.add_to(security, now)

    def check(self, root: etree._Element, now: datetime) -> None:
        """Whether an answer is the agency's own. Raises Unproven."""


def ws_security(auth: WsSecurityAuth, environment: Mapping[str, str], folder: Path) -> WsSecurity:
    """Raises SecretMissing."""
    user = None
    if auth.username is not None and auth.password is not None:
        user = User(resolve(auth.username, environment), resolve(auth.password, environment), auth.digest)
    return WsSecurity(user, None if auth.timestamp is None else parse_duration(auth.timestamp))


def _security(envelope: etree._Element) -> etree._Element:
    """A new Security header, which whoever does not understand it must turn down."""
    header = envelope.find(soap(envelope, "Header"))
    if header is None:
        header = etree.Element(soap(envelope, "Header"))
        envelope.insert(0, header)
    security = etree.SubElement(header, wsse("Security"), nsmap={"wsse": names.WSSE, "wsu": names.WSU})
    security.set(soap(envelope, "mustUnderstand"), "1")
    return security
