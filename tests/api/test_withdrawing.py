"""A declaration is taken back through the API."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from hub.domain.clearance import Clearance, Outcome
from hub.domain.referral import ReferralState
from hub.ports import HandOver, Role
from tests.api.support import NOW, Api, with_item

OWN = "KR1208147521"
APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"


async def withdraw(api: Api, mrn: str, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
    return await api.http.post(
        f"/v1/declarations/{mrn}/withdrawal",
        json={"reason": "C01", **body},
        headers=headers or api.key(Role.CUSTOMS, declarant=OWN),
    )


async def events(api: Api, mrn: str) -> list[tuple[str, str | None]]:
    page = (await api.http.get(f"/v1/declarations/{mrn}/events", headers=api.key(Role.CUSTOMS))).json()
    return [(event["type"], event["service"]) for event in page["events"]]


async def test_who_was_asked_is_told_and_who_was_not_is_not(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    api.store.begin_hand_over(mrn, [APQA], NOW)
    done = HandOver(referral=f"{mrn}/{APQA}", state=ReferralState.DELIVERED)
    api.store.record_hand_overs(mrn, [done], NOW)
    answer = await withdraw(api, mrn, remarks="the vessel was diverted")
    assert answer.status_code == 202, answer.text
    told = answer.json()
    assert (told["reason"], told["reason_name"]["en"]) == ("C01", "Goods not shipped")
    assert told["remarks"] == "the vessel was diverted"
    assert [(r["service"], r["told"]) for r in told["referrals"]] == [(APQA, False), (MFDS, True)]
    assert await events(api, mrn) == [
        ("declaration.accepted", None),
        ("referral.delivered", APQA),
        ("declaration.withdrawn", None),
        ("referral.withdrawn", MFDS),
    ]
    assert api.engine.nudged == [mrn]
    shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=api.key(Role.ADMIN))).json()
    assert shown["withdrawal"] == told
    assert [(r["service"], r["to_be_told"]) for r in shown["referrals"]] == [
        (APQA, "withdraw"),
        (MFDS, "none"),
    ]


async def test_the_same_again_is_nothing_new_and_another_reason_is_refused(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    headers = api.key(Role.CUSTOMS, declarant=OWN)
    first = await withdraw(api, mrn, headers)
    again = await withdraw(api, mrn, headers)
    assert (again.status_code, again.json()) == (202, first.json())
    assert [kind for kind, _ in await events(api, mrn)].count("declaration.withdrawn") == 1
    other = await withdraw(api, mrn, headers, reason="C02")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/already-withdrawn")
    amended = await api.http.post(
        f"/v1/declarations/{mrn}/amendments", json=with_item(description="Other"), headers=headers
    )
    assert (amended.status_code, amended.json()["type"]) == (409, "/problems/already-withdrawn")


async def test_a_released_declaration_is_not_withdrawn(api: Api) -> None:
    mrn = (await api.lodge(with_item(hs_code="8446300000")))["mrn"]
    answer = await withdraw(api, mrn)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-released")


async def test_the_reasons_are_listed_and_no_other_is_taken(api: Api) -> None:
    listed = (
        await api.http.get("/v1/withdrawal-reasons", headers=api.key(Role.AGENCY, agency="apqa"))
    ).json()
    assert [reason["code"] for reason in listed["reasons"]] == ["C01", "C02"]
    mrn = (await api.lodge())["mrn"]
    answer = await withdraw(api, mrn, reason="changed my mind")
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/unknown-reason")
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == "/reason"
    assert "C01, C02" in fault["detail"]


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({}, {"/reason"}),
        ({"reason": 1}, {"/reason"}),
        ({"reason": "C01", "remarks": "x" * 1001}, {"/remarks"}),
        ({"reason": "C01", "why": "x"}, {"/why"}),
        ({"reason": "C01", "remarks": "\u0000"}, {"/remarks"}),
    ],
)
async def test_every_fault_has_a_pointer(api: Api, body: dict[str, Any], pointers: set[str]) -> None:
    mrn = (await api.lodge())["mrn"]
    answer = await api.http.post(
        f"/v1/declarations/{mrn}/withdrawal", json=body, headers=api.key(Role.CUSTOMS)
    )
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers


async def test_who_withdraws(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    for role, bound, status in (
        (Role.CUSTOMS, {"declarant": "KR-2"}, 404),
        (Role.AGENCY, {"agency": "apqa"}, 403),
        (Role.CARGO, {}, 403),
        (Role.OPERATOR, {}, 403),
        (Role.CUSTOMS, {}, 202),
    ):
        answer = await withdraw(api, mrn, api.key(role, **bound))
        assert answer.status_code == status, (role, bound, answer.text)


async def test_an_agency_learns_that_it_is_withdrawn_and_not_why(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    await withdraw(api, mrn, remarks="between us")
    headers = api.key(Role.AGENCY, agency="apqa")
    shown = await api.http.get(f"/v1/declarations/{mrn}", headers=headers)
    told = await api.http.get(f"/v1/declarations/{mrn}/events", headers=headers)
    assert [r["service"] for r in shown.json()["withdrawal"]["referrals"]] == [APQA]
    assert "declaration.withdrawn" in told.text
    assert "between us" not in shown.text + told.text


async def test_what_was_withdrawn_is_final_while_agencies_are_still_told(api: Api) -> None:
    """Nothing that one of them may still say changes it."""
    mrn = (await api.lodge())["mrn"]
    await withdraw(api, mrn)
    clearance = Clearance(outcome=Outcome.WITHDRAWN, final=False, reasons=())
    api.store.record_clearance(mrn, clearance, None, [], NOW)
    shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=api.key(Role.ADMIN))).json()
    assert (shown["outcome"], shown["final"], shown["closed_at"]) == ("withdrawn", True, None)
