"""SOAP as it is met: contracts of every style, answers of every shape."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path

import pytest
from lxml import etree

from hub.adapters.channel import Channel, Contracts, prepare
from hub.adapters.context import dossier_context
from hub.adapters.soap import ContractUnreadable, SoapContract
from hub.adapters.wire import Heard, WireReply
from tests.adapters.support import FOLDER, NOW, SEOUL, agency, dossier, environment

CONTRACTS = Contracts(FOLDER)
W = "http://requirement.agency.example/v1"
_11 = "http://schemas.xmlsoap.org/soap/envelope/"
_12 = "http://www.w3.org/2003/05/soap-envelope"


@cache
def channel(slug: str) -> Channel:
    file = agency(slug)
    return prepare(file, CONTRACTS, environment(file, "http://127.0.0.1/x"), SEOUL)


def heard(slug: str, body: str | bytes, status: int = 200, doing: str = "submit") -> Heard:
    content = body.encode() if isinstance(body, str) else body
    return getattr(channel(slug), doing).call.read(WireReply(status, {}, content))


def envelope(body: str, namespace: str = _11) -> str:
    return f'<e:Envelope xmlns:e="{namespace}" xmlns:a="{W}"><e:Header/><e:Body>{body}</e:Body></e:Envelope>'


def test_a_digest_proves_the_password_without_sending_it() -> None:
    """UsernameToken Profile 1.1: Base64(SHA-1(nonce + created + password)), with a new nonce every time."""
    file = agency("dapa")
    password = environment(file, "")["DAPA_PASSWORD"]
    nonces = set()
    for _ in range(2):
        body = channel("dapa").submit.call.write(dossier_context(dossier(file), file), NOW).body
        assert password.encode() not in body
        held = {etree.QName(e).localname: e.text or "" for e in etree.fromstring(body).iter()}
        nonce = base64.b64decode(held["Nonce"])
        assert held["Created"] == "2026-03-02T00:30:00Z"
        digest = hashlib.sha1(nonce + held["Created"].encode() + password.encode()).digest()
        assert base64.b64decode(held["Password"]) == digest
        nonces.add(nonce)
    assert len(nonces) == 2


@pytest.mark.parametrize("outer", [_11, _12])
@pytest.mark.parametrize(
    ("fault", "blames_sender", "words"),
    [
        ("<e:Fault><faultcode>e:Client.Form</faultcode><faultstring>no</faultstring></e:Fault>", True, "no"),
        ("<e:Fault><faultcode>e:Server</faultcode><faultstring>oops</faultstring></e:Fault>", False, "oops"),
        (
            f'<f:Fault xmlns:f="{_12}"><f:Code><f:Value>f:Sender</f:Value><f:Subcode><f:Value>x:Y</f:Value>'
            "</f:Subcode></f:Code><f:Reason><f:Text>no</f:Text></f:Reason></f:Fault>",
            True,
            "Sender.Y: no",
        ),
        (
            f'<f:Fault xmlns:f="{_12}"><f:Code><f:Value>f:Receiver</f:Value></f:Code><f:Reason><f:Text>oops'
            "</f:Text></f:Reason><f:Detail><d>why</d></f:Detail></f:Fault>",
            False,
            "Receiver: oops: why",
        ),
        ("<Fault><faultcode>E17</faultcode><faultstring>ours</faultstring></Fault>", None, "E17: ours"),
        ("<e:Fault/>", None, "a fault without a word"),
    ],
)
def test_a_fault_is_read_whatever_its_shape(
    outer: str, fault: str, blames_sender: bool | None, words: str
) -> None:
    """Of either version, in an envelope of either version, in any namespace or none."""
    said = heard("apqa", envelope(fault, outer), 500).fault
    assert said is not None
    assert said.blames_sender is blames_sender
    assert words in said.text


def _found(result: str) -> str:
    return envelope(
        f"<a:FindByRequestNoResponse><a:FoundYn>Y</a:FoundYn><a:ReceiptNo>R</a:ReceiptNo>{result}"
        "</a:FindByRequestNoResponse>"
    )


def test_an_answer_has_every_element_of_its_contract() -> None:
    """Absent is null, an absent wrapper of a list an empty list; a mapping need not ask."""
    result = "<a:Result><a:ResultId>1</a:ResultId><a:ResultCd>합격</a:ResultCd>"
    result += "<a:ResultDt>2026-03-02T09:00:00.120+09:00</a:ResultDt></a:Result>"
    reply = heard("apqa", _found(result), doing="look_up").reply
    assert reply["State"] is None
    assert reply["Result"]["CertNo"] is None
    assert reply["Result"]["ItemNos"] == {"No": []}
    assert reply["Result"]["ResultDt"] == "2026-03-02T09:00:00.120+09:00"
    assert heard("apqa", _found(""), doing="look_up").reply["Result"] is None


def test_numbers_and_lists_are_what_the_contract_says() -> None:
    """Whole numbers as numbers; one of several is a list of one; an xs:list is a list."""
    entry = (
        '<a:searchResponse xmlns:a="urn:example:approval-registry"><count> 1 </count><entries><a:entry>'
        "<a:registerNo>RG-1</a:registerNo><a:enteredOn>2026-03-02T09:00:00</a:enteredOn><a:finding>"
        "<a:findingNo>1</a:findingNo><a:verdict>해당</a:verdict><a:date>2026-03-02T09:00:00</a:date>"
        "<a:serials>1 22 333</a:serials></a:finding></a:entry></entries></a:searchResponse>"
    )
    reply = heard("khs", envelope(entry), doing="look_up").reply
    assert reply["count"] == 1
    assert reply["entries"]["entry"][0]["finding"]["serials"] == [1, 22, 333]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "empty"),
        ("  \r\n", "empty"),
        ("not xml", "not well-formed"),
        ("<html/>", "not a SOAP envelope"),
        (f'<e:Envelope xmlns:e="{_11}"/>', "no Body"),
        (envelope(""), "Body is empty"),
        (envelope("<a:GetResultResponse/>"), "the contract says"),
        (_found("<a:Extra/>"), "Extra"),
        (_found("<a:State>DECIDED</a:State><a:State>DECIDED</a:State>"), "twice"),
        (_found("<a:Result><a:ResultId>1</a:ResultId></a:Result>"), "lacks ResultCd"),
        (_found("<a:Result>text</a:Result>"), "lacks"),
        (_found("").replace("<a:FoundYn>Y</a:FoundYn>", "<a:FoundYn><b/></a:FoundYn>"), "a value"),
        (
            _found(
                "<a:Result><a:ResultId>1</a:ResultId><a:ResultCd>x</a:ResultCd><a:ItemNos><a:No>one</a:No>"
                "</a:ItemNos><a:ResultDt>2026-03-02T09:00:00Z</a:ResultDt></a:Result>"
            ),
            "'one'",
        ),
        (
            _found(
                "<a:Result><a:ResultId>1</a:ResultId><a:ResultCd>x</a:ResultCd>"
                "<a:ResultDt>yesterday</a:ResultDt></a:Result>"
            ),
            "yesterday",
        ),
        ('<?xml version="1.0"?><!DOCTYPE e>' + _found(""), "document type"),
        ("<a>" * 300 + "</a>" * 300, ""),
    ],
)
def test_an_answer_off_the_contract_is_not_understood(body: str, words: str) -> None:
    """It is told where it misses; nothing raises, and nothing is guessed."""
    said = heard("apqa", body, doing="look_up")
    assert said.unreadable is not None
    assert words in said.unreadable


def test_an_entity_is_never_expanded(tmp_path: Path) -> None:
    """Neither from a file, nor from the network, nor from itself a billion times."""
    (tmp_path / "secret").write_text("top-secret")
    for subset in (
        f'<!ENTITY x SYSTEM "file://{tmp_path}/secret">',
        '<!ENTITY x SYSTEM "http://127.0.0.1:1/">',
        '<!ENTITY a "aaaaaaaaaa"><!ENTITY x "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">',
        f'<!ENTITY % p SYSTEM "file://{tmp_path}/secret">%p;',
    ):
        said = heard("apqa", f"<!DOCTYPE e [{subset}]>" + _found("<a:State>&x;</a:State>"), doing="look_up")
        assert said.unreadable is not None
        assert "top-secret" not in str(said.reply)


def test_a_contract_is_read_from_its_own_folder_only(tmp_path: Path) -> None:
    """An import from the network, or from outside the configuration folder, is refused."""
    inside = tmp_path / "config"
    inside.mkdir()
    (tmp_path / "outside.xsd").write_text('<schema xmlns="http://www.w3.org/2001/XMLSchema"/>')
    original = (FOLDER / "contracts" / "soap12.wsdl").read_text()
    for location in ("http://127.0.0.1:1/x.xsd", "../outside.xsd", (tmp_path / "outside.xsd").as_uri()):
        imported = f'<xs:import namespace="urn:other" schemaLocation="{location}"/>'
        changed = original.replace(
            'elementFormDefault="qualified">', f'elementFormDefault="qualified">{imported}'
        )
        assert changed != original
        (inside / "x.wsdl").write_text(changed)
        with pytest.raises(ContractUnreadable):
            SoapContract(inside / "x.wsdl", inside)


def test_contracts_are_read_once() -> None:
    """38 agencies share a handful of contracts."""
    assert CONTRACTS.soap("contracts/soap12.wsdl") is CONTRACTS.soap("contracts/soap12.wsdl")
