"""
How a request may begin: within a time, and within a size. A server of this API is run with `BoundedHttp`.

uvicorn bounds neither: whoever opens connections and never ends a header would hold each for ever, and
headers without end would fill the memory.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_BYTES = 64 * 1024
"""Of the request line and all headers together."""


class BoundedHttp(HttpToolsProtocol):
    """A connection. It ends with 408 or 431 when the beginning of a request is too slow or too long."""

    within = timedelta(seconds=10)
    """From the connection, or the first byte of a later request, to the end of its headers."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._read: int | None = None
        """Bytes of a beginning that has not ended; None between the end of the headers and the answer."""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._begin()

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._read is None and (self.cycle is None or self.cycle.response_complete):
            self._begin()
        before = self._read
        super().data_received(data)
        if self._read is not None and before is not None:
            self._read += len(data)
            if self._read > MOST_BYTES:
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._read is None:
            self._begin()

    def on_headers_complete(self) -> None:
        self._end()
        super().on_headers_complete()

    def _begin(self) -> None:
        self._read = 0
        self._timer = self.loop.call_later(
            self.within.total_seconds(), self._refuse, HTTPStatus.REQUEST_TIMEOUT
        )

    def _end(self) -> None:
        self._read = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: HTTPStatus) -> None:
        """Say so and hang up; there is no request yet that an application could answer."""
        self._end()
        if not self.transport.is_closing():
            head = (
                f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
            self.transport.write(head.encode("ascii"))
            self.transport.close()
