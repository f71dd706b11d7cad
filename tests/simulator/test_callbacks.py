"""Callbacks: signed as the channel says, in the contract's own form, and sent until they are taken."""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import requests
from lxml import etree

from tests.simulator import support
from tests.simulator.support import Callback, Simulator, new_mrn, rest_session, soap_service, until


def _submit(simulator: Simulator, agency: str, service: str) -> str:
    mrn = new_mrn()
    answer = rest_session(simulator, agency).post(
        simulator.of(agency) + "/submissions", json=support.box(mrn, service), timeout=5
    )
    assert answer.status_code == 202
    return mrn


def _is_signed(message: Callback, secret: str, header: str, timestamp_header: str) -> bool:
    timestamp = message.headers[timestamp_header]
    expected = hmac.new(secret.encode(), f"{timestamp}.".encode() + message.body, hashlib.sha256).hexdigest()
    return message.headers[header] == expected and abs(int(timestamp) - time.time()) < 60


def test_a_json_callback_is_signed(simulator: Simulator) -> None:
    """HMAC-SHA256 in hexadecimal over timestamp, full stop and body, with the agency's own secret."""
    mrn = _submit(simulator, "kmdia", "kmdia-device")
    (message,) = until(lambda: simulator.hub.about(mrn))
    assert message.agency == "kmdia"
    secret = simulator.secret("KMDIA_CALLBACK_SECRET")
    assert _is_signed(message, secret, "x-signature", "x-timestamp")
    read = json.loads(message.body)
    assert read["submissionId"] == f"{mrn}/kmdia-device"
    assert read["decision"]["code"] == "APPR"


def test_the_headers_are_those_of_the_channel(simulator: Simulator) -> None:
    """kosti has named its own headers."""
    mrn = _submit(simulator, "kosti", "kosti-strategic-export")
    (message,) = until(lambda: simulator.hub.about(mrn))
    secret = simulator.secret("KOSTI_CALLBACK_SECRET")
    assert _is_signed(message, secret, "x-kosti-signature", "x-kosti-time")


def test_a_soap_callback_is_an_envelope(simulator: Simulator) -> None:
    """apqa posts phytosanitary certificates as SOAP 1.1, signed with HMAC."""
    mrn = new_mrn()
    service = soap_service(simulator, "apqa", "soap11-wrapped")
    receipt = service.RequestConfirmation(**support.wrapped(mrn, "apqa-plant-export")).ReceiptNo
    (message,) = until(lambda: simulator.hub.about(mrn))
    assert _is_signed(message, simulator.secret("APQA_CALLBACK_SECRET"), "x-signature", "x-timestamp")
    root = etree.fromstring(message.body)
    assert root.tag == "{http://schemas.xmlsoap.org/soap/envelope/}Envelope"
    assert root.findtext(".//{*}ReceiptNo") == receipt


def test_a_callback_may_carry_a_bearer_token(simulator: Simulator) -> None:
    """fiti proves itself by a token."""
    mrn = new_mrn()
    service = soap_service(simulator, "fiti", "soap11-oneway")
    with service._client.settings(raw_response=True):
        service.ImportNotice(**support.oneway(mrn, "fiti-toy"))
    (message,) = until(lambda: simulator.hub.about(mrn))
    assert message.headers["authorization"] == f"Bearer {simulator.secret('FITI_CALLBACK_TOKEN')}"


def test_it_is_sent_until_it_is_taken(simulator: Simulator) -> None:
    """An error of the hub's is no end: the same message comes again, and the ledger tells how often."""
    simulator.hub.statuses = [500, 503, 429]
    mrn = _submit(simulator, "kmdia", "kmdia-device")
    told = until(lambda: simulator.hub.about(mrn), lambda told: len(told) == 4)
    assert len({message.body for message in told}) == 1
    entry = until(lambda: simulator.entry("kmdia", mrn), lambda e: e["callbacks"][0]["status"] == 202)
    assert entry["callbacks"][0]["attempts"] == 4


def test_a_refusal_ends_it(simulator: Simulator) -> None:
    """401 from the hub: it is not sent again, and the ledger shows why."""
    simulator.hub.status = 401
    mrn = _submit(simulator, "kmdia", "kmdia-device")
    entry = until(lambda: simulator.entry("kmdia", mrn), lambda e: bool(e["callbacks"]))
    assert (entry["callbacks"][0]["attempts"], entry["callbacks"][0]["status"]) == (1, 401)
    simulator.hub.status = 202
    other = _submit(simulator, "kmdia", "kmdia-device")
    until(lambda: simulator.hub.about(other))
    assert len(simulator.hub.about(mrn)) == 1


def test_polled_services_post_nothing(simulator: Simulator) -> None:
    """apqa's imports are asked for, even though it posts its exports."""
    mrn = new_mrn()
    service = soap_service(simulator, "apqa", "soap11-wrapped")
    receipt = service.RequestConfirmation(**support.wrapped(mrn)).ReceiptNo
    until(lambda: service.GetResult(ReceiptNo=receipt), lambda a: a.State == "DECIDED")
    assert requests.get(f"{simulator.url}/_simulator/ledger", timeout=5).json()["summary"]["callbacks"] == 0
