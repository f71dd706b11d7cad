"""What operations do by the API, and who may not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hub.operations.desk import Desk
from hub.ports import AuditFilter, Role
from hub.relays.bulk import BulkRelay
from tests.api.support import NOW, Api

ANIMAL = "apqa-animal-import"
BODIES: dict[str, dict[str, Any]] = {
    "/v1/operations/actions/preview": {"kind": "retry", "mrn": "{mrn}", "service": ANIMAL},
    "/v1/operations/actions": {"kind": "retry", "mrn": "{mrn}", "service": ANIMAL, "reason": "because"},
    "/v1/operations/proposals": {
        "mrn": "{mrn}",
        "service": ANIMAL,
        "verdict": "approved",
        "evidence": "by telephone",
    },
    "/v1/operations/proposals/{id}/confirmation": {"reason": "because"},
    "/v1/operations/proposals/{id}/refusal": {"reason": "because"},
    "/v1/operations/bulks/preview": {"kind": "retry", "referrals": ["{mrn}/" + ANIMAL]},
    "/v1/operations/bulks": {
        "kind": "retry",
        "referrals": ["{mrn}/" + ANIMAL],
        "count": 1,
        "reason": "because",
    },
    "/v1/operations/bulks/{id}/stop": {},
}


def asked(path: str, mrn: str, **more: Any) -> dict[str, Any]:
    """A sound body for a path of operations."""
    filled = {
        name: [each.format(mrn=mrn) for each in value]
        if isinstance(value, list)
        else value.format(mrn=mrn)
        if isinstance(value, str)
        else value
        for name, value in BODIES[path].items()
    }
    return {"id": f"test-{path.count('/')}-{len(path)}", **filled, **more}


async def post(api: Api, path: str, role: dict[str, str], mrn: str, **more: Any) -> httpx.Response:
    body = asked(path, mrn, **more)
    if path.endswith("preview"):
        del body["id"]
    return await api.http.post(path.format(id="none"), json=body, headers=role)


def desk(api: Api) -> Desk:
    found: Desk = api.app.state.parts.desk
    return found


def posts(api: Api) -> list[str]:
    described: dict[str, dict[str, Any]] = api.app.openapi()["paths"]
    return [
        path
        for path, methods in described.items()
        if path.startswith("/v1/operations/") and "post" in methods and "doctor" not in path
    ]


async def test_every_door_is_known_here(api: Api) -> None:
    assert sorted(posts(api)) == sorted(BODIES)


@pytest.mark.parametrize("path", BODIES)
async def test_only_operators_and_administrators_bound_to_nobody_do_anything(api: Api, path: str) -> None:
    mrn = (await api.lodge())["mrn"]
    others = [
        api.key(Role.CUSTOMS),
        api.key(Role.CARGO),
        api.key(Role.AGENCY, agency="apqa"),
        api.key(Role.OPERATOR, agency="apqa"),
        api.key(Role.ADMIN, agency="mfds"),
        api.key(Role.ADMIN, declarant="1234567890"),
    ]
    before = api.store.events(mrn, 0, 100)
    for headers in others:
        answer = await post(api, path, headers, mrn)
        assert answer.status_code == 403, answer.text
    assert (await post(api, path, {}, mrn)).status_code == 401
    assert api.store.events(mrn, 0, 100) == before
    assert api.store.audit(AuditFilter(), None, 10).lines == ()


@pytest.mark.parametrize(
    "path",
    [
        "/v1/operations/proposals",
        "/v1/operations/proposals/none",
        "/v1/operations/bulks",
        "/v1/operations/bulks/none",
        "/v1/operations/bulks/none/items",
        "/v1/operations/audit",
    ],
)
async def test_who_is_bound_reads_nothing_of_it(api: Api, path: str) -> None:
    for headers in (
        api.key(Role.CUSTOMS),
        api.key(Role.AGENCY, agency="apqa"),
        api.key(Role.OPERATOR, agency="apqa"),
        api.key(Role.ADMIN, declarant="1234567890"),
    ):
        assert (await api.http.get(path, headers=headers)).status_code == 403


async def test_a_preview_then_the_action_once_with_its_line(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    operator = api.key(Role.OPERATOR)
    preview = (await post(api, "/v1/operations/actions/preview", operator, mrn)).json()
    assert (preview["allowed"], preview["why_not"]) == (True, None)
    assert preview["will"] == [{"code": "tried_now", "words": {}}]

    done = await post(api, "/v1/operations/actions", operator, mrn, seen=preview["last_seq"])
    again = await post(api, "/v1/operations/actions", operator, mrn, seen=preview["last_seq"])

    assert (done.status_code, done.json()["duplicate"]) == (200, False)
    assert (again.status_code, again.json()["duplicate"]) == (200, True)
    lines = (await api.http.get(f"/v1/operations/audit?mrn={mrn}", headers=operator)).json()["lines"]
    [line] = lines
    assert line["user"].startswith("client:")
    assert (line["action"], line["reason"], line["result"]) == ("retry", "because", "done")
    other = await post(api, "/v1/operations/actions", operator, mrn, id="another-1", seen=0)
    assert (other.status_code, other.json()["type"]) == (409, "/problems/changed-meanwhile")


async def test_what_cannot_be_done_says_why(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    operator = api.key(Role.OPERATOR)
    refused = await post(api, "/v1/operations/actions", operator, mrn, kind="look_up")
    assert refused.status_code == 409
    assert refused.json()["type"] == "/problems/action-refused"
    assert refused.json()["code"] == "nothing-sent"
    late = await post(
        api, "/v1/operations/actions", operator, mrn, kind="extend", due_at="2020-01-01T00:00:00Z"
    )
    assert late.status_code == 422
    assert late.json()["errors"][0]["pointer"] == "/due_at"
    nameless = await api.http.post(
        "/v1/operations/actions",
        json={"kind": "retry", "mrn": mrn, "service": ANIMAL, "reason": "x"},
        headers=operator,
    )
    assert nameless.json()["errors"][0]["pointer"] == "/id"
    supervisor = await post(api, "/v1/operations/actions", operator, mrn, kind="withdraw", code="C01")
    assert supervisor.status_code == 403
    unknown = await post(api, "/v1/operations/actions", operator, "26KR0000000000000X")
    assert unknown.status_code == 404


async def test_two_people_for_a_decision_by_hand(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    first, second = api.key(Role.ADMIN), api.key(Role.OPERATOR)
    proposal = (await post(api, "/v1/operations/proposals", first, mrn)).json()
    path = f"/v1/operations/proposals/{proposal['id']}"
    listed = (await api.http.get("/v1/operations/proposals", headers=second)).json()["proposals"]
    assert [each["id"] for each in listed] == [proposal["id"]]
    body = {"id": "c-1", "reason": "I have read the file"}
    own = await api.http.post(f"{path}/confirmation", json=body, headers=first)
    assert (own.status_code, own.json()["type"]) == (403, "/problems/own-proposal")

    confirmed = await api.http.post(f"{path}/confirmation", json=body, headers=second)

    assert confirmed.json()["state"] == "confirmed"
    answer = (await api.http.get(f"/v1/declarations/{mrn}", headers=second)).json()
    [given] = next(r for r in answer["referrals"] if r["service"] == ANIMAL)["decisions"]
    assert (given["verdict"], given["via"]) == ("approved", "door")
    over = await api.http.post(
        f"{path}/refusal", json={"id": "c-2", "reason": "no"}, headers=api.key(Role.ADMIN)
    )
    assert (over.status_code, over.json()["code"]) == (409, "proposal-over")
    # Declarants and agencies are told of the decision, and of nothing that led to it.
    events = await api.http.get(f"/v1/declarations/{mrn}/events", headers=api.key(Role.AGENCY, agency="apqa"))
    assert "decision.proposed" not in {event["type"] for event in events.json()["events"]}


async def test_a_bulk_action_is_begun_looked_after_and_stopped(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    admin, operator = api.key(Role.ADMIN), api.key(Role.OPERATOR)
    count = (await post(api, "/v1/operations/bulks/preview", admin, mrn)).json()
    assert (count["count"], count["by_agency"]) == (1, {"apqa": 1})
    assert (await post(api, "/v1/operations/bulks", operator, mrn)).status_code == 403
    more = await post(api, "/v1/operations/bulks", admin, mrn, count=0)
    assert (more.status_code, more.json()["type"]) == (409, "/problems/changed-meanwhile")
    both = await post(api, "/v1/operations/bulks", admin, mrn, filter={})
    assert both.json()["errors"][0]["pointer"] == "/filter"
    begun = await post(api, "/v1/operations/bulks", admin, mrn)
    assert begun.status_code == 202
    path = f"/v1/operations/bulks/{begun.json()['id']}"
    stopped = await api.http.post(f"{path}/stop", json={"id": "s-1"}, headers=operator)
    assert stopped.json()["state"] == "stopped"
    relay = BulkRelay(api.store, desk(api).bulks, api.engine, lambda: NOW)
    assert await relay.go_round() == 1.0, "there is nothing to do"
    items = (await api.http.get(f"{path}/items", headers=operator)).json()["items"]
    assert [(item["mrn"], item["state"]) for item in items] == [(mrn, "waiting")]
    listed = (await api.http.get("/v1/operations/bulks", headers=operator)).json()["bulks"]
    assert [each["counts"] for each in listed] == [{"waiting": 1}]


@pytest.mark.parametrize("path", ["proposals", "bulks", "audit"])
async def test_cursors_of_others_are_refused(api: Api, path: str) -> None:
    answer = await api.http.get(f"/v1/operations/{path}?cursor=nonsense", headers=api.key(Role.ADMIN))
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor")
