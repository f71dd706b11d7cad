"""JSON as attackers and broken systems send it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from fuzz.inputs.text import mutated, nasty

_SCRAPS = (
    *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\\", b"\\u0000", b"\\ud800", b"null", b"NaN", b"-Infinity"),
    *(b"1e999", b"0" * 50, b"9" * 5000, b"/**/", b"\x00", b"\xff", b"\xed\xa0\x80", b"//\n", b"'", b'""'),
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1.5, 2**63, 10**30, 1e308, [], {}, [[]], [None], {"": ""}, [{}], "\ud800"),
)


def attack(sound: bytes, random: Random) -> tuple[str, bytes]:
    """What was done to a sound document, and the document."""
    kind = random.choice(tuple(_KINDS))
    return kind, _KINDS[kind](sound, random)


def hostile_value(random: Random) -> Any:
    """A value that may stand where another was meant."""
    return random.choice(_VALUES) if random.random() < 0.5 else nasty(random)


def _deep(sound: bytes, random: Random) -> bytes:
    depth = random.choice((33, 1000, 100_000))
    opening, closing = random.choice(((b"[", b"]"), (b'{"a":', b"}")))
    inner = opening * depth + b"1" + (closing * depth if random.random() < 0.7 else b"")
    return inner if random.random() < 0.5 else b'{"x":' + inner + b"," + sound.lstrip()[1:]


def _number(sound: bytes, random: Random) -> bytes:
    said = random.choice(
        (
            *(b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e-400", b"1E+999999999", b"0e0", b"-0", b"01"),
            *(
                b"9" * 5000,
                b"1." + b"0" * 5000,
                b"0." + b"1" * 60,
                b"1e" + b"9" * 40,
                b".5",
                b"+1",
                b"0x10",
                b"1_0",
            ),
        )
    )
    return _with_value(sound, said, random)


def _text(sound: bytes, random: Random) -> bytes:
    said = random.choice(
        (
            rb'"\ud800"',
            rb'"\udc00\ud800"',
            rb'"\u0000"',
            b'"\x00"',
            b'"\xff"',
            b'"\xed\xa0\x80"',
            b'"\t"',
            rb'"\x41"',
        )
    )
    return _with_value(sound, said, random)


def _duplicates(sound: bytes, random: Random) -> bytes:
    tree = json.loads(sound)
    name = random.choice(list(tree)) if isinstance(tree, dict) and tree else "a"
    key = json.dumps(name).encode()
    return b"{" + (key + b":1,") * random.choice((1, 5000)) + sound.lstrip()[1:]


def _many(sound: bytes, random: Random) -> bytes:
    count = random.choice((1000, 1000, 1000, 100_000))
    form = random.choice(("keys", "list", "objects"))
    if form == "keys":
        return b"{" + b",".join(b'"k%d":0' % n for n in range(count)) + b"}"
    piece = b"0" if form == "list" else b"{}"
    return b'{"items":[' + b",".join([piece] * count) + b"]," + sound.lstrip()[1:]


def _long(sound: bytes, random: Random) -> bytes:
    return _with_value(sound, b'"' + b"A" * random.choice((10_000, 10_000, 900_000)) + b'"', random)


def _cut_off(sound: bytes, random: Random) -> bytes:
    return sound[: random.randrange(len(sound))]


def _encoding(sound: bytes, random: Random) -> bytes:
    name = random.choice(("utf-16", "utf-32", "utf-16-le", "utf-7", "utf-8-sig", "cp037", "latin-1"))
    return sound.decode().encode(name, "replace")


def _something_else(sound: bytes, random: Random) -> bytes:
    return random.choice(
        (b"", b" ", b"null", b"[]", b'"x"', b"0", b"\x00", b"<a/>", b"a=b", b"---\na: b\n", b"{}{}")
    )


def _values(sound: bytes, random: Random) -> bytes:
    """Sound JSON in which a few values have become something else."""
    tree = json.loads(sound)
    for _ in range(random.randint(1, 4)):
        holder, key = random.choice(list(_places(tree)) or [(None, None)])
        if holder is None:
            break
        match random.randrange(5):
            case 0:
                del holder[key]
            case 1 if isinstance(holder, dict):
                holder[nasty(random)] = copy.deepcopy(holder[key])
            case _:
                # A copy: no value may come to stand in itself, or be changed for the inputs that follow.
                holder[key] = copy.deepcopy(hostile_value(random))
    return json.dumps(tree).encode()


def _mutated(sound: bytes, random: Random) -> bytes:
    return mutated(sound, random, _SCRAPS)


def _with_value(sound: bytes, said: bytes, random: Random) -> bytes:
    """One value somewhere, said so."""
    tree = json.loads(sound)
    places = list(_places(tree))
    if not places:
        return said
    holder, key = random.choice(places)
    holder[key] = "@@here@@"
    return json.dumps(tree).encode().replace(b'"@@here@@"', said)


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree: what holds it, and its key or number there."""
    members = (
        list(tree.items())
        if isinstance(tree, dict)
        else list(enumerate(tree))
        if isinstance(tree, list)
        else []
    )
    for key, member in members:
        yield tree, key
        yield from _places(member)


_KINDS: dict[str, Callable[[bytes, Random], bytes]] = {
    "depth": _deep,
    "numbers": _number,
    "texts": _text,
    "duplicate keys": _duplicates,
    "many members": _many,
    "long text": _long,
    "cut off": _cut_off,
    "encoding": _encoding,
    "something else": _something_else,
    "other values": _values,
    "bytes changed": _mutated,
}
