"""Answers with no more than the contract promises: how `new` reads them, and of what `check` warns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.workbench import proposals
from tests.workbench.conftest import Hub, WorkFolder
from tests.workbench.proposals import fill_in, propose, read_yaml

WSDL = """<wsdl:definitions name="Desk" targetNamespace="urn:desk" xmlns:t="urn:desk"
    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <wsdl:types><xs:schema targetNamespace="urn:desk" elementFormDefault="qualified">
    <xs:element name="apply"><xs:complexType><xs:sequence>
      <xs:element name="referenceNo" type="xs:string"/>
    </xs:sequence></xs:complexType></xs:element>
    <xs:element name="applied"><xs:complexType><xs:sequence>
      <xs:element name="decision" type="xs:string"/>
      <xs:element name="desk" minOccurs="0"><xs:complexType><xs:sequence>
        <xs:element name="receiptNumber" type="xs:string"/>
        <xs:element name="certificateNo" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
    </xs:sequence></xs:complexType></xs:element>
  </xs:schema></wsdl:types>
  <wsdl:message name="in"><wsdl:part name="p" element="t:apply"/></wsdl:message>
  <wsdl:message name="out"><wsdl:part name="p" element="t:applied"/></wsdl:message>
  <wsdl:portType name="Desk"><wsdl:operation name="apply">
    <wsdl:input message="t:in"/><wsdl:output message="t:out"/>
  </wsdl:operation></wsdl:portType>
  <wsdl:binding name="DeskSoap" type="t:Desk">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="apply"><soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="Desk"><wsdl:port name="Desk" binding="t:DeskSoap">
    <soap:address location="http://desk.example/"/>
  </wsdl:port></wsdl:service>
</wsdl:definitions>
"""
GUARDED = '=(reply.desk == null ? "" : reply.desk.receiptNumber)'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    contract = tmp_path / "desk.wsdl"
    contract.write_text(WSDL, encoding="utf-8")
    made = proposals.folder(tmp_path / "desk")
    propose("desk", contract, made)
    return made


def test_nothing_is_read_of_a_part_that_need_not_be_there(config: Path, hub: Hub) -> None:
    """An answer without the part is read all the same, and so the proposal is checked without a warning."""
    submit = read_yaml(config / "agencies" / "desk.yaml")["channel"]["submit"]
    assert submit["receipt"] == {"reference": GUARDED}
    assert submit["decision"]["reference"] == '=(reply.desk == null ? "" : reply.desk.certificateNo)'
    fill_in("desk", config, {TODO_AUTH: "{}"})
    said = hub("check", "desk", "--config", str(config)).said
    assert "does not promise" not in said
    assert "desk: no faults" in said


def test_what_the_contract_does_not_promise_is_warned_of(config: Path, hub: Hub) -> None:
    """A mapping that wants it would call a person for an answer that is in order."""
    fill_in("desk", config, {TODO_AUTH: "{}"})
    WorkFolder(config).spoil("agencies/desk.yaml", GUARDED.removeprefix("="), "reply.desk.receiptNumber")
    said = hub("check", "desk", "--config", str(config)).said
    [warning] = [line for line in said.splitlines() if "does not promise" in line]
    assert "warning  channel.submit.receipt.reference" in warning
    assert "is null" in warning
    assert 'reply.Part == null ? "" : reply.Part.Name' in said


def test_a_member_that_json_need_not_have_is_warned_of(hub: Hub, folder: WorkFolder) -> None:
    """Without `when` every answer must have the word."""
    folder.spoil("agencies/kats.yaml", '=reply.?certificate.orValue("")', "=reply.certificate")
    said = hub("check", "kats").said
    assert "does not promise" not in said, "an answer without a finding holds no decision to be read"
    folder.spoil("agencies/kats.yaml", "      when: =has(reply.finding)\n", "")
    said = hub("check", "kats").said
    assert (
        'channel.submit.decision.word  the contract does not promise what it reads (no key "finding")' in said
    )
    assert "channel.submit.decision.reference  the contract does not promise" in said
    assert 'reply.?part.?name.orValue("")' in said


TODO_AUTH = "TODO how the hub proves itself (bearer basic api_key oauth2 hmac ws_security; {} if not at all)"


def test_what_was_created_stands_below_the_path_it_was_created_at(tmp_path: Path) -> None:
    """Its path bears the agency's reference, whatever the parameter is called."""
    contract = tmp_path / "orders.json"
    order = {
        "type": "object",
        "properties": {
            "id": {"type": "integer"},
            "status": {"type": "string", "enum": ["approved", "refused"]},
        },
    }
    answer = {"200": {"description": "", "content": {"application/json": {"schema": order}}}}
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    named = {"name": "orderNumber", "in": "path", "required": True, "schema": {"type": "integer"}}
    paths = {
        "/store/order": {"post": {"requestBody": body, "responses": answer}},
        "/store/order/{orderNumber}": {"get": {"parameters": [named], "responses": answer}},
    }
    about = {"openapi": "3.0.3", "info": {"title": "Orders", "version": "1"}, "paths": paths}
    contract.write_text(json.dumps(about), encoding="utf-8")
    config = proposals.folder(tmp_path / "desk")
    propose("desk", contract, config)
    channel = read_yaml(config / "agencies" / "desk.yaml")["channel"]
    assert channel["submit"]["path"] == "/store/order"
    assert channel["poll"]["path"] == "/store/order/{receipt.reference}"
