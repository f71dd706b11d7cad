"""Documents that come with the answer to a question."""

from __future__ import annotations

import base64
import binascii
import hashlib

from hub.simulator.errors import Invalid
from hub.simulator.ledger import Enclosure


def enclosed(*, name: str, media_type: str, content: str, sha256: str) -> Enclosure:
    """
    A document as it arrived; `content` is in Base64, `sha256` in hexadecimal.

    Raises Invalid when it cannot be decoded, or is not what its hash says.
    """
    try:
        octets = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Invalid(f"{name} is not in Base64: {wrong}") from wrong
    arrived = hashlib.sha256(octets).hexdigest()
    if arrived != sha256:
        raise Invalid(f"{name} did not come whole: its SHA-256 is {arrived}, not {sha256}")
    return Enclosure(name, media_type, arrived, len(octets))
