"""What a contract offers, SOAP and REST alike: operations, messages that come in, proofs, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hub.adapters.shape import Part, Shape


@dataclass(frozen=True)
class Parameter:
    """A parameter of a REST operation."""

    where: str
    """query, header or path."""
    part: Part


@dataclass(frozen=True)
class Offer:
    """One operation that the contract offers."""

    name: str
    """For people, and to choose it by: the SOAP operation, or method and path."""
    keys: Mapping[str, str]
    """What names it in an agency's file: operation, service and port; or method and path."""
    also: str = ""
    """Another name for it: the operationId; service/port/operation."""
    summary: str = ""
    request: Shape | None = None
    single: bool = False
    """The request is one value without parts."""
    replies: tuple[Shape, ...] = ()
    one_way: bool = False
    parameters: tuple[Parameter, ...] = ()
    form: str = ""
    """REST: how the body is written, where it is not JSON."""
    statuses: Mapping[str, str] = field(default_factory=dict)
    """REST: what each status means, in the contract's words."""
    headers: tuple[Part, ...] = ()
    """SOAP: header parts."""
    place: str = ""
    """Service and port, or the tag."""

    @property
    def method(self) -> str:
        return self.keys.get("method", "")


@dataclass(frozen=True)
class Incoming:
    """A message that the agency sends to the hub."""

    name: str
    shape: Shape
    format: str
    """json, xml or soap."""
    headers: tuple[str, ...] = ()
    """Headers it comes with, as the contract names them."""


@dataclass(frozen=True)
class Proof:
    """One way in which callers prove themselves: the keys below `auth`, and what they are for."""

    keys: Mapping[str, object]
    said: str
    """Where the contract says so."""


@dataclass(frozen=True)
class Survey:
    """A contract, as far as a proposal needs it."""

    adapter: str
    title: str
    address: str
    """The contract's own address; never used, shown only."""
    offers: tuple[Offer, ...]
    incoming: tuple[Incoming, ...] = ()
    proofs: tuple[Proof, ...] = ()
    warnings: tuple[str, ...] = ()
    proof_told: bool = False
    """The contract says how callers prove themselves, be it that they need not."""

    def named(self, name: str) -> list[Offer]:
        """The operations that somebody means by a name: as listed, by operationId, or by its last part."""
        wanted = " ".join(name.split())
        for same in (
            lambda offer: wanted in (offer.name, offer.also),
            lambda offer: wanted.lower() in (offer.name.lower(), offer.also.lower()),
            lambda offer: wanted == offer.name.rpartition(" ")[2],
        ):
            found = [offer for offer in self.offers if same(offer)]
            if found:
                return found
        return []
