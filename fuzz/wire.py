"""HTTP as bytes on a socket, so that also what no client would send can be sent."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse

_PATIENCE = 30.0
"""Seconds; what takes so long is not answered."""
_MOST_READ = 16 * 1024 * 1024
_OF_A_STREAM = 4096


@dataclass(frozen=True)
class Answer:
    """What came back; no status where the connection was closed without an answer."""

    status: int | None
    head: bytes = b""
    body: bytes = b""
    seconds: float = 0.0

    @property
    def result(self) -> str:
        """In a word, for counting."""
        return "closed" if self.status is None else str(self.status)


def request(
    method: str,
    target: str | bytes,
    headers: Mapping[str, str | bytes] | None = None,
    body: bytes | None = None,
) -> bytes:
    """A request as it is written; whatever stands in the parts goes out as it is."""
    path = target if isinstance(target, bytes) else target.encode()
    lines = [method.encode() + b" " + path + b" HTTP/1.1"]
    named = {"Host": "127.0.0.1", **(headers or {})}
    if body is not None and not any(name.lower() == "content-length" for name in named):
        named["Content-Length"] = str(len(body))
    for name, value in named.items():
        lines.append(
            name.encode() + b": " + (value if isinstance(value, bytes) else value.encode("utf-8", "replace"))
        )
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


class Line:
    """A connection to the hub, kept as long as it goes, and made anew when it is gone."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(
        self,
        sent: bytes | Sequence[bytes],
        *,
        pause: float = 0.0,
        expects_body: bool = True,
        ends: bool = False,
    ) -> Answer:
        """
        Send, and read the answer. Pieces go out one after another, with a pause of seconds between them.
        After the last the sending side is closed where the input `ends` there.

        Raises NotAnswered if there is neither an answer nor an end.
        """
        pieces = [sent] if isinstance(sent, bytes) else sent
        fresh = self._socket is None
        began = time.perf_counter()
        answer = self._once(pieces, pause, expects_body=expects_body, ends=ends)
        if answer is None and not fresh:
            # The hub had closed a connection that was idle: that says nothing about this input.
            began = time.perf_counter()
            answer = self._once(pieces, pause, expects_body=expects_body, ends=ends)
        spent = time.perf_counter() - began - pause * (len(pieces) - 1)
        if answer is None:
            return Answer(None, seconds=spent)
        return Answer(answer.status, answer.head, answer.body, spent)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _once(
        self, pieces: Sequence[bytes], pause: float, *, expects_body: bool, ends: bool
    ) -> Answer | None:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self._port), timeout=_PATIENCE)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = self._socket
        # A hub that has heard enough answers and closes before all is sent; the answer is still there.
        with suppress(ConnectionError):
            for number, piece in enumerate(pieces):
                if number and pause:
                    time.sleep(pause)  # the input itself is that it comes slowly
                line.sendall(piece)
        if ends:
            with suppress(OSError):  # the hub may have hung up by now
                line.shutdown(socket.SHUT_WR)
        method = "GET" if expects_body else "HEAD"
        with HTTPResponse(line, method=method) as response:
            try:
                response.begin()
                while response.status < 200:
                    response.begin()
                head = f"{response.status}\n{response.headers}".encode("utf-8", "surrogateescape")
                if (response.headers.get("content-type") or "").startswith("text/event-stream"):
                    body = response.read1(_OF_A_STREAM)
                    self.close()
                else:
                    body = response.read(_MOST_READ)
            except TimeoutError as late:
                self.close()
                raise NotAnswered(f"no answer in {_PATIENCE:g} s") from late
            except (HTTPException, ConnectionError):
                self.close()
                return None
            if response.will_close or response.length:
                self.close()
            return Answer(response.status, head, body)


class NotAnswered(Exception):
    """Neither an answer nor the end of the connection, for as long as anybody would wait."""
