"""The cargo system: told to release, hold or refuse, by a notice known by its key."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial

from hub import tracing
from hub.adapters.limits import Breaker
from hub.adapters.nul import refuse_nul, without_nul
from hub.adapters.reading import Kind, as_text, judge
from hub.adapters.recording import Recording, in_a_line
from hub.adapters.rest import read_json
from hub.adapters.secrets import Scrubber
from hub.adapters.transport import AnswerTooLong, NoAnswer, NotSent, Sender
from hub.adapters.wire import Heard, Misfit, WireReply, WireRequest
from hub.domain.clearance import Notice
from hub.domain.errors import AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from hub.ports import Acknowledgement, Clock

_TIMEOUT = 15.0
_ATTEMPTS = 2
_AT_A_TIME = 16
_BREAKER_FAILURES = 10
_BREAKER_PAUSE = 5.0


class CargoClient:
    """
    Implements `hub.ports.CargoSystem`: POST {url}/cargo/notices, with the notice's key as Idempotency-Key.

    A notice may be sent any number of times; the key makes it one. Acknowledgements and errors carry the
    exchange that took place.
    """

    def __init__(self, url: str, token: str, clock: Clock, *, timeout: float = _TIMEOUT) -> None:
        """`token` is sent as a bearer token; `timeout` is seconds for one notice."""
        self._url = f"{url.rstrip('/')}/cargo/notices"
        self._token = token
        self._clock = clock
        self._scrubber = Scrubber([token])
        self._sender = Sender(timeout=timeout, attempts=_ATTEMPTS, connections=_AT_A_TIME)
        self._breaker = Breaker(_BREAKER_FAILURES, _BREAKER_PAUSE)
        self._threads = ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="cargo")

    def close(self) -> None:
        """Wait for the notices under way, and let go of connections. Blocking."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._sender.close()

    async def tell(self, notice: Notice) -> Acknowledgement:
        in_context = partial(copy_context().run, self._tell, notice)
        return await asyncio.get_running_loop().run_in_executor(self._threads, in_context)

    def _tell(self, notice: Notice) -> Acknowledgement:
        wait = self._breaker.admit()
        if wait is not None:
            raise AgencyUnavailable(
                "the cargo system is not asked for now: too many requests in a row have failed",
                retry_after=wait,
            )
        request = WireRequest(
            method="POST",
            url=self._url,
            headers={
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "Idempotency-Key": notice.key,
            },
            body=notice.model_dump_json().encode(),
        )
        recording = Recording(
            agency="cargo",
            kind=Kind.NOTICE,
            mrn=notice.mrn,
            service=None,
            started_at=self._clock(),
            config_version="",
            scrubber=self._scrubber,
            request=request,
        )
        try:
            reference = self._read(self._send(request, recording, notice.mrn))
        except ChannelError as error:
            error.args = (self._scrubber.text(str(error)),)
            error.exchanges = (recording.exchange(in_a_line(error)),)
            raise
        reading = f"acknowledged, reference {reference}" if reference else "acknowledged"
        return Acknowledgement(
            at=self._clock(), reference=reference, exchanges=(recording.exchange(reading),)
        )

    def _send(self, request: WireRequest, recording: Recording, mrn: str) -> WireReply:
        answered = False
        try:
            with tracing.calling(
                "cargo", Kind.NOTICE, mrn, None, request.method, request.url, tells=True
            ) as call:
                reply, attempts = self._sender.send(request, call.headers)
                call.answered(reply.status, attempts)
            recording.ended(reply, attempts)
            answered = reply.status < 500
            return reply
        except NotSent as wrong:
            recording.ended(None, wrong.attempts)
            raise AgencyUnavailable(f"the cargo system: {wrong}") from wrong
        except NoAnswer as wrong:
            recording.ended(None, wrong.attempts)
            raise InDoubt(f"the cargo system: {wrong}") from wrong
        except AnswerTooLong as wrong:
            recording.ended(None, wrong.attempts)
            raise NotUnderstood(f"the cargo system: {wrong}") from wrong
        finally:
            if answered:
                self._breaker.succeeded()
            else:
                self._breaker.failed()

    def _read(self, reply: WireReply) -> str | None:
        """The cargo system's reference, if it tells one. Raises ChannelError."""
        text = without_nul(reply.body.decode("utf-8", "replace"))
        body = {}
        unreadable = None
        if text.strip():
            try:
                body = read_json(reply.body)
            except Misfit as wrong:
                unreadable = str(wrong)
        judge(
            Kind.NOTICE,
            refuse_nul(Heard(reply.status, reply.headers, body, text=text, unreadable=unreadable)),
            (),
            {},
            self._clock(),
        )
        try:
            return as_text(body.get("reference")) if isinstance(body, dict) else None
        except Misfit as wrong:
            raise NotUnderstood(f"the cargo system's reference cannot be read: {wrong}") from wrong
