"""
Which files of the folder an agency's file names: its contract with all that it imports, and certificates.

Whether they are what they should be is for others to judge. Here what merely looks like a reference counts
as one: a file too many in a version does no harm, one that is missing would.
"""

from __future__ import annotations

import html
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

Reader = Callable[[str], bytes | None]
"""The content of a file by name below the folder; None when it is not there, or leads out of the folder."""

_NAMING = frozenset({"contract", "trust", "agency_certificate"})
"""Keys whose value may be a file below the folder."""
# location and schemaLocation of WSDL 1.1 section 2.1.1 and XML Schema part 1 section 4.2.
_XML = re.compile(r"""\b(?:schemaLocation|location)\s*=\s*(?:"([^"]*)"|'([^']*)')""")
# Reference Object of OpenAPI 3 and Swagger 2, in JSON or YAML.
_JSON = re.compile(r"""\$ref["']?\s*:\s*(?:"([^"]*)"|'([^']*)'|([^\s,}]+))""")
_BYTE_ORDER_MARKS = (b"\xff\xfe", b"\xfe\xff")


def support_of(data: Any, read: Reader) -> tuple[dict[str, bytes], frozenset[str]]:
    """
    The files that an agency's file names, however deep; and every name that was looked for.

    `data` is the file as plain data. Names lie below the folder; what is not there is left out of the first.
    """
    found: dict[str, bytes] = {}
    looked_for: set[str] = set()
    waiting = [name for text in _named(data) if (name := _below("", text)) is not None]
    while waiting:
        name = waiting.pop()
        if name in looked_for:
            continue
        looked_for.add(name)
        content = read(name)
        if content is None:
            continue
        found[name] = content
        waiting += _references(name, content)
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


def _references(name: str, content: bytes) -> Iterator[str]:
    """What a contract refers to, as names below the folder."""
    encoding = "utf-16" if content.startswith(_BYTE_ORDER_MARKS) else "utf-8"
    text = content.decode(encoding, "replace")
    folder = posixpath.dirname(name)
    for pattern in (_XML, _JSON):
        for match in pattern.finditer(text):
            written = next((group for group in match.groups() if group), "")
            # xsi:schemaLocation holds pairs of a namespace and a location.
            for word in html.unescape(written).split():
                parts = urlsplit(word) if _is_url(word) else None
                if parts is not None and parts.scheme:
                    # Nothing is fetched: a file of that name beside the contract stands for it.
                    place = _below(folder, posixpath.basename(unquote(parts.path)))
                else:
                    place = _below(folder, unquote(word.partition("#")[0]))
                if place is not None:
                    yield place


def _is_url(word: str) -> bool:
    try:
        return bool(urlsplit(word).scheme)
    except ValueError:
        return False


def _below(folder: str, reference: str) -> str | None:
    """The name below the folder that a reference leads to; None when it leads nowhere, or out of it."""
    if not reference or "\0" in reference or reference.startswith(("/", "env:")):
        return None
    name = posixpath.normpath(posixpath.join(folder, reference))
    return None if name in (".", "..") or name.startswith("../") else name
