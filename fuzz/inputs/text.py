"""Texts that have gone wrong somewhere before, and bytes that are changed at random."""

from __future__ import annotations

from random import Random

NASTY = (
    "",
    " ",
    "\x00",
    "a\x00b",
    "\ufeff",
    "\ufdd0",
    "\uffff",
    "\u202e",
    "\u2028",
    "é" * 3,
    "e\u0301",
    "\U0001f4a9" * 4,
    "한글",
    "٣٤",
    "²",
    "ſ",
    "İ",
    "-0",
    "-1",
    "1e309",
    "1e-400",
    "NaN",
    "Infinity",
    "9" * 24,
    "9" * 400,
    "0x7f",
    "1_000",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59+14:00",
    "9999-12-31T23:59:59-14:00",
    "2026-02-30",
    "2026-11-20T24:00:00Z",
    "'; --",
    "' OR 1=1 --",
    '"><script>alert(1)</script>',
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "%s%s%n",
    "%00",
    "../../../../etc/passwd",
    "file:///etc/passwd",
    "=1+1",
    "\r\nX-Injected: yes",
    "null",
    "undefined",
    "[]",
    "true",
    "A" * 70_000,
)
"""None is longer than a form's field, but the last."""


def nasty(random: Random) -> str:
    """One such text; the long one seldom."""
    return random.choice(NASTY) if random.random() < 0.1 else random.choice(NASTY[:-1])


def mutated(sound: bytes, random: Random, scraps: tuple[bytes, ...]) -> bytes:
    """Sound bytes of which pieces are cut out, doubled, turned over, or joined by scraps of the language."""
    content = bytearray(sound)
    for _ in range(random.randint(1, 6)):
        begin = random.randrange(len(content) + 1)
        end = min(len(content), begin + random.choice((1, 2, 8, 40, 200)))
        match random.randrange(6):
            case 0:
                del content[begin:end]
            case 1:
                content[begin:begin] = content[begin:end] * random.choice((1, 2, 20))
            case 2 if begin < len(content):
                content[begin] ^= 1 << random.randrange(8)
            case 3:
                content[begin:end] = random.randbytes(end - begin)
            case 4:
                content[begin:begin] = nasty(random).encode("utf-8", "surrogatepass")[:2000]
            case _:
                content[begin:begin] = random.choice(scraps)
    return bytes(content)
