"""Requests as what they say, line by line, so that two of them can be compared and shown side by side."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from email import policy
from email.parser import BytesParser
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

_CHANGING = {"Password", "Nonce", "Created", "Expires", "SignatureValue", "BinarySecurityToken"}
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_QUALIFIED = {f"{{{_XSI}}}type", f"{{{_ENCODING}}}arrayType"}
_MASK = "***"


def body_lines(kind: str, content: bytes, media_type: str = "") -> list[str]:
    """
    A body of a kind of golden files (json, xml, form, multipart, text) as lines that say the same for bodies
    that mean the same. A body that is not of its kind is shown as it is.
    """
    try:
        match kind:
            case "json":
                return json_lines(json.loads(content))
            case "xml":
                return xml_lines(content)
            case "form":
                return [f"{n}={v}" for n, v in parse_qsl(content.decode(), keep_blank_values=True)]
            case "multipart":
                return multipart_lines(content, media_type)
    except (ValueError, etree.XMLSyntaxError):
        pass  # shown as it is: the difference tells
    return content.decode("utf-8", "replace").splitlines()


def json_lines(value: Any) -> list[str]:
    """A JSON value, one member a line, members by the alphabet."""
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True, default=str).splitlines()


def xml_lines(content: bytes) -> list[str]:
    """An XML document, one element a line: a namespace where it changes, no prefixes, no blanks between."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    lines: list[str] = []
    _element(etree.fromstring(content, parser), None, 0, lines)
    return lines


def _element(element: etree._Element, around: str | None, depth: int, lines: list[str]) -> None:
    name = etree.QName(element)
    parts = [f"{'  ' * depth}{name.localname}"]
    if name.namespace != around:
        parts.append(f"xmlns={name.namespace or ''}")
    parts += [f"{n}={v}" for n, v in sorted(_attributes(element).items())]
    text = _MASK if name.localname in _CHANGING else (element.text or "").strip()
    lines.append(" ".join(parts) + (f": {text}" if text else ""))
    for child in element:
        _element(child, name.namespace, depth + 1, lines)


def _attributes(element: etree._Element) -> dict[str, str]:
    read = {}
    for key, value in element.attrib.items():
        name, text = str(key), str(value)
        if name == f"{{{_WSU}}}Id":
            text = _MASK
        elif name in _QUALIFIED and ":" in text:
            # A prefix in a value means what it is bound to, not how it is written.
            prefix, _, rest = text.partition(":")
            text = f"{{{element.nsmap.get(prefix, prefix)}}}{rest}"
        read[name] = text
    return read


def multipart_lines(content: bytes, media_type: str) -> list[str]:
    """The parts of a multipart body: name, file name and type of each, then its text, indented."""
    head = f"Content-Type: {media_type}\r\nMIME-Version: 1.0\r\n\r\n".encode()
    message = BytesParser(policy=policy.HTTP).parsebytes(head + content)
    if not message.is_multipart():
        raise ValueError("no multipart body")
    lines = []
    for part in message.iter_parts():
        named = part.get_param("name", header="content-disposition") or part.get("Content-ID", "")
        file = part.get_filename()
        lines.append(f"part {named}{f' file {file}' if file else ''} ({part.get_content_type()})")
        held = part.get_payload(decode=True)
        text = held.decode("utf-8", "replace") if isinstance(held, bytes) else ""
        lines += [f"  {line}" for line in text.splitlines()]
    return lines


def kind_of(media_type: str, content: bytes) -> str | None:
    """Of which kind of golden files a body is; None when there is none."""
    if not content:
        return None
    name = media_type.partition(";")[0].strip().lower()
    if name.startswith("multipart/form-data"):
        return "multipart"
    if name == "application/x-www-form-urlencoded":
        return "form"
    if name.endswith(("json", "+json")):
        return "json"
    return "xml" if name.endswith("xml") or "soap" in name else "text"


def differing(expected: Iterable[str], actual: Iterable[str]) -> list[str]:
    """What differs, with a little around it: `-` is as written down, `+` as it is now. Empty when equal."""
    diff = list(difflib.unified_diff(list(expected), list(actual), lineterm="", n=2))
    # The first two lines name files, and the others begin with a mark.
    return [f"{line[0]} {line[1:]}" for line in diff[2:] if not line.startswith("@@")]


def lines_of(value: Any) -> list[str]:
    """Plain data as lines, in its own order."""
    if isinstance(value, Mapping):
        lines = []
        for name, part in value.items():
            if isinstance(part, Mapping | list) and part:
                lines += [f"{name}:", *(f"  {line}" for line in lines_of(part))]
            else:
                lines.append(f"{name}: {_scalar(part)}")
        return lines
    if isinstance(value, list):
        return [
            f"{'- ' if place == 0 else '  '}{line}"
            for one in value
            for place, line in enumerate(lines_of(one))
        ]
    return [_scalar(value)]


def _scalar(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
