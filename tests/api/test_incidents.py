"""Incidents for operators, and what the doors count for the early warning."""

from __future__ import annotations

import httpx
import pytest

from hub.api.app import create_app
from hub.ports import Finding, IncidentKind, Role, Severity, Tallied
from hub.store import Store
from tests.api.support import NOW, Api, EngineFake, beef, parts
from tests.operations.watch.support import judged, record

FAILS = Finding(
    kind=IncidentKind.AGENCY_FAILING, subject="apqa", severity=Severity.CRITICAL, evidence={"failed": "3 / 3"}
)
SLOW = Finding(kind=IncidentKind.DATABASE_SLOW, severity=Severity.WARNING)


async def test_operators_see_what_is_wrong_and_say_that_they_look_after_it(api: Api) -> None:
    record(api.store, judged(SLOW, FAILS), NOW)
    key = api.key(Role.OPERATOR)
    listed = (await api.http.get("/v1/incidents?open=true", headers=key)).json()
    assert [one["kind"] for one in listed["incidents"]] == ["agency_failing", "database_slow"]
    id = listed["incidents"][0]["id"]
    said = await api.http.post(f"/v1/incidents/{id}/acknowledgement", json={"note": "on it"}, headers=key)
    assert said.status_code == 200
    assert said.json()["acknowledged_by"].startswith("client:")
    story = (await api.http.get(f"/v1/incidents/{id}", headers=key)).json()
    assert [one["step"] for one in story["changes"]] == ["opened", "acknowledged"]
    one = (await api.http.get("/v1/incidents?kind=database_slow&limit=1", headers=key)).json()
    assert (len(one["incidents"]), one["before"]) == (1, None)
    page = (await api.http.get("/v1/incidents?limit=1", headers=key)).json()
    rest = (await api.http.get(f"/v1/incidents?before={page['before']}", headers=key)).json()
    assert {page["incidents"][0]["id"], rest["incidents"][0]["id"]} == {1, 2}


@pytest.mark.parametrize("role", [Role.CUSTOMS, Role.AGENCY, Role.CARGO])
async def test_nobody_else_does(api: Api, role: Role) -> None:
    record(api.store, judged(FAILS), NOW)
    key = api.key(role, agency="apqa") if role is Role.AGENCY else api.key(role)
    for path in ("/v1/incidents", "/v1/incidents/1"):
        assert (await api.http.get(path, headers=key)).status_code == 403
    assert (await api.http.post("/v1/incidents/1/acknowledgement", json={}, headers=key)).status_code == 403


async def test_an_incident_that_was_never_there(api: Api) -> None:
    key = api.key(Role.OPERATOR)
    assert (await api.http.get("/v1/incidents/7", headers=key)).status_code == 404
    answer = await api.http.post("/v1/incidents/7/acknowledgement", json={}, headers=key)
    assert answer.status_code == 404


async def test_what_comes_again_is_counted_by_whom(store: Store) -> None:
    counted: list[tuple[Tallied, str]] = []
    app = create_app(parts(store, EngineFake(), count=lambda what, whom: counted.append((what, whom))))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hub") as http:
        api = Api(app, store, EngineFake(), http)
        mrn = (await api.lodge())["mrn"]
        for _ in range(2):
            await api.lodge()
        for _ in range(2):
            await api.call_back("apqa", f"{mrn}/apqa-animal-import")
    declarant = beef()["declarant"]["id"]
    assert counted == [
        (Tallied.LODGED_AGAIN, declarant),
        (Tallied.LODGED_AGAIN, declarant),
        (Tallied.MESSAGE_AGAIN, "apqa"),
    ]
