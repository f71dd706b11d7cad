import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from hub.api.examples import JSON_DECLARATION, XML_DECLARATION
from hub.api.lodging import REPLAYED
from hub.domain.intake import Acceptance
from hub.ports import LodgedBefore, Role
from tests.api.support import DATA, NOW, Api, beef, with_item


async def _post(api: Api, **kwargs: Any) -> Any:
    headers = {**api.key(Role.CUSTOMS), **kwargs.pop("headers", {})}
    return await api.http.post("/v1/declarations", headers=headers, **kwargs)


async def test_the_receipt_names_who_must_consent_under_which_law_and_by_when(api: Api) -> None:
    response = await _post(api, json=beef())
    receipt = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/declarations/{receipt['mrn']}" == receipt["links"]["self"]
    assert receipt["outcome"] == "in_progress"
    assert receipt["accepted_at"] == "2026-11-20T02:15:00Z"
    assert [(r["service"], r["agency"], r["law"]["en"], r["items"]) for r in receipt["referrals"]] == [
        ("apqa-animal-import", "apqa", "Act of apqa", [1]),
        ("mfds-livestock-import", "mfds", "Act of mfds", [1]),
    ]
    assert receipt["referrals"][0]["id"] == f"{receipt['mrn']}/apqa-animal-import"
    assert receipt["referrals"][0]["agency_name"] == {"en": "Agency apqa", "ko": "기관"}
    # Three working days from Friday: Monday is closed, so Thursday at six in Seoul.
    assert {r["due_at"] for r in receipt["referrals"]} == {"2026-11-26T09:00:00Z"} == {receipt["due_at"]}
    await api.starts_are_over()
    assert api.engine.started == [receipt["mrn"]]
    assert api.store.not_started(NOW.replace(year=2027), 10) == []


async def test_what_nobody_need_consent_to_is_released_at_once(api: Api) -> None:
    receipt = await api.lodge(with_item(hs_code="8446300000"))
    assert (receipt["outcome"], receipt["referrals"], receipt["due_at"]) == ("release", [], None)


async def test_prohibited_goods_are_refused_with_the_law_and_nobody_is_asked(api: Api) -> None:
    receipt = await api.lodge(with_item(hs_code="9503003919"))
    assert (receipt["outcome"], receipt["referrals"]) == ("refusal", [])
    [prohibited] = receipt["prohibited"]
    assert (prohibited["service"], prohibited["item"]) == ("npa-firearms", 1)
    assert prohibited["because"]


async def test_the_same_content_again_gets_the_same_receipt(api: Api) -> None:
    """However it is written: order of keys and format are not content."""
    first = await _post(api, json=beef())
    shuffled = dict(reversed(beef().items()))
    again = await _post(
        api, content=json.dumps(shuffled, indent=3), headers={"Content-Type": "application/json"}
    )
    assert (again.status_code, again.text) == (202, first.text)
    assert REPLAYED not in first.headers
    assert again.headers[REPLAYED] == "true"
    await api.starts_are_over()
    assert len(api.engine.started) == 1


async def test_other_content_under_the_same_lrn_is_a_conflict_that_names_the_declaration(api: Api) -> None:
    receipt = await api.lodge()
    response = await _post(api, json=with_item(packages=1))
    assert response.status_code == 409
    assert response.json()["mrn"] == receipt["mrn"]
    assert receipt["mrn"] in response.json()["detail"]


async def test_another_declarant_may_use_the_same_lrn(api: Api) -> None:
    first = await api.lodge()
    assert (await api.lodge(beef(declarant={"id": "KR-other"})))["mrn"] != first["mrn"]


async def test_many_that_lodge_the_same_at_once_get_one_declaration(api: Api) -> None:
    responses = await asyncio.gather(*(_post(api, json=beef()) for _ in range(8)))
    assert {r.status_code for r in responses} == {202}
    assert len({r.text for r in responses}) == 1
    assert sum(REPLAYED not in r.headers for r in responses) == 1


async def test_a_race_lost_in_the_store_is_answered_like_a_repetition(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await api.lodge()
    monkeypatch.setattr(api.store, "lodged", lambda declarant, lrn: None)
    again = await _post(api, json=beef())
    assert (again.status_code, again.json()) == (202, first)
    assert (await _post(api, json=with_item(packages=1))).status_code == 409


@pytest.mark.parametrize("trouble", ["down", "hangs"])
async def test_intake_answers_while_the_engine_is_down_or_hangs(api: Api, trouble: str) -> None:
    setattr(api.engine, trouble, True)
    receipt = await api.lodge()
    await api.starts_are_over()
    assert [a.mrn for a in api.store.not_started(NOW.replace(year=2027), 10)] == [receipt["mrn"]]
    shown = await api.http.get(receipt["links"]["self"], headers=api.key(Role.CUSTOMS))
    assert shown.json()["engine_started"] is False


@pytest.mark.parametrize("name", ["import_beef_and_looms.xml", "export_without_ucr.xml"])
@pytest.mark.parametrize("media_type", ["application/xml", "text/xml; charset=utf-8"])
async def test_wco_xml_is_lodged_like_json(api: Api, name: str, media_type: str) -> None:
    body = (DATA / name).read_bytes()
    first = await _post(api, content=body, headers={"Content-Type": media_type})
    again = await _post(api, content=body, headers={"Content-Type": "application/xml"})
    assert first.status_code == again.status_code == 202, first.text
    assert first.text == again.text
    assert again.headers[REPLAYED] == "true"


async def test_the_examples_of_the_description_can_be_lodged(api: Api) -> None:
    assert (await _post(api, json=JSON_DECLARATION)).status_code == 202
    xml = await _post(api, content=XML_DECLARATION, headers={"Content-Type": "application/xml"})
    assert xml.status_code == 202, xml.text


async def test_faults_of_xml_come_with_element_and_line(api: Api) -> None:
    response = await _post(
        api, content=(DATA / "full_of_faults.xml").read_bytes(), headers={"Content-Type": "application/xml"}
    )
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert {
        "pointer": "/MetaData/Declaration/TypeCode",
        "line": 5,
        "detail": "TypeCode 'ZZ' is none of IM*, EX*, CO*, T*, 929, 830, 950",
    } in response.json()["errors"]


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b'{"lrn": 1, "lrn": 2}', {"Content-Type": "application/json"}, 400),
        (b"<a", {"Content-Type": "application/xml"}, 400),
        (b"<!DOCTYPE a><a/>", {"Content-Type": "text/xml"}, 400),
        (b"<a/>", {"Content-Type": "text/xml; charset=klingon"}, 400),
        (b"<a/>", {"Content-Type": "application/xml"}, 422),
        (b"{}", {"Content-Type": "application/json"}, 422),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {}, 415),
        (b"{}", {"Content-Type": "application/json", "Content-Encoding": "gzip"}, 415),
    ],
)
async def test_a_body_that_cannot_be_used_is_a_problem_of_its_kind(
    api: Api, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = await _post(api, content=content, headers=headers)
    assert response.status_code == status
    assert response.json()["type"].startswith("/problems/")
    assert response.json()["instance"] == "/v1/declarations"


async def _chunks() -> AsyncIterator[bytes]:
    for _ in range(100):
        yield b" " * 100_000


@pytest.mark.parametrize("content", [lambda: b" " * 9_000_000, _chunks], ids=["announced", "not announced"])
async def test_a_body_beyond_the_limit_is_refused_whether_announced_or_not(
    api: Api, content: Callable[[], Any]
) -> None:
    response = await _post(api, content=content(), headers={"Content-Type": "application/json"})
    assert response.status_code == 413


@pytest.mark.parametrize("role", [Role.AGENCY, Role.OPERATOR])
async def test_only_customs_lodges(api: Api, role: Role) -> None:
    response = await api.http.post("/v1/declarations", json=beef(), headers=api.key(role))
    assert response.status_code == 403


async def test_a_client_bound_to_a_declarant_lodges_only_its_own(api: Api) -> None:
    bound = api.key(Role.CUSTOMS, declarant=JSON_DECLARATION["declarant"]["id"])
    own = await api.http.post("/v1/declarations", json=beef(), headers=bound)
    other = await api.http.post("/v1/declarations", json=beef(declarant={"id": "KR-2"}), headers=bound)
    assert (own.status_code, other.status_code) == (202, 403)


async def test_a_failure_inside_is_told_without_its_insides_and_logged_with_them(
    api: Api, monkeypatch: pytest.MonkeyPatch, logged: list[dict[str, Any]]
) -> None:
    def fail(acceptance: Acceptance) -> LodgedBefore | None:
        raise RuntimeError("password=hunter2")

    monkeypatch.setattr(api.store, "lodge", fail)
    response = await _post(api, json=beef(), headers={"X-Request-ID": "caller-0001"})
    assert response.status_code == 500
    assert response.headers["x-request-id"] == response.json()["request_id"] == "caller-0001"
    assert "hunter2" not in response.text
    [failure] = [event for event in logged if event["event"] == "request.failed"]
    assert (failure["request_id"], failure["exc_info"]) == ("caller-0001", True)


async def test_logs_are_events_with_declaration_and_client_bound(
    api: Api, logged: list[dict[str, Any]]
) -> None:
    mrn = (await api.lodge())["mrn"]
    accepted, answered = logged
    assert accepted["event"] == "declaration.accepted"
    assert (accepted["mrn"], accepted["lrn"], accepted["referrals"]) == (mrn, "BROKER-2026-000417", 2)
    assert accepted["client"].startswith("client-")
    assert (answered["event"], answered["route"], answered["status"]) == (
        "request.answered",
        "/v1/declarations",
        202,
    )
