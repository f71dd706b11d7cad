"""YAML as it must not stand in a configuration, and CEL in it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from fuzz.inputs.text import mutated, nasty

_SCRAPS = (
    *(
        b"\n",
        b"\t",
        b": ",
        b"- ",
        b"[",
        b"]",
        b"{",
        b"}",
        b'"',
        b"'",
        b"#",
        b"&a ",
        b"*a",
        b"!x ",
        b"!!python/name:os ",
    ),
    *(
        b"<<: *a",
        b"---\n",
        b"...\n",
        b"? ",
        b"| ",
        b"> ",
        b"%YAML 9.9\n",
        b"~",
        b"null",
        b"06",
        b"0x1F",
        b"1e9",
    ),
    *(
        b".inf",
        b".nan",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\x85",
        b"\xe2\x80\xa8",
        b"env:X",
        b"=reply.",
        b"3wd",
    ),
)


def attack(sound: bytes, random: Random) -> tuple[str, bytes]:
    """What was done to a sound file, and the file."""
    kind = random.choice(tuple(_KINDS))
    return kind, _KINDS[kind](sound, random)


def _laughs(sound: bytes, random: Random) -> bytes:
    depth, width = random.choice(((10, 10), (25, 2), (40, 9)))
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * width)}]" for n in range(1, depth)]
    return "\n".join(lines).encode() + b"\n" + sound


def _aliases(sound: bytes, random: Random) -> bytes:
    said = random.choice(
        (
            b"x: &x [*x]\n",
            b"x: *nobody\n",
            b"x: &x {<<: *x}\n",
            b"x: &a 1\ny: &a 2\nz: *a\n",
            b"&a *a\n",
            b"x: &" + b"a" * 50_000 + b" 1\n",
        )
    )
    return said + sound


def _tags(sound: bytes, random: Random) -> bytes:
    tag = random.choice(
        (
            "!!python/object/apply:os.system ['true']",
            "!!python/name:os.system",
            "!!binary x",
            "!!set {a}",
            "!x y",
            "!<tag:x> y",
            "!!timestamp 2026-01-01",
            "!!int x",
            "!" + "t" * 20_000 + " x",
        )
    )
    return sound + f"extra: {tag}\n".encode()


def _merges(sound: bytes, random: Random) -> bytes:
    return b"base: &base {agency: other}\n<<: *base\n" + sound + b"<<: [*base, *base]\n"


def _deep(sound: bytes, random: Random) -> bytes:
    depth = random.choice((41, 500, 20_000))
    piece = random.choice(("[", "{a: ", "- ", "? "))
    indented = "".join(" " * n + "a:\n" for n in range(min(depth, 600)))
    return random.choice((f"x: {piece * depth}\n".encode() + sound, sound + indented.encode()))


def _large(sound: bytes, random: Random) -> bytes:
    line = random.choice((b"k%d: v\n", b"- %d\n", b"# %d\n", b"k%d: [1, 2, 3]\n"))
    return sound + b"".join(line % n for n in range(random.choice((1000, 3000, 200_000))))


def _long(sound: bytes, random: Random) -> bytes:
    text = random.choice((b"a", b"9", b" ", b"\\", b"\xea\xb0\x80")) * random.choice((10_000, 300_000))
    return (
        sound
        + random.choice((b"x: " + text, b'x: "' + text + b'"', text + b": x", b"x: |\n  " + text))
        + b"\n"
    )


def _duplicates(sound: bytes, random: Random) -> bytes:
    lines = sound.splitlines(keepends=True)
    top = [line for line in lines if line[:1].isalpha()]
    return sound + random.choice(top or [b"a: 1\n"]) * random.choice((1, 200))


def _encoding(sound: bytes, random: Random) -> bytes:
    name = random.choice(("utf-16", "utf-32", "latin-1", "euc-kr", "utf-7", "utf-8-sig", "cp037"))
    return sound.decode().encode(name, "replace")


def _documents(sound: bytes, random: Random) -> bytes:
    return random.choice(
        (
            sound + b"---\n" + sound,
            b"",
            b"---\n",
            b"null\n",
            b"[]\n",
            b"- a\n",
            b"x\n",
            b"%TAG ! x\n---\na: b\n",
        )
    )


def _values(sound: bytes, random: Random) -> bytes:
    """One key somewhere has another value."""
    lines = sound.decode().splitlines()
    places = [n for n, line in enumerate(lines) if ": " in line]
    for place in random.sample(places, min(len(places), random.randint(1, 3))):
        key = lines[place].partition(":")[0]
        said = random.choice(
            (
                nasty(random)[:2000],
                "[]",
                "{}",
                "null",
                "true",
                "9" * 5000 + "d",
                "1e9",
                "-1s",
                "99999999wd",
                "[[]]",
                "{a: {b: c}}",
            )
        )
        lines[place] = f"{key}: {said}"
    return "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n"


def _expressions(sound: bytes, random: Random) -> bytes:
    """One expression has become another: deep, long, costly, or none."""
    lines = sound.decode().splitlines()
    places = [n for n, line in enumerate(lines) if ": =" in line or "_when: " in line or "referral:" in line]
    if not places:
        return sound
    place = random.choice(places)
    key, _, old = lines[place].partition(": ")
    said = expression(random).replace("'", "''")
    lines[place] = f"{key}: '{'=' if old.startswith('=') else ''}{said}'"
    return "\n".join(lines).encode("utf-8", "surrogatepass") + b"\n"


def expression(random: Random) -> str:
    """CEL that is deep, long, exponential, or not CEL at all."""
    n = random.choice((3, 8, 60, 3000))
    few = min(n, 9)
    ranges = "[0,1,2,3,4,5,6,7,8,9]"
    nested = "1"
    for level in range(few):
        nested = f"{ranges}.map(x{level}, {nested})"
    sizes = f"size({nested}) > 0"
    return random.choice(
        (
            "(" * n + "1" + ")" * n,
            "!" * n + "true",
            "-" * n + "1 == 1",
            "true" + " && true" * n,
            "1" + " + 1" * n + " == 1",
            "[" * n + "]" * n,
            "{'a': " * few + "1" + "}" * few,
            "'a'" + ".contains('a')" * few,
            "true ? " * n + "true" + " : false" * n,
            "item" + ".a" * n,
            "item" + "[0]" * n,
            sizes,
            f"{ranges}.all(a, {ranges}.all(b, {ranges}.all(c, {ranges}.exists(d, a + b + c + d >= 0))))",
            "'" + "a" * 40 + "!'.matches('^(a+)+$')",
            "item.hs_code.matches('(.*)*(.*)*(.*)*(.*)*x{1,1000}{1,1000}')",
            "'x'.matches('" + "(" * min(n, 500) + "a" + ")" * min(n, 500) + "')",
            "'" + "a" * 100_000 + "' == item.hs_code",
            "duration('99999999999999999999h') > duration('1s')",
            "timestamp('0000-00-00T00:00:00Z') > timestamp('9999-12-31T23:59:59Z')",
            "9223372036854775807 + 1 > 0",
            "1 / 0 == 1",
            "1e400 == 1e400",
            "b'\\xff' == b'\\000'",
            "'\\ud800' == ''",
            "\x00",
            "item.hs_code.startsWith(",
            "no_such_function(item)",
            "item.__class__",
            "type(item) == type(type)",
            "dyn(item)",
            "has(item)",
            "[1].map(x, [1].map(x, x))",
            "// comment",
            "r'" + "\\" * 99 + "'",
            "google.protobuf.Struct{}",
            nasty(random)[:3000],
        )
    )


def _mutated(sound: bytes, random: Random) -> bytes:
    return mutated(sound, random, _SCRAPS)


_KINDS: dict[str, Callable[[bytes, Random], bytes]] = {
    "billion laughs": _laughs,
    "aliases": _aliases,
    "tags": _tags,
    "merge keys": _merges,
    "depth": _deep,
    "large file": _large,
    "long value": _long,
    "duplicate keys": _duplicates,
    "encoding": _encoding,
    "documents": _documents,
    "other values": _values,
    "CEL": _expressions,
    "bytes changed": _mutated,
}
