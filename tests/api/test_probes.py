import json

import pytest
from openapi_spec_validator import validate

from hub.api.problems import KINDS
from hub.ports import Role
from tests.api.support import Api, beef


async def test_ready_with_the_engine_down_and_says_so(api: Api) -> None:
    assert (await api.http.get("/readyz")).json()["engine"] == "reachable"
    api.engine.down = True
    response = await api.http.get("/readyz")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "store": "ready", "engine": "unreachable"},
    )


async def test_not_ready_without_its_store_but_alive(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.store, "is_ready", lambda: False)
    response = await api.http.get("/readyz")
    assert (response.status_code, response.json()["store"]) == (503, "unready")
    assert (await api.http.get("/healthz")).status_code == 200


async def test_metrics_count_requests_by_route_lodgings_callbacks_and_the_store(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    await api.lodge()
    await api.http.get(f"/v1/declarations/{mrn}", headers=api.key(Role.ADMIN))
    await api.http.get("/somewhere/else")
    await api.call_back("apqa", f"{mrn}/apqa-animal-import")
    await api.call_back("invented", "x")
    text = (await api.http.get("/metrics")).text
    for line in (
        'hub_http_requests_total{method="POST",route="/v1/declarations",status="202"} 2.0',
        'hub_http_requests_total{method="GET",route="/v1/declarations/{mrn}",status="200"} 1.0',
        'hub_http_requests_total{method="GET",route="unmatched",status="404"} 1.0',
        'hub_declarations_lodged_total{outcome="in_progress"} 1.0',
        'hub_declarations_lodged_total{outcome="replayed"} 1.0',
        'hub_callbacks_total{agency="apqa",result="received"} 1.0',
        'hub_callbacks_total{agency="unknown",result="unknown_agency"} 1.0',
        'hub_declarations{outcome="in_progress"} 1.0',
        'hub_open_referrals{agency="mfds"} 1.0',
        "hub_not_started 0.0",
    ):
        assert line in text
    assert mrn not in text


async def test_the_description_is_valid_openapi_and_every_route_tells_its_problems(api: Api) -> None:
    document = (await api.http.get("/openapi.json")).json()
    validate(document)
    assert set(document["paths"]["/v1/declarations"]["post"]["requestBody"]["content"]) == {
        "application/json",
        "application/xml",
        "text/xml",
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            problems = [s for s in operation["responses"] if s >= "400"]
            assert "500" in problems, (method, path)
            secured = path.startswith("/v1/") and not path.endswith("/callbacks")
            assert ("401" in problems) == (secured or path.endswith("/callbacks")), (method, path)
            assert bool(operation.get("security")) == secured, (method, path)
    assert "HTTPValidationError" not in json.dumps(document)


async def test_the_documentation_page_needs_nothing_from_elsewhere(api: Api) -> None:
    page = await api.http.get("/docs")
    assert page.status_code == 200
    assert "http://" not in page.text.replace("http://www.w3.org", "").replace("http://127.0.0.1", "")
    assert "https://" not in page.text
    assert "<script" not in page.text
    assert "/v1/declarations/{mrn}/events" in page.text


async def test_the_type_of_every_problem_leads_to_its_meaning(api: Api) -> None:
    for slug, kind in KINDS.items():
        assert (await api.http.get(f"/problems/{slug}")).json()["meaning"] == kind.meaning
    assert (await api.http.get("/problems/none")).status_code == 404


async def test_what_the_framework_refuses_is_a_problem_too(api: Api) -> None:
    missing = await api.http.get("/nowhere")
    method = await api.http.put("/healthz", json=beef())
    for response, status in ((missing, 404), (method, 405)):
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["request_id"] == response.headers["x-request-id"]
    assert method.headers["allow"] == "GET, HEAD"
    several = await api.http.delete("/v1/declarations")
    assert several.headers["allow"] == "GET, HEAD, POST"
    assert "allowed are GET, HEAD, POST" in several.json()["detail"]


async def test_the_bare_address_leads_to_the_description(api: Api) -> None:
    """Where code is shown as code."""
    answer = await api.http.get("/")
    assert (answer.status_code, answer.headers["location"]) == (307, "/docs")
    page = (await api.http.get("/docs")).text
    assert "<code>application/problem+json</code>" in page


async def test_what_can_be_got_can_be_asked_about_without_getting_it(api: Api) -> None:
    """HEAD: the same status and headers as GET, and nothing else (RFC 9110 section 9.3.2)."""
    receipt = await api.lodge()
    key = api.key(Role.CUSTOMS)
    for path in (receipt["links"]["self"], receipt["links"]["casefile"], "/v1/declarations", "/healthz"):
        got = await api.http.get(path, headers=key)
        told = await api.http.head(path, headers=key)
        assert (told.status_code, told.content) == (got.status_code, b""), path
        # A moment later a page may say so in one character more or less.
        own = {"x-request-id", "content-length"}
        assert {k: v for k, v in told.headers.items() if k not in own} == {
            k: v for k, v in got.headers.items() if k not in own
        }
        assert abs(int(told.headers["content-length"]) - int(got.headers["content-length"])) < 10
    assert (await api.http.head(receipt["links"]["self"])).status_code == 401
    assert (await api.http.head("/v1/declarations/none", headers=key)).status_code == 404
    stream = await api.http.head(receipt["links"]["events"], headers={**key, "Accept": "text/event-stream"})
    assert stream.status_code == 200


async def test_where_nothing_can_be_got_there_is_nothing_to_ask_about(api: Api) -> None:
    receipt = await api.lodge()
    refused = await api.http.head(receipt["links"]["self"] + "/withdrawal", headers=api.key(Role.CUSTOMS))
    assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
