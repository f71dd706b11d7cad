"""What is said to and fro in one piece of work: sent, heard, judged and recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from hub import tracing
from hub.adapters.channel import Operation
from hub.adapters.entering import Entry, LoginUnreadable, TurnedAway
from hub.adapters.limits import PATIENCE
from hub.adapters.line import Line
from hub.adapters.nul import refuse_nul
from hub.adapters.reading import Kind, LoggedOut, Meaning, judge, retry_after
from hub.adapters.recording import Recording, in_a_line
from hub.adapters.transport import AnswerTooLong, NoAnswer, NotSent
from hub.adapters.wire import Context, Heard, Misfit, WireReply, WireRequest
from hub.domain.errors import AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.domain.exchange import Exchange
from hub.domain.referral import ReferralTerms
from hub.expressions import ExpressionFailed, Values
from hub.ports import Call, CallMeter, CallResult, Clock, unmetered

_ASKS_FOR_A_PAUSE = (429, 503)
GRACE = 1.0
"""Seconds beyond a channel's time-out after which its thread is no longer waited for."""


class Talk:
    """What is said to and fro in one piece of work: usually one request, and what it takes to be let in."""

    def __init__(
        self,
        line: Line,
        kind: Kind,
        terms: ReferralTerms | None,
        clock: Clock,
        meter: CallMeter = unmetered,
    ) -> None:
        """`meter` is told of every request, also of those that let in and of those that nobody waits for."""
        self.line = line
        self.kind = kind
        self.terms = terms
        self.ends_by = time.monotonic() + line.timeout + GRACE
        self._clock = clock
        self._meter = meter
        self._heard_at = clock()
        self._exchanges: list[Exchange] = []
        self._open: _Open | None = None
        self._lock = threading.Lock()
        self._abandoned = False
        self._turn_taken = False
        self.asked_with: Context = {}
        """What the expressions of the latest request have seen."""
        self._admitted = False
        """The breaker has let a request through, and waits to be told how it ended."""

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

        A request that is turned away at the door, by its token or its session, is put once more with new
        ones. Raises ChannelError. The exchange stays open until `understood` is told how it was read.
        """
        kind = kind or self.kind
        entrance = self.line.entrance
        entry = entrance.enter(self)
        try:
            return self.put(operation, context, kind, entry)
        except TurnedAway as away:
            self.understood(f"turned away ({away}); asked again after entering anew")
            entrance.leave(entry)
        return self.put(operation, context, kind, entrance.enter(self), again=True)

    def put(
        self, operation: Operation, context: Context, kind: Kind, entry: Entry, *, again: bool = False
    ) -> tuple[Heard, Meaning, dict[str, object]]:
        """As `ask`, with what was entered with. Raises TurnedAway too, unless this is done `again`."""
        now = self._clock()
        proof = self.line.channel().proof
        seen = self._seen(operation, entry.context(context))
        try:
            written = operation.call.write(seen, now)
            request = proof.complete(written, now, None if entry.token is None else entry.token.text)
        except (Misfit, ExpressionFailed) as wrong:
            raise NotUnderstood(f"the request cannot be written: {wrong}") from wrong
        self._take_turn()
        wait = self.line.breaker.admit()
        if wait is not None:
            raise AgencyUnavailable(
                f"{self.line.file.agency} is not asked for now: too many requests in a row have failed",
                retry_after=wait,
            )
        self._admitted = True
        heard = self._heard(operation, self.send(request, kind))
        # A feed is read on: its messages are refused one by one, or a single one would stop it for ever.
        if kind is not Kind.PULL:
            heard = refuse_nul(heard)
        reading = Values(
            {
                **context,
                "reply": heard.reply,
                "status": heard.status,
                "headers": dict(heard.headers),
                "header": dict(heard.header),
                "fault": heard.fault.text if heard.fault is not None else "",
            }
        )
        away = None if again else entry.turned_away(heard)
        if away is not None:
            raise TurnedAway(away)
        try:
            return heard, judge(kind, heard, operation.errors, reading, now), reading
        except LoggedOut as told:
            if again or entry.session is None:
                raise
            raise TurnedAway(str(told)) from told
        except NotUnderstood as wrong:
            if kind is Kind.LOGIN and heard.unreadable is not None:
                self.hide_answer(heard)
                raise LoginUnreadable from wrong
            raise

    def _seen(self, operation: Operation, context: Context) -> Context:
        """
        What a request's expressions see: the channel's secrets too, and no recording tells what is made of
        them. Raises NotUnderstood.
        """
        known = self.line.channel().secrets
        missing = operation.proving.missing(known)
        if missing:
            raise NotUnderstood(
                f"the request reads secret.{missing[0]}, and `channel.secrets` of the file of "
                f"{self.line.file.agency} that is in force has no {missing[0]}: add it there"
            )
        seen = Values({**context, "secret": dict(known)})
        for text in operation.proving.made_of(seen):
            self.line.scrubber.learn(text)
        self.asked_with = seen
        return seen

    def _heard(self, operation: Operation, reply: WireReply) -> Heard:
        """An answer as it is read, and what it says of the system that gave it."""
        try:
            heard = operation.call.read(replace(reply, heard_at=self._heard_at))
        except BaseException:
            self._settle(self.line.breaker.abandoned)
            raise
        # An answer below 500, or a fault in the protocol's own words, shows that the system is there.
        is_down = heard.status >= 500 and heard.fault is None
        self._settle(self.line.breaker.failed if is_down else self.line.breaker.succeeded)
        if heard.status in _ASKS_FOR_A_PAUSE:
            self.line.bounds.pause.ask(retry_after(heard.headers, self._heard_at) or 0.0)
        return heard

    def _settle(self, tell: Callable[[], None]) -> None:
        """Tell the breaker how the request ended that it admitted: once, also when nobody waits any more."""
        with self._lock:
            if self._admitted:
                self._admitted = False
                tell()

    def _take_turn(self) -> None:
        """
        Wait until the rate lets one more request out. Raises AgencyUnavailable where that takes too long.

        The first one's turn has come before this work began; those after it, as the one that follows a
        log-in, wait for theirs.
        """
        if not self._turn_taken or self.line.bucket is None:
            self._turn_taken = True
            return
        wait = self.line.bucket.reserve(PATIENCE)
        if wait is None:
            raise AgencyUnavailable(
                f"{self.line.file.agency} is busy: its rate is used up", retry_after=self.line.bucket.wait()
            )
        self.take_time()
        time.sleep(wait)

    def take_time(self) -> None:
        """From now on this work may take as long as one request may."""
        self.ends_by = time.monotonic() + self.line.timeout + GRACE

    def send(self, request: WireRequest, kind: Kind) -> WireReply:
        """Send one request: what was answered, and the exchange opened. Raises ChannelError."""
        recording = Recording(
            agency=self.line.file.agency,
            kind=kind,
            mrn=self.terms.mrn if self.terms else None,
            service=self.terms.service if self.terms else None,
            started_at=self._clock(),
            config_version=self.line.version,
            scrubber=self.line.scrubber,
            request=request,
        )
        with self._lock:
            if self._abandoned:
                # Whoever waited has been told that nothing took effect, and it must stay true.
                if self._admitted:
                    self._admitted = False
                    self.line.breaker.abandoned()
                raise AgencyUnavailable(f"{self.line.file.agency}: no answer in time, and nothing sent after")
            self._open = _Open(recording, kind)
            self.take_time()
        reply = self._send(request, recording, kind)
        self._heard_at = self._clock()
        return reply

    def _send(self, request: WireRequest, recording: Recording, kind: Kind) -> WireReply:
        name = self.line.file.agency
        settled = False
        try:
            with tracing.calling(
                name,
                kind,
                self.terms.mrn if self.terms else None,
                self.terms.service if self.terms else None,
                request.method,
                request.url,
                tells=self.line.file.channel.trace,
            ) as call:
                reply, attempts = self.line.sender.send(request, call.headers)
                call.answered(reply.status, attempts)
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
            if not settled and kind is Kind.TOKEN:
                self.line.breaker.failed()  # nobody admits a request to the authorisation server
            elif not settled:
                self._settle(self.line.breaker.failed)

    def hide_answer(self, heard: Heard) -> None:
        """Record no value of the answer that is under way."""
        if self._open is not None:
            self._open.recording.hide([heard.reply, dict(heard.header), heard.aside])

    def understanding(self) -> Understanding:
        """Where an answer is read: what does not fit becomes NotUnderstood."""
        return Understanding()

    def understood(self, reading: str, error: ChannelError | None = None) -> None:
        """Close the exchange under way, if one is, with how it was understood, or the error it ended with."""
        if self._open is None:
            return
        exchange = self._open.recording.exchange(reading)
        self._exchanges.append(exchange)
        with self._lock:
            self._open = None
            counted = self._abandoned
        if not counted:
            self._count(exchange, error)

    def _count(self, exchange: Exchange, error: ChannelError | None) -> None:
        self._meter(
            Call(
                agency=exchange.agency,
                operation=exchange.kind,
                started_at=exchange.started_at,
                milliseconds=exchange.milliseconds,
                result=CallResult.ANSWERED if error is None else CallResult.of(error),
            )
        )

    def given_up(self) -> ChannelError:
        """The error for a thread that outlasts its time: name resolution that hangs, headers that drip."""
        with self._lock:
            self._abandoned = True
            under_way = self._open
            if self._admitted:
                # Its end, whenever it comes, says nothing better of the agency.
                self._admitted = False
                self.line.breaker.failed()
        exchanges = list(self._exchanges)
        words = f"{self.line.file.agency}: no answer within {self.line.timeout:g} s"
        error: ChannelError = AgencyUnavailable(words)
        if under_way is not None and under_way.kind.changes_something:
            error = InDoubt(words)
        if under_way is not None:
            exchange = under_way.recording.exchange(in_a_line(error))
            exchanges.append(exchange)
            self._count(exchange, error)
        error.exchanges = tuple(exchanges)
        return error


@dataclass(frozen=True)
class _Open:
    recording: Recording
    kind: Kind


class Understanding:
    """Turns a reading that fails into NotUnderstood."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, (Misfit, ExpressionFailed)):
            raise NotUnderstood(f"the answer cannot be read: {error}") from error
