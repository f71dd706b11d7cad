"""Credentials that stand in the requests themselves: every operation sees them, and nobody else ever does."""

from __future__ import annotations

import base64
import json
from copy import deepcopy
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
from lxml import etree

from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, NotUnderstood
from hub.domain.exchange import FeedPage
from tests.adapters.proof.test_login import FILE, gateway_to
from tests.adapters.support import dossier
from tests.adapters.system import Heard, Say, answer, system

USER, WORD = "hub-of-customs", 'op3n &<"s@same/1'
OPENAPI = """\
openapi: 3.0.3
info: {title: Desk, version: "1"}
paths:
  /{user}/cases:
    post:
      parameters: [{name: user, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/json: {schema: {type: object, properties:
        {ref: {type: string}, apiKey: {type: string}, short: {type: string, maxLength: 3}}}}}}
      responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}
  /messages:
    get: &any {responses: {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}}
    post: {requestBody: {content: {application/json: {schema: {type: object}}}},
      responses: {"200": {description: ok}}}
"""
FEED = {
    "every": "5m",
    "pull": {"method": "GET", "path": "/messages", "query": {"k": "=secret.word"}},
    "messages": "=reply.messages",
    "message": {"referral": "=message.ref", "decision": {"word": "=message.word"}},
    "acknowledge": {
        "method": "POST",
        "path": "/messages",
        "request": {"ids": "=ids", "k": "=secret.word"},
    },
    "next_page": "=reply.next",
}


def rest(**submit: Any) -> AgencyFile:
    data = deepcopy(FILE)
    channel = data["channel"]
    for name in ("login", "poll"):
        del channel[name]
    channel["feed"] = FEED
    channel["submit"] = {
        "method": "POST",
        "path": "/{secret.user}/cases",
        "query": {"key": "=secret.word"},
        "headers": {"Authorization": '="Pair " + base64(secret.user + ":" + secret.word)'},
        "request": {"ref": "=referral.id", "apiKey": "=secret.word"},
        "receipt": {"reference": "=reply.case"},
        **submit,
    }
    data["services"]["desk-import"]["answers"] = "feed"
    return AgencyFile.model_validate(data)


def soap() -> AgencyFile:
    data = deepcopy(FILE)
    channel = data["channel"]
    for name in ("login", "poll"):
        del channel[name]
    channel |= {"adapter": "soap", "contract": "desk.wsdl"}
    channel["submit"] = {
        "operation": "Open",
        "soap_header": {"auth": {"User": "=secret.user", "Password": "=secret.word"}},
        "request": {"Ref": "=referral.id", "Pair": '=base64(secret.user + ":" + secret.word)'},
        "receipt": {"reference": "=reply.Case"},
    }
    return AgencyFile.model_validate(data)


WSDL = """\
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:x="http://www.w3.org/2001/XMLSchema" xmlns:d="urn:desk" targetNamespace="urn:desk">
  <types><x:schema targetNamespace="urn:desk" elementFormDefault="qualified">
    <x:element name="AuthHeader"><x:complexType><x:sequence>
      <x:element name="User" type="x:string"/><x:element name="Password" type="x:string"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="Open"><x:complexType><x:sequence>
      <x:element name="Ref" type="x:string"/><x:element name="Pair" type="x:string" minOccurs="0"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="OpenResponse"><x:complexType><x:sequence>
      <x:element name="Case" type="x:string"/></x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="in"><part name="body" element="d:Open"/><part name="auth" element="d:AuthHeader"/></message>
  <message name="out"><part name="body" element="d:OpenResponse"/></message>
  <portType name="p"><operation name="Open">
    <input message="d:in"/><output message="d:out"/></operation></portType>
  <binding name="b" type="d:p"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Open"><s:operation soapAction="open"/>
      <input><s:body use="literal" parts="body"/><s:header message="d:in" part="auth" use="literal"/></input>
      <output><s:body use="literal"/></output></operation></binding>
  <service name="d"><port name="p" binding="d:b"><s:address location="http://d.invalid"/></port></service>
</definitions>
"""


def secrets_in(text: str) -> list[str]:
    """The secrets, and what was made of them, that stand in a text in any form."""
    pair = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    forms = (USER, WORD, "s@same", "s%40same", "same/1", pair, quote_plus(WORD), "op3n")
    return [form for form in forms if form in text]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tests.adapters.proof.test_login.OPENAPI", OPENAPI)
    monkeypatch.setattr("tests.adapters.proof.test_login.VARIABLES", {"DESK_USER": USER, "DESK_WORD": WORD})
    (tmp_path / "desk.wsdl").write_text(WSDL)
    return tmp_path


async def test_rest_requests_hold_secrets_wherever_the_mapping_says(folder: Path) -> None:
    """In path, query, header and body; no recording holds them or what is made of them, even where echoed."""

    def desk(heard: Heard) -> Say:
        echo = f"{heard.path} {heard.headers} {heard.body.decode()}"
        return answer(200, json.dumps({"case": "C-1", "echo": echo}))

    with system(desk) as running:
        async with gateway_to(folder, running.url, rest()) as gateway:
            submission = await gateway.submit(dossier(rest()))
    [heard] = running.heard
    pair = base64.b64encode(f"{USER}:{WORD}".encode()).decode()
    assert heard.path == f"/{USER}/cases?key={quote_plus(WORD)}"
    assert heard.headers["authorization"] == f"Pair {pair}"
    assert json.loads(heard.body)["apiKey"] == WORD
    assert submission.receipt.reference == "C-1"
    assert secrets_in(submission.model_dump_json()) == []


async def test_soap_requests_hold_secrets_in_header_part_and_body(folder: Path) -> None:
    """A log-in by a header part of the agency's own, as many systems have it."""

    def desk(heard: Heard) -> Say:
        echo = heard.body.decode().partition("?>")[2].strip().replace("&", "&amp;").replace("<", "&lt;")
        fault = f"<faultcode>s:Client</faultcode><faultstring>{echo}</faultstring>"
        return answer(
            500,
            '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>'
            f"{fault}</s:Fault></s:Body></s:Envelope>",
            Content_Type="text/xml",
        )

    with system(desk) as running:
        async with gateway_to(folder, running.url, soap()) as gateway:
            with pytest.raises(AgencyRefused) as told:
                await gateway.submit(dossier(soap()))
    root = etree.fromstring(running.heard[0].body)
    texts = {etree.QName(one).localname: one.text for one in root.iter(etree.Element) if len(one) == 0}
    assert (texts["User"], texts["Password"]) == (USER, WORD)
    recorded = " ".join(exchange.model_dump_json() for exchange in told.value.exchanges)
    assert secrets_in(f"{told.value} {recorded}") == []


async def test_a_secret_that_breaks_the_contract_is_not_told_either(folder: Path) -> None:
    """What is wrong is told with the value, cut where it is long; not where the value is a secret."""
    file = rest(request={"short": '=secret.word + "-" + secret.word + "-" + secret.word + "-" + secret.word'})
    async with gateway_to(folder, "http://127.0.0.1:9", file) as gateway:
        with pytest.raises(NotUnderstood, match="short") as told:
            await gateway.submit(dossier(file))
    assert secrets_in(str(told.value)) == []


async def test_a_feed_is_asked_for_its_next_page_with_the_secret(folder: Path) -> None:
    """It is in no address that is remembered, and added to each; acknowledging sees it too."""
    page = {"messages": [], "next": f"/messages?after=2&k={quote_plus(WORD)}"}
    says = [answer(200, json.dumps(page)), answer(200, json.dumps({"messages": [], "next": ""})), answer(200)]
    with system(says) as running:
        async with gateway_to(folder, running.url, rest()) as gateway:
            first = await gateway.pull_feed("desk")
            assert first.next == FeedPage(number=2, address=f"{running.url}/messages?after=2"), first.trouble
            await gateway.pull_feed("desk", first.next)
            told = await gateway.acknowledge_feed("desk", ["m-1"])
    assert [heard.path for heard in running.heard[:2]] == [
        f"/messages?k={quote_plus(WORD)}",
        f"/messages?after=2&k={quote_plus(WORD)}",
    ]
    assert json.loads(running.heard[2].body) == {"ids": ["m-1"], "k": WORD}
    assert secrets_in(first.model_dump_json() + told[0].model_dump_json()) == []


async def test_a_secret_that_is_not_set_is_told_by_its_variable(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent."""
    monkeypatch.setattr("tests.adapters.proof.test_login.VARIABLES", {"DESK_USER": USER})
    with system(answer(200)) as running:
        async with gateway_to(folder, running.url, rest()) as gateway:
            with pytest.raises(NotUnderstood, match="DESK_WORD is not set in the environment"):
                await gateway.submit(dossier(rest()))
    assert running.heard == []
