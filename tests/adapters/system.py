"""A small agency system on a real socket: it answers by a script, and remembers what it was sent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Heard:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """What goes back over the socket, piece by piece; then the connection is closed, unless it is kept."""

    pieces: tuple[bytes, ...] = ()
    keep: bool = False
    pause: float = 0.0
    """Seconds between pieces."""
    hold: bool = False
    """Say nothing more, and keep the line open until the system goes down."""


def answer(status: int, body: bytes | str = b"", **headers: str) -> Say:
    """A whole, well-formed HTTP answer."""
    content = body.encode() if isinstance(body, str) else body
    named = {"Content-Length": str(len(content)), **{k.replace("_", "-"): v for k, v in headers.items()}}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{k}: {v}\r\n" for k, v in named.items()) + "\r\n"
    return Say((head.encode() + content,), keep=True)


@dataclass
class System:
    """The script is asked for an answer to each request; `heard` is what arrived, in order."""

    script: Callable[[Heard], Say]
    heard: list[Heard] = field(default_factory=list)
    url: str = ""
    connections: int = 0
    down: threading.Event = field(default_factory=threading.Event)

    def serve(self, listener: socket.socket) -> None:
        while not self.down.is_set():
            try:
                line, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(line,), daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line:
            while request := _read(line):
                self.heard.append(request)
                say = self.script(request)
                try:
                    for piece in say.pieces:
                        line.sendall(piece)
                        time.sleep(say.pause)
                except OSError:
                    return
                if say.hold:
                    self.down.wait()
                if not say.keep:
                    return


def _read(line: socket.socket) -> Heard | None:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            more = line.recv(65536)
            if not more:
                return None
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rows = head.decode("latin-1").split("\r\n")
        headers = {n.lower(): v.strip() for n, _, v in (row.partition(":") for row in rows)}
        while len(body) < int(headers.get("content-length", 0)):
            more = line.recv(65536)
            if not more:
                return None
            body += more
    except OSError:
        return None
    method, path, _ = first.split(" ")
    return Heard(method, path, headers, body)


@contextmanager
def system(script: Callable[[Heard], Say] | Say | list[Say]) -> Iterator[System]:
    """Start a system: one answer for all requests, a list of answers in turn, or a function."""
    if isinstance(script, Say):
        fixed = script
        running = System(lambda _: fixed)
    elif isinstance(script, list):
        turns = iter(script)
        running = System(lambda _: next(turns))
    else:
        running = System(script)
    listener = socket.create_server(("127.0.0.1", 0))
    running.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=running.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield running
    finally:
        running.down.set()
        # shutdown wakes accept, which close alone does not.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
