"""Answers of REST systems as plain data: JSON, XML, forms, text."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qsl

from hub.adapters.nul import without_nul
from hub.adapters.openapi import Form, Media, RestContract, RestOperation
from hub.adapters.openapi.operation import form_of
from hub.adapters.rest.plain_json import read_json_text
from hub.adapters.rest.xml_body import XmlBody
from hub.adapters.wire import Heard, Misfit, Plain, WireReply
from hub.adapters.xml import parse_xml, plain_xml

_DECLARED = re.compile(r"^(<\?xml[^>]*?)\s+encoding\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_HTML = re.compile(
    r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body|h[1-6]|title|center)\b", re.I | re.S
)
_PROBLEM = ("title", "detail", "message", "error_description", "description", "error", "reason")
_MOST = 50


class Answers:
    """How the answers of one operation are read."""

    def __init__(self, contract: RestContract, operation: RestOperation) -> None:
        self._contract = contract
        self._operation = operation
        self._xml: dict[int, XmlBody] = {}

    @property
    def accepted(self) -> str:
        """What `Accept` says: all that the contract has and the hub reads, good answers first."""
        kinds = [media.type for media in self._operation.good_answers]
        kinds += [media.type for bodies in self._operation.answers.values() for media in bodies]
        read = [kind for kind in dict.fromkeys(kinds) if form_of(kind) not in (Form.MULTIPART, Form.BYTES)]
        return ", ".join(read) if read and all(kind.isascii() for kind in read) else "application/json"

    def read(self, reply: WireReply) -> Heard:
        """The answer in plain data. Never raises: what cannot be read is told in `unreadable`."""
        kind, charset = _content_type(reply.headers)
        text = _decoded(reply.body, charset)
        shown = without_nul(text)
        if not text.strip("\ufeff \t\r\n"):
            return Heard(reply.status, reply.headers, {}, text="")
        try:
            plain = self._plain(reply, kind, text.removeprefix("\ufeff"))
        except Misfit as wrong:
            # An error is often told by a proxy, in HTML; its status is what counts.
            return Heard(reply.status, reply.headers, shown, text=shown, unreadable=str(wrong))
        told = _problem(plain) if reply.status >= 400 else None
        return Heard(reply.status, reply.headers, plain, text=told or shown)

    def _plain(self, reply: WireReply, kind: str, text: str) -> Plain:
        form = form_of(kind) if kind else None
        looks_like_xml = text.lstrip().startswith("<")
        if form is Form.URLENCODED:
            return _fields(without_nul(text))
        if form is Form.XML:
            return self._from_xml(reply.status, text)
        if _HTML.match(text):
            raise Misfit("not JSON, but a page of HTML")
        if looks_like_xml:
            return self._from_xml(reply.status, text)
        try:
            return read_json_text(text)
        except Misfit:
            # A text that is none of these is its own value, where the agency says that it is text.
            if kind == "text/plain":
                return without_nul(text).strip()
            raise

    def _from_xml(self, status: int, text: str) -> Plain:
        root = parse_xml(_DECLARED.sub(r"\1", text.lstrip()).encode("utf-8", "replace"))
        media = self._told(status)
        if media is None or media.schema is None:
            return plain_xml(root)
        known = self._xml.get(id(media))
        if known is None:
            # The name of the outermost element plays no part in reading.
            known = self._xml[id(media)] = XmlBody(self._contract, media.schema, "answer")
        return known.read(root)

    def _told(self, status: int) -> Media | None:
        """The XML that the contract tells of for this status."""
        answers = self._operation.answers
        for key in (str(status), f"{status // 100}XX", f"{status // 100}xx", "default"):
            for media in answers.get(key, ()):
                if media.form is Form.XML:
                    return media
        return None


def _content_type(headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Media type in lower case ("" where none is told), and charset."""
    kind, *parameters = headers.get("content-type", "").split(";")
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return kind.strip().lower(), value.strip().strip("\"'") or None
    return kind.strip().lower(), None


def _decoded(body: bytes, charset: str | None) -> str:
    """
    The body as text: by its byte order mark or zeros, by the charset it is said to be in, or as UTF-8.

    A body that is valid UTF-8 is UTF-8, whatever is said: nothing but ASCII is both by chance.
    """
    detected = json.detect_encoding(body)
    if detected not in ("utf-8", "utf-8-sig"):
        return body.decode(detected, "replace")
    if charset is not None:
        try:
            return body.decode("utf-8")
        except UnicodeDecodeError:
            try:
                return body.decode(charset, "replace")
            except LookupError:
                pass
    else:
        declared = re.match(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']", body)
        if declared is not None:
            try:
                return body.decode(declared[1].decode("ascii"), "replace")
            except LookupError:
                pass
    return body.decode("utf-8", "surrogatepass" if _has_half_pairs(body) else "replace")


def _has_half_pairs(body: bytes) -> bool:
    """Whether it is UTF-8 but for halves of surrogate pairs, which the reader of JSON stands in for."""
    try:
        body.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def _fields(text: str) -> Plain:
    read: dict[str, Plain] = {}
    for name, value in parse_qsl(text.strip(), keep_blank_values=True, errors="replace"):
        if name not in read:
            read[name] = value
        elif isinstance(read[name], list):
            read[name].append(value)
        else:
            read[name] = [read[name], value]
    return read


def _problem(plain: Plain) -> str | None:
    """
    A problem (RFC 9457) or its like, told in words: title, detail, and every single error.

    None where it is none: then people are shown the body as it stands.
    """
    if not isinstance(plain, dict):
        return None
    words = [plain[name] for name in _PROBLEM if isinstance(plain.get(name), str)]
    if not words or not {"title", "detail"} & plain.keys():
        return None
    # Under which name the single errors stand is everybody's own choice.
    listed = [one for held in plain.values() if isinstance(held, dict | list) for one in _errors(held)]
    return "; ".join([": ".join(dict.fromkeys(words)), *listed[:_MOST]])


def _errors(value: Plain) -> Iterator[str]:
    if isinstance(value, dict):
        for name, held in value.items():
            for one in held if isinstance(held, list) else [held]:
                yield f"{name}: {_one_error(one)}"
    elif isinstance(value, list):
        for one in value:
            yield _one_error(one)


def _one_error(value: Plain) -> str:
    if not isinstance(value, dict):
        return str(value)
    singles = {name: held for name, held in value.items() if isinstance(held, str | int) and held != ""}
    return ", ".join(f"{held}" for held in singles.values()) or json.dumps(value, ensure_ascii=False)
