"""What the hub needs of the world outside: a clock, the agencies, the cargo system, the engine, a scanner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from hub.domain.clearance import Notice
from hub.domain.exchange import (
    Answer,
    Asked,
    Dossier,
    Exchange,
    Feed,
    FeedPage,
    InformationContent,
    LookUp,
    Message,
    Submission,
)
from hub.domain.information import Scan
from hub.domain.intake import Acceptance
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision
from hub.domain.withdrawal import Withdrawal

NONE_REFUSED: Mapping[str, str] = MappingProxyType({})
"""No message of a feed was refused."""


class Clock(Protocol):
    def __call__(self) -> datetime:
        """Now, in UTC."""


class AgencyGateway(Protocol):
    """
    The agencies, as the hub speaks to them: sends, times, retries briefly, scrubs.

    Every method may raise a `ChannelError`, which carries the exchanges that took place. The gateway knows
    no store: whoever calls it records what it returns.
    """

    async def submit(self, dossier: Dossier) -> Submission:
        """Put the referral to the agency. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt."""

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        """
        Ask the agency, by our reference, whether it has the referral that was sent at `sent_at`.

        Where the contract has no such operation the agency is taken to treat our reference as a key: the
        answer is "not found", and sending again is safe at once. Raises AgencyUnavailable, NotUnderstood.
        """

    async def poll(self, dossier: Dossier) -> Answer:
        """Ask whether it is decided. Raises AgencyUnavailable, AgencyRefused, NotUnderstood."""

    async def amend(self, dossier: Dossier) -> Submission:
        """
        Give the agency the new content of a referral that it has, by the contract's own operation.

        It may be repeated: the request carries `referral.revision`. The receipt is that of before, where the
        answer brings none. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        """
        Tell the agency that a referral is asked no more; `withdrawal` is None when the declaration goes on
        without it. May be repeated: an agency that does not have it (`not_found`) has been told. Raises
        AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        """
        Pass on the declarant's answer to the agency's question. May be repeated, with the same id. Raises
        AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        """Remind the agency. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt."""

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        """
        What the channel of a referral accepted under that version can do. Raises AgencyUnavailable,
        NotUnderstood.
        """

    async def inputs_of(self, dossier: Dossier) -> str:
        """
        A digest of everything that a submission of this dossier would tell the agency, credentials, ids of
        the request and the deadline apart: two dossiers with the same digest are the same to the agency.
        Sends nothing. Raises AgencyUnavailable, NotUnderstood.
        """

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        """
        One page of the messages waiting in the agency's feed: the first, or the one that the page before told
        of. Raises AgencyUnavailable, AgencyRefused, NotUnderstood.
        """

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        """
        Tell the agency which messages are safely stored.

        `refused` tells of those that could not be read, and why: they are rejected where the agency takes
        that, and acknowledged like the others where it does not. When the agency does not take one, the
        others are told all the same, and the first error is raised at the end: AgencyUnavailable,
        AgencyRefused, NotUnderstood.
        """

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        """
        Authenticate and read a callback. Raises CallbackRefused when it is not from the agency, KeyError when
        no agency of that name takes callbacks. A message that cannot be read comes back with `trouble`.
        """


class Acknowledgement(Model):
    """The cargo system has taken a notice."""

    at: UtcDatetime
    reference: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    """What was said, to be recorded."""


class CargoSystem(Protocol):
    """Whoever keeps the cargo and lets it go."""

    async def tell(self, notice: Notice) -> Acknowledgement:
        """
        Hand over a notice, known by its key. Raises AgencyUnavailable, AgencyRefused, NotUnderstood, InDoubt.
        """


class Engine(Protocol):
    """The durable engine, as intake and relays need it."""

    async def start_clearance(self, acceptance: Acceptance, *, in_turn: bool = False) -> None:
        """
        Start the declaration's workflow; starting it again is no error. `in_turn` says that whatever was
        accepted before it is started: who does not know that leaves room for those who do. Raises
        EngineUnavailable, EngineBusy.
        """

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        """Signal decisions. False when the workflow has ended. Raises EngineUnavailable."""

    async def tell_news(self, mrn: str) -> bool:
        """
        Signal that the store holds news which the workflow has not heard (`hub.domain.life.NEWS`); it reads
        them there. False when the workflow has ended. Raises EngineUnavailable.
        """

    async def tell_to_go_on(self, mrn: str, services: Sequence[str]) -> bool:
        """
        Signal that what waited for the agencies of these services may go on. False when the workflow has
        ended. Raises EngineUnavailable.
        """

    async def is_reachable(self) -> bool: ...


class EngineUnavailable(Exception):
    """The engine cannot be reached; what was written down will be handed over by a relay."""


class EngineBusy(EngineUnavailable):
    """The engine is there, and its workers have not begun yet with enough of what was started before."""


class Scanner(Protocol):
    """Looks for viruses in what declarants hand in. Blocking."""

    def scan(self, name: str, content: bytes) -> Scan:
        """What it says of a document; `name` is for its log. Raises ScannerUnavailable."""


class NotScanning:
    """The scanner where none is configured."""

    def scan(self, name: str, content: bytes) -> Scan:
        return Scan.NOT_SCANNED


class ScannerUnavailable(Exception):
    """The scanner cannot say whether a document is clean; the message says why."""
