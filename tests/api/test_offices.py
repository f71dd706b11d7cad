"""The doors of offices: who may say what, once, and how it is refused."""

from __future__ import annotations

import itertools
import random
import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

import httpx
import pytest

from hub.api.asked import (
    BODIES,
    ActionAsked,
    AppointmentConfirmed,
    BulkAsked,
    BulkPicked,
    BulkStopped,
    CargoReported,
    CertificateIssued,
    CoverConfirmed,
    DeadlineSet,
    DecisionByHand,
    DutiesDue,
    InspectionReport,
    NoteOnIncident,
    PreviewAsked,
    ProposalEnded,
    ProposalMade,
    WithdrawnByHand,
)
from hub.api.parts import ApiParts
from hub.domain.case import CasePolicy
from hub.domain.clearance import Clearance, Outcome
from hub.domain.declaration import Declaration
from hub.domain.errors import AgencyUnavailable
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked
from hub.domain.model import Text
from hub.domain.names import CUSTOMS_CONTROL
from hub.domain.policy import Control
from hub.domain.referral import ReferralState, Verdict, Via
from hub.domain.risk import Assessment, Channel, RiskReason
from hub.domain.steps.inspecting import offer
from hub.domain.withdrawal import Withdrawal
from hub.ports import HandOver, Role
from tests.api.support import CALENDAR, NOW, Api, GatewayFake, beef

APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"
OWN = "KR1208147521"


@pytest.fixture
def keys(api: Api) -> dict[str, dict[str, str]]:
    """One client of each kind, by what it is called here."""
    return {
        "apqa": api.key(Role.AGENCY, agency="apqa"),
        "mfds": api.key(Role.AGENCY, agency="mfds"),
        "npa": api.key(Role.AGENCY, agency="npa"),
        "nobody": api.key(Role.AGENCY),
        "customs": api.key(Role.CUSTOMS),
        "declarant": api.key(Role.CUSTOMS, declarant=OWN),
        "stranger": api.key(Role.CUSTOMS, declarant="KR-2"),
        "cargo": api.key(Role.CARGO),
        "operator": api.key(Role.OPERATOR),
        "admin": api.key(Role.ADMIN),
    }


async def lodged(api: Api, **policy: Any) -> str:
    """A declaration that both agencies have, under this policy."""
    parts: ApiParts = api.app.state.parts
    rules = replace(parts.rulebook(), policy=CasePolicy(version="p-1", refusal_open_for="30d", **policy))
    api.app.state.parts = replace(parts, rulebook=lambda: rules)
    mrn = str((await api.lodge())["mrn"])
    api.store.begin_hand_over(mrn, [APQA, MFDS], NOW)
    delivered = [HandOver(referral=f"{mrn}/{s}", state=ReferralState.DELIVERED) for s in (APQA, MFDS)]
    api.store.record_hand_overs(mrn, delivered, NOW)
    return mrn


def _path(mrn: str, service: str = APQA, what: str = "decisions") -> str:
    return f"/v1/declarations/{mrn}/referrals/{service}/{what}"


async def decide(api: Api, key: dict[str, str], mrn: str, service: str = APQA, **said: Any) -> httpx.Response:
    body = {"id": "N-1", "verdict": "approved", **said}
    return await api.http.post(_path(mrn, service), json=body, headers=key)


def _kind(response: httpx.Response) -> str:
    return str(response.json()["type"]).removeprefix("/problems/")


def _pointers(response: httpx.Response) -> list[str]:
    return [fault["pointer"] for fault in response.json()["errors"]]


# --- decisions by hand ----------------------------------------------------------------------------------


async def test_an_agency_decides_by_hand_and_the_workflow_is_told(api: Api, keys: Any) -> None:
    """Of an approval with the last of them: before that it can change nothing."""
    mrn = await lodged(api)
    first = await decide(api, keys["mfds"], mrn, MFDS)
    assert api.engine.told == []
    taken = await decide(api, keys["apqa"], mrn, remarks="seen at the cold store", reference="AP-7")
    assert taken.status_code == 202
    assert taken.json()["duplicate"] is False
    assert taken.json()["state"] == "decided"
    [(told, decisions)] = api.engine.told
    assert (told, {*decisions}) == (mrn, {first.json()["decision"], taken.json()["decision"]})
    shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=keys["customs"])).json()
    [decision] = next(r for r in shown["referrals"] if r["service"] == APQA)["decisions"]
    assert (decision["via"], decision["remarks"], decision["reference"]) == (
        "door",
        "seen at the cold store",
        "AP-7",
    )
    assert decision["by"].startswith("client-")


async def test_the_same_again_counts_once_and_other_content_is_a_conflict(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    first = await decide(api, keys["apqa"], mrn, verdict="refused")
    body = {"verdict": "refused"}
    again = await api.http.post(_path(mrn), json=body, headers={**keys["apqa"], "Idempotency-Key": "N-1"})
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    assert again.json()["decision"] == first.json()["decision"]
    other = await decide(api, keys["apqa"], mrn)
    assert (other.status_code, _kind(other)) == (409, "message-id-already-used")
    assert len(api.engine.told) == 1


async def test_an_id_is_required_and_may_not_contradict_the_key(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    for body, headers in (
        ({"verdict": "approved"}, {}),
        ({"id": "A", "verdict": "approved"}, {"Idempotency-Key": "B"}),
    ):
        refused = await api.http.post(_path(mrn), json=body, headers={**keys["apqa"], **headers})
        assert (refused.status_code, _kind(refused), _pointers(refused)) == (422, "invalid-request", ["/id"])


_MAY_NOT_SAY: list[tuple[dict[str, Any], int, str, list[str]]] = [
    ({"verdict": "perhaps"}, 422, "invalid-request", ["/verdict"]),
    ({"items": []}, 422, "invalid-request", ["/items"]),
    ({"items": [1, 9]}, 422, "invalid-request", ["/items/1"]),
    ({"items": ["1"], "colour": "red"}, 422, "invalid-request", ["/items/0", "/colour"]),
    ({"decided_at": "1763600000"}, 422, "invalid-request", ["/decided_at"]),
    ({"decided_at": "2026-11-20T12:00:00"}, 422, "invalid-request", ["/decided_at"]),
    ({"decided_at": "2027-01-01T00:00:00Z"}, 422, "invalid-request", ["/decided_at"]),
    ({"decided_at": "2026-01-01T00:00:00Z"}, 422, "invalid-request", ["/decided_at"]),
    ({"remarks": "a\x00b"}, 422, "invalid-request", ["/remarks"]),
    ({"revision": 2}, 409, "amended-meanwhile", ["/revision"]),
]


async def test_what_a_decision_may_not_say(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    for said, status, kind, pointers in _MAY_NOT_SAY:
        refused = await decide(api, keys["apqa"], mrn, **said)
        assert (refused.status_code, _kind(refused)) == (status, kind)
        assert sorted(_pointers(refused)) == sorted(pointers)
    assert api.engine.told == []


_WHO_DECIDES = [
    ("apqa", APQA, 202),
    ("mfds", APQA, 404),
    ("npa", APQA, 404),
    ("nobody", APQA, 404),
    ("stranger", APQA, 404),
    ("cargo", APQA, 404),
    ("declarant", APQA, 403),
    ("customs", APQA, 403),
    ("operator", APQA, 403),
    ("admin", APQA, 403),
    ("apqa", "no-such-service", 404),
]


async def test_an_agency_speaks_for_itself_alone(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    for who, service, status in _WHO_DECIDES:
        assert (await decide(api, keys[who], mrn, service)).status_code == status, who


async def test_bodies_are_small_json_objects(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    for content, media_type, status in (
        (b"{", "application/json", 400),
        (b'{"id": "a", "id": "b"}', "application/json", 400),
        (b"[]", "application/json", 422),
        (b"<a/>", "application/xml", 415),
        (b" " * 70_000, "application/json", 413),
    ):
        headers = {**keys["apqa"], "Content-Type": media_type}
        answer = await api.http.post(_path(mrn), content=content, headers=headers)
        assert answer.status_code == status


async def test_what_comes_after_the_release_is_late(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    await decide(api, keys["apqa"], mrn)
    await decide(api, keys["mfds"], mrn, MFDS)
    api.store.record_clearance(mrn, Clearance(outcome=Outcome.RELEASE, final=True, reasons=()), None, (), NOW)
    again = await decide(api, keys["apqa"], mrn)
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    late = await decide(api, keys["apqa"], mrn, id="N-2", verdict="refused")
    assert (late.status_code, _kind(late)) == (409, "already-released")
    types = [event.type for event in api.store.events(mrn, 0, 100)]
    assert types.count("decision.late") == 1


async def test_what_comes_after_a_part_has_gone_is_late_for_that_part(api: Api, keys: Any) -> None:
    mrn = await lodged(api, partial_release=True)
    part = Clearance(outcome=Outcome.PARTIAL_RELEASE, final=False, reasons=(), released_items=(1,))
    api.store.record_clearance(mrn, part, None, (), NOW)
    late = await decide(api, keys["apqa"], mrn, id="N-2", verdict="refused", items=[1])
    assert (late.status_code, _kind(late)) == (409, "already-released")
    assert late.json()["detail"] == "goods item 1 has been released; the decision is kept as late"
    assert "decision.late" in [event.type for event in api.store.events(mrn, 0, 100)]


async def test_a_decision_is_taken_while_the_engine_is_away(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    api.engine.down = True
    assert (await decide(api, keys["apqa"], mrn)).status_code == 202
    assert [m for m, _ in api.store.untold_messages(NOW + timedelta(days=1), 10)] == [mrn]


# --- what operators record ------------------------------------------------------------------------------


def _withdraw(api: Api, mrn: str) -> None:
    """The declarant takes it back, and the agencies have still to be told."""
    said = Withdrawal(reason="C01", requested_at=NOW, by="broker").model_dump(mode="json")
    event = NewEvent(at=NOW, type=EventType.DECLARATION_WITHDRAWN, data=said)
    api.store.change(mrn, lambda view: [event])


async def _told(api: Api, key: dict[str, str], mrn: str, service: str = APQA) -> httpx.Response:
    body = {"remarks": "told Ms Han by telephone"}
    return await api.http.post(_path(mrn, service, "withdrawn"), json=body, headers=key)


async def test_an_operator_tells_an_agency_whose_channel_cannot_be_told(
    api: Api, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def cannot(self: GatewayFake, agency: str, version: str) -> frozenset[Asked]:
        return frozenset()

    mrn = await lodged(api)
    early = await _told(api, keys["operator"], mrn)
    assert (early.status_code, _kind(early)) == (409, "not-awaited")
    _withdraw(api, mrn)
    by_itself = await _told(api, keys["operator"], mrn)
    assert (by_itself.status_code, _kind(by_itself)) == (409, "not-by-hand")
    monkeypatch.setattr(GatewayFake, "abilities", cannot)
    told = await _told(api, keys["operator"], mrn)
    assert (told.status_code, told.json()["state"]) == (200, "withdrawn")
    assert (await _told(api, keys["operator"], mrn)).json() == told.json()
    [event] = [e for e in api.store.events(mrn, 0, 100) if e.type is EventType.REFERRAL_WITHDRAWN]
    assert (event.data["told"], event.data["remarks"]) == ("by_hand", "told Ms Han by telephone")
    assert api.engine.nudged == [mrn]
    after = await decide(api, keys["apqa"], mrn)
    assert (after.status_code, _kind(after)) == (409, "already-withdrawn")
    for who, status in (("customs", 403), ("apqa", 403), ("cargo", 403), ("admin", 200)):
        assert (await _told(api, keys[who], mrn)).status_code == status


async def test_what_a_channel_can_do_may_be_unknown_for_now(
    api: Api, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(self: GatewayFake, agency: str, version: str) -> frozenset[Asked]:
        raise AgencyUnavailable("its own worker does not answer")

    mrn = await lodged(api)
    monkeypatch.setattr(GatewayFake, "abilities", away)
    answer = await _told(api, keys["operator"], mrn)
    assert (answer.status_code, _kind(answer)) == (503, "agency-unavailable")


async def _until(api: Api, key: dict[str, str], mrn: str, due_at: str) -> httpx.Response:
    body = {"due_at": due_at, "reason": "laboratory closed"}
    return await api.http.post(_path(mrn, APQA, "deadline"), json=body, headers=key)


async def test_an_operator_moves_a_deadline(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    moved = await _until(api, keys["operator"], mrn, "2026-12-04T18:00:00+09:00")
    assert (moved.status_code, moved.json()["due_at"]) == (200, "2026-12-04T09:00:00Z")
    assert api.engine.nudged == [mrn]
    await _until(api, keys["operator"], mrn, "2026-12-04T18:00:00+09:00")
    assert api.engine.nudged == [mrn]
    past = await _until(api, keys["operator"], mrn, "2026-11-04T18:00:00+09:00")
    assert (past.status_code, _pointers(past)) == (422, ["/due_at"])
    assert (await _until(api, keys["customs"], mrn, "2026-12-05T18:00:00+09:00")).status_code == 403
    await decide(api, keys["apqa"], mrn)
    decided = await _until(api, keys["operator"], mrn, "2026-12-06T18:00:00+09:00")
    assert (decided.status_code, _kind(decided)) == (409, "not-awaited")


# --- customs' own control -------------------------------------------------------------------------------


class RiskFake:
    """Every declaration is red, by one rule."""

    titles: ClassVar[dict[str, Text]] = {"first-time": {"en": "First declaration of this importer"}}
    changed = False

    def assess(self, declaration: Declaration, at: datetime) -> Assessment:
        reasons = (RiskReason(rule="first-time", weight=70),)
        return Assessment(channel=Channel.RED, score=70, reasons=reasons, seed="ab12", rules_version="r-1")

    def repeated(self, declaration: Declaration, assessment: Assessment) -> Assessment | None:
        return None if self.changed else self.assess(declaration, NOW)


async def _assessed(api: Api) -> tuple[str, RiskFake]:
    """A declaration that customs wants to inspect, and who said so."""
    risk = RiskFake()
    parts: ApiParts = api.app.state.parts
    law = {"en": "Customs Act", "ko": "관세법"}
    control = Control(calendar=CALENDAR, answer_within="3wd", law=law, name={"en": "Customs control"})
    rules = replace(parts.rulebook(), risk=risk, control=control)
    ticks = itertools.count()
    api.app.state.parts = replace(
        parts, rulebook=lambda: rules, clock=lambda: NOW + timedelta(seconds=next(ticks))
    )
    return (await api.lodge())["mrn"], risk


async def test_customs_decides_on_its_own_control(api: Api, keys: Any) -> None:
    mrn, _ = await _assessed(api)
    strangers = ("declarant", 403), ("operator", 403), ("apqa", 404), ("npa", 404), ("stranger", 404)
    for who, status in strangers:
        assert (await decide(api, keys[who], mrn, CUSTOMS_CONTROL)).status_code == status
    taken = await decide(api, keys["customs"], mrn, CUSTOMS_CONTROL, remarks="seals intact")
    assert (taken.status_code, taken.json()["state"]) == (202, "decided")
    by_admin = await decide(api, keys["admin"], mrn, CUSTOMS_CONTROL, verdict="refused")
    assert by_admin.status_code == 202


async def test_why_customs_looks_is_for_customs(api: Api, keys: Any) -> None:
    mrn, risk = await _assessed(api)
    path = f"/v1/declarations/{mrn}/risk"
    for who in ("declarant", "stranger", "apqa", "npa", "nobody", "cargo"):
        assert (await api.http.get(path, headers=keys[who])).status_code == 404
    for who in ("customs", "operator", "admin"):
        shown = (await api.http.get(path, headers=keys[who])).json()
        assert (shown["channel"], shown["score"], shown["reproduced"]) == ("red", 70, "same")
        assert shown["reasons"][0]["title"] == {"en": "First declaration of this importer"}
    risk.changed = True
    assert (await api.http.get(path, headers=keys["customs"])).json()["reproduced"] == "rules_changed"


async def test_a_declaration_without_rules_has_no_risk(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    answer = await api.http.get(f"/v1/declarations/{mrn}/risk", headers=keys["customs"])
    assert answer.status_code == 404


# --- inspections ----------------------------------------------------------------------------------------


async def _called(api: Api, keys: Any, mrn: str) -> None:
    """Both agencies call for an inspection, and the worker arranges it."""
    for who, service in (("apqa", APQA), ("mfds", MFDS)):
        await decide(api, keys[who], mrn, service, verdict="inspection_required")
    parts: ApiParts = api.app.state.parts
    api.store.change(mrn, lambda view: offer(view, parts.calendar, NOW))


WHEN = "2026-11-24T10:00:00+09:00"


async def _confirm(api: Api, key: dict[str, str], mrn: str, at: str = WHEN, id: str = "I1") -> httpx.Response:
    path = f"/v1/declarations/{mrn}/inspections/{id}/confirmation"
    return await api.http.put(path, json={"at": at}, headers=key)


async def _report(
    api: Api, key: dict[str, str], mrn: str, service: str = APQA, **said: Any
) -> httpx.Response:
    path = f"/v1/declarations/{mrn}/inspections/I1/reports"
    return await api.http.post(path, json={"service": service, "verdict": "approved", **said}, headers=key)


async def test_one_inspection_of_two_offices_from_offer_to_report(api: Api, keys: Any) -> None:
    mrn = await lodged(api, joint_inspection=True)
    await _called(api, keys, mrn)
    listed = (await api.http.get(f"/v1/declarations/{mrn}/inspections", headers=keys["declarant"])).json()
    [appointment] = listed["inspections"]
    assert (appointment["state"], appointment["items"]) == ("offered", [1])
    assert [o["agency"] for o in appointment["offices"]] == ["apqa", "mfds"]
    early = await _report(api, keys["apqa"], mrn)
    assert (early.status_code, _kind(early)) == (409, "appointment-over")
    confirmed = await _confirm(api, keys["declarant"], mrn)
    assert (confirmed.status_code, confirmed.json()["state"]) == (200, "confirmed")
    assert (await _confirm(api, keys["declarant"], mrn)).json() == confirmed.json()
    diary = (await api.http.get("/v1/inspections", headers=keys["mfds"])).json()
    assert [(i["mrn"], i["id"], i["at"]) for i in diary["inspections"]] == [
        (mrn, "I1", "2026-11-24T01:00:00Z")
    ]
    first = await _report(api, keys["apqa"], mrn, remarks="as declared")
    assert (first.status_code, first.json()["state"]) == (202, "decided")
    again = await _report(api, keys["apqa"], mrn, remarks="as declared")
    assert (again.status_code, again.json()["duplicate"]) == (202, True)
    other = await _report(api, keys["apqa"], mrn, verdict="refused")
    assert (other.status_code, _kind(other)) == (409, "message-id-already-used")
    await _report(api, keys["mfds"], mrn, MFDS)
    listed = (await api.http.get(f"/v1/declarations/{mrn}/inspections", headers=keys["customs"])).json()
    assert listed["inspections"][0]["state"] == "done"
    assert (await api.http.get("/v1/inspections", headers=keys["mfds"])).json()["inspections"] == []
    over = await _confirm(api, keys["customs"], mrn, "2026-11-24T11:00:00+09:00")
    assert (over.status_code, _kind(over)) == (409, "appointment-over")
    decision = api.store.view(mrn).case.referral(APQA).decisions[-1]  # type: ignore[union-attr]
    assert (decision.via, decision.verdict) == (Via.INSPECTION, Verdict.APPROVED)


async def test_who_sees_and_who_confirms_an_inspection(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    await _called(api, keys, mrn)
    path = f"/v1/declarations/{mrn}/inspections"
    for who, ids in (
        ("apqa", ["I1"]),
        ("mfds", ["I2"]),
        ("customs", ["I1", "I2"]),
        ("operator", ["I1", "I2"]),
    ):
        shown = (await api.http.get(path, headers=keys[who])).json()
        assert [i["id"] for i in shown["inspections"]] == ids
    for who in ("npa", "stranger", "cargo", "nobody"):
        assert (await api.http.get(path, headers=keys[who])).status_code == 404
    for who, status in (("apqa", 403), ("operator", 403), ("stranger", 404), ("customs", 200)):
        assert (await _confirm(api, keys[who], mrn)).status_code == status
    assert (await _confirm(api, keys["customs"], mrn, id="I9")).status_code == 404
    assert (await _report(api, keys["mfds"], mrn, MFDS)).status_code == 404
    assert (await _report(api, keys["declarant"], mrn)).status_code == 403


_UNSUITABLE = ["2026-11-23T10:00:00+09:00", "2026-12-24T10:00:00+09:00", "2026-11-24T20:00:00+09:00"]


async def test_a_time_that_does_not_suit_is_told_with_the_window(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    await _called(api, keys, mrn)
    for at in _UNSUITABLE:
        refused = await _confirm(api, keys["declarant"], mrn, at)
        assert (refused.status_code, _kind(refused), _pointers(refused)) == (422, "outside-window", ["/at"])


async def test_a_window_that_has_passed_is_offered_anew(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    await _called(api, keys, mrn)
    parts: ApiParts = api.app.state.parts
    later = NOW + timedelta(days=30)
    api.app.state.parts = replace(parts, clock=lambda: later)
    refused = await _confirm(api, keys["declarant"], mrn)
    assert (refused.status_code, _kind(refused)) == (422, "outside-window")
    shown = (await api.http.get(f"/v1/declarations/{mrn}/inspections", headers=keys["declarant"])).json()
    assert datetime.fromisoformat(shown["inspections"][0]["opens_at"]) > later


async def test_a_diary_is_for_the_office(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    await _called(api, keys, mrn)
    for who, query, status in (
        ("declarant", "", 403),
        ("cargo", "", 403),
        ("nobody", "", 403),
        ("apqa", "?agency=mfds", 403),
        ("apqa", "?cursor=x", 400),
        ("apqa", "?until=x", 422),
    ):
        answer = await api.http.get(f"/v1/inspections{query}", headers=keys[who])
        assert answer.status_code == status
    for query, found in (("", 1), ("?from=2026-11-24T00:00:00Z", 1), ("?from=2027-01-01T00:00:00Z", 0)):
        diary = (await api.http.get(f"/v1/inspections{query}", headers=keys["apqa"])).json()
        assert (diary["agency"], len(diary["inspections"])) == ("apqa", found)
    other = (await api.http.get("/v1/inspections?agency=mfds", headers=keys["customs"])).json()
    assert [i["id"] for i in other["inspections"]] == ["I2"]
    assert (await api.http.get("/v1/inspections", headers=keys["customs"])).json()["inspections"] == []


# --- duties -----------------------------------------------------------------------------------------------


async def _assess(api: Api, key: dict[str, str], mrn: str, amount: str = "1840500") -> httpx.Response:
    body = {"amount": {"amount": amount, "currency": "KRW"}}
    return await api.http.put(f"/v1/declarations/{mrn}/duties", json=body, headers=key)


async def _cover(api: Api, key: dict[str, str], mrn: str, **changes: Any) -> httpx.Response:
    body = {
        "kind": "payment",
        "amount": {"amount": "1840500.00", "currency": "KRW"},
        "reference": "0126-011",
        **changes,
    }
    return await api.http.post(f"/v1/declarations/{mrn}/duties/covers", json=body, headers=key)


async def test_duties_are_assessed_and_covered(api: Api, keys: Any) -> None:
    mrn = await lodged(api, duty_gate=True)
    shown = (await api.http.get(f"/v1/declarations/{mrn}/duties", headers=keys["declarant"])).json()
    assert (shown["gate"], shown["amount"], shown["covered"]) == (True, None, False)
    early = await _cover(api, keys["customs"], mrn)
    assert (early.status_code, _kind(early)) == (409, "duties-not-assessed")
    assert (await _assess(api, keys["customs"], mrn)).status_code == 200
    wrong = await _cover(api, keys["customs"], mrn, amount={"amount": "1840499", "currency": "KRW"})
    assert (wrong.status_code, _kind(wrong), _pointers(wrong)) == (422, "amount-differs", ["/amount"])
    assert wrong.json()["detail"] == "1840500 KRW are due, and 1840499 KRW were confirmed"
    covered = await _cover(api, keys["customs"], mrn)
    assert (covered.status_code, covered.json()["covered"]) == (200, True)
    assert (await _cover(api, keys["customs"], mrn)).json() == covered.json()
    other = await _cover(api, keys["admin"], mrn, reference="0126-012")
    assert (other.status_code, _kind(other)) == (409, "already-covered")
    assert api.engine.nudged == [mrn, mrn]
    seen = (await api.http.get(f"/v1/declarations/{mrn}/duties", headers=keys["declarant"])).json()
    assert (seen["cover"]["reference"], seen["cover"]["by"]) == ("0126-011", None)


async def test_without_the_gate_duties_are_shown_once_they_are_assessed(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    path = f"/v1/declarations/{mrn}/duties"
    assert (await api.http.get(path, headers=keys["customs"])).status_code == 404
    assert (await _assess(api, keys["customs"], mrn)).json()["gate"] is False
    assert (await api.http.get(path, headers=keys["declarant"])).status_code == 200
    assert (await api.http.get(path, headers=keys["apqa"])).status_code == 404


async def test_customs_alone_assesses_and_confirms(api: Api, keys: Any) -> None:
    mrn = await lodged(api, duty_gate=True)
    for who, status in (("operator", 403), ("declarant", 403), ("apqa", 403), ("npa", 404), ("admin", 200)):
        assert (await _assess(api, keys[who], mrn)).status_code == status
        assert (await _cover(api, keys[who], mrn)).status_code == status


async def test_amounts_are_money(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    for amount, pointer in (
        ({"amount": "-1", "currency": "KRW"}, "/amount/amount"),
        ({"amount": "one", "currency": "KRW"}, "/amount/amount"),
        ({"amount": "1", "currency": "won"}, "/amount/currency"),
        ("1 KRW", "/amount"),
    ):
        path = f"/v1/declarations/{mrn}/duties"
        refused = await api.http.put(path, json={"amount": amount}, headers=keys["customs"])
        assert (refused.status_code, _pointers(refused)) == (422, [pointer])


# --- certificates -----------------------------------------------------------------------------------------

CERTIFICATE = "/v1/certificates/851/PC-US/2026-118842"


def _certificate(**changes: Any) -> dict[str, Any]:
    return {"hs": ["0202"], "origins": ["US"], "quantity": {"value": "24000", "unit": "KGM"}, **changes}


async def test_a_certificate_is_issued_corrected_and_its_ledger_adds_up(api: Api, keys: Any) -> None:
    issued = await api.http.put(CERTIFICATE, json=_certificate(), headers=keys["apqa"])
    assert issued.status_code == 200, issued.text
    body = issued.json()
    assert (body["agency"], body["id"], body["available"]) == ("apqa", "PC-US/2026-118842", "24000")
    assert (await api.http.put(CERTIFICATE, json=_certificate(), headers=keys["apqa"])).json() == body
    more = _certificate(quantity={"value": "25000", "unit": "KGM"}, revoked=True)
    assert (await api.http.put(CERTIFICATE, json=more, headers=keys["apqa"])).json()["issued"] == "25000"
    ledger = (await api.http.get(f"{CERTIFICATE}/ledger", headers=keys["customs"])).json()
    assert [(line["kind"], line["quantity"]) for line in ledger["lines"]] == [
        ("issue", "24000"),
        ("correct", "1000"),
    ]
    other = _certificate(quantity={"value": "25000", "unit": "NAR"})
    refused = await api.http.put(CERTIFICATE, json=other, headers=keys["apqa"])
    assert (refused.status_code, _kind(refused)) == (409, "ledger-refused")


async def test_who_issues_and_sees_certificates(api: Api, keys: Any) -> None:
    for who, body, status in (
        ("declarant", _certificate(), 403),
        ("operator", _certificate(), 403),
        ("cargo", _certificate(), 403),
        ("nobody", _certificate(), 403),
        ("mfds", _certificate(agency="apqa"), 403),
        ("customs", _certificate(), 422),
        ("customs", _certificate(agency="nobody"), 422),
        ("customs", _certificate(agency="apqa"), 200),
        ("mfds", _certificate(), 403),
        ("apqa", _certificate(), 200),
    ):
        answer = await api.http.put(CERTIFICATE, json=body, headers=keys[who])
        assert answer.status_code == status, (who, answer.text)
    for who, status in (
        ("apqa", 200),
        ("customs", 200),
        ("operator", 200),
        ("mfds", 404),
        ("declarant", 404),
        ("cargo", 404),
    ):
        for path in (CERTIFICATE, f"{CERTIFICATE}/ledger"):
            assert (await api.http.get(path, headers=keys[who])).status_code == status
    assert (await api.http.get("/v1/certificates/851/X", headers=keys["customs"])).status_code == 404


_NO_CERTIFICATES: list[tuple[dict[str, Any], list[str]]] = [
    ({"hs": ["beef"]}, ["/hs/0"]),
    ({"origins": ["USA"]}, ["/origins/0"]),
    ({"quantity": {"value": "-1", "unit": "KGM"}}, ["/quantity/value"]),
    ({"valid_from": "2026-02-01", "valid_until": "2026-01-01"}, ["/valid_until"]),
    ({"valid_from": "yesterday"}, ["/valid_from"]),
    ({"holder": " "}, ["/holder"]),
]


async def test_what_a_certificate_may_not_say(api: Api, keys: Any) -> None:
    for changes, pointers in _NO_CERTIFICATES:
        refused = await api.http.put(CERTIFICATE, json=_certificate(**changes), headers=keys["apqa"])
        assert (refused.status_code, _pointers(refused)) == (422, pointers)


# --- cargo ------------------------------------------------------------------------------------------------

NUMBER = "26EXMP00417I"


async def _reported(api: Api, key: dict[str, str], **changes: Any) -> httpx.Response:
    body = {
        "message_id": "M-1",
        "step": "arrival",
        "at": "2026-11-20T02:00:00Z",
        "place": "Pier 3",
        **changes,
    }
    return await api.http.post(f"/v1/cargo/{NUMBER}/events", json=body, headers=key)


async def test_cargo_is_reported_once_and_seen_with_the_declaration(api: Api, keys: Any) -> None:
    declaration = beef()
    declaration["consignment"]["cargo_management_number"] = NUMBER
    first = await _reported(api, keys["cargo"])
    assert (first.status_code, first.json()) == (202, {"received": True, "duplicate": False})
    mrn = (await api.lodge(declaration))["mrn"]
    assert (await _reported(api, keys["cargo"])).json() == {"received": True, "duplicate": True}
    other = await _reported(api, keys["cargo"], step="unloading")
    assert (other.status_code, _kind(other)) == (409, "message-id-already-used")
    await _reported(api, keys["cargo"], step="unloading", message_id="M-2")
    types = [event.type for event in api.store.events(mrn, 0, 100)]
    assert [t for t in types if t.startswith("cargo.")] == ["cargo.arrived", "cargo.unloaded"]
    for who, whole in (("customs", True), ("operator", True), ("declarant", False), ("cargo", True)):
        way = (await api.http.get(f"/v1/cargo/{NUMBER}/events", headers=keys[who])).json()
        assert [(e["step"], e["reporter"] is not None) for e in way["events"]] == [
            ("arrival", whole),
            ("unloading", whole),
        ]
    for who, whole in (("customs", True), ("operator", True), ("declarant", False)):
        shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=keys[who])).json()["cargo"]
        assert [e["reporter"] is not None for e in shown] == [whole, whole]
        told = (await api.http.get(f"/v1/declarations/{mrn}/events", headers=keys[who])).json()["events"]
        steps = [e["data"] for e in told if e["type"] in ("cargo.arrived", "cargo.unloaded")]
        assert [{"reporter", "message_id"} <= data.keys() for data in steps] == [whole, whole]
    other_carrier = api.key(Role.CARGO)
    for headers in (keys["stranger"], keys["apqa"], keys["nobody"], other_carrier):
        assert (await api.http.get(f"/v1/cargo/{NUMBER}/events", headers=headers)).status_code == 404


async def test_a_number_of_cargo_may_hold_slashes(api: Api, keys: Any) -> None:
    declaration = beef()
    declaration["consignment"]["cargo_management_number"] = "26EXMP/0417/I"
    mrn = (await api.lodge(declaration))["mrn"]
    path = "/v1/cargo/26EXMP%2F0417%2FI/events"
    body = {"message_id": "M-1", "step": "arrival", "at": NOW.isoformat()}
    assert (await api.http.post(path, json=body, headers=keys["cargo"])).status_code == 202
    way = (await api.http.get(path, headers=keys["declarant"])).json()
    assert (way["cargo_management_number"], len(way["events"])) == ("26EXMP/0417/I", 1)
    assert "cargo.arrived" in [event.type for event in api.store.events(mrn, 0, 100)]


async def test_who_reports_cargo_and_what(api: Api, keys: Any) -> None:
    for who in ("customs", "declarant", "apqa", "operator"):
        assert (await _reported(api, keys[who])).status_code == 403
    for changes, pointer in (
        ({"step": "teleport"}, "/step"),
        ({"at": "2030-01-01T00:00:00Z"}, "/at"),
        ({"message_id": "two words"}, "/message_id"),
    ):
        refused = await _reported(api, keys["cargo"], **changes)
        assert (refused.status_code, _pointers(refused)) == (422, [pointer])


async def test_a_carrier_sees_no_declaration(api: Api, keys: Any) -> None:
    mrn = await lodged(api)
    assert (await api.http.get(f"/v1/declarations/{mrn}", headers=keys["cargo"])).status_code == 404
    listed = (await api.http.get("/v1/declarations", headers=keys["cargo"])).json()
    assert listed["declarations"] == []
    lodging = await api.http.post("/v1/declarations", json=beef(), headers=keys["cargo"])
    assert lodging.status_code == 403


# --- whatever is sent ---------------------------------------------------------------------------------------

_SCRAPS: list[Any] = [
    None,
    True,
    0,
    -1,
    1e23,
    "",
    " ",
    "1",
    "-1",
    "9" * 30,
    "approved",
    "payment",
    "arrival",
    "apqa",
    APQA,
    "KRW",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
    "2026-11-24T10:00:00+09:00",
    "2026-11-24",
    "a\x00b",
    "\U0001f34e",
    [],
    [1],
    [1, 1, 10**18],
    {},
    {"amount": "1", "currency": "KRW"},
    {"amount": "NaN", "currency": "KRW"},
    {"value": "1e-20", "unit": "KGM"},
]
_DOORS = {
    f"/v1/declarations/{{mrn}}/referrals/{APQA}/decisions": ("POST", "apqa", DecisionByHand),
    f"/v1/declarations/{{mrn}}/referrals/{APQA}/deadline": ("POST", "operator", DeadlineSet),
    f"/v1/declarations/{{mrn}}/referrals/{APQA}/withdrawn": ("POST", "operator", WithdrawnByHand),
    "/v1/declarations/{mrn}/inspections/I1/confirmation": ("PUT", "customs", AppointmentConfirmed),
    "/v1/declarations/{mrn}/inspections/I1/reports": ("POST", "apqa", InspectionReport),
    "/v1/declarations/{mrn}/duties": ("PUT", "customs", DutiesDue),
    "/v1/declarations/{mrn}/duties/covers": ("POST", "customs", CoverConfirmed),
    "/v1/certificates/851/X": ("PUT", "apqa", CertificateIssued),
    "/v1/cargo/26EXMP/events": ("POST", "cargo", CargoReported),
    "/v1/operations/actions/preview": ("POST", "operator", PreviewAsked),
    "/v1/operations/actions": ("POST", "operator", ActionAsked),
    "/v1/operations/proposals": ("POST", "operator", ProposalMade),
    "/v1/operations/proposals/P1/confirmation": ("POST", "admin", ProposalEnded),
    "/v1/operations/bulks/preview": ("POST", "admin", BulkPicked),
    "/v1/operations/bulks": ("POST", "admin", BulkAsked),
    "/v1/operations/bulks/B1/stop": ("POST", "operator", BulkStopped),
    "/v1/incidents/I1/acknowledgement": ("POST", "operator", NoteOnIncident),
}


async def test_whatever_is_sent_the_hub_itself_does_not_fail(api: Api, keys: Any) -> None:
    """The example of each door, with a few members that are anything, fitting or not."""
    assert {body for _, _, body in _DOORS.values()} == set(BODIES)
    mrn = await lodged(api)
    await _called(api, keys, mrn)
    described = api.app.openapi()["paths"]
    chance = random.Random(4)
    for path, (method, who, body) in _DOORS.items():
        template = next(t for t in described if re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", t), path))
        content = described[template][method.lower()]["requestBody"]["content"]
        example = content["application/json"]["example"]
        body.model_validate(example)
        for _ in range(12):
            sent = dict(example)
            for name in chance.sample(
                sorted(body.model_fields), chance.randint(0, 2) % len(body.model_fields)
            ):
                sent[name] = chance.choice(_SCRAPS)
            answer = await api.http.request(method, path.format(mrn=mrn), json=sent, headers=keys[who])
            assert answer.status_code in (200, 202, 403, 404, 409, 422), (path, sent, answer.text)
