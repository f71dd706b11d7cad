"""
The agencies, as the hub speaks to them: sends, times, retries briefly, scrubs, records.

Adapters translate; this is where it happens. Every agency has its own connections, slots, rate and breaker,
and there are as many threads for requests as there are slots: one agency that hangs keeps nobody waiting but
those who ask for it.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from hub.adapters.callback import CallbackDoor
from hub.adapters.channel import Channel, ChannelUnusable, Contracts, FeedChannel, Operation, prepare
from hub.adapters.context import agency_context, dossier_context
from hub.adapters.limits import Breaker, Slots, TokenBucket
from hub.adapters.messages import UNNAMED
from hub.adapters.nul import refuse_nul
from hub.adapters.reading import Kind, Meaning, judge
from hub.adapters.recording import Recording, in_a_line
from hub.adapters.secrets import Scrubber, known_secrets
from hub.adapters.transport import AnswerTooLong, NoAnswer, NotSent, Sender
from hub.adapters.wire import Context, Heard, Misfit, WireReply, WireRequest
from hub.config.models import AgencyFile
from hub.domain.deadlines import parse_duration
from hub.domain.errors import AgencyUnavailable, CallbackRefused, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Answer, Dossier, Exchange, Feed, LookUp, Message, Submission
from hub.domain.referral import Decision, Receipt, ReferralTerms, Via
from hub.expressions import ExpressionFailed, ExpressionFault
from hub.ports import Clock

PATIENCE = 1.0
"""Seconds a request waits for a slot, or for its turn in the rate, before the agency counts as busy."""
GRACE = 1.0
"""Seconds beyond a channel's time-out after which its thread is no longer waited for."""
_BUSY_PAUSE = 2.0
_REMEMBERED = 1000

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
    ) -> None:
        """
        `versions` and `zones` are by agency; `folder` is the configuration folder that contracts lie below.

        `REQUESTS_CA_BUNDLE` of the environment, if set, is the file of certificate authorities to trust.
        """
        self._clock = clock
        contracts = Contracts(folder)
        self._lines = {
            slug: _Line(file, versions.get(slug, ""), contracts, environment, zones[slug], clock)
            for slug, file in agencies.items()
        }
        # A thread is only started when one is needed; the number is the sum of what may be under way.
        self._threads = ThreadPoolExecutor(
            max_workers=max(1, sum(file.channel.limits.concurrency for file in agencies.values())),
            thread_name_prefix="agency",
        )

    async def close(self) -> None:
        """Wait for the requests under way, and let go of connections."""
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        for line in self._lines.values():
            line.close()

    async def submit(self, dossier: Dossier) -> Submission:
        line = self._line(dossier.terms.agency)

        def work(talk: _Talk) -> Submission:
            operation = line.channel().submit
            context = dossier_context(dossier, line.file)
            _, meaning, reading = talk.ask(operation, context)
            if meaning is Meaning.ALREADY_RECEIVED:
                return _already_received(talk, line.channel(), operation, context, reading)
            with talk.understanding():
                return _submission(talk, operation, reading, Via.REPLY)

        return await self._run(line, Kind.SUBMIT, dossier.terms, work)

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        line = self._line(dossier.terms.agency)
        if line.file.channel.look_up is None:
            # Our reference is the agency's key: sending again cannot take effect twice.
            return LookUp(submission=None, resend_from=sent_at)

        def work(talk: _Talk) -> LookUp:
            operation = line.channel().look_up
            assert operation is not None
            found = _look_up(talk, operation, dossier_context(dossier, line.file))
            return LookUp(
                submission=found,
                resend_from=sent_at + timedelta(seconds=line.timeout),
                exchanges=talk.exchanges,
            )

        return await self._run(line, Kind.LOOK_UP, dossier.terms, work)

    async def poll(self, dossier: Dossier) -> Answer:
        line = self._line(dossier.terms.agency)

        def work(talk: _Talk) -> Answer:
            operation = line.channel().poll
            if operation is None or operation.decision is None:
                raise NotUnderstood(f"the file of {line.file.agency} does not say how to poll")
            _, _, reading = talk.ask(operation, dossier_context(dossier, line.file))
            with talk.understanding():
                decisions = _decisions(talk, operation, reading, Via.POLL)
                talk.understood(_said(decisions) or "not decided yet")
                return Answer(decisions=decisions, exchanges=talk.exchanges)

        return await self._run(line, Kind.POLL, dossier.terms, work)

    async def pull_feed(self, agency: str) -> Feed:
        line = self._line(agency)

        def work(talk: _Talk) -> Feed:
            feed = _feed_of(line)
            heard, meaning, reading = talk.ask(feed.pull, agency_context(line.file))
            if meaning is Meaning.NOT_FOUND or heard.status == 204:
                talk.understood("no messages")
                return Feed(exchanges=talk.exchanges)
            with talk.understanding():
                listed = feed.messages.evaluate(reading)
                if not isinstance(listed, list):
                    raise Misfit("`messages` of the feed is no list")
                messages = [
                    feed.message.read(
                        one,
                        raw=line.scrubber.body(json.dumps(one, ensure_ascii=False).encode()),
                        via=Via.FEED,
                        received_at=talk.heard_at,
                    )
                    for one in listed
                ]
                fresh = tuple(message for message in messages if line.is_news(message))
                bad = sum(message.trouble is not None for message in fresh)
                talk.understood(f"{len(fresh)} messages" + (f", {bad} not understood" if bad else ""))
                return Feed(messages=fresh, exchanges=talk.exchanges)

        return await self._run(line, Kind.PULL, None, work)

    async def acknowledge_feed(self, agency: str, message_ids: Sequence[str]) -> tuple[Exchange, ...]:
        line = self._line(agency)
        # A message without an id of its own has one that the agency does not know.
        ids = [message_id for message_id in message_ids if not message_id.startswith(UNNAMED)]
        if not ids:
            return ()

        def work(talk: _Talk) -> tuple[Exchange, ...]:
            talk.ask(_feed_of(line).acknowledge, {**agency_context(line.file), "ids": ids})
            talk.understood(f"{len(ids)} acknowledged")
            return talk.exchanges

        return await self._run(line, Kind.ACKNOWLEDGE, None, work)

    def read_callback(
        self, agency: str, headers: dict[str, str], body: bytes, received_at: datetime
    ) -> Message:
        return self._lines[agency].door().read(headers, body, received_at)

    def _line(self, agency: str) -> _Line:
        line = self._lines.get(agency)
        if line is None:
            raise NotUnderstood(f"there is no agency {agency!r} in the configuration")
        return line

    async def _run(
        self, line: _Line, kind: Kind, terms: ReferralTerms | None, work: Callable[[_Talk], T]
    ) -> T:
        """Do the work in a thread, within the agency's limits. The slot is held until the thread ends."""
        line.raise_if_open()
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
            talk = _Talk(line, kind, terms, self._clock)
            loop = asyncio.get_running_loop()
            thread = loop.run_in_executor(self._threads, partial(_told, talk, work))
        except BaseException:
            line.slots.give_back()
            raise
        thread.add_done_callback(partial(_thread_ended, line))
        while not thread.done():
            left = talk.ends_by - time.monotonic()
            if left <= 0:
                raise talk.given_up()
            # The thread is not cancelled with the waiter: its request is on its way either way.
            await asyncio.wait({thread}, timeout=left)
        return thread.result()


def _told(talk: _Talk, work: Callable[[_Talk], T]) -> T:
    """Do the work, and put what was exchanged on any error, so that it can be recorded."""
    try:
        return work(talk)
    except ChannelUnusable as wrong:
        raise NotUnderstood(str(wrong)) from wrong
    except ChannelError as error:
        talk.understood(in_a_line(error))
        error.exchanges = talk.exchanges
        error.args = (talk.line.scrubber.text(str(error)),)
        raise


def _thread_ended(line: _Line, thread: asyncio.Future[object]) -> None:
    line.slots.give_back()
    if not thread.cancelled():
        thread.exception()  # a waiter that is gone makes its error nobody's, not an unretrieved one


class _Line:
    """One agency: its file, what is prepared from it, and how hard it may be pushed."""

    def __init__(
        self,
        file: AgencyFile,
        version: str,
        contracts: Contracts,
        environment: Mapping[str, str],
        zone: ZoneInfo,
        clock: Clock,
    ) -> None:
        limits, auth = file.channel.limits, file.channel.auth
        self.file = file
        self.version = version
        self.timeout = parse_duration(limits.timeout).total_seconds()
        self.slots = Slots(limits.concurrency)
        self.bucket = None if limits.per_second is None else TokenBucket(limits.per_second, limits.per_second)
        self.breaker = Breaker(limits.breaker_failures, parse_duration(limits.breaker_pause).total_seconds())
        named = [auth.api_key.header] if auth.api_key is not None else []
        if file.channel.callback is not None and file.channel.callback.auth.hmac is not None:
            named.append(file.channel.callback.auth.hmac.header)
        self.scrubber = Scrubber(known_secrets(file.channel, environment), named)
        self.sender = Sender(
            timeout=self.timeout,
            attempts=limits.attempts,
            connections=limits.concurrency,
            ca_bundle=environment.get("REQUESTS_CA_BUNDLE") or None,
        )
        self._contracts = contracts
        self._environment = environment
        self._zone = zone
        self._clock = clock
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._door: CallbackDoor | None = None
        self._unnamed: dict[str, None] = {}

    def close(self) -> None:
        self.sender.close()

    def channel(self) -> Channel:
        """Prepared when first needed. Raises ChannelUnusable."""
        with self._lock:
            if self._channel is None:
                self._channel = prepare(self.file, self._contracts, self._environment, self._zone)
            return self._channel

    def door(self) -> CallbackDoor:
        """Raises KeyError when this agency sends no callbacks, CallbackRefused when they cannot be read."""
        callback = self.file.channel.callback
        if callback is None:
            raise KeyError(self.file.agency)
        with self._lock:
            if self._door is None:
                try:
                    self._door = CallbackDoor(
                        self.file, callback, self._environment, self._zone, self.scrubber
                    )
                except ExpressionFault as wrong:
                    raise CallbackRefused(
                        f"callbacks of {self.file.agency} cannot be read: {wrong}"
                    ) from wrong
            return self._door

    def raise_if_open(self) -> None:
        wait = self.breaker.wait()
        if wait is not None:
            raise AgencyUnavailable(
                f"{self.file.agency} is not asked for now: too many requests in a row have failed",
                retry_after=wait,
            )

    def is_news(self, message: Message) -> bool:
        """
        Whether a message of the feed is to be handed on.

        One that tells no id cannot be acknowledged, so it is shown again with every pull: it is handed on
        once, or the feed would never come to its end.
        """
        if not message.message_id.startswith(UNNAMED):
            return True
        if message.message_id in self._unnamed:
            return False
        self._unnamed[message.message_id] = None
        while len(self._unnamed) > _REMEMBERED:
            del self._unnamed[next(iter(self._unnamed))]
        return True


class _Talk:
    """What is said to and fro in one piece of work: usually one request, at most two."""

    def __init__(self, line: _Line, kind: Kind, terms: ReferralTerms | None, clock: Clock) -> None:
        self.line = line
        self.kind = kind
        self.terms = terms
        self.ends_by = time.monotonic() + line.timeout + GRACE
        self._clock = clock
        self._heard_at = clock()
        self._exchanges: list[Exchange] = []
        self._open: _Open | None = None

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(self._exchanges)

    @property
    def heard_at(self) -> datetime:
        """When the latest answer had been read."""
        return self._heard_at

    @property
    def evidence(self) -> str | None:
        """Id of the exchange under way."""
        return self._open.recording.id if self._open is not None else None

    def ask(
        self, operation: Operation, context: Context, kind: Kind | None = None
    ) -> tuple[Heard, Meaning, dict[str, object]]:
        """
        Send, hear and judge: the answer, what it means, and what its reading may look at.

        Raises ChannelError. The exchange stays open until `understood` is told how it was read.
        """
        kind = kind or self.kind
        now = self._clock()
        try:
            request = operation.call.write(context, now)
        except (Misfit, ExpressionFailed) as wrong:
            raise NotUnderstood(f"the request cannot be written: {wrong}") from wrong
        recording = Recording(
            agency=self.line.file.agency,
            kind=kind,
            mrn=self.terms.mrn if self.terms else None,
            service=self.terms.service if self.terms else None,
            started_at=now,
            config_version=self.line.version,
            scrubber=self.line.scrubber,
            request=request,
        )
        wait = self.line.breaker.admit()
        if wait is not None:
            raise AgencyUnavailable(
                f"{self.line.file.agency} is not asked for now: too many requests in a row have failed",
                retry_after=wait,
            )
        self.ends_by = time.monotonic() + self.line.timeout + GRACE
        self._open = _Open(recording, kind)
        reply = self._send(request, recording, kind)
        self._heard_at = self._clock()
        heard = operation.call.read(reply)
        # A feed is read on: its messages are refused one by one, or a single one would stop it for ever.
        if kind is not Kind.PULL:
            heard = refuse_nul(heard)
        reading: dict[str, object] = {
            **context,
            "reply": heard.reply,
            "status": heard.status,
            "headers": dict(heard.headers),
            "fault": heard.fault.text if heard.fault is not None else "",
        }
        # An answer below 500, or a fault in the protocol's own words, shows that the system is there.
        if heard.status >= 500 and heard.fault is None:
            self.line.breaker.failed()
        else:
            self.line.breaker.succeeded()
        return heard, judge(kind, heard, operation.errors, reading, now), reading

    def _send(self, request: WireRequest, recording: Recording, kind: Kind) -> WireReply:
        breaker, name = self.line.breaker, self.line.file.agency
        settled = False
        try:
            reply, attempts = self.line.sender.send(request)
            recording.ended(reply, attempts)
            settled = True
            return reply
        except NotSent as wrong:
            recording.ended(None, wrong.attempts)
            raise AgencyUnavailable(f"{name}: {wrong}") from wrong
        except NoAnswer as wrong:
            recording.ended(None, wrong.attempts)
            if kind.changes_something:
                raise InDoubt(f"{name}: {wrong}") from wrong
            raise AgencyUnavailable(f"{name}: {wrong}") from wrong
        except AnswerTooLong as wrong:
            recording.ended(None, wrong.attempts)
            raise NotUnderstood(f"{name}: {wrong}") from wrong
        finally:
            if not settled:
                breaker.failed()

    def understanding(self) -> _Understanding:
        """Where an answer is read: what does not fit becomes NotUnderstood."""
        return _Understanding()

    def understood(self, reading: str) -> None:
        """Close the exchange under way, if one is, with how it was understood."""
        if self._open is not None:
            self._exchanges.append(self._open.recording.exchange(reading))
            self._open = None

    def given_up(self) -> ChannelError:
        """The error for a thread that outlasts its time: name resolution that hangs, headers that drip."""
        under_way = self._open
        exchanges = list(self._exchanges)
        words = f"{self.line.file.agency}: no answer within {self.line.timeout:g} s"
        error: ChannelError = AgencyUnavailable(words)
        if under_way is not None and under_way.kind.changes_something:
            error = InDoubt(words)
        if under_way is not None:
            exchanges.append(under_way.recording.exchange(in_a_line(error)))
        error.exchanges = tuple(exchanges)
        return error


@dataclass(frozen=True)
class _Open:
    recording: Recording
    kind: Kind


class _Understanding:
    """Turns a reading that fails into NotUnderstood."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (Misfit, ExpressionFailed)):
            raise NotUnderstood(f"the answer cannot be read: {error}") from error


def _feed_of(line: _Line) -> FeedChannel:
    feed = line.channel().feed
    if feed is None:
        raise NotUnderstood(f"{line.file.agency} has no feed")
    return feed


def _look_up(talk: _Talk, operation: Operation, context: Context) -> Submission | None:
    _, meaning, reading = talk.ask(operation, context, Kind.LOOK_UP)
    with talk.understanding():
        found = meaning is not Meaning.NOT_FOUND
        if found and operation.found is not None:
            said = operation.found.evaluate(reading)
            if not isinstance(said, bool):
                raise Misfit(f"`found` is {said!r}, neither true nor false")
            found = said
        if not found:
            talk.understood("not found")
            return None
        return _submission(talk, operation, reading, Via.LOOK_UP)


def _already_received(
    talk: _Talk, channel: Channel, operation: Operation, context: Context, reading: dict[str, object]
) -> Submission:
    """
    A submission the agency has already: its receipt.

    Read from this very answer where it tells the reference; otherwise looked up, if the channel can;
    otherwise a receipt without a reference.
    """
    try:
        reference = operation.receipt.reference(reading)
    except (Misfit, ExpressionFailed):
        reference = None  # an answer of another shape than the usual one need not hold it
    if reference is None and channel.look_up is not None:
        talk.understood("already received")
        found = _look_up(talk, channel.look_up, context)
        if found is not None:
            return found
    received_at = talk.heard_at
    talk.understood(f"already received, receipt {reference}" if reference else "already received")
    return Submission(receipt=Receipt(reference=reference, received_at=received_at), exchanges=talk.exchanges)


def _submission(talk: _Talk, operation: Operation, reading: dict[str, object], via: Via) -> Submission:
    """Raises Misfit, ExpressionFailed."""
    reference = operation.receipt.reference(reading)
    # The decision may name the receipt that came with it.
    told = {**reading, "receipt": {"reference": reference or ""}}
    decisions = _decisions(talk, operation, told, via)
    receipt = Receipt(reference=reference, received_at=talk.heard_at)
    words = [f"receipt {reference}" if reference else "receipt", _said(decisions)]
    talk.understood(", ".join(word for word in words if word))
    return Submission(receipt=receipt, decisions=decisions, exchanges=talk.exchanges)


def _decisions(talk: _Talk, operation: Operation, reading: Context, via: Via) -> tuple[Decision, ...]:
    """Raises Misfit, ExpressionFailed."""
    if operation.decision is None or talk.terms is None:
        return ()
    return operation.decision.read(
        reading,
        referral=talk.terms.id,
        key=talk.terms.id,
        referred=talk.terms.items,
        via=via,
        received_at=talk.heard_at,
        evidence=talk.evidence,
    )


def _said(decisions: Sequence[Decision]) -> str:
    return ", ".join(decision.verdict.value for decision in decisions)
