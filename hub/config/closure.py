"""
Which files of the folder an agency's file names: its contract with all that it imports, and certificates.

Whether they are what they should be is for others to judge. Here what merely looks like a reference counts
as one: a file too many in a version does no harm, one that is missing would.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

Reader = Callable[[str], bytes | None]
"""The content of a file by name below the folder; None when it is not there, or leads out of the folder."""

_NAMING = frozenset({"contract", "trust", "agency_certificate"})
"""Keys whose value may be a file below the folder."""
# location and schemaLocation of WSDL 1.1 section 2.1.1 and XML Schema part 1 section 4.2.
_XML = re.compile(r"""\b(?:schemaLocation|location)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# Reference Object of OpenAPI 3 and Swagger 2, in JSON or YAML.
_JSON = re.compile(r"""\$ref["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\n]+))""")
_WORDS = re.compile(r"[\s,}]+")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def support_of(data: Any, read: Reader) -> tuple[dict[str, bytes], frozenset[str]]:
    """
    The files that an agency's file names, however deep; and every name that was looked for.

    `data` is the file as plain data. Names lie below the folder; what is not there is left out of the first.
    """
    found: dict[str, bytes] = {}
    looked_for: set[str] = set()
    waiting = [name for text in _named(data) if (name := _below("", text)) is not None]
    beside = {posixpath.dirname(name) for name in waiting}
    while waiting:
        name = waiting.pop()
        if name in looked_for:
            continue
        looked_for.add(name)
        content = read(name)
        if content is None:
            continue
        found[name] = content
        for reference in _references(content):
            waiting += _candidates(reference, posixpath.dirname(name), beside)
    return found, frozenset(looked_for)


def _named(data: Any) -> Iterator[str]:
    """The texts under keys that may name a file."""
    if isinstance(data, dict):
        for key, value in data.items():
            if isinstance(value, str) and key in _NAMING:
                yield value
            else:
                yield from _named(value)
    elif isinstance(data, list):
        for value in data:
            yield from _named(value)


def _references(content: bytes) -> Iterator[str]:
    """What a contract refers to, as it is written there."""
    encoding = "utf-16" if content.startswith(_BYTE_ORDER_MARKS) else "utf-8"
    text = content.decode(encoding, "replace")
    for pattern in (_XML, _JSON):
        for match in pattern.finditer(text):
            written = html.unescape(next((group for group in match.groups() if group), "")).strip()
            # A file's name may hold blanks; xsi:schemaLocation holds pairs, and YAML may go on in the line.
            yield written
            yield from _WORDS.split(written)


def _candidates(reference: str, folder: str, beside: Iterable[str]) -> Iterator[str]:
    """
    The names below the folder that a reference may mean.

    The file it leads to, and one of that name beside the file it stands in, or beside the contract: nothing
    is fetched, and published contracts refer to where their parts once were.
    """
    try:
        parts = urlsplit(reference.replace("\\", "/"))
    except ValueError:
        return
    path = unquote(parts.path)
    names = {posixpath.basename(path.rstrip("/"))}
    if parts.query:
        # As tools save https://host/service?xsd=types: under the whole of it, or under what is asked for.
        names |= {f"{name}?{parts.query}" for name in names}
        for _, value in parse_qsl(parts.query):
            word = posixpath.basename(value)
            names |= {word, f"{word}.wsdl", f"{word}.xsd"}
    places = [path] if len(parts.scheme) < 2 else ["imported.xsd"]
    for place in (*places, *names):
        for start in {folder, *beside}:
            name = _below(start, place)
            if name is not None:
                yield name


def _below(folder: str, reference: str) -> str | None:
    """The name below the folder that a reference leads to; None when it leads nowhere, or out of it."""
    if not reference or "\0" in reference or reference.startswith(("/", "env:")):
        return None
    name = posixpath.normpath(posixpath.join(folder, reference))
    return None if name in (".", "..") or name.startswith("../") else name
