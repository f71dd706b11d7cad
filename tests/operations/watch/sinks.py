"""A mail server and a webhook of a receiver: real sockets, that may be closed and opened again."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from hub.loopback import free_port


class MailSink:
    """Takes mails; refuses them as long as `refuses` says why."""

    def __init__(self, tls: ssl.SSLContext | None = None, password: str | None = None) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.refuses: str | None = None
        self._tls = tls
        self._password = password
        self._controller: Controller | None = None

    @property
    def url(self) -> str:
        user = "" if self._password is None else f"hub:{self._password}@"
        return f"smtp://{user}localhost:{self.port}"

    def open(self) -> MailSink:
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=self._tls,
            authenticator=None if self._password is None else self._authenticate,
            auth_required=self._password is not None,
            auth_require_tls=self._password is not None,
        )
        self._controller.start()
        return self

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        given = data.password.decode() if isinstance(data, LoginPassword) else ""
        return AuthResult(success=given == self._password, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses is not None:
            return self.refuses
        content = cast(bytes, envelope.original_content)
        self.mails.append(cast(EmailMessage, message_from_bytes(content, policy=policy.default)))
        return "250 taken"


class WebhookSink:
    """Takes what is posted; answers with `status`."""

    def __init__(self) -> None:
        self.posted: list[tuple[Mapping[str, str], bytes]] = []
        self.status = 204
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.status < 300:
                    sink.posted.append(({k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing on the terminal."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/alerts"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.posted]
