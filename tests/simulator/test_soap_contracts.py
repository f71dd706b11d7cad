"""Each WSDL, kept: used by zeep over a real socket, strict about requests, faithful in its answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from lxml import etree

from hub.simulator.wsdl import Wsdl
from tests.simulator import support
from tests.simulator.support import FOLDER, Simulator, new_mrn, soap_service, until

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"


def test_wrapped_takes_a_request_and_tells_the_result_to_a_poll(simulator: Simulator) -> None:
    """soap11-wrapped: receipt, then UNDER_REVIEW, then the result with certificate and items."""
    service = soap_service(simulator, "apqa", "soap11-wrapped")
    simulator.timings(poll=600_000)
    waits = service.RequestConfirmation(**support.wrapped(new_mrn())).ReceiptNo
    assert service.GetResult(ReceiptNo=waits).State == "UNDER_REVIEW"
    simulator.timings(poll=50)
    mrn = new_mrn()
    receipt = service.RequestConfirmation(**support.wrapped(mrn)).ReceiptNo
    answer = until(lambda: service.GetResult(ReceiptNo=receipt), lambda a: a.State == "DECIDED")
    assert answer.Result.ResultCd == "합격"
    assert answer.Result.CertNo
    assert answer.Result.ItemNos.No == [1, 3]
    assert answer.Result.ResultDt.utcoffset().total_seconds() == 9 * 3600
    found = service.FindByRequestNo(RequestNo=f"{mrn}/apqa-plant-import")
    assert (found.FoundYn, found.ReceiptNo) == ("Y", receipt)
    assert service.FindByRequestNo(RequestNo=f"{new_mrn()}/apqa-plant-import").FoundYn == "N"


def test_bare_tells_everything_in_its_own_header(simulator: Simulator) -> None:
    """soap11-bare: code 0000 with a receipt, 0404 in a 200 answer for what is not there."""
    mrn = new_mrn()
    service = soap_service(simulator, "reo", "soap11-bare")
    applied = service.Apply(**support.bare(mrn))
    assert applied.header.code == "0000"
    status = until(lambda: service.AskStatus(permitReceipt=applied.permitReceipt), lambda a: a.ruling)
    assert status.ruling.judgement == "허가"
    assert status.ruling.goodsNo == [1, 3]
    assert service.Search(applicationKey=f"{mrn}/reo-hazchem").permitReceipt == applied.permitReceipt
    assert service.Search(applicationKey="nobody/knows").header.code == "0404"
    assert service.AskStatus(permitReceipt="R-0").header.code == "0404"


def test_bare_decides_in_the_answer_where_the_service_does(simulator: Simulator) -> None:
    """rda answers pesticide matches at once and fertilizer inspections by poll, over one contract."""
    service = soap_service(simulator, "rda", "soap11-bare")
    assert service.Apply(**support.bare(new_mrn(), "rda-pesticide")).ruling.judgement == "A"
    assert service.Apply(**support.bare(new_mrn(), "rda-fertilizer")).ruling is None


def test_rpc_registers_inquires_and_searches(simulator: Simulator) -> None:
    """soap11-rpc: parts without namespace, times without offset, a search that counts."""
    mrn = new_mrn()
    service = soap_service(simulator, "kinac", "soap11-rpc")
    entry = service.register(**support.rpc(mrn)).entry
    asked = until(lambda: service.inquire(registerNo=entry.registerNo).entry, lambda e: e.finding)
    assert asked.finding.verdict == "CONFIRMED"
    assert asked.finding.serials == [1, 3]
    assert "+" not in asked.finding.date
    assert not asked.finding.date.endswith("Z")
    found = service.search(sendNo=f"{mrn}/kinac-nuclear-material")
    assert found.count == 1
    assert found.entries.entry[0].registerNo == entry.registerNo
    assert service.search(sendNo="nobody/knows").count == 0


def test_soap12_judges_in_the_answer_or_by_message(simulator: Simulator) -> None:
    """soap12: cosmetics are judged at once; drugs get an acceptance number, and a Verdict message follows."""
    service = soap_service(simulator, "kpta", "soap12")
    judged = service.Report(**support.soap12(new_mrn(), "kpta-cosmetic"))
    assert (judged.Standing, judged.Judgement.Outcome) == ("JUDGED", "OK")
    mrn = new_mrn()
    received = service.Report(**support.soap12(mrn))
    assert (received.Standing, received.Judgement) == ("RECEIVED", None)
    (message,) = until(lambda: simulator.hub.about(mrn))
    assert message.headers["content-type"].startswith("application/soap+xml")
    assert received.AcceptanceNumber.encode() in message.body


def test_one_way_is_answered_with_nothing(simulator: Simulator) -> None:
    """soap11-oneway: an empty 202 or an empty 200, both of which occur; the result is a message."""
    statuses = set()
    for _ in range(20):
        mrn = new_mrn()
        answer = _post(simulator, "katri", "soap11-oneway", "ImportNotice", support.oneway(mrn))
        assert answer.content == b""
        statuses.add(answer.status_code)
    assert statuses == {200, 202}
    (message,) = until(lambda: simulator.hub.about(mrn))
    assert b"ResultOfNotice" in message.body
    assert "안전확인적합".encode() in message.body


def test_wssec_keeps_cases_behind_a_username_token(simulator: Simulator) -> None:
    """soap11-wssec: the same three operations for whoever signs in with a digest."""
    mrn = new_mrn()
    service = soap_service(simulator, "npa", "soap11-wssec")
    case = service.SubmitLicenceCase(**support.wssec(mrn)).CaseId
    ruled = until(lambda: service.GetLicenceCase(CaseId=case), lambda a: a.Phase == "ruled")
    assert ruled.Ruling.Code == "허가함"
    found = service.FindLicenceCase(HubReference=f"{mrn}/npa-firearms")
    assert (found.Matches, found.CaseId) == (1, case)
    assert service.FindLicenceCase(HubReference=f"{new_mrn()}/npa-firearms").Matches == 0


SOAP_11 = [
    ("apqa", "soap11-wrapped", "RequestConfirmation", support.wrapped),
    ("reo", "soap11-bare", "Apply", support.bare),
    ("kinac", "soap11-rpc", "register", support.rpc),
    ("katri", "soap11-oneway", "ImportNotice", support.oneway),
    ("npa", "soap11-wssec", "SubmitLicenceCase", support.wssec),
]
SOAP = [*SOAP_11, ("kpta", "soap12", "Report", support.soap12)]


@pytest.mark.parametrize(("agency", "contract", "operation", "sample"), SOAP)
def test_what_misses_the_schema_is_the_senders_fault(
    simulator: Simulator, agency: str, contract: str, operation: str, sample: Callable[..., dict[str, Any]]
) -> None:
    """An HS code with letters in it: a fault that blames the sender, and nothing takes effect."""
    mrn = new_mrn()
    envelope = _envelope(simulator, agency, contract, operation, sample(mrn))
    for element in envelope.iter():
        if etree.QName(element).localname.lower() in ("hscd", "hsk", "hscode", "tariffcode"):
            element.text = "08O5I0"
    answer = _send(simulator, agency, contract, etree.tostring(envelope))
    assert answer.status_code == (400 if contract == "soap12" else 500)
    assert (b"Sender" if contract == "soap12" else b"Client") in answer.content
    assert b"08O5I0" in answer.content
    assert simulator.ledger(mrn=mrn)["applications"] == []


@pytest.mark.parametrize(("agency", "contract", "operation", "sample"), SOAP)
def test_answers_fit_the_contracts_own_schema(
    simulator: Simulator, agency: str, contract: str, operation: str, sample: Callable[..., dict[str, Any]]
) -> None:
    """Whatever the behaviour, the Body of every answer and callback is valid by the WSDL's schema."""
    schema = Wsdl(FOLDER / "contracts" / f"{contract}.wsdl")
    for behaviour in ("APPROVE", "CONDITIONS", "REFUSE", "INFO", "EARLY", "STALL", "UNKNOWN"):
        simulator.behave(agency, behaviour)
        answer = _post(simulator, agency, contract, operation, sample(new_mrn()))
        assert answer.ok, answer.text
        if answer.content:
            schema.check(etree.fromstring(answer.content)[-1][0])
    if contract in ("soap12", "soap11-oneway"):
        until(lambda: len(simulator.hub.received) >= 6)
        for message in simulator.hub.received:
            schema.check(etree.fromstring(message.body)[-1][0])


@pytest.mark.parametrize(("agency", "contract", "operation", "sample"), SOAP)
def test_a_caller_without_credentials_is_turned_away(
    simulator: Simulator, agency: str, contract: str, operation: str, sample: Callable[..., dict[str, Any]]
) -> None:
    """No credentials: 401, or with WS-Security a fault FailedAuthentication; nothing is received."""
    mrn = new_mrn()
    body = etree.tostring(_envelope(simulator, agency, contract, operation, sample(mrn)))
    answer = requests.post(simulator.of(agency), body, headers=_type(contract), timeout=5)
    if contract == "soap11-wssec":
        assert answer.status_code == 500
        assert b"wsse:FailedAuthentication" in answer.content
    else:
        assert answer.status_code == 401
    assert simulator.ledger(mrn=mrn)["applications"] == []


def test_the_rpc_gateway_answers_401_with_a_fault_of_the_other_version(simulator: Simulator) -> None:
    """As met in the field: a SOAP 1.2 fault inside a SOAP 1.1 envelope, with status 401."""
    answer = requests.post(simulator.of("kinac"), b"<a/>", headers=_type("soap11-rpc"), timeout=5)
    assert answer.status_code == 401
    fault = etree.fromstring(answer.content).find(f"{{{ENVELOPE}}}Body")[0]
    assert etree.QName(fault).namespace == "http://www.w3.org/2003/05/soap-envelope"


@pytest.mark.parametrize(
    "body",
    [
        b"not xml",
        b'<!DOCTYPE e [<!ENTITY x "y">]><e>&x;</e>',
        b'<!DOCTYPE e SYSTEM "http://127.0.0.1:1/x.dtd"><e/>',
        b'<e xmlns="http://www.w3.org/2003/05/soap-envelope"/>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x/></e:Body></e:Envelope>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Header>'
        b'<x e:mustUnderstand="1"/></e:Header><e:Body><x/></e:Body></e:Envelope>',
    ],
)
def test_what_is_no_envelope_for_this_service_is_a_fault(simulator: Simulator, body: bytes) -> None:
    """Broken XML, document types, another SOAP version, an empty Body, an unknown element or header."""
    answer = _send(simulator, "apqa", "soap11-wrapped", body)
    assert answer.status_code == 500
    assert b"soap:Client" in answer.content


def test_another_media_type_is_refused(simulator: Simulator) -> None:
    """SOAP 1.1 is text/xml; nothing else is read."""
    session = support.rest_session(simulator, "apqa")
    answer = session.post(
        simulator.of("apqa"), b"{}", headers={"Content-Type": "application/json"}, timeout=5
    )
    assert answer.status_code == 415


def test_the_wsdl_can_be_fetched_from_the_agency(simulator: Simulator) -> None:
    """`?wsdl` gives the contract as it stands in the configuration folder."""
    answer = requests.get(simulator.of("apqa"), params="wsdl", timeout=5)
    assert answer.content == (FOLDER / "contracts" / "soap11-wrapped.wsdl").read_bytes()


def _type(contract: str) -> dict[str, str]:
    return {"Content-Type": "application/soap+xml" if contract == "soap12" else "text/xml"}


def _envelope(
    simulator: Simulator, agency: str, contract: str, operation: str, arguments: dict[str, Any]
) -> etree._Element:
    service = soap_service(simulator, agency, contract)
    client = service._client
    wsse, client.wsse = client.wsse, None
    try:
        return client.create_message(service, operation, **arguments)
    finally:
        client.wsse = wsse


def _send(simulator: Simulator, agency: str, contract: str, body: bytes) -> requests.Response:
    client = soap_service(simulator, agency, contract)._client
    headers = _type(contract)
    if client.wsse is not None:
        envelope, headers = client.wsse.apply(etree.fromstring(body), headers)
        body = etree.tostring(envelope)
    session: requests.Session = client.transport.session
    return session.post(simulator.of(agency), body, headers=headers, timeout=10)


def _post(
    simulator: Simulator, agency: str, contract: str, operation: str, arguments: dict[str, Any]
) -> requests.Response:
    envelope = _envelope(simulator, agency, contract, operation, arguments)
    return _send(simulator, agency, contract, etree.tostring(envelope))
