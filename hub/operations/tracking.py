"""Following a declaration without an account: by a link, or by its reference and the link's code."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address

from hub.ports import Clock, DeclarationView, QueryStore, TrackingLink, TrackingLinks

KEPT = timedelta(days=90)
"""How long a link goes on opening after the declaration is closed, unless the settings say otherwise."""

MOST_LINKS = 20
"""Open links of one declaration."""

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: without letters that are taken for digits."""
_LENGTH = 20
"""Five bits each: a hundred in all, which nobody guesses, and which can still be read out to somebody."""
_LETTERS = str.maketrans("OIL", "011")
_BESIDE = re.compile(r"[\s-]+")


@dataclass(frozen=True)
class Patience:
    """How often somebody may fail: `burst` times at once, and once more after each `every`."""

    every: timedelta
    burst: int


OF_AN_ADDRESS = Patience(every=timedelta(seconds=10), burst=30)
OF_A_REFERENCE = Patience(every=timedelta(minutes=1), burst=20)
"""Whoever knows the link is not kept out by others' guesses at the reference."""


class NotFollowed(Exception):
    """Nothing is opened: there is no such link, it is revoked or too old, or it is of another reference."""


class TooManyFailures(Exception):
    """This address, or whoever asks for this reference, has failed too often."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"too many failures; wait {wait}")
        self.wait = wait


class TooManyLinks(Exception):
    """The declaration has as many open links as one may have."""


def new_code() -> str:
    """The secret of a link, as it is shown: `7Q2M9-D4X1C-8TB5K-ZW3NA`."""
    return as_shown("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH)))


def as_shown(code: str) -> str:
    """A code as people are shown it, however it was typed."""
    meant = _meant(code)
    return "-".join(meant[at : at + 5] for at in range(0, len(meant), 5))


def code_hash(code: str) -> str:
    """
    The SHA-256 of a code, as the store keeps it; however it is typed, and whatever it is.

    It is random and long, so that its hash needs neither salt nor stretching: there is no dictionary to try
    it against.
    """
    return hashlib.sha256(_meant(code).encode("utf-8", "surrogatepass")).hexdigest()


def _meant(code: str) -> str:
    return _BESIDE.sub("", code).upper().translate(_LETTERS)


def sender_of(address: str | None) -> str:
    """Who an address stands for: an IPv6 sender has a whole /64 of them."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return address or ""
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    return str(parsed.ipv4_mapped) if parsed.ipv4_mapped else parsed.packed[:8].hex()


class Tracking:
    """Links of declarations: made, revoked, and followed. Blocking, as the store is."""

    def __init__(
        self, links: TrackingLinks, queries: QueryStore, clock: Clock, kept: timedelta = KEPT
    ) -> None:
        self._links = links
        self._queries = queries
        self._clock = clock
        self.kept = kept

    def make(self, mrn: str, by: str) -> tuple[TrackingLink, str]:
        """A new link and its code, which is shown now and never again. Raises KeyError, TooManyLinks."""
        code = new_code()
        link = TrackingLink(id=secrets.token_hex(4), mrn=mrn, made_at=self._clock(), made_by=by)
        if not self._links.add_tracking_link(link, code_hash(code), MOST_LINKS):
            raise TooManyLinks(mrn)
        return link, code

    def links(self, mrn: str) -> list[TrackingLink]:
        """All of a declaration, revoked ones too."""
        return self._links.tracking_links(mrn)

    def revoke(self, mrn: str, id: str) -> None:
        """It opens nothing any more. Idempotent. Raises KeyError."""
        self._links.revoke_tracking_link(mrn, id, self._clock())

    def ends_at(self, view: DeclarationView) -> datetime | None:
        """Until when links of a declaration open it; None while it is not closed."""
        return None if view.closed_at is None else view.closed_at + self.kept

    def follow(self, code: str, address: str | None, reference: str | None = None) -> DeclarationView:
        """
        The declaration that a code opens; with a reference, only if that is its mrn, lrn or ucr.

        Raises NotFollowed, which says nothing of what was wrong, and takes as long whatever it was: the code
        is looked for in any case, and the reference is held against what the code opens. Only failures are
        counted, by address and by reference, for all processes together. Raises TooManyFailures.
        """
        at = self._clock()
        limits = [(f"address {sender_of(address)}", OF_AN_ADDRESS)]
        if reference is not None:
            limits.append((f"reference {_hashed(reference)}", OF_A_REFERENCE))
        for who, patience in limits:
            wait = self._links.may_fail_again_in([who], at, patience.every, patience.burst)
            if wait > timedelta(0):
                raise TooManyFailures(wait)
        view = self._opened(code, at)
        if view is None or (reference is not None and not _is_of(view, reference)):
            for who, patience in limits:
                self._links.note_failure([who], at, patience.every)
            raise NotFollowed
        return view

    def _opened(self, code: str, at: datetime) -> DeclarationView | None:
        link = self._links.tracking_link(code_hash(code))
        if link is None or link.revoked_at is not None:
            return None
        view = self._queries.view(link.mrn)
        if view is None:
            return None
        ends_at = self.ends_at(view)
        return view if ends_at is None or at < ends_at else None


def _is_of(view: DeclarationView, reference: str) -> bool:
    declaration = view.acceptance.declaration
    known = {view.acceptance.mrn, declaration.lrn, declaration.consignment.ucr}
    return _plain(reference) in {_plain(one) for one in known}


def _plain(reference: str) -> str:
    return _BESIDE.sub("", reference).upper()


def _hashed(reference: str) -> str:
    """What people type into a form is not kept."""
    return hashlib.sha256(_plain(reference).encode("utf-8", "surrogatepass")).hexdigest()
