"""`hub agency new` with contracts it has never seen: names, forms, roles, and what is no contract."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.workbench.proposals import CONTRACTS, check, command, fill_in, folder, propose, read_yaml

WSDL = """<?xml version="1.0" encoding="UTF-8"?>
<wsdl:definitions name="QuarantineDesk" targetNamespace="urn:desk" xmlns:t="urn:desk"
    xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/"
    xmlns:xs="http://www.w3.org/2001/XMLSchema">
  <wsp:Policy xmlns:wsp="http://www.w3.org/ns/ws-policy"
      xmlns:sp="http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702">
    <sp:TransportBinding><wsp:Policy><sp:IncludeTimestamp/></wsp:Policy></sp:TransportBinding>
    <sp:SupportingTokens><wsp:Policy>
      <sp:UsernameToken><wsp:Policy><sp:HashPassword/></wsp:Policy></sp:UsernameToken>
    </wsp:Policy></sp:SupportingTokens>
  </wsp:Policy>
  <wsdl:types>
    <xs:schema targetNamespace="urn:desk" elementFormDefault="qualified">
      <xs:include schemaLocation="parts/goods.xsd"/>
      <xs:element name="applyReq"><xs:complexType><xs:sequence>
        <xs:element name="reqNo" type="t:uuid"/>
        <xs:element name="dclrNo" type="xs:string"/>
        <xs:element name="ieSe" type="t:ie"/>
        <xs:element name="applyDt">
          <xs:simpleType><xs:restriction base="xs:string"><xs:length value="8"/></xs:restriction>
          </xs:simpleType>
        </xs:element>
        <xs:choice>
          <xs:element name="fax" type="xs:string"/>
          <xs:sequence>
            <xs:element name="bizRegNo" type="xs:string"/>
            <xs:element name="bizNm" type="xs:string"/>
          </xs:sequence>
        </xs:choice>
        <xs:element name="grade" type="t:grade"/>
        <xs:element name="col7" type="xs:string">
          <xs:annotation><xs:documentation>적출국 코드</xs:documentation></xs:annotation>
        </xs:element>
        <xs:element name="gdsList"><xs:complexType><xs:sequence>
          <xs:element name="gds" type="t:gds" maxOccurs="unbounded"/>
        </xs:sequence></xs:complexType></xs:element>
        <xs:element name="attachedImage" type="xs:base64Binary" minOccurs="0"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="applyRes"><xs:complexType><xs:sequence>
        <xs:element name="resultCode" type="xs:string"/>
        <xs:element name="resultMsg" type="xs:string"/>
        <xs:element name="rcptNo" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="askReq"><xs:complexType><xs:sequence>
        <xs:element name="rcptNo" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="askRes"><xs:complexType><xs:sequence>
        <xs:element name="prcsSttsCd" type="t:verdict"/>
        <xs:element name="crtfNo" type="xs:string" minOccurs="0"/>
        <xs:element name="rsn" type="xs:string" minOccurs="0"/>
        <xs:element name="dcsnDt" type="xs:dateTime" minOccurs="0"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="cancelReq"><xs:complexType><xs:sequence>
        <xs:element name="rcptNo" type="xs:string"/>
      </xs:sequence></xs:complexType></xs:element>
      <xs:element name="cancelRes"><xs:complexType><xs:sequence/></xs:complexType></xs:element>
    </xs:schema>
  </wsdl:types>
  <wsdl:message name="applyIn"><wsdl:part name="p" element="t:applyReq"/></wsdl:message>
  <wsdl:message name="applyOut"><wsdl:part name="p" element="t:applyRes"/></wsdl:message>
  <wsdl:message name="askIn"><wsdl:part name="p" element="t:askReq"/></wsdl:message>
  <wsdl:message name="askOut"><wsdl:part name="p" element="t:askRes"/></wsdl:message>
  <wsdl:message name="cancelIn"><wsdl:part name="p" element="t:cancelReq"/></wsdl:message>
  <wsdl:message name="cancelOut"><wsdl:part name="p" element="t:cancelRes"/></wsdl:message>
  <wsdl:portType name="Desk">
    <wsdl:operation name="cancelApply">
      <wsdl:input message="t:cancelIn"/><wsdl:output message="t:cancelOut"/>
    </wsdl:operation>
    <wsdl:operation name="selectResult">
      <wsdl:input message="t:askIn"/><wsdl:output message="t:askOut"/>
    </wsdl:operation>
    <wsdl:operation name="insertApply">
      <wsdl:documentation>Enters an application.</wsdl:documentation>
      <wsdl:input message="t:applyIn"/><wsdl:output message="t:applyOut"/>
    </wsdl:operation>
  </wsdl:portType>
  <wsdl:binding name="DeskSoap" type="t:Desk">
    <soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>
    <wsdl:operation name="cancelApply">
      <soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
    <wsdl:operation name="selectResult">
      <soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
    <wsdl:operation name="insertApply">
      <soap:operation soapAction=""/>
      <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output>
    </wsdl:operation>
  </wsdl:binding>
  <wsdl:service name="DeskService">
    <wsdl:port name="DeskPort" binding="t:DeskSoap"><soap:address location="https://{host}/desk"/></wsdl:port>
  </wsdl:service>
</wsdl:definitions>
"""
GOODS = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:desk" targetNamespace="urn:desk"
    elementFormDefault="qualified">
  <xs:include schemaLocation="../codes/codes.xsd"/>
  <xs:complexType name="gds"><xs:sequence>
    <xs:element name="itmSeq" type="xs:int"/>
    <xs:element name="hsCd" type="hs6"/>
    <xs:element name="orignNatCd" type="xs:string" minOccurs="0"/>
    <xs:element name="wght" minOccurs="0"><xs:complexType><xs:simpleContent>
      <xs:extension base="xs:decimal">
        <xs:attribute name="unitCd" type="xs:string" use="required"/>
      </xs:extension>
    </xs:simpleContent></xs:complexType></xs:element>
    <xs:element name="grade" type="grade"/>
  </xs:sequence></xs:complexType>
</xs:schema>
"""
CODES = """<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
  <xs:simpleType name="uuid"><xs:restriction base="xs:string">
    <xs:pattern value="[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/>
  </xs:restriction></xs:simpleType>
  <xs:simpleType name="hs6"><xs:restriction base="xs:string"><xs:pattern value="[0-9]{6}"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="ie">
    <xs:annotation><xs:documentation>A: 수입, B: 수출</xs:documentation></xs:annotation>
    <xs:restriction base="xs:string"><xs:enumeration value="A"/><xs:enumeration value="B"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="grade"><xs:restriction base="xs:string">
    <xs:enumeration value="G1"/><xs:enumeration value="G2"/>
  </xs:restriction></xs:simpleType>
  <xs:simpleType name="verdict">
    <xs:annotation>
      <xs:documentation>01: 접수, 02: 승인, 03: 반려, 04: 보완요청, 99: 기타</xs:documentation>
    </xs:annotation>
    <xs:restriction base="xs:string">
      <xs:enumeration value="01"/><xs:enumeration value="02"/><xs:enumeration value="03"/>
      <xs:enumeration value="04"/><xs:enumeration value="99"/>
    </xs:restriction>
  </xs:simpleType>
</xs:schema>
"""


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A WSDL whose schemas are imported two levels deep, and lie beside one another."""
    root = tmp_path / "saved"
    for name, text in (
        ("wsdl/desk.wsdl", WSDL.replace("parts/", "../parts/")),
        ("parts/goods.xsd", GOODS),
        ("codes/codes.xsd", CODES),
    ):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "wsdl" / "desk.wsdl"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return folder(tmp_path / "config")


def channel_of(name: str, contract: Path, config: Path, *more: str) -> dict[str, Any]:
    propose(name, contract, config, *more)
    read: dict[str, Any] = read_yaml(config / "agencies" / f"{name}.yaml")
    return read


# --- SOAP -----------------------------------------------------------------------------------------------


def test_every_required_element_is_there_by_its_meaning_or_as_todo(desk: Path, config: Path) -> None:
    """Names in Korean abbreviations, forms, codes, descriptions and choices are all made use of."""
    request = channel_of("desk", desk, config)["channel"]["submit"]["request"]
    assert request["reqNo"] == "=uuid(referral.id)"
    assert request["dclrNo"] == "=referral.mrn"
    assert request["ieSe"] == '={"import": "A", "export": "B"}[declaration.procedure]'
    assert request["applyDt"] == '=date(referral.accepted_at, "yyyyMMdd", "Asia/Seoul")'
    assert (request["bizRegNo"], request["bizNm"]) == (
        "=declaration.importer.id",
        "=declaration.importer.name",
    )
    assert "fax" not in request
    assert request["grade"] == "TODO grade; one of G1, G2"
    assert request["col7"] == "=declaration.consignment.country_of_dispatch"
    goods = " ".join(request["gdsList"]["gds"].split())
    assert goods.startswith("=items.map(i, {")
    for part in (
        '"itmSeq": i.number',
        '"hsCd": i.hs_code.size() > 6 ? i.hs_code.substring(0, 6) : i.hs_code',
        '"orignNatCd": i.origin',
        '"wght": i.net_mass_kg == "" ? {} : {"_value_1": i.net_mass_kg, "unitCd": "KGM"}',
        '"grade": "TODO grade; one of G1, G2"',
    ):
        assert part in goods, goods


def test_operations_are_given_their_roles(desk: Path, config: Path) -> None:
    """By name and shape: what enters, what asks, and what a channel has no use for."""
    read = channel_of("desk", desk, config)
    channel = read["channel"]
    assert channel["submit"]["operation"] == "insertApply"
    assert channel["submit"]["receipt"] == {"reference": "=reply.rcptNo"}
    assert "decision" not in channel["submit"]  # resultCode and resultMsg tell how the call went
    assert channel["poll"]["operation"] == "selectResult"
    assert channel["poll"]["request"] == {"rcptNo": "=receipt.reference"}
    assert read["services"]["desk-import"]["answers"] == "poll"
    assert "cancelApply" in (config / "agencies" / "desk.yaml").read_text(encoding="utf-8")


def test_words_for_decisions_are_read_from_the_contract(desk: Path, config: Path) -> None:
    """Codes and what the contract says of them; what is no decision yet is not read as one."""
    read = channel_of("desk", desk, config)
    assert read["channel"]["poll"]["decision"] == {
        "when": '=!(reply.prcsSttsCd in ["01"])',
        "word": "=reply.prcsSttsCd",
        "reference": "=reply.crtfNo",
        "remarks": "=reply.rsn",
        "decided_at": "=reply.dcsnDt",
    }
    verdicts = read["verdicts"]
    assert (verdicts["02"], verdicts["03"], verdicts["04"]) == ("approved", "refused", "information_required")
    assert str(verdicts["99"]).startswith("TODO one of approved")


def test_a_policy_says_how_the_hub_proves_itself(desk: Path, config: Path) -> None:
    """WS-SecurityPolicy becomes ws_security, and the variables are told."""
    told = command("desk", "--wsdl", str(desk), "--config", str(config))
    auth = read_yaml(config / "agencies" / "desk.yaml")["channel"]["auth"]
    assert auth == {
        "ws_security": {
            "username": "env:DESK_USER",
            "password": "env:DESK_PASSWORD",
            "digest": True,
            "timestamp": "5m",
        }
    }
    for name in ("DESK_ENDPOINT", "DESK_USER", "DESK_PASSWORD"):
        assert name in told.output


def test_imported_files_are_copied_as_they_lie(desk: Path, config: Path) -> None:
    """Two levels of them; filled in, the copy alone passes the check."""
    propose("desk", desk, config)
    copied = sorted(
        path.relative_to(config).as_posix() for path in (config / "contracts").rglob("*") if path.is_file()
    )
    assert copied == [
        "contracts/desk/codes/codes.xsd",
        "contracts/desk/parts/goods.xsd",
        "contracts/desk/wsdl/desk.wsdl",
    ]
    for path in desk.parent.parent.rglob("*.xsd"):
        path.unlink()
    values = "one of approved approved_with_conditions refused information_required inspection_required"
    fill_in(
        "desk",
        config,
        {
            '"grade": "TODO grade; one of G1, G2"': '"grade": "G1"',
            "grade: TODO grade; one of G1, G2": "grade: G1",
            f"TODO {values}": "information_required",
        },
    )
    assert check(config).agencies["desk"].channel.contract == "contracts/desk/wsdl/desk.wsdl"


def test_an_operation_may_be_chosen_or_done_without(desk: Path, config: Path) -> None:
    """By its name as listed; `none` leaves it out."""
    read = channel_of("desk", desk, config, "--submit", "cancelApply", "--poll", "none")
    assert read["channel"]["submit"]["operation"] == "cancelApply"
    assert "poll" not in read["channel"]
    told = command("other", "--wsdl", str(desk), "--config", str(config), "--submit", "nothing")
    assert told.exit_code == 1
    assert "no operation 'nothing'" in str(told.exception)


# --- REST -----------------------------------------------------------------------------------------------


def openapi(**more: Any) -> dict[str, Any]:
    """A document of an agency that counts in numbers and logs in."""
    text = {"type": "string"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Permits", "version": "1"},
        "servers": [{"url": "https://permits.example/api"}],
        "components": {
            "securitySchemes": {
                "machine": {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": "https://id.example/token",
                            "scopes": {"permits.write": "", "permits.read": ""},
                        }
                    },
                }
            }
        },
        "security": [{"machine": ["permits.write"]}],
        "paths": {
            "/permits": {
                "post": {
                    "operationId": "createPermit",
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "required": ["externalId", "type", "products"],
                                    "properties": {
                                        "externalId": {"type": "string", "format": "uuid"},
                                        "type": {"type": "string", "enum": ["IMPORT", "EXPORT"]},
                                        "products": {
                                            "type": "array",
                                            "items": {
                                                "type": "object",
                                                "required": ["line", "tariffCode", "netWeight"],
                                                "properties": {
                                                    "line": text,
                                                    "tariffCode": text,
                                                    "netWeight": {"type": "number"},
                                                    "packages": {"type": "integer"},
                                                },
                                            },
                                        },
                                    },
                                }
                            }
                        },
                    },
                    "responses": {
                        "201": {
                            "description": "",
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "object",
                                        "required": ["permitId", "status"],
                                        "properties": {
                                            "permitId": {"type": "integer"},
                                            "status": {"enum": ["SUBMITTED", "APPROVED", "REJECTED"]},
                                        },
                                    }
                                }
                            },
                        },
                        "409": {"description": "This externalId exists already"},
                    },
                }
            },
            "/permits/{permitId}": {
                "get": {
                    "operationId": "getPermit",
                    "parameters": [
                        {"name": "permitId", "in": "path", "required": True, "schema": {"type": "integer"}}
                    ],
                    "responses": {
                        "200": {
                            "description": "",
                            "content": {
                                "application/json": {
                                    "schema": {
                                        "type": "object",
                                        "required": ["status"],
                                        "properties": {
                                            "status": {"enum": ["SUBMITTED", "APPROVED", "REJECTED"]},
                                            "comment": text,
                                        },
                                    }
                                }
                            },
                        }
                    },
                }
            },
        },
        **more,
    }


def test_json_gets_numbers_and_uuids_where_it_wants_them(tmp_path: Path, config: Path) -> None:
    """And the whole passes the check once the business values are there."""
    contract = tmp_path / "permits.json"
    contract.write_text(json.dumps(openapi()), encoding="utf-8")
    read = channel_of("permits", contract, config)
    channel = read["channel"]
    assert channel["auth"]["oauth2"] == {
        "token_url": "env:PERMITS_TOKEN_URL",
        "client_id": "env:PERMITS_CLIENT_ID",
        "client_secret": "env:PERMITS_CLIENT_SECRET",
        "scope": "permits.write permits.read",
    }
    assert channel["submit"]["request"] == {
        "externalId": "=uuid(referral.id)",
        "type": '={"import": "IMPORT", "export": "EXPORT"}[declaration.procedure]',
        "products": (
            '=items.map(i, {"line": text(i.number), "tariffCode": i.hs_code, '
            '"netWeight": number(i.net_mass_kg), "packages": i.packages})'
        ),
    }
    assert channel["submit"]["receipt"] == {"reference": "=text(reply.permitId)"}
    assert channel["submit"]["errors"] == [{"when": "=status == 409", "means": "already_received"}]
    assert channel["poll"]["path"] == "/permits/{receipt.reference}"
    assert channel["poll"]["decision"]["when"] == '=!(reply.status in ["SUBMITTED"])'
    assert read["verdicts"] == {"APPROVED": "approved", "REJECTED": "refused"}
    fill_in("permits", config, {})
    assert check(config).agencies["permits"].channel.poll is not None


def test_a_login_gives_the_token_that_requests_bear(tmp_path: Path, config: Path) -> None:
    """Two steps: what is secret is named, and the token stands where the contract wants it."""
    document = openapi(security=[], components={})
    text = {"type": "string"}
    document["paths"]["/login"] = {
        "post": {
            "operationId": "login",
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["username", "password"],
                            "properties": {"username": text, "password": text},
                        }
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "",
                    "content": {
                        "application/json": {
                            "schema": {
                                "type": "object",
                                "required": ["accessToken", "expiresIn"],
                                "properties": {"accessToken": text, "expiresIn": {"type": "integer"}},
                            }
                        }
                    },
                }
            },
        }
    }
    submit = document["paths"]["/permits"]["post"]
    submit["parameters"] = [{"name": "X-Session-Token", "in": "header", "required": True, "schema": text}]
    contract = tmp_path / "permits.json"
    contract.write_text(json.dumps(document), encoding="utf-8")
    channel = channel_of("permits", contract, config)["channel"]
    assert channel["login"] == {
        "method": "POST",
        "path": "/login",
        "request": {"username": "=secret.user", "password": "=secret.password"},
        "token": "=reply.accessToken",
        "expires_in": "=reply.expiresIn",
    }
    assert channel["secrets"] == {"user": "env:PERMITS_USER", "password": "env:PERMITS_PASSWORD"}
    assert channel["submit"]["headers"] == {"X-Session-Token": "=session.token"}


def test_credentials_in_a_request_are_named_as_secrets(tmp_path: Path, config: Path) -> None:
    """Without any log-in: a key in the query, and a password in the body with the user beside it."""
    document = openapi(security=[], components={})
    text = {"type": "string"}
    submit = document["paths"]["/permits"]["post"]
    submit["parameters"] = [{"name": "apiKey", "in": "query", "required": True, "schema": text}]
    schema = submit["requestBody"]["content"]["application/json"]["schema"]
    caller = {
        "type": "object",
        "required": ["userId", "password"],
        "properties": {"userId": text, "password": text},
    }
    schema["required"].append("caller")
    schema["properties"]["caller"] = caller
    contract = tmp_path / "permits.json"
    contract.write_text(json.dumps(document), encoding="utf-8")
    channel = channel_of("permits", contract, config)["channel"]
    assert channel["auth"] == {}
    assert channel["secrets"] == {
        "key": "env:PERMITS_KEY",
        "user": "env:PERMITS_USER",
        "password": "env:PERMITS_PASSWORD",
    }
    assert channel["submit"]["query"] == {"apiKey": "=secret.key"}
    assert channel["submit"]["request"]["caller"] == {
        "userId": "=secret.user",
        "password": "=secret.password",
    }
    assert channel["submit"]["request"]["externalId"] == "=uuid(referral.id)"


def test_a_request_and_an_answer_may_be_lists(tmp_path: Path, config: Path) -> None:
    """A list of goods, and a list of what became of them; the file passes the check."""
    text = {"type": "string"}
    line = {
        "type": "object",
        "required": ["requestNo", "hsCode"],
        "properties": {"requestNo": text, "hsCode": text},
    }
    told = {"type": "object", "required": ["receiptNo"], "properties": {"receiptNo": text, "result": text}}
    ask = {"name": "receiptNo", "in": "path", "required": True, "schema": text}

    def answered(schema: dict[str, Any]) -> dict[str, Any]:
        held = {"application/json": {"schema": {"type": "array", "items": schema}}}
        return {"200": {"description": "", "content": held}}

    body = {"application/json": {"schema": {"type": "array", "items": line}}}
    document = openapi(
        paths={
            "/lines": {
                "post": {"requestBody": {"required": True, "content": body}, "responses": answered(told)},
            },
            "/lines/{receiptNo}": {"get": {"parameters": [ask], "responses": answered(told)}},
        }
    )
    contract = tmp_path / "lines.json"
    contract.write_text(json.dumps(document), encoding="utf-8")
    channel = channel_of("lines", contract, config)["channel"]
    assert channel["submit"]["request"] == ('=items.map(i, {"requestNo": referral.id, "hsCode": i.hs_code})')
    assert channel["submit"]["receipt"] == {"reference": "=reply[0].receiptNo"}
    assert channel["poll"]["decision"]["when"] == "=reply.size() > 0 && has(reply[0].result)"
    fill_in("lines", config, {})
    assert check(config).agencies["lines"].channel.poll is not None


# --- what goes wrong ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind", "what", "cure"),
    [
        ("<!DOCTYPE html><html><body>Sign in</body></html>", "--wsdl", "is a web page", "?wsdl"),
        ("<html><head/><body/></html>", "--openapi", "is a web page", "openapi.json"),
        ('{"openapi": "3.0.0"}', "--wsdl", "is not XML", "--openapi"),
        (WSDL, "--openapi", "is XML", "--wsdl"),
        (CODES, "--wsdl", "is an XML schema", "the WSDL that imports it"),
        ("", "--wsdl", "is empty", "save it once more"),
        ("<definitions", "--wsdl", "cannot be read", "save it once more"),
        ('{"info": {}, "item": []}', "--openapi", "is a Postman collection", "OpenAPI document"),
        (
            '<description xmlns="http://www.w3.org/ns/wsdl"/>', "--wsdl", "WSDL 2.0", "save it once more",
        ),
    ],
)  # fmt: skip
def test_what_was_saved_instead_of_a_contract_is_told(
    tmp_path: Path, config: Path, content: str, kind: str, what: str, cure: str
) -> None:
    """In words for somebody who only saved a file; nothing is written."""
    path = tmp_path / "saved.txt"
    path.write_text(content, encoding="utf-8")
    told = command("desk", kind, str(path), "--config", str(config))
    assert told.exit_code == 1
    assert what in str(told.exception)
    assert cure in str(told.exception)
    assert not list((config / "agencies").iterdir())


def test_a_zip_archive_is_to_be_unpacked(tmp_path: Path, config: Path) -> None:
    with zipfile.ZipFile(tmp_path / "desk.wsdl", "w") as archive:
        archive.writestr("desk.wsdl", WSDL)
    told = command("desk", "--wsdl", str(tmp_path / "desk.wsdl"), "--config", str(config))
    assert "is a zip archive" in str(told.exception)


def test_an_import_that_is_missing_is_named(desk: Path, config: Path) -> None:
    """Which file, and where it is looked for."""
    (desk.parent.parent / "codes" / "codes.xsd").unlink()
    told = command("desk", "--wsdl", str(desk), "--config", str(config))
    assert told.exit_code == 1
    assert "../codes/codes.xsd" in str(told.exception)
    assert "put what is missing where it is looked for" in str(told.exception)


def test_nothing_is_replaced_without_force(config: Path) -> None:
    """Neither the agency's file nor a contract of the same name; --force replaces both."""
    contract = CONTRACTS / "soap12.wsdl"
    first = propose("desk", contract, config)
    mine = config / "agencies" / "desk.yaml"
    mine.write_text("mine", encoding="utf-8")
    told = command("desk", "--wsdl", str(contract), "--config", str(config))
    assert (told.exit_code, mine.read_text(encoding="utf-8")) == (1, "mine")
    assert "--force replaces it" in str(told.exception)
    assert propose("desk", contract, config, "--force") == first


def test_a_contract_of_the_same_name_is_another_file(tmp_path: Path, config: Path) -> None:
    """It goes into the agency's own folder, and the other stays as it is."""
    propose("one", CONTRACTS / "soap12.wsdl", config)
    other = tmp_path / "soap12.wsdl"
    other.write_bytes((CONTRACTS / "soap11-oneway.wsdl").read_bytes())
    read = channel_of("two", other, config)
    assert read["channel"]["contract"] == "contracts/two/soap12.wsdl"
    assert (config / "contracts" / "soap12.wsdl").read_bytes() == (CONTRACTS / "soap12.wsdl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["Desk!", "--wsdl", "x"], "is no name"),
        (["desk"], "an agency has one contract"),
        (["desk", "--wsdl", "x", "--openapi", "y"], "an agency has one contract"),
        (["desk", "--wsdl", "nowhere.wsdl"], "there is no file"),
        (["desk", "--wsdl", "."], "is a folder"),
    ],
)
def test_a_command_that_cannot_be_carried_out_says_why(config: Path, arguments: list[str], what: str) -> None:
    told = command(*arguments, "--config", str(config))
    assert told.exit_code == 1
    assert what in str(told.exception)


def test_operations_can_be_listed_without_writing(config: Path) -> None:
    """What goes in, what comes out, in the contract's order; `?` and `[]` say optional and list."""
    told = command("desk", "--wsdl", str(CONTRACTS / "soap11-oneway.wsdl"), "--config", str(config), "--list")
    assert told.exit_code == 0
    assert "ImportNotice" in told.output
    assert "one-way" in told.output
    assert "Trader?" in told.output
    assert not list((config / "agencies").iterdir())
