"""The gateway that knows which agencies have a worker of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import structlog
from temporalio.client import Client

from hub.activities.agency_messages import (
    AgencyAnswer,
    AgencyOrder,
    AgencyRequest,
    CallEnd,
    CallKind,
    Exchanges,
    InformContent,
    LookUpContent,
    MessageIds,
    PageContent,
    ToldError,
    TooLarge,
    Unpackable,
    WithdrawContent,
    as_raised,
    packed,
    unpacked,
)
from hub.adapters.limits import Breaker
from hub.config.models import AgencyFile
from hub.distant.calls import BEGIN_WITHIN, EngineCalls
from hub.distant.counting import Counting
from hub.domain.deadlines import parse_duration
from hub.domain.errors import AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
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
from hub.domain.model import Model
from hub.domain.withdrawal import Withdrawal
from hub.ports import NONE_REFUSED, AgencyGateway, CallMeter, Clock, unmetered

WORKER_WITHIN = timedelta(seconds=5)
"""For a worker of the agency to take a call up; one that is there does so in milliseconds."""
_BESIDES = timedelta(seconds=5)
"""For a slot, for the rate, and for the way there and back."""

M = TypeVar("M", bound=Model)
log = structlog.get_logger(__name__)


class NearGateway(AgencyGateway, Protocol):
    """A gateway of this process's own."""

    def forgive(self, agency: str) -> None: ...

    async def close(self) -> None: ...


@dataclass
class _Way:
    """How one agency's worker is reached."""

    file: AgencyFile
    breaker: Breaker
    """Open while no worker is there: then one call at a time goes to see."""

    @property
    def agency(self) -> str:
        return self.file.agency

    def answer_within(self, content: Model | None = None) -> timedelta:
        """How long the agency's worker may take; that it has died is noticed sooner."""
        channel = self.file.channel
        # What was asked, and once more after a duplicate or an ended session; logging in before each.
        requests = 4 if channel.login is not None or channel.auth.oauth2 is not None else 2
        if isinstance(content, MessageIds):
            # Perhaps each by a request of its own.
            requests += len(content.ids) + len(content.refused)
        return (parse_duration(channel.limits.timeout) + timedelta(seconds=1)) * requests + _BESIDES


class DistantGateway:
    """
    Implements `hub.ports.AgencyGateway`. An agency whose file says `own_worker` is spoken to by the process
    `hub worker --agency`, which has its credentials; all others, and everybody's callbacks, near.

    Each call is a workflow of one activity, attempted once. Nobody at work there, or no engine: unavailable.
    A worker that took a submission up and was not heard of again: in doubt.
    """

    def __init__(
        self,
        near: NearGateway,
        client: Client,
        agencies: Callable[[str], Awaitable[AgencyFile | None]],
        clock: Clock,
        meter: CallMeter = unmetered,
    ) -> None:
        """
        `agencies` gives the file that is in force now, so that `own_worker` may change while this runs.
        `meter` is told of the requests of agencies' own workers; the near gateway has its own.
        """
        self._near = near
        self._calls = EngineCalls(client)
        self._agencies = agencies
        self._clock = clock
        self._meter = meter
        self._ways: dict[str, _Way] = {}

    def forgive(self, agency: str) -> None:
        """The agency is asked again, whatever this process has seen of it or of the way to its worker."""
        if (way := self._ways.get(agency)) is not None:
            way.breaker.succeeded()
        self._near.forgive(agency)

    async def close(self) -> None:
        """Let go of what is near."""
        await self._calls.close()
        await self._near.close()

    async def submit(self, dossier: Dossier) -> Submission:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.submit(dossier)
        return await self._call(way, CallKind.SUBMIT, dossier, Submission, dossier.terms.id)

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.look_up(dossier, sent_at)
        if way.file.channel.look_up is None:
            # Our reference is the agency's key: sending again cannot take effect twice.
            return LookUp(submission=None, resend_from=sent_at)
        content = LookUpContent.model_construct(dossier=dossier, sent_at=sent_at)
        found = await self._call(way, CallKind.LOOK_UP, content, LookUp, dossier.terms.id)
        # A worker that was cut off may still be sending what it took up in time.
        last = sent_at + BEGIN_WITHIN + way.answer_within()
        return found.model_copy(update={"resend_from": max(found.resend_from, last)})

    async def poll(self, dossier: Dossier) -> Answer:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.poll(dossier)
        return await self._call(way, CallKind.POLL, dossier, Answer, dossier.terms.id)

    async def amend(self, dossier: Dossier) -> Submission:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.amend(dossier)
        return await self._call(way, CallKind.AMEND, dossier, Submission, dossier.terms.id)

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.withdraw(dossier, withdrawal)
        content = WithdrawContent.model_construct(dossier=dossier, withdrawal=withdrawal)
        return (await self._call(way, CallKind.WITHDRAW, content, Exchanges, dossier.terms.id)).exchanges

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.inform(dossier, information)
        content = InformContent.model_construct(dossier=dossier, information=information)
        return await self._call(way, CallKind.INFORM, content, Answer, dossier.terms.id)

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        way = await self._way(dossier.terms.agency)
        if way is None:
            return await self._near.remind(dossier)
        return (await self._call(way, CallKind.REMIND, dossier, Exchanges, dossier.terms.id)).exchanges

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return await self._near.abilities(agency, version)

    async def inputs_of(self, dossier: Dossier) -> str:
        # What is told needs no credentials, and nothing is sent.
        return await self._near.inputs_of(dossier)

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        way = await self._way(agency)
        if way is None:
            return await self._near.pull_feed(agency, page)
        return await self._call(way, CallKind.PULL, PageContent(page=page), Feed)

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        way = await self._way(agency)
        if way is None:
            return await self._near.acknowledge_feed(agency, message_ids, refused)
        content = MessageIds(ids=tuple(message_ids), refused=dict(refused))
        return (await self._call(way, CallKind.ACKNOWLEDGE, content, Exchanges)).exchanges

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        return self._near.read_callback(agency, headers, body, received_at)

    async def _way(self, agency: str) -> _Way | None:
        file = await self._agencies(agency)
        if file is None or not file.channel.own_worker:
            self._ways.pop(agency, None)
            return None
        way = self._ways.get(agency)
        if way is None:
            pause = parse_duration(file.channel.limits.breaker_pause).total_seconds()
            way = self._ways[agency] = _Way(file, Breaker(1, pause))
        way.file = file
        return way

    async def _call(
        self, way: _Way, kind: CallKind, content: Model, result: type[M], about: str | None = None
    ) -> M:
        """Raises ChannelError."""
        wait = way.breaker.admit()
        if wait is not None:
            away = AgencyUnavailable(f"no worker of {way.agency} is at work", retry_after=wait)
            away.failing = True
            raise away
        counting = Counting(self._meter, way.agency, kind, self._clock())
        try:
            found = await self._answer(way, kind, content, result, about)
        except ChannelError as error:
            # The breaker of the agency's own worker, or ours of the way to it.
            error.failing = error.failing or way.breaker.is_open
            counting.failed(error, self._clock())
            raise
        counting.answered(found)
        return found

    async def _answer(
        self, way: _Way, kind: CallKind, content: Model, result: type[M], about: str | None
    ) -> M:
        """As `_call`, once the breaker has let it through."""
        answer = None
        try:
            answer = await self._calls.end_of(
                AgencyOrder(
                    request=AgencyRequest(
                        agency=way.agency,
                        kind=kind,
                        about=about,
                        begin_by=self._clock() + BEGIN_WITHIN,
                        content=await asyncio.to_thread(packed, content),
                    ),
                    worker_within=WORKER_WITHIN,
                    answer_within=way.answer_within(content),
                )
            )
        except TooLarge as wrong:
            raise NotUnderstood(f"too large for the worker of {way.agency}: {wrong}") from wrong
        finally:
            _weigh(way, answer)
        if answer.end is CallEnd.NOT_BEGUN:
            raise AgencyUnavailable(answer.why, retry_after=way.breaker.wait())
        if answer.end is CallEnd.LOST:
            raise _lost(kind, answer.why)
        try:
            if answer.is_error:
                raise as_raised(unpacked(ToldError, answer.content))
            return await asyncio.to_thread(unpacked, result, answer.content)
        except Unpackable as wrong:
            log.error("agency_call.unreadable", agency=way.agency, kind=kind, reason=str(wrong))
            raise _lost(kind, f"the worker of {way.agency} is of another version than the hub") from wrong


def _weigh(way: _Way, answer: AgencyAnswer | None) -> None:
    """Whether somebody is at work there; what the agency itself says is its own worker's to weigh."""
    was_away = way.breaker.wait() is not None
    if answer is None:
        way.breaker.abandoned()
    elif answer.end is CallEnd.ANSWERED:
        way.breaker.succeeded()
        if was_away:
            log.info("agency_worker.back", agency=way.agency)
    else:
        way.breaker.failed()
        if not was_away:
            log.warning("agency_worker.away", agency=way.agency, reason=answer.why)


def _lost(kind: CallKind, why: str) -> ChannelError:
    return InDoubt(why) if kind.changes_something else AgencyUnavailable(why)
