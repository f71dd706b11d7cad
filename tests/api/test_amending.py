"""A declaration is amended through the API: who keeps the consent, who is asked again, and who may not."""

from __future__ import annotations

import json
from typing import Any

import anyio.from_thread
import httpx
import pytest

from hub.domain.events import Event
from hub.domain.referral import ReferralState
from hub.ports import HandOver, Role
from tests.api.support import NOW, Api, beef

OWN = "KR1208147521"
APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"


def amended(**item: Any) -> dict[str, Any]:
    """The declaration of the tests with its goods item changed."""
    declaration = beef()
    declaration["items"][0].update(item)
    return declaration


async def amend(
    api: Api, mrn: str, body: dict[str, Any], headers: dict[str, str] | None = None, query: str = ""
) -> httpx.Response:
    return await api.http.post(
        f"/v1/declarations/{mrn}/amendments{query}",
        json=body,
        headers={**api.key(Role.CUSTOMS, declarant=OWN), **(headers or {})},
    )


def deliver(api: Api, mrn: str, *services: str) -> None:
    api.store.begin_hand_over(mrn, list(services), NOW)
    done = [HandOver(referral=f"{mrn}/{service}", state=ReferralState.DELIVERED) for service in services]
    api.store.record_hand_overs(mrn, done, NOW)


def services(answer: dict[str, Any], part: str) -> list[str]:
    return [one["service"] for one in answer[part]]


async def test_only_who_would_be_told_something_else_is_asked_again(api: Api) -> None:
    """The fakes of agencies read: apqa the origin, mfds the description."""
    mrn = (await api.lodge())["mrn"]
    deliver(api, mrn, APQA, MFDS)
    answer = await amend(api, mrn, amended(description="Frozen beef, boneless"), query="?remarks=as%20packed")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["version"], told["remarks"]) == (2, "as packed")
    assert services(told, "kept") == [APQA]
    [again] = told["asked_again"]
    assert (again["service"], again["how"], again["revision"]) == (MFDS, "amend", 2)
    assert (again["agency_name"], again["law"]["en"]) == ({"en": "Agency mfds", "ko": "기관"}, "Act of mfds")
    assert (told["added"], told["withdrawn"]) == ([], [])
    assert (answer.headers["location"], answer.headers["etag"]) == (
        f"/v1/declarations/{mrn}/versions/2",
        '"2"',
    )
    assert api.engine.nudged == [mrn]


async def test_a_contract_without_an_operation_for_it_is_asked_anew(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    deliver(api, mrn, APQA, MFDS)
    told = (await amend(api, mrn, amended(origin="NZ"))).json()
    assert [(one["service"], one["how"]) for one in told["asked_again"]] == [(APQA, "resubmit")]


async def test_what_was_never_sent_is_simply_sent_as_it_is_now(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    told = (await amend(api, mrn, amended(origin="NZ", description="Other"))).json()
    assert [one["how"] for one in told["asked_again"]] == ["none", "none"]


async def test_services_come_and_go_with_the_goods(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    deliver(api, mrn, APQA, MFDS)
    told = (await amend(api, mrn, amended(hs_code="9305000000"))).json()
    assert services(told, "withdrawn") == [APQA, MFDS]
    assert services(told, "added") == ["npa-firearms"]
    back = (await amend(api, mrn, beef())).json()
    assert (back["version"], services(back, "withdrawn")) == (3, ["npa-firearms"])
    shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=api.key(Role.CUSTOMS))).json()
    assert (shown["version"], [i["hs_code"] for i in shown["items"]]) == (3, ["0202300000"])


async def test_a_goods_item_that_was_taken_away_may_come_back(api: Api) -> None:
    """With its agencies: whatever they were told of it once, it is not in the version that stands."""
    both = beef()
    both["items"].append({**beef()["items"][0], "number": 2, "hs_code": "9305000000"})
    mrn = (await api.lodge(both))["mrn"]
    deliver(api, mrn, APQA, MFDS, "npa-firearms")
    told = (await amend(api, mrn, beef())).json()
    assert services(told, "withdrawn") == ["npa-firearms"]
    back = await amend(api, mrn, both)
    assert back.status_code == 202, back.text
    [again] = [one for part in ("asked_again", "added") for one in back.json()[part]]
    assert (again["service"], again["items"]) == ("npa-firearms", [2])


async def test_what_an_agency_could_not_be_told_is_mended_by_an_amendment(api: Api) -> None:
    mrn = (await api.lodge(amended(description="beyond words")))["mrn"]
    answer = await amend(api, mrn, amended(description="Frozen beef, boneless"))
    assert answer.status_code == 202, answer.text
    assert services(answer.json(), "asked_again") == [APQA, MFDS]


async def test_the_same_again_gets_the_same_answer_and_writes_nothing(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    first = await amend(api, mrn, beef())
    assert (first.status_code, first.json()["version"]) == (202, 1)
    assert (first.headers["idempotent-replay"], services(first.json(), "kept")) == ("true", [APQA, MFDS])
    new = amended(description="Other")
    once = await amend(api, mrn, new)
    again = await amend(api, mrn, new)
    assert again.json() == once.json()
    assert ("idempotent-replay" in once.headers, again.headers["idempotent-replay"]) == (False, "true")
    events = (await api.http.get(f"/v1/declarations/{mrn}/events", headers=api.key(Role.CUSTOMS))).json()
    assert [e["type"] for e in events["events"]].count("declaration.amended") == 1


async def test_every_version_is_kept(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    await amend(api, mrn, amended(description="Other"))
    headers = api.key(Role.CUSTOMS, declarant=OWN)
    listed = (await api.http.get(f"/v1/declarations/{mrn}/versions", headers=headers)).json()["versions"]
    assert [v["version"] for v in listed] == [1, 2]
    said = [(await api.http.get(v["link"], headers=headers)).json()["declaration"] for v in listed]
    assert [d["items"][0]["description"] for d in said] == ["Frozen boneless beef", "Other"]
    for number in ("3", "0", "x"):
        gone = await api.http.get(f"/v1/declarations/{mrn}/versions/{number}", headers=headers)
        assert gone.status_code == (404 if number == "3" else 422)
    agency = api.key(Role.AGENCY, agency="apqa")
    assert (await api.http.get(f"/v1/declarations/{mrn}/versions", headers=agency)).status_code == 403


async def test_every_fault_of_the_new_version_is_told_with_a_pointer(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await amend(api, mrn, amended(hs_code="12", attributes={"colour": "red"}))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-declaration")
    assert {e["pointer"] for e in answer.json()["errors"]} == {
        "/items/0/hs_code",
        "/items/0/attributes/colour",
    }


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"lrn": "another"}, "/lrn"),
        ({"procedure": "transit"}, "/procedure"),
    ],
)
async def test_what_makes_it_the_declaration_it_is_cannot_be_amended(
    api: Api, change: dict[str, Any], pointer: str
) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await amend(api, mrn, {**beef(), **change})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/not-amendable")
    assert [e["pointer"] for e in answer.json()["errors"]] == [pointer]


async def test_a_released_declaration_is_not_amended_and_the_reason_is_told(api: Api) -> None:
    released = beef()
    released["items"][0]["hs_code"] = "8446300000"
    mrn = (await api.lodge(released))["mrn"]
    answer = await amend(api, mrn, beef())
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-released")
    assert "released" in answer.json()["detail"]
    # What is there already may be told again: whoever got no answer asks in vain otherwise.
    assert (await amend(api, mrn, released)).status_code == 202


async def test_another_version_than_was_meant_is_not_overwritten(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    new = amended(description="Other")
    assert (await amend(api, mrn, new, {"If-Match": '"1"'})).status_code == 202
    moved = await amend(api, mrn, amended(description="Third"), {"If-Match": '"1"'})
    assert (moved.status_code, moved.json()["type"]) == (409, "/problems/version-moved")
    # A repetition of what went through is not in anybody's way.
    assert (await amend(api, mrn, new, {"If-Match": '"1"'})).status_code == 202


async def test_each_is_answered_about_the_version_that_it_made(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another client amends before the answer to the first is made."""
    mrn = (await api.lodge())["mrn"]
    change = api.store.change
    later: list[Any] = []

    def overtaken(*args: Any, **more: Any) -> list[Event]:
        recorded = change(*args, **more)
        if not later:
            later.append("begun")
            later.append(anyio.from_thread.run(amend, api, mrn, amended(origin="NZ")))
        return recorded

    monkeypatch.setattr(api.store, "change", overtaken)
    first = await amend(api, mrn, amended(description="Other"), query="?remarks=first")
    assert (first.status_code, first.json()["version"]) == (202, 2)
    assert (first.json()["remarks"], services(first.json(), "kept")) == ("first", [APQA])
    assert first.headers["etag"] == '"2"'
    assert later[1].json()["version"] == 3


@pytest.mark.parametrize(
    ("query", "parameter", "words"),
    [
        ("?remarks=a%00b", "remarks", "U+0000"),
        ("?remarks=a%1B%5B31m", "remarks", "U+001B"),
        ("?remark=lost", "remark", "there are remarks"),
    ],
)
async def test_parameters_that_cannot_be_taken_are_named(
    api: Api, query: str, parameter: str, words: str
) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await amend(api, mrn, amended(description="Other"), query=query)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-parameters")
    [fault] = answer.json()["errors"]
    assert fault["parameter"] == parameter
    assert words in fault["detail"]


async def test_who_amends(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    path, body = f"/v1/declarations/{mrn}/amendments", amended(description="Other")
    for role, bound, status in (
        (Role.CUSTOMS, {"declarant": "KR-2"}, 404),
        (Role.AGENCY, {"agency": "apqa"}, 403),
        (Role.OPERATOR, {}, 403),
        (Role.CUSTOMS, {"agency": "apqa"}, 403),
        (Role.ADMIN, {}, 202),
    ):
        answer = await api.http.post(path, json=body, headers=api.key(role, **bound))
        assert answer.status_code == status, (role, bound, answer.text)


async def test_it_is_written_down_also_while_the_engine_is_away(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    api.engine.down = True
    assert (await amend(api, mrn, amended(description="Other"))).status_code == 202
    assert api.store.untold_news(NOW.replace(year=2027), 10) == [mrn]


async def test_it_is_not_amended_while_nobody_knows_what_an_agency_would_be_told(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await amend(api, mrn, amended(description="worker away"))
    assert (answer.status_code, answer.json()["type"]) == (503, "/problems/agency-unavailable")
    assert (await api.http.get(f"/v1/declarations/{mrn}", headers=api.key(Role.ADMIN))).json()["version"] == 1


async def test_the_events_tell_the_declarant_what_became_of_whom_and_an_agency_that_it_changed(
    api: Api,
) -> None:
    mrn = (await api.lodge())["mrn"]
    deliver(api, mrn, APQA, MFDS)
    await amend(api, mrn, amended(description="Other"))
    path = f"/v1/declarations/{mrn}/events"

    async def told(**client: Any) -> dict[str, Any]:
        events = (await api.http.get(path, headers=api.key(**client))).json()["events"]
        [event] = [e for e in events if e["type"] == "declaration.amended"]
        data: dict[str, Any] = event["data"]
        return data

    declarant = await told(role=Role.CUSTOMS, declarant=OWN)
    assert (declarant["kept"], declarant["asked_again"]) == ([APQA], [MFDS])
    assert await told(role=Role.AGENCY, agency="mfds") == {"version": 2}
    assert json.dumps(await told(role=Role.CUSTOMS)).count("config_version") >= 1
