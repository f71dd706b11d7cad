"""Header parts of SOAP answers: read along the contract where it declares them, others as they come."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from hub.adapters.check import check_channels
from hub.adapters.soap import SoapCall, SoapContract
from hub.adapters.wire import Credentials, WireReply
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused
from hub.expressions import TreeTemplate
from tests.adapters.proof.test_login import FILE, gateway_to
from tests.adapters.proof.test_secrets import WSDL as PLAIN
from tests.adapters.support import dossier
from tests.adapters.system import Heard, Say, answer, system

WSDL = (
    PLAIN.replace(
        '<x:element name="Open">',
        '<x:element name="Status"><x:complexType><x:sequence><x:element name="code" type="x:int"/>'
        '<x:element name="text" type="x:string" minOccurs="0"/></x:sequence></x:complexType></x:element>'
        '<x:element name="Open">',
    )
    .replace(
        '<message name="out"><part name="body" element="d:OpenResponse"/>',
        '<message name="out"><part name="body" element="d:OpenResponse"/>'
        '<part name="status" element="d:Status"/>',
    )
    .replace(
        '<output><s:body use="literal"/></output>',
        '<output><s:body use="literal" parts="body"/>'
        '<s:header message="d:out" part="status" use="literal"/></output>',
    )
    .replace('<s:header message="d:in" part="auth" use="literal"/>', "")
    .replace('<part name="auth" element="d:AuthHeader"/>', "")
)
STATUS = '<d:Status xmlns:d="urn:desk"><d:code>%s</d:code></d:Status>'
SESSION = '<Session xmlns="urn:other"><Id>k3y-of-the-header</Id></Session>'
SECURITY = (
    '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/>'
    '<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">urn:1</a:RelatesTo>'
)
OPENED = '<OpenResponse xmlns="urn:desk"><Case>C-1</Case></OpenResponse>'


def envelope(header: str, body: str = OPENED) -> str:
    return (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<s:Header>{header}</s:Header><s:Body>{body}</s:Body></s:Envelope>"
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "desk.wsdl").write_text(WSDL)
    return tmp_path


def desk(**channel: Any) -> AgencyFile:
    data = deepcopy(FILE)
    for name in ("login", "poll"):
        del data["channel"][name]
    data["channel"] |= {"adapter": "soap", "contract": "desk.wsdl"} | channel
    return AgencyFile.model_validate(data)


SUBMIT = {
    "operation": "Open",
    "request": {"Ref": "=referral.id"},
    "receipt": {"reference": "=reply.Case"},
    "errors": [{"when": "=header.Status.code == 7", "means": "refused", "text": "=header.Status.text"}],
}


class Signed:
    """Message security that has looked at an answer and found it good."""

    checks_answers = True

    def apply(self, *_: object) -> None: ...

    def check(self, *_: object) -> None: ...


def call(folder: Path, credentials: Credentials = Credentials()) -> SoapCall:  # noqa: B008 - never changed
    contract = SoapContract(folder / "desk.wsdl", folder)
    return SoapCall(
        contract, contract.find("Open", None, None), TreeTemplate({}, ()), "http://x", credentials
    )


def test_parts_are_read_by_their_local_names(folder: Path) -> None:
    """Along the contract where it declares them; what other layers say there is left out."""
    text = envelope(STATUS % "7" + SESSION + SECURITY + "<Tag>a</Tag><Tag>b</Tag>")
    heard = call(folder).read(WireReply(200, {}, text.encode()))
    assert heard.header == {
        "Status": {"code": 7, "text": None},
        "Session": {"Id": "k3y-of-the-header"},
        "Tag": ["a", "b"],
    }
    assert heard.reply == {"Case": "C-1"}


def test_a_part_that_does_not_fit_is_read_as_it_came(folder: Path) -> None:
    """The Body is understood all the same."""
    heard = call(folder).read(WireReply(200, {}, envelope(STATUS % "seven").encode()))
    assert (heard.header, heard.reply, heard.unreadable) == (
        {"Status": {"code": "seven"}},
        {"Case": "C-1"},
        None,
    )


def test_where_answers_must_be_signed_only_the_body_is_believed(folder: Path) -> None:
    """The signature says nothing of the header."""
    proven = call(folder, Credentials(ws_security=Signed()))
    heard = proven.read(WireReply(200, {}, envelope(STATUS % "7").encode()))
    assert (heard.header, heard.reply, heard.unproven) == ({}, {"Case": "C-1"}, None)


@pytest.mark.parametrize("body", [OPENED, ""], ids=["usual body", "empty body"])
async def test_an_error_may_be_told_in_the_header(folder: Path, body: str) -> None:
    """Beside a body like any other, or in place of one."""
    status = '<d:Status xmlns:d="urn:desk"><d:code>7</d:code><d:text>no such licence</d:text></d:Status>'
    with system(answer(200, envelope(status, body), Content_Type="text/xml")) as running:
        async with gateway_to(folder, running.url, desk(submit=SUBMIT)) as gateway:
            with pytest.raises(AgencyRefused, match="no such licence"):
                await gateway.submit(dossier(desk(submit=SUBMIT)))


async def test_a_session_may_be_told_in_the_header(folder: Path) -> None:
    """And is in no recording, though the Body tells nothing of it."""
    login = {"operation": "Open", "request": {"Ref": "hub"}, "token": "=header.Session.Id"}
    submit = {**SUBMIT, "request": {"Ref": "=session.token"}}
    file = desk(login=login, submit=submit)

    def says(heard: Heard) -> Say:
        assert b">hub<" in heard.body or b"k3y-of-the-header" in heard.body
        return answer(200, envelope(SESSION), Content_Type="text/xml")

    with system(says) as running:
        async with gateway_to(folder, running.url, file) as gateway:
            submission = await gateway.submit(dossier(file))
    assert submission.receipt.reference == "C-1"
    assert "k3y-of" not in submission.model_dump_json()


@pytest.mark.parametrize(
    ("reference", "what"),
    [
        ("=header.Status.text", None),
        ("=header.Session.Id", None),
        ("=header.Status.txt", "reads what the contract's answer does not have: no key"),
    ],
)
def test_readings_of_the_header_are_checked(folder: Path, reference: str, what: str | None) -> None:
    """A declared part must have it; a part that the contract does not declare may have anything."""
    file = desk(submit={**SUBMIT, "receipt": {"reference": reference}})
    faults = check_channels({"desk": file}, folder, {"DESK_ENDPOINT": "http://x.example"})
    told = [fault.what for fault in faults if not fault.warning]
    assert told == [] if what is None else len(told) == 1 and what in told[0]
