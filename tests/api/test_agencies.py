from dataclasses import replace
from typing import Any

import pytest

from hub.api.parts import ApiParts, ConfigurationFault, ConfigurationInfo, RefusedConfiguration
from hub.domain.exchange import Message
from hub.domain.referral import ReferralState
from hub.ports import HandOver, Role
from tests.api.support import NOW, SECRET, Api, GatewayFake


async def _referral(api: Api, service: str = "apqa-animal-import") -> str:
    mrn = (await api.lodge())["mrn"]
    referral = f"{mrn}/{service}"
    api.store.begin_hand_over(mrn, [service], NOW)
    api.store.record_hand_overs(mrn, [HandOver(referral=referral, state=ReferralState.DELIVERED)], NOW)
    return referral


async def test_a_decision_is_stored_told_and_marked_as_told(api: Api) -> None:
    referral = await _referral(api)
    response = await api.call_back("apqa", referral)
    assert (response.status_code, response.json()) == (202, {"received": True, "duplicate": False})
    assert api.engine.told == [(referral.partition("/")[0], ("M-1",))]
    assert api.store.untold_messages(NOW.replace(year=2027), 10) == []


async def test_one_sent_twice_counts_once(api: Api) -> None:
    referral = await _referral(api)
    await api.call_back("apqa", referral)
    again = await api.call_back("apqa", referral)
    assert (again.status_code, again.json()) == (202, {"received": True, "duplicate": True})
    assert len(api.engine.told) == 1


async def test_one_that_comes_before_its_receipt_counts(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    assert (await api.call_back("apqa", f"{mrn}/apqa-animal-import")).status_code == 202
    assert api.engine.told == [(mrn, ("M-1",))]


async def test_one_that_comes_after_the_end_of_its_workflow_is_late(api: Api) -> None:
    referral = await _referral(api)
    api.engine.ended = True
    assert (await api.call_back("apqa", referral)).status_code == 202
    assert api.store.untold_messages(NOW.replace(year=2027), 10) == []
    assert api.store.events(referral.partition("/")[0], 0, 100)[-1].type == "decision.late"


@pytest.mark.parametrize("trouble", ["down", "hangs"])
async def test_while_the_engine_is_away_a_callback_is_taken_and_told_later(api: Api, trouble: str) -> None:
    referral = await _referral(api)
    setattr(api.engine, trouble, True)
    assert (await api.call_back("apqa", referral)).status_code == 202
    [(mrn, decisions)] = api.store.untold_messages(NOW.replace(year=2027), 10)
    assert (mrn, [d.id for d in decisions]) == (referral.partition("/")[0], ["M-1"])


async def test_a_wrong_signature_is_refused_and_recorded(api: Api) -> None:
    response = await api.http.post(
        "/v1/agencies/apqa/callbacks", content=b"\x00\xff{", headers={"X-Secret": "wrong"}
    )
    assert response.status_code == 401
    [refused] = api.store.refused_callbacks(10)
    assert (refused.agency, refused.reason) == ("apqa", "the signature does not match")
    assert api.engine.told == []


async def test_one_about_another_agencys_referral_is_forbidden_and_recorded(api: Api) -> None:
    referral = await _referral(api)
    response = await api.call_back("mfds", referral)
    assert response.status_code == 403
    assert [r.agency for r in api.store.refused_callbacks(10)] == ["mfds"]
    assert api.engine.told == []


async def test_a_message_that_cannot_be_read_is_kept_and_said_to_be(api: Api) -> None:
    response = await api.http.post("/v1/agencies/apqa/callbacks", content=b"{", headers={"X-Secret": SECRET})
    assert response.status_code == 422
    assert response.json()["received"] is True
    assert "kept" in response.json()["detail"]


async def test_a_decision_about_goods_items_not_referred_is_not_understood(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each time that it is sent; nothing is told."""
    referral = await _referral(api)
    read = GatewayFake.read_callback

    def about_item_7(self: GatewayFake, *told: Any) -> Message:
        message = read(self, *told)
        strange = tuple(d.model_copy(update={"items": (7,)}) for d in message.decisions)
        return message.model_copy(update={"decisions": strange})

    monkeypatch.setattr(GatewayFake, "read_callback", about_item_7)
    for _ in range(2):
        response = await api.call_back("apqa", referral)
        assert response.status_code == 422
        assert "goods items [7], which were not referred" in response.json()["detail"]
    assert api.engine.told == []


async def test_a_message_id_used_again_with_other_content_is_a_conflict(api: Api) -> None:
    """It is kept, and changes nothing."""
    referral = await _referral(api)
    await api.call_back("apqa", referral)
    other = await api.call_back("apqa", referral, verdict="refused")
    assert (other.status_code, other.json()["received"]) == (409, True)
    assert other.json()["type"] == "/problems/message-id-already-used"
    assert len(api.engine.told) == 1


@pytest.mark.parametrize("agency", ["nobody", "%00", "x" * 65])
async def test_an_unknown_agency_takes_no_callbacks(api: Api, agency: str) -> None:
    response = await api.http.post(f"/v1/agencies/{agency}/callbacks", content=b"{}")
    assert response.status_code in (404, 422)


async def test_a_callback_beyond_the_limit_is_refused(api: Api) -> None:
    response = await api.http.post("/v1/agencies/apqa/callbacks", content=b" " * 1_100_000)
    assert response.status_code == 413


async def test_agencies_are_published_with_law_days_and_confidence(api: Api) -> None:
    headers = api.key(Role.AGENCY, agency="apqa")
    listed = (await api.http.get("/v1/agencies", headers=headers)).json()
    assert [a["agency"] for a in listed] == ["apqa", "mfds", "npa"]
    one = (await api.http.get("/v1/agencies/apqa", headers=headers)).json()
    assert one == listed[0]
    assert one["services"][0]["answer_within"] == "3wd"
    assert one["services"][0]["confidence"] == "assumed"
    assert (await api.http.get("/v1/agencies/nobody", headers=headers)).status_code == 404


async def test_attributes_are_published_with_their_types(api: Api) -> None:
    listed = (await api.http.get("/v1/attributes", headers=api.key(Role.CUSTOMS))).json()
    assert {a["name"]: a["type"] for a in listed} == {
        "use": "string",
        "species": "list",
        "used": "bool",
        "power_w": "number",
    }
    assert listed[0]["values"] == ["food", "feed"]


async def test_a_refused_file_is_told_to_staff_and_to_its_own_agency(api: Api) -> None:
    """Which version is in force, everybody may know; what is wrong with a file may name inner systems."""
    fault = ConfigurationFault(
        file="agencies/apqa.yaml", line=3, key="note", what="unknown", cure="remove it"
    )
    parts: ApiParts = api.app.state.parts
    configuration = ConfigurationInfo(
        version="apqa-1", applied_at=NOW, refused=RefusedConfiguration(at=NOW, faults=(fault,))
    )
    [apqa] = [info for info in parts.agencies() if info.agency == "apqa"]
    broken = apqa.model_copy(update={"configuration": configuration})
    api.app.state.parts = replace(parts, agencies=lambda: [broken])
    for headers, sees in (
        (api.key(Role.CUSTOMS), True),
        (api.key(Role.AGENCY, agency="apqa"), True),
        (api.key(Role.AGENCY, agency="mfds"), False),
        (api.key(Role.CUSTOMS, declarant="KR-1"), False),
    ):
        shown = (await api.http.get("/v1/agencies/apqa", headers=headers)).json()
        told = shown["configuration"]
        assert (told["version"], told["refused"] is not None) == ("apqa-1", sees)
        assert (await api.http.get("/v1/agencies", headers=headers)).json() == [shown]


async def test_an_agency_that_never_came_into_force_is_told_why(api: Api) -> None:
    """Its file is the first one and has faults: whoever wrote it looks here, and strangers learn nothing."""
    fault = ConfigurationFault(
        file="agencies/timber.yaml", line=3, key="note", what="unknown key", cure="remove it"
    )
    refused = {"timber": RefusedConfiguration(at=NOW, faults=(fault,) * 7)}
    api.app.state.parts = replace(api.app.state.parts, refused=refused.get)
    for headers, sees in (
        (api.key(Role.CUSTOMS), True),
        (api.key(Role.AGENCY, agency="timber"), True),
        (api.key(Role.AGENCY, agency="mfds"), False),
        (api.key(Role.CUSTOMS, declarant="KR-1"), False),
    ):
        shown = await api.http.get("/v1/agencies/timber", headers=headers)
        assert shown.status_code == 404
        detail = shown.json()["detail"]
        assert ("agencies/timber.yaml:3 note unknown key (remove it)" in detail) is sees
        assert detail.endswith("and 2 more") is sees
