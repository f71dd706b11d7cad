"""Answers of HTTP as broken and hostile systems give them: bytes, piece by piece."""

from __future__ import annotations

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from random import Random


@dataclass(frozen=True)
class Said:
    """What goes back over a connection."""

    pieces: Iterable[bytes]
    pause: float = 0.0
    """Seconds between two pieces."""

    @property
    def sample(self) -> bytes:
        """The beginning of it, for the record."""
        if isinstance(self.pieces, tuple):
            return b"".join(self.pieces)[:100_000]
        return b"".join(itertools.islice(iter(self.pieces), 2))


def whole(body: bytes, media_type: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Said:
    """A well-formed answer."""
    named = {"Content-Type": media_type, "Content-Length": str(len(body)), **(headers or {})}
    return Said((_head(status, named) + body,))


def attack(body: bytes, media_type: str, random: Random) -> tuple[str, Said]:
    """What is wrong with the answer around a sound body, and the answer."""
    kind = random.choices(tuple(_KINDS), [_SELDOM.get(kind, 1.0) for kind in _KINDS])[0]
    return kind, _KINDS[kind](body, media_type, random)


def _head(status: int | str, headers: dict[str, str]) -> bytes:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("utf-8", "surrogatepass")


class _Endless:
    """The same piece for ever, after a beginning; as long as anybody listens."""

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self._beginning, self._piece = beginning, piece

    def __iter__(self) -> Iterator[bytes]:
        yield self._beginning
        while True:
            yield self._piece


def _endless(body: bytes, media_type: str, random: Random) -> Said:
    chunk = b"10000\r\n" + b"A" * 65536 + b"\r\n"
    if random.random() < 0.5:
        head = _head(200, {"Content-Type": media_type, "Transfer-Encoding": "chunked"})
        return Said(_Endless(head, chunk))
    return Said(_Endless(_head(200, {"Content-Type": media_type}) + body, b" " * 65536))


def _slow(body: bytes, media_type: str, random: Random) -> Said:
    head = _head(200, {"Content-Type": media_type, "Content-Length": "100000"})
    return Said(_Endless(random.choice((b"", head)), random.choice((b"X: y\r\n", b"H"))), pause=0.05)


@cache
def _bomb(kind: str, megabytes: int) -> bytes:
    packer = zlib.compressobj(9, wbits=31 if kind == "gzip" else 15)
    piece = b"\x00" * (1 << 20)
    return b"".join(packer.compress(piece) for _ in range(megabytes)) + packer.flush()


def _bombs(body: bytes, media_type: str, random: Random) -> Said:
    kind = random.choice(("gzip", "deflate"))
    packed = _bomb(kind, random.choice((20, 400)))
    said = kind
    if random.random() < 0.5:
        packed, said = gzip.compress(packed), f"{kind}, gzip"
    return whole(packed, media_type, headers={"Content-Encoding": said})


def _encodings(body: bytes, media_type: str, random: Random) -> Said:
    packed = random.choice(
        (body, gzip.compress(body), gzip.compress(body)[:-9], zlib.compress(body), b"\x1f\x8b")
    )
    said = random.choice(("gzip", "deflate", "br", "zstd", "x", ", ".join(["gzip"] * 50)))
    return whole(packed, media_type, headers={"Content-Encoding": said})


def _lengths(body: bytes, media_type: str, random: Random) -> Said:
    said = random.choice(
        ("-1", "x", "", "1e3", "9" * 30, str(len(body) + 10), str(len(body) - 1), "5, 6", "+5")
    )
    head = _head(200, {"Content-Type": media_type, "Content-Length": said})
    return Said((head + body,))


def _chunks(body: bytes, media_type: str, random: Random) -> Said:
    junk = random.choice(
        (
            b"zz\r\n",
            b"-1\r\n",
            b"ffffffffffffffff\r\n",
            b"5;x=" + b"y" * 100_000 + b"\r\n",
            b"5\r\nabc",
            b"\r\n",
            b"0",
        )
    )
    head = _head(200, {"Content-Type": media_type, "Transfer-Encoding": "chunked"})
    return Said((head + b"%x\r\n" % len(body) + body + b"\r\n" + junk,))


def _redirects(body: bytes, media_type: str, random: Random) -> Said:
    where = random.choice(
        ("/trap", "http://127.0.0.1:9/trap", "file:///etc/passwd", "//x", "javascript:1", "\x01")
    )
    return whole(body, media_type, random.choice((301, 302, 303, 307, 308, 300)), {"Location": where})


def _headers(body: bytes, media_type: str, random: Random) -> Said:
    many = random.choice((99, 101, 5000))
    flood = random.choice(
        (
            b"".join(b"X-%d: y\r\n" % n for n in range(many)),
            b"X: " + b"y" * random.choice((60_000, 2_000_000)) + b"\r\n",
            b"X\r\n",
            b": x\r\n",
            b" folded\r\n",
            b"X: \x00\xff\r\n",
            b"Retry-After: "
            + random.choice((b"1e400", b"-1", b"9" * 400, b"x", b"Fri, 31 Dec 9999 23:59:59 GMT"))
            + b"\r\n",
            b"Set-Cookie: a=b; Domain=127.0.0.1\r\n" * 200,
            b"Date: x\r\n",
        )
    )
    status = random.choice((b"200", b"429", b"503"))
    head = b"HTTP/1.1 %s Said\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (
        status,
        media_type.encode(),
        len(body),
    )
    return Said((head + flood + b"\r\n" + body,))


def _status(body: bytes, media_type: str, random: Random) -> Said:
    line = random.choice(
        (
            *(
                b"HTTP/1.1 999 X",
                b"HTTP/1.1 000 X",
                b"HTTP/1.1 99 X",
                b"HTTP/1.1 2000 X",
                b"HTTP/1.1 -1 X",
                b"HTTP/9.9 200 X",
            ),
            *(
                b"HTTP/1.1 204 X",
                b"HTTP/1.1 304 X",
                b"HTTP/1.1 101 X",
                b"HTTP/1.1 200",
                b"HTTP/1.1",
                b"SSH-2.0-x",
                b"",
            ),
            *(b"HTTP/1.1 200 " + b"x" * 70_000, b"HTTP/1.1 418 X", b"HTTP/1.1 600 X", b"\x16\x03\x01"),
        )
    )
    waits = b"HTTP/1.1 100 Continue\r\n\r\n" * random.choice((0, 0, 1, 300))
    head = b"\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (media_type.encode(), len(body))
    return Said((waits + line + head + body,))


def _types(body: bytes, media_type: str, random: Random) -> Said:
    said = random.choice(
        (
            *(
                "text/html",
                "application/octet-stream",
                "",
                "x",
                "multipart/related",
                "multipart/related; boundary=b",
            ),
            *(
                f"{media_type}; charset=utf-16",
                f"{media_type}; charset=x",
                f'{media_type}; charset="',
                "a" * 5000,
            ),
            *(
                "application/xop+xml",
                "multipart/form-data; boundary=" + "b" * 300,
                "application/json; charset=utf-7",
            ),
        )
    )
    return whole(body, said)


def _parts(body: bytes, media_type: str, random: Random) -> Said:
    """MIME parts, as SOAP with attachments has them."""
    nested = random.choice((1, 2000))
    part = (
        b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * nested
        + b"--b\r\n\r\n"
        + body
        + b"\r\n--b--"
    )
    many = b"--b\r\nContent-ID: <x>\r\n\r\nx\r\n" * random.choice((1, 20_000)) + b"--b--"
    content = random.choice((part, many, b"--b", b"--b\r\n" + b"X: y\r\n" * 5000 + b"\r\n" + body))
    return whole(content, 'multipart/related; boundary=b; type="application/xop+xml"; start="<x>"')


def _ends(body: bytes, media_type: str, random: Random) -> Said:
    answer = next(iter(whole(body, media_type).pieces))
    return Said((answer[: random.randrange(len(answer))],))


_KINDS: dict[str, Callable[[bytes, str, Random], Said]] = {
    "endless body": _endless,
    "slow answer": _slow,
    "compressed bomb": _bombs,
    "content encoding": _encodings,
    "content length": _lengths,
    "chunks": _chunks,
    "redirect": _redirects,
    "headers": _headers,
    "status line": _status,
    "content type": _types,
    "parts": _parts,
    "cut off": _ends,
}
_SELDOM = {"slow answer": 0.03, "endless body": 0.3, "compressed bomb": 0.3}
"""Each of these takes longer than all others together."""
