"""XML as attackers and broken systems send it."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from fuzz.inputs.text import mutated, nasty

_SCRAPS = (
    *(
        b"<",
        b">",
        b"&",
        b"]]>",
        b"<![CDATA[",
        b"<!--",
        b"-->",
        b"<?x ?>",
        b"&#0;",
        b"&#xFFFF;",
        b"&#x110000;",
    ),
    *(
        b"&lt;",
        b"&e;",
        b"<x/>",
        b"</x>",
        b"<x:y/>",
        b" xmlns=''",
        b" xmlns:a='b'",
        b" a='b'",
        b" a='b' a='c'",
    ),
    *(b"<!DOCTYPE x>", b'<?xml version="1.1"?>', b"\x00", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\x85"),
)
_ROOT = re.compile(rb"<(?![?!])[^>]*?(?=/?>)", re.DOTALL)
_LEAF = re.compile(rb">([^<>]+)</")
_TAG = re.compile(rb"<([A-Za-z_:][^\s/>]*)")


def attack(sound: bytes, random: Random) -> tuple[str, bytes]:
    """What was done to a sound document, and the document."""
    kind = random.choice(tuple(_KINDS))
    return kind, _KINDS[kind](sound, random)


def _with_doctype(sound: bytes, subset: bytes, text: bytes) -> bytes:
    """A document type before the root, and a text at one place that uses what it declares."""
    root = _ROOT.search(sound)
    assert root is not None
    name = _TAG.match(root[0])
    assert name is not None
    body = _LEAF.sub(b">" + text.replace(b"\\", b"\\\\") + b"</", sound[root.start() :], count=1)
    return sound[: root.start()] + b"<!DOCTYPE " + name[1] + b" [" + subset + b"]>" + body


def _expansion(sound: bytes, random: Random) -> bytes:
    depth, width = random.choice(((9, 10), (20, 2), (30, 4), (3, 1000)))
    lines = [b'<!ENTITY e0 "lol">']
    lines += [b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * width) for n in range(1, depth)]
    return _with_doctype(sound, b"".join(lines), b"&e%d;" % (depth - 1))


def _blow_up(sound: bytes, random: Random) -> bytes:
    """One large entity many times, which limits on depth do not see."""
    return _with_doctype(sound, b'<!ENTITY e "%s">' % (b"A" * 50_000), b"&e;" * random.choice((10, 2000)))


def _external(sound: bytes, random: Random) -> bytes:
    where = random.choice((b"file:///etc/passwd", b"http://127.0.0.1:9/x", b"ftp://127.0.0.1:9/x", b"../x"))
    subset = random.choice(
        (
            b'<!ENTITY e SYSTEM "%s">',
            b'<!ENTITY e PUBLIC "p" "%s">',
            b'<!ENTITY %% p SYSTEM "%s"> %%p; ',
            b'<!NOTATION n SYSTEM "%s"><!ENTITY e SYSTEM "x" NDATA n>',
        )
    )
    return _with_doctype(sound, subset % where, b"&e;")


def _external_subset(sound: bytes, random: Random) -> bytes:
    root = _ROOT.search(sound)
    assert root is not None
    doctype = random.choice(
        (b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', b"<!DOCTYPE x>", b"<!DOCTYPE")
    )
    return sound[: root.start()] + doctype + sound[root.start() :]


def _recursion(sound: bytes, random: Random) -> bytes:
    return _with_doctype(sound, b'<!ENTITY a "&b;"><!ENTITY b "&a;">', b"&a;")


def _defaulted(sound: bytes, random: Random) -> bytes:
    return _with_doctype(sound, b'<!ATTLIST x y CDATA "%s">' % (b"z" * 1000), b"x")


def _deep(sound: bytes, random: Random) -> bytes:
    depth = random.choice((65, 257, 5000, 100_000))
    inner = b"<a>" * depth + (b"</a>" * depth if random.random() < 0.7 else b"")
    return _put_in(sound, inner, random)


def _wide(sound: bytes, random: Random) -> bytes:
    return _put_in(
        sound, random.choice((b"<a/>", b"<a>1</a>", b"<ID>x</ID>")) * random.choice((300, 20_000)), random
    )


def _attributes(sound: bytes, random: Random) -> bytes:
    count = random.choice((100, 5000, 20_000))
    form = random.choice((b' a%d="x"', b' xmlns:a%d="urn:%d"'))
    return _put_in(
        sound, b"<a" + b"".join(form % ((n,) * form.count(b"%d")) for n in range(count)) + b"/>", random
    )


def _long_text(sound: bytes, random: Random) -> bytes:
    text = random.choice((b"A", b" ", b"\n", b"&#65;", b"&lt;", "가".encode())) * random.choice(
        (5000, 100_000)
    )
    return _LEAF.sub(b">" + text + b"</", sound, count=1)


def _long_name(sound: bytes, random: Random) -> bytes:
    name = b"a" * random.choice((1000, 60_000))
    return _put_in(sound, b"<%s/>" % name, random)


def _cdata(sound: bytes, random: Random) -> bytes:
    inner = random.choice((b"<a>&b;</a>", b"]]", b"]]]]><![CDATA[>", b"\x00", b"x" * 50_000))
    return _LEAF.sub(lambda _: b"><![CDATA[" + inner + b"]]></", sound, count=1)


def _comments(sound: bytes, random: Random) -> bytes:
    piece = random.choice(
        (b"<!-- -- -->", b"<!--x-->", b"<?pi x?>", b"<?xml-stylesheet href='http://127.0.0.1:9/'?>")
    )
    return _put_in(sound, piece * random.choice((1, 3000)), random)


def _inclusion(sound: bytes, random: Random) -> bytes:
    where = random.choice(("file:///etc/passwd", "http://127.0.0.1:9/x", ""))
    parse = random.choice(("text", "xml"))
    piece = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{where}" parse="{parse}"/>'
    return _put_in(sound, piece.encode(), random)


def _namespaces(sound: bytes, random: Random) -> bytes:
    old = re.search(rb'xmlns(?::\w+)?="[^"]*"', sound)
    new = random.choice(
        (b'xmlns=""', b'xmlns="urn:other"', b'xmlns:xml="x"', b'xmlns:xmlns="x"', b"", b'xmlns="%00"')
    )
    return sound.replace(old[0], new, 1) if old else _put_in(sound, b"<p:a/>", random)


def _schema_location(sound: bytes, random: Random) -> bytes:
    said = (
        b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        b'xsi:schemaLocation="urn:x http://127.0.0.1:9/x.xsd" xsi:nil="true" xsi:type="x:y"'
    )
    root = _ROOT.search(sound)
    assert root is not None
    return sound[: root.end()] + said + sound[root.end() :]


_ENCODINGS = (
    "utf-16",
    "utf-16-le",
    "utf-16-be",
    "utf-32",
    "utf-7",
    "cp037",
    "euc-kr",
    "latin-1",
    "utf-8-sig",
)


def _encoding(sound: bytes, random: Random) -> bytes:
    """In another encoding, which the declaration names, or does not, or names another."""
    text = re.sub(r"<\?xml.*?\?>", "", sound.decode("utf-8"))
    real = random.choice(_ENCODINGS)
    said = random.choice((real, *_ENCODINGS, "nonsense", "UTF-8", "ucs4", "\x00"))
    declaration = random.choice(("", f'<?xml version="1.0" encoding="{said}"?>'))
    return (declaration + text).encode(real, "replace")


def _nulls(sound: bytes, random: Random) -> bytes:
    place = random.randrange(len(sound) + 1)
    return random.choice((sound[:place] + b"\x00" + sound[place:], b"\x00" + sound, sound + b"\x00" * 1000))


def _cut_off(sound: bytes, random: Random) -> bytes:
    return sound[: random.randrange(len(sound))]


def _two_roots(sound: bytes, random: Random) -> bytes:
    return sound + re.sub(rb"<\?xml.*?\?>", b"", sound)


def _values(sound: bytes, random: Random) -> bytes:
    """Well-formed, with other texts in a few places."""
    places = list(_LEAF.finditer(sound))
    for place in sorted(
        random.sample(places, min(len(places), random.randint(1, 4))), key=lambda p: -p.start()
    ):
        text = nasty(random).replace("&", "&amp;").replace("<", "&lt;").encode("utf-8", "surrogatepass")
        sound = sound[: place.start(1)] + text + sound[place.end(1) :]
    return sound


def _elements(sound: bytes, random: Random) -> bytes:
    """Well-formed or nearly, with elements that have other names."""
    names = [match[1] for match in _TAG.finditer(sound)]
    old, new = random.choice(names), random.choice((*names, b"x", b"SequenceNumeric"))
    return re.sub(rb"(</?)" + re.escape(old) + rb"(?=[\s/>])", rb"\g<1>" + new, sound)


def _mutated(sound: bytes, random: Random) -> bytes:
    return mutated(sound, random, _SCRAPS)


def _put_in(sound: bytes, piece: bytes, random: Random) -> bytes:
    """A piece between two tags somewhere."""
    places = [match.start() for match in re.finditer(rb"<(?![?!])", sound)][1:] or [len(sound)]
    place = random.choice(places)
    return sound[:place] + piece + sound[place:]


_KINDS: dict[str, Callable[[bytes, Random], bytes]] = {
    "entities expanded": _expansion,
    "one large entity": _blow_up,
    "external entity": _external,
    "external subset": _external_subset,
    "entity in itself": _recursion,
    "attribute defaults": _defaulted,
    "depth": _deep,
    "many elements": _wide,
    "many attributes": _attributes,
    "long text": _long_text,
    "long name": _long_name,
    "CDATA": _cdata,
    "comments and instructions": _comments,
    "XInclude": _inclusion,
    "namespaces": _namespaces,
    "schema location": _schema_location,
    "encoding": _encoding,
    "nulls": _nulls,
    "cut off": _cut_off,
    "two roots": _two_roots,
    "other values": _values,
    "other elements": _elements,
    "bytes changed": _mutated,
}
