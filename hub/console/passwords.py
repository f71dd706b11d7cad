"""Passwords: hashed with argon2id, never kept, never logged."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

LEAST_LENGTH = 12
"""Characters. Length is what counts; no rule asks for digits or signs (NIST SP 800-63B, 5.1.1.2)."""
MOST_LENGTH = 200

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""Argon2id with 64 MiB and three passes: the second choice of RFC 9106, 4."""


def hash_of(password: str) -> str:
    """The hash to keep. Takes some 50 ms of a processor: call it in a thread."""
    return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """
    Whether a password is the one that was hashed. Blocking.

    As slow when nothing is kept, so that nobody learns from the time which users there are.
    """
    try:
        return _HASHER.verify(kept or _nobodys(), password) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(kept: str) -> bool:
    """Whether it was hashed by other parameters than are used now."""
    return _HASHER.check_needs_rehash(kept)


@cache
def _nobodys() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def new_password() -> str:
    """A password for a first sign-in: 100 bits, without letters that look alike."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(5)) for _ in range(4))
