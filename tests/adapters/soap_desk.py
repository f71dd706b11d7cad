"""Calls to the invented contracts in `data`, without an agency's file around them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lxml import etree

from hub.adapters.soap import SoapCall, SoapContract
from hub.adapters.wire import Credentials, Heard, WireReply
from hub.expressions import TreeTemplate
from tests.adapters.support import NOW

DATA = Path(__file__).parent / "data"
P = "urn:example:permits"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
APPLICATION = {"Number": "AB-1", "Kind": "import", "Pieces": 0}
SENDER = {"sender": {"Id": "ABCD"}}


@cache
def contract(name: str) -> SoapContract:
    return SoapContract(DATA / f"{name}.wsdl", DATA)


def call(
    operation: str,
    request: Any,
    *,
    name: str = "permits",
    port: str | None = "Desk",
    header: Any = None,
    action: str | None = None,
) -> SoapCall:
    known = contract(name)
    template = None if header is None else TreeTemplate(header, ())
    found = known.find(operation, None, port)
    return SoapCall(
        known,
        found,
        TreeTemplate(request, ()),
        "http://127.0.0.1:1/",
        Credentials(),
        header=template,
        action=action,
    )


def applying(**change: Any) -> SoapCall:
    """An application that differs in this from the least one."""
    return call("Apply", {**APPLICATION, **change}, header=SENDER)


def sent(made: SoapCall) -> etree._Element:
    """The envelope as it goes out."""
    return etree.fromstring(made.write({}, NOW).body)


def body(made: SoapCall) -> etree._Element:
    """The first element in the Body as it goes out."""
    return sent(made).find(f"{{{ENVELOPE}}}Body")[0]


def heard(made: SoapCall, content: str | bytes, status: int = 200, kind: str = "text/xml") -> Heard:
    raw = content.encode() if isinstance(content, str) else content
    return made.read(WireReply(status, {"content-type": kind}, raw))


def enveloped(content: str) -> str:
    return (
        f'<e:Envelope xmlns:e="{ENVELOPE}" xmlns:p="{P}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
        f' xmlns:xsd="http://www.w3.org/2001/XMLSchema"><e:Body>{content}</e:Body></e:Envelope>'
    )


def applied(content: str) -> Any:
    """What is read of an answer to an application that holds this after its receipt."""
    answer = enveloped(f"<p:ApplyResponse><p:Receipt>R</p:Receipt>{content}</p:ApplyResponse>")
    told = heard(applying(), answer)
    assert told.unreadable is None, told.unreadable
    return told.reply
