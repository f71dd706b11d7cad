"""The gateway behind the gate: an agency that is paused or fails is asked nothing but what is let through."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

import structlog

from hub.adapters.gate import LiveGate, is_a_failure
from hub.adapters.reading import Kind
from hub.domain.errors import AgencyPaused, ChannelError
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
from hub.domain.referral import ReferralTerms
from hub.domain.withdrawal import Withdrawal
from hub.ports import NONE_REFUSED, AgencyControl, AgencyGateway, ControlState

T = TypeVar("T")

log = structlog.get_logger(__name__)


class ControlledGateway:
    """
    Implements `hub.ports.AgencyGateway`. Where the gate is shut each method raises AgencyPaused, and nothing
    is sent. How a request ended that opens a breaker, or that was let through to see, is told to the gate.
    """

    def __init__(self, inner: AgencyGateway, gate: LiveGate) -> None:
        self._inner = inner
        self._gate = gate

    async def submit(self, dossier: Dossier) -> Submission:
        return await self._ask(dossier, Kind.SUBMIT, lambda: self._inner.submit(dossier))

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        return await self._ask(dossier, Kind.LOOK_UP, lambda: self._inner.look_up(dossier, sent_at))

    async def poll(self, dossier: Dossier) -> Answer:
        return await self._ask(dossier, Kind.POLL, lambda: self._inner.poll(dossier))

    async def amend(self, dossier: Dossier) -> Submission:
        return await self._ask(dossier, Kind.AMEND, lambda: self._inner.amend(dossier))

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        return await self._ask(dossier, Kind.WITHDRAW, lambda: self._inner.withdraw(dossier, withdrawal))

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        return await self._ask(dossier, Kind.INFORM, lambda: self._inner.inform(dossier, information))

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        return await self._ask(dossier, Kind.REMIND, lambda: self._inner.remind(dossier))

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return await self._inner.abilities(agency, version)

    async def inputs_of(self, dossier: Dossier) -> str:
        return await self._inner.inputs_of(dossier)

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        return await self._through(agency, Kind.PULL, None, lambda: self._inner.pull_feed(agency, page))

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        return await self._through(
            agency,
            Kind.ACKNOWLEDGE,
            None,
            lambda: self._inner.acknowledge_feed(agency, message_ids, refused),
        )

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        return self._inner.read_callback(agency, headers, body, received_at)

    async def _ask(self, dossier: Dossier, kind: Kind, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        return await self._through(dossier.terms.agency, kind, dossier.terms, call)

    async def _through(
        self,
        agency: str,
        kind: Kind,
        terms: ReferralTerms | None,
        call: Callable[[], Coroutine[Any, Any, T]],
    ) -> T:
        """Raises AgencyPaused, and what the call raises."""
        control = self._gate.control(agency)
        if control is not None:
            if not await self._gate.lets_through(agency, kind, terms):
                raise AgencyPaused(_why(control))
            # The table is followed, and not what this process has seen before.
            self._gate.forgive(agency)
        try:
            result = await call()
        except ChannelError as error:
            await self._weigh(agency, control, error)
            raise
        # Where nothing can be looked up, nothing was asked.
        if control is not None and not (isinstance(result, LookUp) and not result.exchanges):
            await self._tell(self._gate.answered(control))
        return result

    async def _weigh(self, agency: str, control: AgencyControl | None, error: ChannelError) -> None:
        if is_a_failure(error):
            if control is not None or error.failing:
                await self._tell(self._gate.failed(agency, control, error))
        elif control is not None:
            await self._tell(self._gate.answered(control))

    async def _tell(self, telling: Coroutine[Any, Any, None]) -> None:
        """What the agency has said outweighs that the gate cannot be told: the next request tells it."""
        try:
            await telling
        except Exception:
            log.exception("agency.not_controlled")


def _why(control: AgencyControl) -> str:
    if control.state is ControlState.PAUSED:
        return f"{control.agency} is paused: what concerns it waits in its queue"
    return f"the system of {control.agency} has failed: what concerns it waits in its queue"
