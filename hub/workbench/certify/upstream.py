"""
The agency's side of the proxy: a connection for every request.

One that is kept may be closed by the agency just when it is used again, and that would look as if the agency
had broken off.
"""

from __future__ import annotations

import http.client
import ssl
from urllib.parse import urlsplit

from hub.workbench.certify.wire import Answer, Request

_PATIENCE = 120.0
"""Seconds the agency is waited for; the hub has long given up by then."""
OF_ONE_CONNECTION = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "content-length", "proxy-connection", "te", "upgrade"}
)
"""Headers that belong to one connection (RFC 9110 section 7.6.1), and the length, which is written anew."""


class Upstream:
    """The way to the agency. For use from several threads."""

    def __init__(self, origin: str, trust: ssl.SSLContext | None) -> None:
        self.origin = origin
        parts = urlsplit(origin)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = parts.port
        self._authority = parts.netloc.rpartition("@")[2]
        self._trust = trust

    def ask(self, request: Request) -> Answer:
        """Raises OSError and http.client.HTTPException."""
        line = self._new()
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
            return Answer(heard.status, tuple(heard.getheaders()), heard.read())
        finally:
            line.close()

    def reach(self, within: float) -> None:
        """Connect, and prove who is there, without asking anything. Raises OSError."""
        line = self._new()
        line.timeout = within
        try:
            line.connect()
        finally:
            line.close()

    def _new(self) -> http.client.HTTPConnection:
        if not self._secure:
            return http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE)
        return http.client.HTTPSConnection(self._host, self._port, timeout=_PATIENCE, context=self._trust)
