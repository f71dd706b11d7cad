"""
Keys of API clients.

A key is 32 random bytes, so its hash needs neither salt nor stretching: there is no dictionary to try it
against, and a fast hash keeps every request fast. Only the hash is stored.
"""

from __future__ import annotations

import hashlib
import secrets

KEY_PREFIX = "hub_"
"""Lets secret scanners, and people, recognise a key that leaked."""


def new_key() -> tuple[str, str]:
    """A new key and the hash to store: the key is shown once and never again."""
    key = KEY_PREFIX + secrets.token_urlsafe(32)
    return key, key_hash(key)


def key_hash(key: str) -> str:
    """SHA-256 of a key, in hexadecimal."""
    return hashlib.sha256(key.encode()).hexdigest()
