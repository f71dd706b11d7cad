"""Requests and answers as people look at them: what goes over the wire, laid out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from hub.domain.exchange import Exchange


@dataclass(frozen=True)
class Message:
    """A request or an answer, with secrets masked."""

    head: str
    """Its first line: method and address, or status."""
    headers: Mapping[str, str]
    body: str

    @property
    def media_type(self) -> str:
        for name, value in self.headers.items():
            if name.lower() == "content-type":
                return value.partition(";")[0].strip().lower()
        return ""

    def laid_out(self) -> tuple[str, str]:
        """The body for reading, indented where it is XML or JSON; and its language, empty for plain text."""
        text = self.body.strip()
        if text.startswith("<"):
            return _xml(self.body), "xml"
        if text.startswith(("{", "[")):
            return _json(self.body), "json"
        if self.media_type == "application/x-www-form-urlencoded":
            pairs = parse_qsl(self.body, keep_blank_values=True)
            return "\n".join(f"{name}={value}" for name, value in pairs), ""
        return self.body, ""


def request_of(exchange: Exchange) -> Message:
    """The request of a recorded exchange."""
    asked = exchange.request
    return Message(f"{asked['method']} {asked['url']}", asked["headers"], asked["body"])


def answer_of(exchange: Exchange) -> Message | None:
    """The answer of a recorded exchange; None when there was none."""
    said: dict[str, Any] | None = exchange.reply
    return None if said is None else Message(f"status {said['status']}", said["headers"], said["body"])


def _xml(text: str) -> str:
    parser = etree.XMLParser(remove_blank_text=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(text.strip().encode(), parser)
    except (etree.XMLSyntaxError, ValueError):
        return text
    return etree.tostring(root, pretty_print=True, encoding="unicode").rstrip()


def _json(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2)
    except ValueError:
        return text
