"""Exchanges as they are recorded: scrubbed, cut to size, and in one line how they were understood."""

from __future__ import annotations

import secrets
import time
from datetime import datetime

from hub.adapters.multipart import readable
from hub.adapters.reading import Kind
from hub.adapters.secrets import Scrubber, without_user
from hub.adapters.wire import Plain, WireReply, WireRequest
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt
from hub.domain.exchange import Exchange


def new_exchange_id(at: datetime) -> str:
    """A new id, in hexadecimal; ids sort by time (48 bits of milliseconds, then 80 random ones)."""
    return f"{int(at.timestamp() * 1000):012x}{secrets.token_hex(10)}"


class Recording:
    """One request and its answer while they take place."""

    def __init__(
        self,
        *,
        agency: str,
        kind: Kind,
        mrn: str | None,
        service: str | None,
        started_at: datetime,
        config_version: str,
        scrubber: Scrubber,
        request: WireRequest,
    ) -> None:
        self.id = new_exchange_id(started_at)
        self._began = time.perf_counter()
        self._milliseconds: int | None = None
        self._agency = agency
        self._kind = kind
        self._mrn = mrn
        self._service = service
        self._started_at = started_at
        self._config_version = config_version
        self._scrubber = scrubber
        self._request = request
        self._reply: WireReply | None = None
        self._attempts = 1
        self._hidden: Plain = None

    def ended(self, reply: WireReply | None, attempts: int) -> None:
        """The request is over; without an answer, `reply` is None."""
        self._milliseconds = round((time.perf_counter() - self._began) * 1000)
        self._reply = reply
        self._attempts = attempts

    def hide(self, values: Plain) -> None:
        """Record none of these values of the answer; only how it is built."""
        self._hidden = values

    def exchange(self, reading: str) -> Exchange:
        """What is recorded; `reading` says how it was understood."""
        scrub, request, reply = self._scrubber, self._request, self._reply
        answered = scrub if self._hidden is None else scrub.and_also(_values(self._hidden))
        took = self._milliseconds
        return Exchange(
            id=self.id,
            agency=self._agency,
            kind=self._kind.value,
            mrn=self._mrn,
            service=self._service,
            started_at=self._started_at,
            milliseconds=round((time.perf_counter() - self._began) * 1000) if took is None else took,
            request={
                "method": request.method,
                "url": scrub.text(without_user(request.url)),
                "headers": scrub.headers(request.headers),
                "body": scrub.body(readable(request.headers, request.body)),
            },
            reply=None
            if reply is None
            else {
                "status": reply.status,
                "headers": answered.headers(reply.headers),
                "body": answered.body(readable(reply.headers, reply.body)),
            },
            reading=scrub.text(reading),
            attempts=self._attempts,
            config_version=self._config_version,
        )


def _values(plain: Plain) -> list[str]:
    """Every text and number in plain data."""
    if isinstance(plain, dict):
        return [value for part in plain.values() for value in _values(part)]
    if isinstance(plain, list):
        return [value for part in plain for value in _values(part)]
    return [] if plain is None or isinstance(plain, bool) else [str(plain)]


def in_a_line(error: ChannelError) -> str:
    """How an error is told in a recording."""
    if isinstance(error, AgencyUnavailable):
        word = "unavailable"
    elif isinstance(error, AgencyRefused):
        word = "refused"
    elif isinstance(error, InDoubt):
        word = "in doubt"
    else:
        word = "not understood"
    return f"{word}: {error}"
