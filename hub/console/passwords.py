"""Passwords: hashed with argon2id, never kept, never logged."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from hub.console.i18n import _

LEAST_LENGTH = 12
"""Characters. Length is what counts; no rule asks for digits or signs (NIST SP 800-63B, 5.1.1.2)."""
MOST_LENGTH = 200
_LEAST_DIFFERENT = 5

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


def fault_of(password: str, name: str) -> str | None:
    """What keeps a password from being taken, in words marked for translation; None: nothing."""
    if len(password) < LEAST_LENGTH:
        return _("Too short: a password has at least %(least)s characters.")
    if len(password) > MOST_LENGTH:
        return _("Too long: a password has at most %(most)s characters.")
    if name.lower() in password.lower() or len(set(password)) < _LEAST_DIFFERENT:
        return _("Too easy to guess: do not use your name, or a few characters over and over.")
    return None


FAULT_VALUES = {"least": LEAST_LENGTH, "most": MOST_LENGTH}
"""What is filled into the words of `fault_of`."""


def new_password() -> str:
    """A password for a first sign-in: 100 bits, without letters that look alike."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _letter in range(5)) for _group in range(4))
