"""An agency played on a local socket: it is asked by the real gateway, and answers what a file says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from hub.config.models import AgencyFile, ChannelFile, OperationFile
from hub.expressions import roots
from hub.workbench.variables import Variable, variables_of

PATH = "/agency"
"""Below which the agency is played."""
_TOKEN_PATH = "/oauth2/token"  # noqa: S105 - an address, no secret
_TOKEN = b'{"access_token": "played-token", "token_type": "Bearer", "expires_in": 3600}'


@dataclass(frozen=True)
class HeardRequest:
    """One request as it arrived; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class PlayedAnswer:
    """One answer as it goes back."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


Script = Callable[[HeardRequest], PlayedAnswer | None]
"""What is answered to a request; None cuts the connection without an answer."""


@dataclass
class PlayedAgency:
    """A played agency: where it is, and what it has been asked, in order."""

    url: str
    heard: list[HeardRequest] = field(default_factory=list)


@contextmanager
def played_agency(script: Script) -> Iterator[PlayedAgency]:
    """
    An agency on a free port of this machine for as long as the context lasts.

    OAuth 2.0 token requests are granted without asking the script and without being counted as heard.
    """
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            heard = HeardRequest(self.command, self.path, headers, body)
            if heard.path == _TOKEN_PATH:
                answer: PlayedAnswer | None = PlayedAnswer(200, {"Content-Type": "application/json"}, _TOKEN)
            else:
                with lock:
                    running.heard.append(heard)
                    answer = script(heard)
            if answer is None:
                self.close_connection = True
                return
            self.send_response_only(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            self.wfile.flush()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: what was heard is kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    # A connection that the gateway keeps open must not keep the server from ending.
    server.block_on_close = False
    running = PlayedAgency(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_played(file: AgencyFile, url: str, path: str = PATH) -> AgencyFile:
    """
    An agency's file with every address leading to a played agency.

    What the played agency does not take part in is left out: TLS, signatures, maintenance, its rate, and that
    it is served from its own network.
    """
    channel = file.channel
    auth = channel.auth.model_copy(update={"mtls": None})
    if auth.oauth2 is not None:
        oauth2 = auth.oauth2.model_copy(update={"token_url": url + _TOKEN_PATH})
        auth = auth.model_copy(update={"oauth2": oauth2})
    if auth.ws_security is not None:
        ws_security = auth.ws_security.model_copy(update={"signature": None})
        auth = auth.model_copy(update={"ws_security": ws_security})
    changed = channel.model_copy(
        update={
            "endpoint": url + path,
            "auth": auth,
            "trust": None,
            "own_worker": False,
            "maintenance": [],
            "limits": channel.limits.model_copy(update={"per_second": None}),
            **_operations_at(channel, url + path),
        }
    )
    return file.model_copy(update={"channel": changed})


def played_environment(file: AgencyFile) -> dict[str, str]:
    """
    A value for every variable that an agency's file names, the same every time.

    With characters that XML, JSON and URLs write otherwise: what is not encoded as it should be shows.
    """
    return {v.name: f'{v.name.lower()}-3f&<"{_beyond_ascii(v)}' for v in variables_of(file)}


def _beyond_ascii(variable: Variable) -> str:
    # What a mapping may put into a header must be ASCII (RFC 9110 section 5.5).
    return "" if variable.key[:2] == ("channel", "secrets") else "é"


def _operations_at(channel: ChannelFile, address: str) -> dict[str, Any]:
    def moved(operation: OperationFile | None) -> OperationFile | None:
        if operation is None or operation.endpoint is None:
            return operation
        return operation.model_copy(update={"endpoint": address})

    names = ("login", "submit", *roots.FOLLOWING)
    changes: dict[str, Any] = {name: moved(getattr(channel, name)) for name in names}
    if channel.feed is not None:
        feed = {name: moved(getattr(channel.feed, name)) for name in ("pull", "acknowledge", "reject")}
        changes["feed"] = channel.feed.model_copy(update=feed)
    return changes
