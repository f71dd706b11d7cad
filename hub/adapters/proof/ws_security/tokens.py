"""What says who sends, and when: the UsernameToken and the Timestamp of a Security header."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from lxml import etree

from hub.adapters.proof.ws_security import names
from hub.adapters.proof.ws_security.names import wsse, wsu


@dataclass(frozen=True, slots=True)
class User:
    """A user and a password (UsernameToken Profile 1.1, section 3)."""

    username: str = field(repr=False)
    password: str = field(repr=False)
    digest: bool

    def add_to(self, security: etree._Element, now: datetime) -> etree._Element:
        """The token, added to a Security header: nonce and time go with the password in either form."""
        token = etree.SubElement(security, wsse("UsernameToken"))
        etree.SubElement(token, wsse("Username")).text = self.username
        nonce, created = secrets.token_bytes(16), instant(now)
        password = etree.SubElement(token, wsse("Password"))
        if self.digest:
            # The profile demands SHA-1; the secret is in the password, not in the strength of the hash.
            hashed = hashlib.sha1(nonce + created.encode() + self.password.encode(), usedforsecurity=False)
            password.set("Type", names.PASSWORD_DIGEST)
            password.text = base64.b64encode(hashed.digest()).decode()
        else:
            password.set("Type", names.PASSWORD_TEXT)
            password.text = self.password
        told = etree.SubElement(token, wsse("Nonce"), EncodingType=names.BASE64)
        told.text = base64.b64encode(nonce).decode()
        etree.SubElement(token, wsu("Created")).text = created
        return token


def add_timestamp(security: etree._Element, now: datetime, lasts: timedelta) -> etree._Element:
    """A Timestamp (SOAP Message Security 1.1, section 10) that expires after so long."""
    timestamp = etree.SubElement(security, wsu("Timestamp"))
    etree.SubElement(timestamp, wsu("Created")).text = instant(now)
    etree.SubElement(timestamp, wsu("Expires")).text = instant(now + lasts)
    return timestamp


def instant(moment: datetime) -> str:
    """UTC to the second, as `2026-03-01T09:30:00Z`: what every stack can read."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
