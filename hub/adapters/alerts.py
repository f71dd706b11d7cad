"""Bulletins of the early warning on their way out: by mail (SMTP), or posted to a webhook."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from hub.adapters.transport import AnswerTooLong, NoAnswer, NotSent, Sender
from hub.adapters.wire import WireRequest
from hub.ports import AlertNotSent, Bulletin, Clock, Receiver, Severity

_TIMEOUT = 10.0
_PORTS = {"smtp": 25, "smtps": 465}


class AlertPost:
    """
    Implements `hub.ports.AlertSender`.

    A mail bears the bulletin's id as its Message-ID, a webhook as its `webhook-id`: both are the same when
    it is sent again. Webhooks are signed as Standard Webhooks asks: `v1,` and the base64 of the HMAC-SHA256
    of `id.timestamp.body`.
    """

    def __init__(self, smtp_url: str | None, sender: str, clock: Clock, *, timeout: float = _TIMEOUT) -> None:
        """
        `smtp_url` is `smtp://user:password@host:port`, or `smtps://` where the connection is TLS from its
        beginning. Raises ValueError for anything else.
        """
        self._mail = None if smtp_url is None else urlsplit(smtp_url)
        if self._mail is not None and (self._mail.scheme not in _PORTS or not self._mail.hostname):
            raise ValueError("the URL of the mail server is written smtp://host:port or smtps://host:port")
        self._from = sender
        self._clock = clock
        self._timeout = timeout
        self._posting = Sender(timeout=timeout, attempts=2)

    def send(self, bulletin: Bulletin, receiver: Receiver) -> None:
        """By every way there is to this receiver. Raises AlertNotSent."""
        if receiver.email is not None:
            self._send_mail(bulletin, receiver.email)
        if receiver.webhook is not None:
            self._post(bulletin, receiver.webhook, receiver.secret)

    def close(self) -> None:
        """Let go of connections."""
        self._posting.close()

    def _send_mail(self, bulletin: Bulletin, address: str) -> None:
        if self._mail is None:
            raise AlertNotSent("no mail server is set (HUB_SMTP_URL)")
        message = self._message(bulletin, address)
        try:
            with self._connected() as server:
                self._log_in(server)
                server.send_message(message, from_addr=self._from, to_addrs=[address])
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            raise AlertNotSent(f"the mail server did not take it: {_words(error)}") from error

    def _message(self, bulletin: Bulletin, address: str) -> EmailMessage:
        message = EmailMessage()
        message["From"] = self._from
        message["To"] = address
        message["Subject"] = bulletin.subject
        message["Date"] = format_datetime(bulletin.created_at)
        message["Message-ID"] = f"<{bulletin.id}@{self._from.rpartition('@')[2] or 'hub'}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is answered
        if bulletin.severity is Severity.CRITICAL:
            message["Importance"] = "high"
        message.set_content(bulletin.text)
        return message

    def _connected(self) -> smtplib.SMTP:
        mail = self._mail
        assert mail is not None
        assert mail.hostname is not None
        port = mail.port or _PORTS[mail.scheme]
        if mail.scheme == "smtps":
            return smtplib.SMTP_SSL(
                mail.hostname, port, timeout=self._timeout, context=ssl.create_default_context()
            )
        return smtplib.SMTP(mail.hostname, port, timeout=self._timeout)

    def _log_in(self, server: smtplib.SMTP) -> None:
        """Encrypt where the server can; a password goes by an encrypted connection only."""
        mail = self._mail
        assert mail is not None
        server.ehlo()
        is_encrypted = mail.scheme == "smtps"
        if not is_encrypted and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
            is_encrypted = True
        if mail.username:
            if not is_encrypted:
                raise smtplib.SMTPException("it offers no STARTTLS, and the password would go in the clear")
            server.login(unquote(mail.username), unquote(mail.password or ""))

    def _post(self, bulletin: Bulletin, url: str, secret: str | None) -> None:
        body = json.dumps({"id": bulletin.id, **bulletin.data}, ensure_ascii=False).encode()
        timestamp = str(int(self._clock().timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": bulletin.id,
            "webhook-timestamp": timestamp,
        }
        if secret is not None:
            headers["webhook-signature"] = f"v1,{signature(secret, bulletin.id, timestamp, body)}"
        request = WireRequest(method="POST", url=url, headers=headers, body=body)
        try:
            reply, _ = self._posting.send(request)
        except (NotSent, NoAnswer, AnswerTooLong) as error:
            raise AlertNotSent(f"the webhook did not take it: {error}") from error
        if not 200 <= reply.status < 300:
            raise AlertNotSent(f"the webhook answered {reply.status}")


def signature(secret: str, id: str, timestamp: str, body: bytes) -> str:
    """The base64 of the HMAC-SHA256 that a webhook's receiver checks."""
    said = f"{id}.{timestamp}.".encode() + body
    return base64.b64encode(hmac.new(secret.encode(), said, hashlib.sha256).digest()).decode()


def _words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode(errors='replace') if isinstance(said, bytes) else said}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
