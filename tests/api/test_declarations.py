from typing import Any

import pytest

from hub.domain.exchange import Exchange
from hub.domain.referral import ReferralState
from hub.ports import HandOver, Role
from tests.api.support import NOW, Api, beef, with_item

OWN = "KR1208147521"


def _deliver(api: Api, mrn: str) -> None:
    """One referral delivered, the other in trouble, as a worker records it."""
    api.store.begin_hand_over(mrn, ["apqa-animal-import", "mfds-livestock-import"], NOW)
    exchange = Exchange(
        id="X-1",
        agency="mfds",
        kind="submit",
        mrn=mrn,
        service="mfds-livestock-import",
        started_at=NOW,
        milliseconds=12,
        request={"method": "POST", "url": "http://mfds.inner/submit"},
        reply=None,
        reading="unavailable: connection refused",
    )
    api.store.record_hand_overs(
        mrn,
        [
            HandOver(referral=f"{mrn}/apqa-animal-import", state=ReferralState.DELIVERED),
            HandOver(
                referral=f"{mrn}/mfds-livestock-import",
                state=ReferralState.PENDING,
                trouble="http://mfds.inner: connection refused",
                exchanges=(exchange,),
            ),
        ],
        NOW,
    )


async def _get(api: Api, path: str, role: Role = Role.CUSTOMS, **bound: Any) -> Any:
    return await api.http.get(path, headers=api.key(role, **bound))


async def test_a_declaration_shows_the_progress_of_every_referral(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    _deliver(api, mrn)
    await api.call_back("apqa", f"{mrn}/apqa-animal-import", remarks="clean")
    shown = (await _get(api, f"/v1/declarations/{mrn}", Role.OPERATOR)).json()
    apqa, mfds = shown["referrals"]
    assert (apqa["state"], apqa["decisions"][0]["verdict"], apqa["decisions"][0]["remarks"]) == (
        "decided",
        "approved",
        "clean",
    )
    assert (mfds["state"], mfds["trouble"]) == ("pending", "http://mfds.inner: connection refused")
    assert (shown["outcome"], shown["final"]) == ("in_progress", False)
    assert {r["rule"] for r in shown["reasons"]} == {"consented", "awaited"}
    assert shown["routing"]["required"] == 2
    assert shown["links"]["engine"] == f"http://127.0.0.1:8233/workflows/declaration%2F{mrn}"
    assert shown["declarant"] == {"id": OWN, "name": "Hangang Customs Brokers"}


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN, Role.CUSTOMS])
async def test_a_binding_holds_whatever_the_role(api: Api, role: Role) -> None:
    mrn = (await api.lodge())["mrn"]
    path = f"/v1/declarations/{mrn}"
    assert (await _get(api, path, role, declarant="KR-2")).status_code == 404
    assert (await _get(api, path, role, agency="npa")).status_code == 404
    own = (await _get(api, path, role, agency="apqa")).json()
    assert [r["agency"] for r in own["referrals"]] == ["apqa"]
    assert (await _get(api, f"{path}/exchanges", role, agency="apqa")).status_code == 403


async def test_links_are_given_to_who_may_follow_them(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    for role, follows in ((Role.CUSTOMS, False), (Role.OPERATOR, True), (Role.ADMIN, True)):
        links = (await _get(api, f"/v1/declarations/{mrn}", role)).json()["links"]
        assert (links["exchanges"] is not None, links["engine"] is not None) == (follows, follows)
        for name in ("events", "routing", "versions", "questions", "progress", "casefile"):
            assert (await _get(api, links[name], role)).status_code == 200, name


async def test_the_routing_explains_itself_in_sentences(api: Api) -> None:
    declaration = with_item(exemptions=[{"code": "22B03", "document": "S-1"}])
    mrn = (await api.lodge(declaration))["mrn"]
    routing = (await _get(api, f"/v1/declarations/{mrn}/routing")).json()
    assert [r["service"] for r in routing["required"]] == ["apqa-animal-import"]
    assert [(r["service"], r["by"]) for r in routing["ruled_out"]] == [
        ("mfds-livestock-import", "exemption_claim")
    ]
    assert all(r["because"] for r in routing["required"] + routing["ruled_out"])
    assert routing["day"] == "2026-11-20"


async def test_events_come_in_order_and_go_on_after_any_of_them(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    _deliver(api, mrn)
    page = (await _get(api, f"/v1/declarations/{mrn}/events")).json()
    assert [e["type"] for e in page["events"]] == [
        "declaration.accepted",
        "referral.delivered",
        "referral.delayed",
    ]
    assert [e["seq"] for e in page["events"]] == [1, 2, 3]
    rest = (await _get(api, f"/v1/declarations/{mrn}/events?after=1&limit=1")).json()
    assert [e["seq"] for e in rest["events"]] == [2] == [rest["last"]]
    end = (await _get(api, f"/v1/declarations/{mrn}/events?after=3")).json()
    assert (end["events"], end["last"]) == ([], 3)


async def test_exchanges_are_for_operations_only(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    _deliver(api, mrn)
    shown = await _get(api, f"/v1/declarations/{mrn}/exchanges", Role.OPERATOR)
    assert [e["reading"] for e in shown.json()["exchanges"]] == ["unavailable: connection refused"]
    assert (await _get(api, f"/v1/declarations/{mrn}/exchanges")).status_code == 403
    assert (await _get(api, "/v1/declarations/nix/exchanges", Role.ADMIN)).status_code == 404


async def test_a_declarant_sees_its_own_declarations_and_no_inner_names(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    _deliver(api, mrn)
    other = (await api.lodge(beef(lrn="other", declarant={"id": "KR-2"})))["mrn"]
    own = await _get(api, f"/v1/declarations/{mrn}", declarant=OWN)
    assert own.status_code == 200
    events = await _get(api, f"/v1/declarations/{mrn}/events", declarant=OWN)
    assert "mfds.inner" not in own.text + events.text
    assert (own.json()["links"]["engine"], own.json()["links"]["exchanges"]) == (None, None)
    for path in ("", "/routing", "/events"):
        response = await _get(api, f"/v1/declarations/{other}{path}", declarant=OWN)
        assert response.status_code == 404
    listed = (await _get(api, "/v1/declarations", declarant=OWN)).json()
    assert [d["mrn"] for d in listed["declarations"]] == [mrn]
    assert (await _get(api, "/v1/declarations?declarant=KR-2", declarant=OWN)).status_code == 403


async def test_an_agency_sees_its_own_referrals_and_nothing_of_others(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    free = (await api.lodge(with_item(hs_code="8446300000") | {"lrn": "free"}))["mrn"]
    _deliver(api, mrn)
    await api.call_back("mfds", f"{mrn}/mfds-livestock-import", remarks="between us")
    bound = {"role": Role.AGENCY, "agency": "apqa"}
    shown = await _get(api, f"/v1/declarations/{mrn}", **bound)
    assert [r["agency"] for r in shown.json()["referrals"]] == ["apqa"]
    assert {r["agency"] for r in shown.json()["reasons"]} == {"apqa"}
    routing = await _get(api, f"/v1/declarations/{mrn}/routing", **bound)
    events = await _get(api, f"/v1/declarations/{mrn}/events", **bound)
    assert [e["type"] for e in events.json()["events"]] == ["declaration.accepted", "referral.delivered"]
    assert "mfds" not in shown.text + routing.text + events.text
    assert (await _get(api, f"/v1/declarations/{free}", **bound)).status_code == 404
    listed = (await _get(api, "/v1/declarations", **bound)).json()["declarations"]
    assert [(d["mrn"], d["pending_agencies"]) for d in listed] == [(mrn, ["apqa"])]
    assert (await _get(api, "/v1/declarations?pending_agency=mfds", **bound)).status_code == 403


async def test_an_agency_client_without_an_agency_sees_nothing(api: Api) -> None:
    mrn = (await api.lodge())["mrn"]
    assert (await _get(api, f"/v1/declarations/{mrn}", Role.AGENCY)).status_code == 404
    assert (await _get(api, "/v1/declarations", Role.AGENCY)).json() == {"declarations": [], "cursor": None}


async def test_a_list_is_filtered_and_paged(api: Api) -> None:
    waiting = [(await api.lodge(beef(lrn=f"W-{n}")))["mrn"] for n in range(3)]
    released = (await api.lodge(with_item(hs_code="8446300000") | {"lrn": "R"}))["mrn"]

    async def listed(query: str) -> tuple[list[str], str | None]:
        page = (await _get(api, f"/v1/declarations?{query}")).json()
        return [d["mrn"] for d in page["declarations"]], page["cursor"]

    assert await listed("outcome=release") == ([released], None)
    assert set((await listed("pending_agency=mfds"))[0]) == set(waiting)
    assert await listed("lrn=W-1") == ([waiting[1]], None)
    assert (await listed("accepted_from=2026-11-20T02:15:00Z&declarant=" + OWN))[0]
    assert await listed("accepted_before=2026-11-20T11:15:00%2B09:00") == ([], None)
    first, cursor = await listed("limit=3")
    second, end = await listed(f"limit=3&cursor={cursor}")
    assert (sorted(first + second), end) == (sorted([*waiting, released]), None)


@pytest.mark.parametrize(
    ("query", "status", "parameter"),
    [
        ("cursor=nonsense", 400, None),
        ("limit=0", 422, "limit"),
        ("limit=201", 422, "limit"),
        ("outcome=maybe", 422, "outcome"),
        ("accepted_from=2026-11-20", 422, "accepted_from"),
        ("accepted_from=0001-01-01T00:00:00%2B14:00", 422, "accepted_from"),
        ("lrn=%00", 422, "lrn"),
        ("outcom=hold", 422, "outcom"),
    ],
)
async def test_a_wrong_parameter_is_named(api: Api, query: str, status: int, parameter: str | None) -> None:
    response = await _get(api, f"/v1/declarations?{query}")
    assert response.status_code == status
    assert [e["parameter"] for e in response.json().get("errors", [])] == ([parameter] if parameter else [])


@pytest.mark.parametrize(
    "authorization", [None, "Bearer hub_wrong", "Bearer ", "Basic aHViOmh1Yg==", "Bearer \u00e9\u00e8"]
)
async def test_without_a_known_key_nothing_is_told(api: Api, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    response = await api.http.get("/v1/declarations", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"


async def test_a_disabled_key_opens_nothing(api: Api) -> None:
    headers = api.key(Role.ADMIN)
    [client] = api.store.clients()
    api.store.disable_client(client.id)
    assert (await api.http.get("/v1/declarations", headers=headers)).status_code == 401


@pytest.mark.parametrize("mrn", ["26KRXXXXXXXXXXXXX0", "%00", "a%2Fb", "..", "%F0%9F%98%80"])
async def test_a_declaration_that_is_not_there_is_not_found(api: Api, mrn: str) -> None:
    response = await _get(api, f"/v1/declarations/{mrn}")
    assert response.status_code in (404, 307)
