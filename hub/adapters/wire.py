"""What goes over the wire and what was heard: the words between gateway and adapters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from lxml import etree

Plain = Any
"""Plain data: dict, list, str, int, float, bool or None, as CEL sees it."""

Context = Mapping[str, Any]
"""The values of the variables that expressions read, by name."""


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request, complete but for the connection."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class WireReply:
    """One HTTP answer, read to its end. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    heard_at: datetime | None = None
    """When it had been read, by the hub's clock; None: just now."""


@dataclass(frozen=True, slots=True)
class Fault:
    """
    A protocol's own way of saying no: a SOAP fault.

    `blames_sender` is None where the code does not say whose fault it is; `mismatch` tells that the two sides
    do not speak the same contract (VersionMismatch, MustUnderstand, DataEncodingUnknown).
    """

    code: str
    text: str
    blames_sender: bool | None
    mismatch: bool = False
    about_security: bool = False
    """One of the codes of Web Services Security: our token, user or signature was turned down."""


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer in plain data, before anybody has judged what it means."""

    status: int
    headers: Mapping[str, str]
    reply: Plain
    """The SOAP response element's content or the JSON body; {} when empty, text when it is neither."""
    fault: Fault | None = None
    header: Mapping[str, Plain] = field(default_factory=dict)
    """
    The SOAP header parts by local name; none where answers must be signed, for only their Body is shown to be
    the agency's own.
    """
    aside: Plain = None
    """Header parts that are not in `header` and that a recording of a log-in must not hold either."""
    text: str = ""
    """The body as text, for telling people."""
    unreadable: str | None = None
    """Why the body does not fit the contract, if it does not."""
    unproven: str | None = None
    """Why it is not shown to be the agency's own, where answers must be signed: it decides nothing."""


class Misfit(Exception):
    """What was to be sent, or what was answered, does not fit the contract. The message says where."""


class Call(Protocol):
    """One operation of one channel, prepared: two translations and no I/O."""

    def write(self, context: Context, now: datetime) -> WireRequest:
        """The request. Raises Misfit, or ExpressionFailed of `hub.expressions`."""

    def read(self, reply: WireReply) -> Heard:
        """The answer in plain data. Never raises: what cannot be read is told in `unreadable`."""


class Unproven(Exception):
    """An answer that is not shown to be the agency's own. The message says why."""


class MessageSecurity(Protocol):
    """Security inside a SOAP envelope: WS-Security."""

    @property
    def checks_answers(self) -> bool:
        """Whether an answer that is not shown to be the agency's own counts for nothing."""

    def apply(self, envelope: etree._Element, headers: dict[str, str], now: datetime) -> None:
        """Add what proves us, and sign: the last thing that is done to an envelope before it is written."""

    def check(self, root: etree._Element, now: datetime) -> None:
        """
        Whether an answer is the agency's own, untouched and not stale. Raises Unproven.

        To be asked of the very tree that is read afterwards, of faults too.
        """


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves the hub to an agency and is part of the message itself; all else is added by `Proof`."""

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    ws_security: MessageSecurity | None = None
