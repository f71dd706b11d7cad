"""Progress and tracking links: who may see what, in which words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hub.domain.names import referral_id
from hub.ports import Role
from tests.api.support import Api, beef

DECLARANT = beef()["declarant"]["id"]


async def progress(api: Api, mrn: str, headers: Mapping[str, str], **more: str) -> dict[str, Any]:
    answer = await api.http.get(f"/v1/declarations/{mrn}/progress", headers={**headers, **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_the_declarant_sees_who_was_asked_and_what_comes_next(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    told = await progress(api, mrn, api.key(Role.CUSTOMS, declarant=DECLARANT))
    assert told["headline"] == "with_agencies"
    assert told["text"] == "The agencies are looking at it."
    assert [a["service"] for a in told["answers"]] == ["apqa-animal-import", "mfds-livestock-import"]
    assert {a["state"] for a in told["answers"]} == {"not_asked_yet"}
    assert [s["kind"] for s in told["stages"]][:3] == ["lodged", "answers", "outcome"]
    assert told["next"]["kind"] == "answer"
    # Nothing is known of the service yet: the legal time, and nothing more.
    assert told["forecast"]["basis"] == "law"
    assert told["next"]["by"] == told["answers"][0]["due_at"]


@pytest.mark.parametrize(
    ("asked", "language", "words"),
    [
        ("ko-KR,ko;q=0.9,en;q=0.8", "ko", "관계 기관에서 심사하고 있습니다."),
        ("en;q=0.4, ko;q=0.6", "ko", "관계 기관에서 심사하고 있습니다."),
        ("fr, en;q=0.5", "en", "The agencies are looking at it."),
        ("xx; nonsense", "en", "The agencies are looking at it."),
        ("ko;q=0", "en", "The agencies are looking at it."),
    ],
)
async def test_it_is_told_in_the_readers_language(api: Api, asked: str, language: str, words: str) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await api.http.get(
        f"/v1/declarations/{mrn}/progress",
        headers={**api.key(Role.CUSTOMS), "Accept-Language": asked},
    )
    assert answer.headers["content-language"] == language
    assert answer.json()["text"] == words


async def test_an_agency_sees_its_own_part(api: Api) -> None:
    """No other's answer, no question of another's, no duties, no cargo."""
    mrn = (await api.lodge())["mrn"]
    await api.call_back(
        "mfds",
        referral_id(mrn, "mfds-livestock-import"),
        verdict="information_required",
        remarks="the plant's number",
    )
    told = await progress(api, mrn, api.key(Role.AGENCY, agency="apqa"))
    assert [a["agency"] for a in told["answers"]] == ["apqa"]
    assert told["tasks"] == []
    assert "plant" not in str(told)
    assert "mfds" not in str(told)


async def test_what_is_asked_of_the_declarant_comes_first(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    await api.call_back(
        "mfds",
        referral_id(mrn, "mfds-livestock-import"),
        verdict="information_required",
        remarks="the plant's number",
    )
    told = await progress(api, mrn, api.key(Role.CUSTOMS, declarant=DECLARANT))
    assert told["headline"] == "asked_of_you"
    [task] = told["tasks"]
    assert (task["kind"], task["agency"], task["words"]) == ("question", "mfds", "the plant's number")
    assert told["next"]["kind"] == "task"
    assert {a["agency"]: a["state"] for a in told["answers"]}["mfds"] == "question"


@pytest.mark.parametrize(
    ("role", "bound"),
    [
        (Role.CUSTOMS, {"declarant": "9999999999"}),
        (Role.AGENCY, {"agency": "npa"}),
        (Role.CARGO, {}),
    ],
)
async def test_for_others_there_is_no_such_declaration(api: Api, role: Role, bound: dict[str, str]) -> None:
    mrn = (await api.lodge())["mrn"]
    headers = api.key(role, **bound)
    answer = await api.http.get(f"/v1/declarations/{mrn}/progress", headers=headers)
    assert answer.status_code == 404
    for method in ("GET", "POST"):
        answer = await api.http.request(method, f"/v1/declarations/{mrn}/tracking-links", headers=headers)
        assert answer.status_code in (403, 404)


async def test_a_link_is_made_shown_once_and_revoked(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    headers = api.key(Role.CUSTOMS, declarant=DECLARANT)
    path = f"/v1/declarations/{mrn}/tracking-links"
    made = (await api.http.post(path, headers=headers)).json()
    assert made["url"] == f"http://hub/track/{made['code']}"
    assert made["ends_at"] is None
    [listed] = (await api.http.get(path, headers=headers)).json()["links"]
    assert listed["id"] == made["id"]
    assert made["code"] not in str(listed)
    for _again in range(2):
        [revoked] = (await api.http.delete(f"{path}/{made['id']}", headers=headers)).json()["links"]
        assert revoked["revoked_at"] is not None
    assert (await api.http.delete(f"{path}/nothing", headers=headers)).status_code == 404


async def test_who_does_not_lodge_makes_no_links(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    for headers in (api.key(Role.AGENCY, agency="apqa"), api.key(Role.OPERATOR)):
        for method, more in (("GET", ""), ("POST", ""), ("DELETE", "/x")):
            answer = await api.http.request(
                method, f"/v1/declarations/{mrn}/tracking-links{more}", headers=headers
            )
            assert answer.status_code == 403


async def test_a_declaration_has_so_many_links_and_no_more(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    headers = api.key(Role.CUSTOMS)
    path = f"/v1/declarations/{mrn}/tracking-links"
    made = [(await api.http.post(path, headers=headers)).json() for _ in range(20)]
    answer = await api.http.post(path, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/too-many-links")
    await api.http.delete(f"{path}/{made[0]['id']}", headers=headers)
    assert (await api.http.post(path, headers=headers)).status_code == 201
