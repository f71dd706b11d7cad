"""The agency's side of the proxy: connections to it, kept and used again."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from urllib.parse import urlsplit

from hub.workbench.certify.wire import Answer, Request

_PATIENCE = 120.0
"""Seconds the agency is waited for; the hub has long given up by then."""
OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection", "te", "upgrade"}
)
"""Headers that belong to one connection (RFC 9110 section 7.6.1), and the length, which is written anew."""


class Upstream:
    """Connections to the agency, kept and used again. For use from several threads."""

    def __init__(self, origin: str, trust: ssl.SSLContext | None) -> None:
        self.origin = origin
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._authority = parts.netloc.rpartition("@")[2]
        self._trust = trust
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()

    def ask(self, request: Request) -> Answer:
        """Raises OSError and http.client.HTTPException."""
        line = self._take()
        try:
            line.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            line.putheader("Host", self._authority)
            for name, value in request.headers:
                # Answers are to be read and edited, so they must not be compressed.
                if name.lower() not in OF_ONE_CONNECTION | {"host", "accept-encoding"}:
                    line.putheader(name, value)
            if request.body or request.method in ("POST", "PUT", "PATCH"):
                line.putheader("Content-Length", str(len(request.body)))
            line.endheaders(request.body or None)
            heard = line.getresponse()
            answer = Answer(heard.status, tuple(heard.getheaders()), heard.read())
        except BaseException:
            line.close()
            raise
        if heard.will_close:
            line.close()
        else:
            with self._lock:
                self._idle.append(line)
        return answer

    def reach(self, within: float) -> None:
        """Connect, and prove who is there, without asking anything. Raises OSError."""
        line = self._new()
        line.timeout = within
        try:
            line.connect()
        finally:
            line.close()

    def close(self) -> None:
        """Let go of the connections that nobody uses."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()

    def _take(self) -> http.client.HTTPConnection:
        while True:
            with self._lock:
                line = self._idle.pop() if self._idle else None
            if line is None:
                return self._new()
            if line.sock is not None and not _has_ended(line.sock):
                return line
            line.close()

    def _new(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        return http.client.HTTPSConnection(self._host, self._port, timeout=_PATIENCE, context=self._trust)


def _has_ended(line: socket.socket) -> bool:
    """Whether the other side has closed a connection that nothing is awaited on: then it is readable."""
    timeout = line.gettimeout()
    try:
        line.settimeout(0)
        # A TLS connection cannot be peeked at; reading nothing from an idle one does no harm.
        return line.recv(1) == b"" if isinstance(line, ssl.SSLSocket) else not line.recv(1, socket.MSG_PEEK)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    finally:
        line.settimeout(timeout)
