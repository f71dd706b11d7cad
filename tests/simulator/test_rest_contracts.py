"""Each OpenAPI document, kept: strict about requests, its answers valid by an independent validator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from lxml import etree
from openapi_schema_validator import OAS30Validator
from ruamel.yaml import YAML

from tests.simulator import support
from tests.simulator.support import FOLDER, Simulator, new_mrn, rest_session, until


def _valid(contract: str, name: str, value: Any) -> None:
    """Raises jsonschema's ValidationError unless a value fits a named schema of a contract."""
    document = YAML(typ="safe").load((FOLDER / "contracts" / f"{contract}.yaml").read_text())
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    OAS30Validator(schema).validate(value)


def test_immediate_answers_with_the_finding(simulator: Simulator) -> None:
    """rest-immediate: one request, one finding; the same reference gets the first answer again."""
    mrn = new_mrn()
    session = rest_session(simulator, "rra")
    first = session.post(simulator.of("rra") + "/v1/reviews", json=support.immediate(mrn), timeout=5)
    assert first.status_code == 200
    _valid("rest-immediate", "Finding", first.json())
    assert first.json()["finding"] == "적합등록"
    assert first.json()["lines"] == [1, 3]
    again = session.post(simulator.of("rra") + "/v1/reviews", json=support.immediate(mrn), timeout=5)
    assert again.json() == first.json()
    assert simulator.entry("rra", mrn)["effects"] == 1


def test_ticket_is_polled_and_found(simulator: Simulator) -> None:
    """rest-ticket: 202 with Location and ticket, PENDING, DECIDED; found by our reference."""
    session = rest_session(simulator, "mfds")
    url = simulator.of("mfds")
    simulator.timings(poll=600_000)
    waits = session.post(f"{url}/applications", json=support.ticket(new_mrn()), timeout=5)
    assert session.get(url + waits.headers["Location"], timeout=5).json()["state"] == "PENDING"
    simulator.timings(poll=50)
    mrn = new_mrn()
    taken = session.post(f"{url}/applications", json=support.ticket(mrn), timeout=5)
    assert taken.status_code == 202
    _valid("rest-ticket", "Standing", taken.json())
    where = url + taken.headers["Location"]
    decided = until(lambda: session.get(where, timeout=5).json(), lambda a: a["state"] == "DECIDED")
    _valid("rest-ticket", "Standing", decided)
    assert decided["decision"]["result"] == "적합"
    found = session.get(
        f"{url}/applications", params={"clientReference": f"{mrn}/mfds-narcotics"}, timeout=5
    ).json()
    _valid("rest-ticket", "Found", found)
    assert [one["ticket"] for one in found["applications"]] == [taken.json()["ticket"]]


def test_one_desk_answers_in_three_ways(simulator: Simulator) -> None:
    """mfds decides food at once, livestock by notice and narcotics by ticket, over one contract."""
    session = rest_session(simulator, "mfds")
    url = simulator.of("mfds") + "/applications"
    at_once = session.post(url, json=support.ticket(new_mrn(), "mfds-food-import"), timeout=5)
    assert at_once.status_code == 201
    assert at_once.json()["decision"]["result"] == "적합"
    mrn = new_mrn()
    assert session.post(url, json=support.ticket(mrn, "mfds-livestock-import"), timeout=5).status_code == 202
    (notice,) = until(lambda: simulator.hub.about(mrn))
    _valid("rest-ticket", "Notice", requests.models.complexjson.loads(notice.body))


def test_ticket_tells_errors_inside_a_200(simulator: Simulator) -> None:
    """rest-ticket: what is wrong, unknown or refused is an errorCode with status 200."""
    session = rest_session(simulator, "mfds")
    wrong = session.post(simulator.of("mfds") + "/applications", json={"programme": 3}, timeout=5)
    assert wrong.status_code == 200
    _valid("rest-ticket", "Trouble", wrong.json())
    assert wrong.json()["errorCode"].startswith("V")
    unknown = session.get(simulator.of("mfds") + "/applications/T-0", timeout=5)
    assert unknown.json()["errorCode"].startswith("N")


def test_box_takes_a_submission_once(simulator: Simulator) -> None:
    """rest-callback: 202 with a receipt number, then 409 DUPLICATE with the same one; the decision comes."""
    mrn = new_mrn()
    session = rest_session(simulator, "kmdia")
    url = simulator.of("kmdia") + "/submissions"
    taken = session.post(url, json=support.box(mrn), timeout=5)
    assert taken.status_code == 202
    _valid("rest-callback", "Receipt", taken.json())
    again = session.post(url, json=support.box(mrn), timeout=5)
    assert again.status_code == 409
    _valid("rest-callback", "Error", again.json())
    assert again.json()["code"] == "DUPLICATE"
    assert again.json()["receiptNo"] == taken.json()["receiptNo"]
    (decision,) = until(lambda: simulator.hub.about(mrn))
    _valid("rest-callback", "Decision", requests.models.complexjson.loads(decision.body))
    assert simulator.entry("kmdia", mrn)["effects"] == 1


def test_labs_count_an_idempotency_key_once_and_answer_in_xml(simulator: Simulator) -> None:
    """rest-labs: the first answer again with the same key; the result is posted as XML."""
    mrn = new_mrn()
    session = rest_session(simulator, "ktl")
    url = simulator.of("ktl") + "/certificate-checks"
    key = {"Idempotency-Key": f"{mrn}/ktl-electrical-cert"}
    opened = session.post(url, json=support.check(mrn), headers=key, timeout=5)
    assert opened.status_code == 201
    _valid("rest-labs", "Opened", opened.json())
    assert session.post(url, json=support.check(mrn), headers=key, timeout=5).json() == opened.json()
    (result,) = until(lambda: simulator.hub.about(mrn))
    root = etree.fromstring(result.body)
    assert root.findtext("CheckNumber") == opened.json()["check_number"]
    assert root.findtext("Word") == "1"
    without = session.post(url, json=support.check(new_mrn()), timeout=5)
    assert without.status_code == 400
    assert "Idempotency-Key" in without.text


def test_feed_shows_decisions_until_they_are_acknowledged(simulator: Simulator) -> None:
    """rest-feed: entries are shown until acknowledged, and pages follow a cursor."""
    session = rest_session(simulator, "niwdc")
    base = simulator.of("niwdc")
    mrns = [new_mrn() for _ in range(3)]
    for mrn in mrns:
        entered = session.post(f"{base}/requests", json=support.register(mrn), timeout=5)
        assert entered.status_code == 202
        _valid("rest-feed", "Entered", entered.json())

    def page(**query: Any) -> dict[str, Any]:
        read: dict[str, Any] = session.get(f"{base}/outbox", params=query, timeout=5).json()
        _valid("rest-feed", "Page", read)
        return read

    whole = until(page, lambda p: len(p["entries"]) == 3)
    assert [entry["requestReference"].partition("/")[0] for entry in whole["entries"]] == mrns
    assert page() == whole
    part = page(limit=2)
    assert (part["entries"], part["more"]) == (whole["entries"][:2], True)
    assert page(limit=2, after=part["cursor"])["entries"] == whole["entries"][2:]
    done = {"entryIds": [entry["entryId"] for entry in whole["entries"][:2]]}
    assert session.post(f"{base}/outbox/acknowledgements", json=done, timeout=5).status_code == 204
    assert page()["entries"] == whole["entries"][2:]
    assert session.get(f"{base}/outbox", params={"limit": 0}, timeout=5).status_code == 400


REST = [
    ("rra", "/v1/reviews", support.immediate, "goods", "hs"),
    ("kmdia", "/submissions", support.box, "goodsItems", "commodityCode"),
    ("mfds", "/applications", support.ticket, "items", "hsCode"),
    ("ktl", "/certificate-checks", support.check, "models", "hs_code"),
    ("niwdc", "/requests", support.register, "specimens", "hsCode"),
]


@pytest.mark.parametrize(("agency", "path", "sample", "goods", "code"), REST)
def test_what_misses_the_schema_is_refused(
    simulator: Simulator, agency: str, path: str, sample: Callable[..., dict[str, Any]], goods: str, code: str
) -> None:
    """Every place at which a request misses the contract is named, and nothing takes effect."""
    mrn = new_mrn()
    body = sample(mrn)
    body[goods][0][code] = "08O5"
    body["surplus"] = 1
    answer = rest_session(simulator, agency).post(
        simulator.of(agency) + path, json=body, headers={"Idempotency-Key": f"{mrn}/x"}, timeout=5
    )
    assert answer.status_code == (200 if agency == "mfds" else 400)
    assert f"/{goods}/0/{code}" in answer.text
    assert "/surplus" in answer.text
    assert simulator.ledger(mrn=mrn)["applications"] == []


@pytest.mark.parametrize(("agency", "path", "sample", "goods", "code"), REST)
def test_a_caller_without_credentials_gets_401(
    simulator: Simulator, agency: str, path: str, sample: Callable[..., dict[str, Any]], goods: str, code: str
) -> None:
    """No key, token or password: 401, whatever the contract does with other errors."""
    mrn = new_mrn()
    answer = requests.post(simulator.of(agency) + path, json=sample(mrn), timeout=5)
    assert answer.status_code == 401
    assert simulator.ledger(mrn=mrn)["applications"] == []


def test_an_unknown_service_is_refused(simulator: Simulator) -> None:
    """The contract knows the shape of a service code; the agency knows its services."""
    body = support.immediate(new_mrn(), "rra-nothing")
    answer = rest_session(simulator, "rra").post(simulator.of("rra") + "/v1/reviews", json=body, timeout=5)
    assert answer.status_code == 400
    assert "rra-nothing" in answer.json()["detail"]


def test_the_document_can_be_fetched_from_the_agency(simulator: Simulator) -> None:
    """/openapi.yaml gives the contract as it stands in the configuration folder."""
    answer = requests.get(simulator.of("rra") + "/openapi.yaml", timeout=5)
    assert answer.content == (FOLDER / "contracts" / "rest-immediate.yaml").read_bytes()
