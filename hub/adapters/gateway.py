"""
The agencies, as the hub speaks to them: sends, times, retries briefly, scrubs, records.

Adapters translate; this is where it happens. Every agency has its own connections, slots, rate and breaker,
and there are as many threads for requests as there are slots: one agency that hangs keeps nobody waiting but
those who ask for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from hub.adapters import changes, feed
from hub.adapters.archive import Archive, Edition
from hub.adapters.channel import ChannelUnusable, Contracts
from hub.adapters.context import dossier_context
from hub.adapters.hearing import already_received, look_up, read_decisions, read_submission, said
from hub.adapters.inputs import digest
from hub.adapters.limits import PATIENCE
from hub.adapters.line import Line
from hub.adapters.lines import Lines
from hub.adapters.reading import Kind, Meaning
from hub.adapters.recording import in_a_line
from hub.adapters.talk import Talk
from hub.adapters.wire import Misfit
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, ChannelError, NotUnderstood
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
from hub.domain.referral import ReferralTerms, Via
from hub.domain.withdrawal import Withdrawal
from hub.expressions import ExpressionFailed
from hub.ports import NONE_REFUSED, CallMeter, Clock, unmetered

_BUSY_PAUSE = 2.0
_MOST_THREADS = 16_384

T = TypeVar("T")


class Gateway:
    """Implements `hub.ports.AgencyGateway`. To be used from one event loop; `read_callback` from anywhere."""

    def __init__(
        self,
        agencies: Mapping[str, AgencyFile],
        versions: Mapping[str, str],
        folder: Path,
        environment: Mapping[str, str],
        zones: Mapping[str, ZoneInfo],
        clock: Clock,
        meter: CallMeter = unmetered,
    ) -> None:
        """
        `versions` and `zones` are by agency; `folder` is the configuration folder that contracts lie below.

        `REQUESTS_CA_BUNDLE` of the environment, if set, is the file of certificate authorities to trust.

        Every referral is served by these files, until `change` says which versions there are. `meter` is told
        of every request.
        """
        self._clock = clock
        self._meter = meter
        contracts = Contracts(folder)
        self._lines = Lines(clock)
        self._lines.change(
            {
                slug: Edition(file, versions.get(slug, ""), contracts, zones[slug])
                for slug, file in agencies.items()
            },
            environment,
            None,
        )
        # A thread is only started when one is needed, and slots bound how many that are.
        self._threads = ThreadPoolExecutor(max_workers=_MOST_THREADS, thread_name_prefix="agency")

    @classmethod
    def without_agencies(cls, clock: Clock, meter: CallMeter = unmetered) -> Gateway:
        """A gateway that knows nobody until `change` says who there is."""
        return cls({}, {}, Path(), {}, {}, clock, meter)

    def change(
        self, editions: Mapping[str, Edition], environment: Mapping[str, str], archive: Archive
    ) -> None:
        """From now on these are in force, and referrals of earlier versions are served out of the archive."""
        self._lines.change(editions, environment, archive)

    def file_of(self, agency: str) -> AgencyFile | None:
        """The newest file of an agency, also of one that has left while referrals were open."""
        line = self._lines.at_hand(agency)
        return None if line is None else line.file

    def file_kept_of(self, agency: str) -> AgencyFile | None:
        """The same, out of the archive where it must be. Blocking. None where it cannot be had now."""
        try:
            return self._lines.fetch(agency).file
        except (AgencyUnavailable, NotUnderstood):
            return None  # the archive has said why

    def forgive(self, agency: str) -> None:
        """The agency is asked again, whatever this process has seen of it: its breaker is closed."""
        line = self._lines.at_hand(agency)
        if line is not None:
            line.breaker.succeeded()

    async def close(self) -> None:
        """Wait for the requests under way, and let go of connections."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        for line in self._lines.all():
            line.close()

    async def submit(self, dossier: Dossier) -> Submission:
        line = await self._line(dossier.terms.agency, dossier.terms.config_version)

        def work(talk: Talk) -> Submission:
            operation = line.channel().submit
            context = dossier_context(dossier, line.file)
            _, meaning, reading = talk.ask(operation, context)
            if meaning is Meaning.ALREADY_RECEIVED:
                return already_received(talk, line.channel(), operation, context, reading)
            with talk.understanding():
                return read_submission(talk, operation, reading, Via.REPLY)

        return await self._run(line, Kind.SUBMIT, dossier.terms, work)

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        line = await self._line(dossier.terms.agency, dossier.terms.config_version)
        if line.file.channel.look_up is None:
            # Our reference is the agency's key: sending again cannot take effect twice.
            return LookUp(submission=None, resend_from=sent_at)

        def work(talk: Talk) -> LookUp:
            operation = line.channel().look_up
            assert operation is not None
            found = look_up(talk, operation, dossier_context(dossier, line.file))
            return LookUp(
                submission=found,
                resend_from=sent_at + timedelta(seconds=line.timeout),
                exchanges=talk.exchanges,
            )

        return await self._run(line, Kind.LOOK_UP, dossier.terms, work)

    async def poll(self, dossier: Dossier) -> Answer:
        line = await self._line(dossier.terms.agency, dossier.terms.config_version)

        def work(talk: Talk) -> Answer:
            operation = line.channel().poll
            if operation is None or operation.decision is None:
                raise NotUnderstood(f"the file of {line.file.agency} does not say how to poll")
            _, _, reading = talk.ask(operation, dossier_context(dossier, line.file))
            with talk.understanding():
                decisions = read_decisions(talk, operation, reading, Via.POLL)
                talk.understood(said(decisions) or "not decided yet")
                return Answer(decisions=decisions, exchanges=talk.exchanges)

        return await self._run(line, Kind.POLL, dossier.terms, work)

    async def amend(self, dossier: Dossier) -> Submission:
        return await self._about(dossier, Kind.AMEND, partial(changes.amend, dossier=dossier))

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        work = partial(changes.withdraw, dossier=dossier, withdrawal=withdrawal)
        return await self._about(dossier, Kind.WITHDRAW, work)

    async def inform(self, dossier: Dossier, information: InformationContent) -> Answer:
        work = partial(changes.inform, dossier=dossier, information=information)
        return await self._about(dossier, Kind.INFORM, work)

    async def remind(self, dossier: Dossier) -> tuple[Exchange, ...]:
        return await self._about(dossier, Kind.REMIND, partial(changes.remind, dossier=dossier))

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return frozenset([one for one in Asked if _can(await self._able(agency, version, one), one)])

    async def inputs_of(self, dossier: Dossier) -> str:
        line = await self._line(dossier.terms.agency, dossier.terms.config_version)
        try:
            return await asyncio.to_thread(lambda: digest(line.submission(), dossier, line.file))
        except ChannelUnusable as wrong:
            raise NotUnderstood(str(wrong)) from wrong
        except (Misfit, ExpressionFailed) as wrong:
            raise NotUnderstood(
                f"what {line.file.agency} would be told of this declaration cannot be worked out: {wrong}"
            ) from wrong

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        return await self._run(await self._line(agency), Kind.PULL, None, partial(feed.pull, page=page))

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        line = await self._line(agency)
        run = partial(self._run, line)
        return await feed.run_errands(feed.errands(line.file, message_ids, refused), run)

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        # By the newest file: an agency speaks as it does now, also about what it was asked before.
        try:
            line = self._lines.fetch(agency)
        except NotUnderstood as unknown:
            raise KeyError(agency) from unknown
        return line.door().read(headers, body, received_at)

    async def _about(self, dossier: Dossier, kind: Kind, work: Callable[[Talk], T]) -> T:
        terms = dossier.terms
        line = await self._able(terms.agency, terms.config_version, Asked(kind))
        return await self._run(line, kind, terms, work)

    async def _able(self, agency: str, version: str, asked: Asked) -> Line:
        """
        The agency in that version; in its newest, where that one has learned what this version cannot do.

        Such a request needs little but references, and an agency whose file could not withdraw would else
        never hear of what was accepted under it. Raises NotUnderstood, AgencyUnavailable.
        """
        line = await self._line(agency, version)
        if _can(line, asked):
            return line
        newest = await self._line(agency)
        return newest if _can(newest, asked) else line

    async def _line(self, agency: str, version: str | None = None) -> Line:
        """The agency in that version, or in its newest. Raises NotUnderstood, AgencyUnavailable."""
        line = self._lines.at_hand(agency, version)
        return line if line is not None else await asyncio.to_thread(self._lines.fetch, agency, version)

    async def _run(self, line: Line, kind: Kind, terms: ReferralTerms | None, work: Callable[[Talk], T]) -> T:
        """As `_work`; an error says whether the agency's breaker is open now."""
        try:
            return await self._work(line, kind, terms, work)
        except ChannelError as error:
            error.failing = line.breaker.is_open
            raise

    async def _work(
        self, line: Line, kind: Kind, terms: ReferralTerms | None, work: Callable[[Talk], T]
    ) -> T:
        """Do the work in a thread, within the agency's limits. The slot is held until the thread ends."""
        line.raise_if_not_asked_now()
        if not await line.slots.take(PATIENCE):
            raise AgencyUnavailable(f"{line.file.agency} is busy", retry_after=_BUSY_PAUSE)
        try:
            if line.bucket is not None:
                wait = line.bucket.reserve(PATIENCE)
                if wait is None:
                    raise AgencyUnavailable(
                        f"{line.file.agency} is busy: its rate is used up", retry_after=line.bucket.wait()
                    )
                if wait:
                    await asyncio.sleep(wait)
            talk = Talk(line, kind, terms, self._clock, self._meter)
            thread = self._threads.submit(copy_context().run, _told, talk, work)
        except BaseException:
            line.slots.give_back()
            raise
        return await _end_of(thread, talk)


def _can(line: Line, asked: Asked) -> bool:
    return getattr(line.file.channel, asked) is not None


def _told(talk: Talk, work: Callable[[Talk], T]) -> T:
    """Do the work, and put what was exchanged on any error, so that it can be recorded."""
    try:
        return work(talk)
    except ChannelUnusable as wrong:
        raise NotUnderstood(str(wrong)) from wrong
    except ChannelError as error:
        talk.understood(in_a_line(error), error)
        error.exchanges = talk.exchanges
        error.args = (talk.line.scrubber.text(str(error)),)
        raise


async def _end_of(thread: Future[T], talk: Talk) -> T:
    """
    What the thread returns or raises; the error of a thread that outlasts its time. Its slot is given back
    when it ends, whether or not anybody still waits: its request is on its way either way.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()
    timer: asyncio.TimerHandle

    def end() -> None:
        talk.line.slots.give_back()
        if not ended.done():
            ended.set_result(None)

    def tell(_: Future[T]) -> None:
        with suppress(RuntimeError):  # the loop is closed, and all its slots with it
            loop.call_soon_threadsafe(end)

    def look() -> None:
        nonlocal timer
        left = talk.ends_by - time.monotonic()
        if left > 0:
            timer = loop.call_later(left, look)
        elif not ended.done():
            ended.set_exception(talk.given_up())

    timer = loop.call_later(talk.ends_by - time.monotonic(), look)
    thread.add_done_callback(tell)
    try:
        await ended
    finally:
        timer.cancel()
    return thread.result()
