"""One request over HTTP: connections kept, time and size bounded, and what went wrong told apart."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable, Mapping
from email import errors
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import requests
import tenacity
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from hub.adapters import handshake
from hub.adapters.nul import without_nul
from hub.adapters.wire import WireReply, WireRequest

LARGEST_ANSWER = 8 * 1024 * 1024
"""Bytes of a body that are read before giving up."""
_CHUNK = 64 * 1024
_OF_THE_BODY = (
    errors.StartBoundaryNotFoundDefect,
    errors.MultipartInvariantViolationDefect,
    errors.NoBoundaryInMultipartDefect,
)
_USER_AGENT = "single-window-hub"
_SYSTEMS = 16
"""Addresses that connections are kept to: more than the operations of one file can have."""
NOTHING_BESIDE: Mapping[str, str] = MappingProxyType({})


class NotSent(Exception):
    """No connection could be made: the agency knows nothing of this request."""

    attempts = 1


class NoAnswer(Exception):
    """Sent, or partly sent, and no whole answer read: whether it took effect is not known."""

    attempts = 1


class AnswerTooLong(Exception):
    """The answer is longer than any contract needs."""

    attempts = 1


class UnreadableHeaders(http.client.HTTPException):
    """Among the headers of an answer there is a line that is none."""


class Sender:
    """
    The connections to one system.

    Certificates are always verified. Redirects are not followed, and neither proxies nor credentials are
    taken from the machine's own environment (`~/.netrc`, `HTTP_PROXY`): what is sent where is in the
    agency's file. For use from several threads.
    """

    def __init__(
        self,
        *,
        timeout: float,
        attempts: int = 1,
        connections: int = 8,
        ca_bundle: str | None = None,
        certificate: tuple[str, str] | str | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """
        `timeout` is seconds for a request with all its attempts, `ca_bundle` a file of authorities.

        `certificate` is the file of the client's certificate and key, or the files of each.
        """
        self._timeout = timeout
        self._verify: bool | str = ca_bundle or True
        self._certificate = certificate
        self._now = monotonic
        self._connections = _Connections(pool_connections=_SYSTEMS, pool_maxsize=connections, max_retries=0)
        self._again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts) | tenacity.stop_after_delay(timeout),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=1.0),
            retry=tenacity.retry_if_exception_type(NotSent),
            reraise=True,
        )

    def close(self) -> None:
        self._connections.close()

    def use(self, certificate: tuple[str, str] | str | None, ca_bundle: str | None) -> None:
        """From the next connection on: show this certificate, and trust these authorities if any."""
        self._certificate = certificate
        self._verify = ca_bundle or self._verify

    def send(self, request: WireRequest, beside: Mapping[str, str] = NOTHING_BESIDE) -> tuple[WireReply, int]:
        """
        Send, and read the answer to its end: the answer, and in how many attempts it was had.

        The headers `beside` are sent too, where the request does not say them itself.

        Only a connection that could not be made is tried again: then nothing has been sent. Raises NotSent,
        NoAnswer and AnswerTooLong, each with its `attempts`.
        """
        deadline = self._now() + self._timeout
        prepared = _prepared(request)
        for name, value in beside.items():
            prepared.headers.setdefault(name, value)
        attempts = 0
        try:
            for attempt in self._again:
                with attempt:
                    attempts = attempt.retry_state.attempt_number
                    return self._once(prepared, deadline), attempts
        except (NotSent, NoAnswer, AnswerTooLong) as error:
            error.attempts = attempts
            raise
        raise AssertionError("tenacity ends by returning or by raising")

    def _once(self, prepared: requests.PreparedRequest, deadline: float) -> WireReply:
        left = max(0.001, deadline - self._now())
        try:
            response = self._connections.send(
                prepared, stream=True, timeout=(left, left), verify=self._verify, cert=self._certificate
            )
        except requests.RequestException as wrong:
            raise _sorted(wrong, prepared.url, has_certificate=self._certificate is not None) from wrong
        except OSError as wrong:  # of the files of certificates, which are looked for before anything is sent
            raise NotSent(f"not sent: {wrong.strerror or wrong}") from wrong
        try:
            return WireReply(
                status=response.status_code,
                headers={name.lower(): without_nul(value) for name, value in response.headers.items()},
                body=self._body(response, deadline),
            )
        finally:
            response.close()

    def _body(self, response: requests.Response, deadline: float) -> bytes:
        read = bytearray()
        try:
            # read1 gives what has come; read would wait for a whole chunk, and a slow drip would never end.
            while piece := response.raw.read1(_CHUNK, decode_content=True):
                read += piece
                if len(read) > LARGEST_ANSWER:
                    raise AnswerTooLong(f"the answer is longer than {LARGEST_ANSWER} bytes")
                if self._now() > deadline:
                    raise NoAnswer(f"the answer was not complete after {self._timeout:g} s")
        except (urllib3.exceptions.HTTPError, OSError) as wrong:
            raise NoAnswer(f"the answer broke off: {_words(wrong)}") from wrong
        return bytes(read)


class _Connections(HTTPAdapter):
    """
    requests' connections, used without a session: there are no cookies here, no redirects and no proxies, and
    a session looks for all three with every request.
    """

    def __init__(self, **pools: Any) -> None:
        super().__init__(**pools)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        self._pools: dict[object, Any] = {}

    def get_connection_with_tls_context(
        self, request: requests.PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None
    ) -> Any:
        key = (*str(request.url).split("/", 3)[:3], verify, cert)
        known = self._pools.get(key)
        if known is None:
            known = self._pools[key] = super().get_connection_with_tls_context(request, verify, proxies, cert)
        return known

    def close(self) -> None:
        self._pools.clear()
        super().close()

    def build_response(self, request: requests.PreparedRequest, answer: Any) -> requests.Response:
        response = requests.Response()
        response.status_code, response.raw = answer.status, answer
        response.headers = CaseInsensitiveDict(answer.headers)  # joins those that came several times
        return response


def headers_sent(request: WireRequest) -> dict[str, str]:
    """All headers of a request as it would be sent, those that HTTP itself needs included. Raises NotSent."""
    prepared = _prepared(request)
    return {"Host": urlsplit(request.url).netloc.rpartition("@")[2], **prepared.headers}


def _prepared(request: WireRequest) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    headers = {"User-Agent": _USER_AGENT, "Accept-Encoding": "gzip", **request.headers}
    try:
        # In the order of `prepare`, without its cookies.
        prepared.prepare_method(request.method)
        prepared.prepare_url(request.url, None)
        prepared.prepare_headers(headers)
        prepared.prepare_body(request.body or None, None)
        prepared.prepare_auth(None, request.url)
    except (requests.RequestException, UnicodeError) as wrong:
        raise NotSent(f"not a request that can be sent: {wrong}") from wrong
    return prepared


class _Lines:
    """A stream that is read by lines, and knows the last one."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._stream.readline(limit)
        return self.last

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _Answer(http.client.HTTPResponse):
    """
    An answer whose headers are all there.

    http.client takes the end of the stream, or a line that is no header, for the end of the headers, and what
    there was of them for an answer without a body: a decision that was on its way would be taken for nothing
    said.
    """

    def begin(self) -> None:
        """Read status and headers. Raises IncompleteRead where they are cut off, UnreadableHeaders."""
        stream: Any = self.fp
        lines: Any = _Lines(stream)
        self.fp = lines
        super().begin()
        if self.fp is lines:
            self.fp = stream
        if not lines.last:
            raise http.client.IncompleteRead(b"")
        # Of an answer in several parts the parser sees the headers only, and misses the parts.
        if any(not isinstance(defect, _OF_THE_BODY) for defect in self.headers.defects):
            raise UnreadableHeaders


class _Connection(urllib3.connection.HTTPConnection):
    response_class = _Answer


class _SecureConnection(urllib3.connection.HTTPSConnection):
    response_class = _Answer


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


def _sorted(
    wrong: requests.RequestException, url: str | None = None, *, has_certificate: bool = False
) -> NotSent | NoAnswer:
    """Whether anything was sent before it went wrong; in case of doubt it was."""
    cause = wrong.args[0] if wrong.args else None
    reason = getattr(cause, "reason", None) or cause
    if isinstance(wrong, requests.ConnectTimeout) or isinstance(
        reason, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    ):
        return NotSent(f"no connection: {_words(reason or wrong)}")
    inner = reason.args[0] if isinstance(reason, Exception) and reason.args else reason
    if isinstance(wrong, requests.exceptions.SSLError) and handshake.before_the_request(inner):
        said = handshake.words(inner, url, has_certificate=has_certificate) or _words(reason or wrong)
        return NotSent(f"no secure connection: {said}")
    if isinstance(wrong, requests.Timeout):
        return NoAnswer("sent, and no answer in time")
    return NoAnswer(f"sent, and then: {_words(reason or wrong)}")


def _words(wrong: object) -> str:
    """What went wrong in a few words, without the addresses of objects that urllib3 puts in front."""
    text = str(wrong)
    for word in ("Connection refused", "Name or service not known", "Temporary failure in name resolution"):
        if word in text:
            return word.lower()
    if "RemoteDisconnected" in text:
        return "the connection was closed without an answer"
    if "Connection reset" in text or "Broken pipe" in text:
        return "the connection was cut by the other side"
    if "BadStatusLine" in text or "Not a HTTP" in text:
        return "what came back is not HTTP"
    if "IncompleteRead" in text:
        return "the connection was closed before the end of the answer"
    if UnreadableHeaders.__name__ in text:
        return "the headers of the answer cannot be read"
    if "timed out" in text:
        return "timed out"
    return text.rpartition(">: ")[2] or type(wrong).__name__
