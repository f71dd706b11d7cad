"""Requests that no client would send: broken HTTP, garbage in paths and queries, headers of every kind."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from urllib.parse import quote

from fuzz.campaign import Outcome
from fuzz.doors.over_http import HttpDoor
from fuzz.inputs.text import nasty
from fuzz.wire import request

_PATHS = (
    *(
        "/v1/declarations",
        "/v1/declarations/{}",
        "/v1/declarations/{}/events",
        "/v1/agencies/{}",
        "/v1/{}",
        "/{}",
    ),
    *(
        "/problems/{}",
        "/v1/certificates/{}/{}",
        "/v1/cargo/{}/events",
        "/v1/operations/proposals/{}",
        "/track/{}",
    ),
    *(
        "/v1/operations/bulks/{}/items",
        "/v1/incidents/{}",
        "/console/{}",
        "/console/declarations/{}",
        "/docs",
        "/metrics",
    ),
)
_NAMES = (
    "limit",
    "cursor",
    "after",
    "outcome",
    "accepted_from",
    "declarant",
    "lrn",
    "from",
    "before",
    "kind",
    "x",
    "",
)


class Requests(HttpDoor):
    """Each is refused, or answered as the sound one that it still is."""

    name = "requests"

    def put(self, number: int, random: Random) -> Iterable[Outcome]:
        match random.randrange(4):
            case 0:
                yield self.ask("path and query", request("GET", _target(random), self.target.authorized()))
            case 1:
                yield self.ask(
                    "headers", request("GET", "/v1/declarations", _headers(self.target.authorized(), random))
                )
            case 2:
                yield self._broken(random)
            case _:
                yield self._body(random)

    def _broken(self, random: Random) -> Outcome:
        sound = request("GET", "/v1/agencies", self.target.authorized())
        line = random.choice(
            (
                *(
                    b"GET",
                    b"GET /\r\n\r\n",
                    b"GET / HTTP/9.9\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01\x00",
                    b"PRI * HTTP/2.0\r\n\r\n",
                ),
                *(
                    b"GET http://other/ HTTP/1.1\r\nHost: other\r\n\r\n",
                    b"GET / HTTP/1.1\r\n\r\n",
                    b"G\x00T / HTTP/1.1\r\n\r\n",
                ),
                *(
                    b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
                    b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"x" * 100_000,
                ),
                sound.replace(b"\r\n", b"\n"),
                sound.replace(b"GET", random.choice((b"TRACE", b"PATCH", b"PROPFIND", b"HEAD2", b"get"))),
                sound[: random.randrange(len(sound))] + b"\x00\r\n\r\n",
                sound.replace(
                    b"\r\n\r\n", b"\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                ),
                sound.replace(b"\r\n\r\n", b"\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab"),
                sound.replace(
                    b"\r\n\r\n",
                    b"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: eA==\r\n"
                    b"Sec-WebSocket-Version: 13\r\n\r\n",
                ),
                sound.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"),
                sound * 20,
            )
        )
        outcome = self.ask("broken HTTP", line if line.endswith(b"\n") else line + b"\r\n\r\n", ends=True)
        self.close()  # what else is on its way belongs to no later input
        return outcome

    def _body(self, random: Random) -> Outcome:
        """A body that is too long, too short, in broken chunks, compressed, or comes in many pieces."""
        path = random.choice(("/v1/declarations", "/v1/agencies/kcl/callbacks", "/v1/operations/actions"))
        headers: dict[str, str | bytes] = {**self.target.authorized(), "Content-Type": "application/json"}
        body = b"{}"
        match random.randrange(6):
            case 0:
                body = b" " * random.choice((70_000, 2_000_000, 9_000_000))
            case 1:
                headers["Content-Length"] = random.choice(
                    ("99999999999999", "-1", "x", "1e3", "0", "", "+2", "0x2")
                )
            case 2:
                headers["Transfer-Encoding"] = random.choice(
                    ("chunked", "gzip, chunked", "chunked, chunked", "x")
                )
                headers["Content-Length"] = ""
                body = random.choice(
                    (b"zz\r\n", b"ffffffffffffffffff\r\n", b"2;" + b"x" * 50_000 + b"\r\n{}\r\n0\r\n\r\n")
                )
            case 3:
                headers["Content-Encoding"] = random.choice(("gzip", "br", "deflate", "x", "gzip, gzip"))
                body = b"\x1f\x8b\x08\x00" + bytes(100)
            case 4:
                headers["Content-Type"] = random.choice(
                    (
                        "",
                        "x",
                        "application/json; charset=utf-16",
                        "multipart/form-data",
                        "application/*",
                        "a" * 9000,
                    )
                )
            case _:
                whole = request("POST", path, headers, b'{"a": "' + b"x" * 200 + b'"}')
                outcome = self.ask(
                    "slow body", [whole[n : n + 40] for n in range(0, len(whole), 40)], pause=0.002
                )
                self.close()
                return outcome
        said = request("POST", path, headers, body)
        # What claims to be longer than it is would be waited for as long as a body may take.
        self.close()
        outcome = self.ask("body", said + b"\r\n0\r\n\r\n" if b"chunked" in said else said, ends=True)
        self.close()
        return outcome


def _target(random: Random) -> bytes:
    path = random.choice(_PATHS)
    for _ in range(path.count("{}")):
        path = path.replace("{}", _written(nasty(random)[:3000], random), 1)
    if random.random() < 0.6:
        pairs = [
            f"{random.choice(_NAMES)}={_written(nasty(random)[:3000], random)}"
            for _ in range(random.choice((1, 3, 300)))
        ]
        path += "?" + "&".join(pairs)
    raw = path.encode("utf-8", "surrogatepass")
    # As it stands, only without what would end the request line.
    return raw.replace(b" ", b"%20").replace(b"\r", b"%0D").replace(b"\n", b"%0A")[:60_000]


def _written(text: str, random: Random) -> str:
    return random.choice(
        (quote(text, safe=""), quote(text, safe=""), text, quote(quote(text)), "%zz", "%ff%fe", "..")
    )


def _headers(sound: dict[str, str], random: Random) -> dict[str, str | bytes]:
    headers: dict[str, str | bytes] = dict(sound)
    names = (
        "Authorization",
        "Host",
        "Accept",
        "Accept-Language",
        "X-Request-ID",
        "traceparent",
        "tracestate",
        "Cookie",
        "If-Match",
        "Last-Event-ID",
        "Idempotency-Key",
        "X-Forwarded-For",
        "Range",
        "Origin",
        "Connection",
    )
    for _ in range(random.randint(1, 4)):
        said = nasty(random)[:5000].encode("utf-8", "surrogatepass").replace(b"\r", b"").replace(b"\n", b"")
        headers[random.choice(names)] = random.choice(
            (said, b"Bearer " + said, b"00-" + b"f" * 32 + b"-" + b"0" * 16 + b"-01")
        )
    if random.random() < 0.1:
        headers |= {f"X-{n}": "y" for n in range(random.choice((200, 5000)))}
    return headers
