"""A filled mapping as the bytes of a body: JSON, XML, form, multipart, text."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol
from urllib.parse import quote, quote_plus

from urllib3.fields import RequestField
from urllib3.filepost import encode_multipart_formdata

from hub.adapters.openapi import Encoding, Form, Media, NotWritten, RestContract
from hub.adapters.rest.parameters import deep_pairs, json_text, word
from hub.adapters.rest.xml_body import XmlBody
from hub.adapters.shape import Shape
from hub.adapters.wire import Misfit, Plain

_TYPES = {
    Form.JSON: "application/json",
    Form.XML: "application/xml",
    Form.URLENCODED: "application/x-www-form-urlencoded",
    Form.MULTIPART: "multipart/form-data",
    Form.TEXT: "text/plain",
    Form.BYTES: "application/octet-stream",
}
_FILE = {"content", "base64", "filename", "type"}
_SEPARATORS = {"form": ",", "spaceDelimited": "%20", "pipeDelimited": "%7C", "tabDelimited": "%09"}


class Body(Protocol):
    """One way of writing a body."""

    def write(self, value: Plain) -> tuple[bytes, str]:
        """The bytes, and the `Content-Type` that goes with them. Raises Misfit."""

    def seen(self, value: Plain) -> Plain:
        """The value as the contract speaks of it: for what holds no files, itself."""


def body_of(
    contract: RestContract, media: Media | None, form: str | None, root: str | None, shape: Shape | None
) -> Body:
    """
    How a request is written: as the contract has it, and JSON where it does not say.

    Raises NotWritten.
    """
    if media is None:
        media = Media("", Form(form or Form.JSON), None)
    written = media.type if media.type and "*" not in media.type else _TYPES[media.form]
    match media.form:
        case Form.JSON:
            return _Json(written)
        case Form.XML:
            return _Xml(XmlBody(contract, media.schema, root), written)
        case Form.URLENCODED:
            return _Urlencoded(media.encoding, written)
        case Form.MULTIPART:
            return _Multipart(media.encoding, shape, written)
        case _:
            return _Text(written)


class _Whole:
    def seen(self, value: Plain) -> Plain:
        return value


class _Json(_Whole):
    def __init__(self, media_type: str) -> None:
        self._type = media_type

    def write(self, value: Plain) -> tuple[bytes, str]:
        return _encoded(json_text(value), self._type), self._type


class _Xml(_Whole):
    def __init__(self, xml: XmlBody, media_type: str) -> None:
        self._xml = xml
        self._type = media_type

    def write(self, value: Plain) -> tuple[bytes, str]:
        # It declares itself to be UTF-8, and a charset of the header would count before that (RFC 7303).
        return self._xml.write(value), self._type.partition(";")[0].strip()


class _Text:
    def __init__(self, media_type: str) -> None:
        self._type = media_type

    def write(self, value: Plain) -> tuple[bytes, str]:
        if isinstance(value, dict) and value.keys() == {"base64"}:
            return _bytes("the request", value), self._type
        return _encoded(word("the request", value), self._type), self._type

    def seen(self, value: Plain) -> Plain:
        return "file" if isinstance(value, dict) and value.keys() == {"base64"} else value


class _Urlencoded(_Whole):
    """Form fields (URL Living Standard, application/x-www-form-urlencoded)."""

    def __init__(self, encoding: Mapping[str, Encoding], media_type: str) -> None:
        self._encoding = encoding
        self._type = media_type

    def write(self, value: Plain) -> tuple[bytes, str]:
        fields = _members(value)
        pairs = [pair for name, held in fields.items() for pair in self._pairs(name, held)]
        return "&".join(pairs).encode("ascii"), self._type

    def _pairs(self, name: str, held: Plain) -> Iterator[str]:
        encoding = self._encoding.get(name)
        key = quote_plus(name)
        if not isinstance(held, dict | list):
            yield f"{key}={self._value(name, held, encoding)}"
        elif encoding is not None and encoding.style == "deepObject":
            yield from deep_pairs(key, held, lambda part: self._value(name, part, encoding))
        elif encoding is not None and (encoding.content_type or "").endswith("json"):
            yield f"{key}={quote_plus(json_text(held))}"
        elif isinstance(held, list) and not any(isinstance(one, dict | list) for one in held):
            listed = [self._value(name, one, encoding) for one in held]
            separator = (
                None if encoding is None or encoding.explode else _SEPARATORS.get(encoding.style or "form")
            )
            yield from (
                [f"{key}={one}" for one in listed]
                if separator is None
                else [f"{key}={separator.join(listed)}"]
            )
        elif isinstance(held, dict) and encoding is not None and encoding.style == "form":
            inner = {quote_plus(k): self._value(k, v, encoding) for k, v in held.items()}
            if encoding.explode:
                yield from (f"{k}={v}" for k, v in inner.items())
            else:
                yield f"{key}={','.join(f'{k},{v}' for k, v in inner.items())}"
        else:
            raise Misfit(
                f"{name} has parts inside it, and the contract does not say how a form holds them; "
                "as JSON text it is json(...)"
            )

    @staticmethod
    def _value(name: str, held: Plain, encoding: Encoding | None) -> str:
        text = word(name, held)
        if encoding is not None and encoding.allow_reserved:
            return quote(text, safe=":/?@!$'()*,;[]")
        return quote_plus(text)


class _Multipart:
    """
    multipart/form-data (RFC 7578).

    The boundary is made from the content, so that the same request is the same bytes.
    """

    def __init__(self, encoding: Mapping[str, Encoding], shape: Shape | None, media_type: str) -> None:
        name = media_type.partition(";")[0].strip().lower()
        if name != "multipart/form-data":
            raise NotWritten(
                "format", f"of multipart bodies the hub writes multipart/form-data, and not {name}"
            )
        self._encoding = encoding
        self._shape = shape

    def seen(self, value: Plain) -> Plain:
        if not isinstance(value, dict):
            return value
        return {name: self._content(name, held) for name, held in value.items()}

    def write(self, value: Plain) -> tuple[bytes, str]:
        fields: list[RequestField | tuple[str, bytes]] = []
        digest = hashlib.sha256()
        for name, held in _members(value).items():
            for one in held if isinstance(held, list) and not self._is_json(held) else [held]:
                field = self._field(name, one)
                fields.append(field)
                digest.update(repr((sorted(field.headers.items()), field.data)).encode())
        return encode_multipart_formdata(fields, boundary=digest.hexdigest()[:32])

    def _field(self, name: str, held: Plain) -> RequestField:
        encoding = self._encoding.get(name)
        told = encoding.content_type if encoding is not None else None
        if self._is_file(name, held):
            filename = held.get("filename")
            data = _bytes(name, held)
            kind = held.get("type") or told or "application/octet-stream"
            field = RequestField(name, data, filename=word(name, filename) if filename else None)
            field.make_multipart(content_type=_one_line(name, word(name, kind)))
            return field
        if isinstance(held, dict | list):
            field = RequestField(name, json_text(held).encode())
            field.make_multipart(content_type=told or "application/json")
            return field
        field = RequestField(name, word(name, held).encode())
        field.make_multipart(content_type=told)
        return field

    def _content(self, name: str, held: Plain) -> Plain:
        if isinstance(held, list):
            return [self._content(name, one) for one in held]
        return held.get("content", "file") if self._is_file(name, held) else held

    def _is_file(self, name: str, held: Plain) -> bool:
        if not isinstance(held, dict) or not held.keys() <= _FILE:
            return False
        if len(held.keys() & {"content", "base64"}) != 1:
            return False
        part = self._shape.parts.get(name) if self._shape is not None else None
        return part is None or part.inner is None or not part.inner.parts

    @staticmethod
    def _is_json(held: list[Plain]) -> bool:
        return any(isinstance(one, list) for one in held)


def _members(value: Plain) -> Mapping[str, Plain]:
    if not isinstance(value, dict):
        raise Misfit("a form is made of named fields, and the request is none")
    return value


def _bytes(name: str, file: Mapping[str, Plain]) -> bytes:
    """What is in a file: a text in UTF-8, or what Base64 (RFC 4648 section 4) stands for. Raises Misfit."""
    if "content" in file:
        return word(name, file["content"]).encode()
    try:
        return base64.b64decode("".join(word(name, file["base64"]).split()), validate=True)
    except (binascii.Error, ValueError) as wrong:
        raise Misfit(f"the file {name} is not base64") from wrong


def _one_line(name: str, text: str) -> str:
    if not text.isascii() or not text.isprintable():
        raise Misfit(f"the type of the file {name} is no media type")
    return text


def _encoded(text: str, media_type: str) -> bytes:
    charset = "utf-8"
    for parameter in media_type.split(";")[1:]:
        key, _, value = parameter.partition("=")
        if key.strip().lower() == "charset":
            charset = value.strip().strip('"') or charset
    try:
        return text.encode(charset)
    except (LookupError, UnicodeEncodeError) as wrong:
        raise Misfit(f"the request cannot be written in {charset}: {wrong}") from wrong
