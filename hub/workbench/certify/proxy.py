"""
Between hub and agency: a small HTTP proxy on a loopback socket.

It passes requests on and answers back, over connections that are kept alive on both sides, and notes each
passage. A trick stands in the way where a behaviour wants one: so the hard cases are played with any agency,
without the agency having to misbehave.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from hub.workbench.certify.upstream import OF_ONE_CONNECTION, Upstream
from hub.workbench.certify.wire import Answer, Cut, Headers, Passage, Request, Trick, straight

Kinds = Callable[[str, str, Headers, bytes], str]
"""What a request is for: told method, target, headers and body."""


class Tap:
    """
    Where all proxies of a run meet: what has passed, and the tricks to be played.

    For use from several threads.
    """

    def __init__(self, kinds: Kinds) -> None:
        self.kinds = kinds
        self._passages: list[Passage] = []
        self._tricks: list[_Turn] = []
        self._lock = threading.Lock()

    @property
    def passages(self) -> list[Passage]:
        """Everything that has passed so far, in order of arrival."""
        with self._lock:
            return list(self._passages)

    def since(self, mark: int, kind: str | None = None) -> list[Passage]:
        """The passages after the first `mark`, of one kind or of all."""
        return [p for p in self.passages[mark:] if kind is None or p.request.kind == kind]

    @contextmanager
    def playing(self, trick: Trick, kind: str, times: int | None = None) -> Iterator[None]:
        """Play a trick on the next requests of a kind: so many of them, or all while this lasts."""
        turn = _Turn(trick, kind, times)
        with self._lock:
            self._tricks.append(turn)
        try:
            yield
        finally:
            with self._lock:
                self._tricks.remove(turn)

    def enter(self, passage: Passage) -> Trick:
        """Note a request, and give what is to become of it."""
        with self._lock:
            self._passages.append(passage)
            for turn in self._tricks:
                if turn.kind == passage.request.kind and turn.left != 0:
                    turn.left = None if turn.left is None else turn.left - 1
                    return turn.trick
        return straight


class _Turn:
    def __init__(self, trick: Trick, kind: str, times: int | None) -> None:
        self.trick = trick
        self.kind = kind
        self.left = times


class Proxy:
    """
    The way to one origin of the agency's: `url` stands for it, until `close`.

    `tls` is what the proxy proves itself with to the hub; without it the hub speaks plain HTTP to it. `trust`
    is how the agency's own certificate is checked where it speaks https.
    """

    def __init__(
        self,
        origin: str,
        tap: Tap,
        *,
        trust: ssl.SSLContext | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`origin` is as `https://host:8443`. Raises OSError when no port can be had."""
        self._upstream = Upstream(origin, trust)
        self._tap = tap
        self._tls = tls
        self._port = 0
        self._server: _Server | None = None
        self.open()

    @property
    def url(self) -> str:
        """What stands in the place of the origin."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Listen; after `close`, at the same port as before."""
        self._server = _Server(self._port, self._tap, self._upstream, self._tls)
        self._port = self._server.server_port
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def close(self) -> None:
        """Listen no more, and cut every connection: whoever asks finds nobody there."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server.hang_up()
            self._server = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody is there, while this lasts."""
        self.close()
        try:
            yield
        finally:
            self.open()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, port: int, tap: Tap, upstream: Upstream, tls: ssl.SSLContext | None) -> None:
        self.tap = tap
        self.upstream = upstream
        self._tls = tls
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        super().__init__(("127.0.0.1", port), _Handler)

    def finish_request(self, request: socket.socket, client_address: object) -> None:  # type: ignore[override]
        line = request
        try:
            if self._tls is not None:
                # In the connection's own thread: a handshake that hangs keeps nobody else waiting.
                line = self._tls.wrap_socket(request, server_side=True)
            with self._lock:
                self._open.add(line)
            super().finish_request(line, client_address)
        except OSError:
            pass  # a connection that broke, or a handshake that the hub refused: what it reads is what counts
        finally:
            with self._lock:
                self._open.discard(line)
            if line is not request:
                line.close()

    def linked(self, answer: Answer) -> Answer:
        """The answer with links to the agency's origin leading to this proxy."""
        theirs, ours = (
            self.upstream.origin,
            f"{'https' if self._tls else 'http'}://127.0.0.1:{self.server_port}",
        )
        body = answer.body.replace(theirs.encode(), ours.encode())
        body = body.replace(theirs.replace("/", "\\/").encode(), ours.replace("/", "\\/").encode())
        headers = tuple((name, value.replace(theirs, ours)) for name, value in answer.headers)
        return Answer(answer.status, headers, body)

    def hang_up(self) -> None:
        with self._lock:
            lines = list(self._open)
        for line in lines:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        """One request, whatever its method."""
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        headers = tuple((name, value) for name, value in self.headers.items())
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kind = self.server.tap.kinds(self.command, self.path, headers, body)
        passage = Passage(Request(kind, self.command, self.path, headers, body), time.monotonic())
        trick = self.server.tap.enter(passage)

        def ask(body: bytes | None = None) -> Answer:
            request = passage.request if body is None else replace(passage.request, body=body)
            answer = self.server.upstream.ask(request)
            passage.said.append(answer)
            # The pages of a feed may be linked by whole addresses: they too are to lead through here.
            return self.server.linked(answer) if kind == "pull" else answer

        try:
            outcome: Answer | Cut = trick(passage.request, ask)
        except (OSError, http.client.HTTPException) as wrong:
            # The agency itself is not there, or broke off: the hub finds it the same way.
            outcome, passage.broke = Cut(), f"{type(wrong).__name__}: {wrong}"
        passage.given, passage.ended = outcome, time.monotonic()
        self._give(outcome)

    def _give(self, outcome: Answer | Cut) -> None:
        answer = outcome.after if isinstance(outcome, Cut) else outcome
        if answer is None:
            self.close_connection = True
            return
        rows = [(name, value) for name, value in answer.headers if name.lower() not in OF_ONE_CONNECTION]
        head = f"HTTP/1.1 {answer.status} {http.client.responses.get(answer.status, '')}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in rows)
        bodiless = answer.status in (204, 304)
        head += "" if bodiless else f"Content-Length: {len(answer.body)}\r\n"
        body = answer.body
        if isinstance(outcome, Cut):
            self.close_connection = True
            # An empty answer is cut in its head: there is no body to be cut in.
            self.wfile.write(
                (head + "\r\n").encode("latin-1") + body[: len(body) // 2] if body else b"HTTP/1"
            )
            return
        self.wfile.write((head + "\r\n").encode("latin-1") + (b"" if bodiless else body))

    def log_message(self, *_: object) -> None:
        return
