"""The case file tells everything, to everybody what he may see; and an outcome is worked out from events."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from lxml import html

from hub.domain.clearance import Notice, Outcome, Rule
from hub.domain.events import Event, EventType
from hub.domain.exchange import Exchange
from hub.domain.names import notice_key
from hub.domain.settling import settle
from hub.domain.steps.following import amended as has_amendment
from hub.domain.verifying import Check, SentNotice, verify
from hub.domain.wording import EVENTS, OUTCOMES, RULES
from hub.ports import Acknowledgement, Role
from tests.api.support import NOW, Api
from tests.api.test_questions import APQA, MFDS, OWN, answered, asked, declarant


async def lived(api: Api) -> str:
    """A declaration that was asked about, answered, amended, and decided by two agencies."""
    mrn = await asked(api, id="A/1")
    await answered(api, mrn)
    content = api.store.view(mrn).acceptance.declaration.model_dump(mode="json")  # type: ignore[union-attr]
    content["items"][0]["description"] = "<script>alert(1)</script> & beef"
    amended = await api.http.post(f"/v1/declarations/{mrn}/amendments", json=content, headers=declarant(api))
    assert amended.status_code == 202, amended.text
    api.store.change(mrn, lambda now: has_amendment(now.case, MFDS, 2, None, NOW))
    await api.call_back("apqa", f"{mrn}/{APQA}", id="M-2", remarks="certificate follows")
    await settled(api, mrn, 1)
    return mrn


async def settled(api: Api, mrn: str, number: int) -> Outcome:
    """What the workflow does: settle, and tell the cargo system."""
    view = api.store.view(mrn)
    assert view is not None
    clearance = settle(view.case)
    notice = Notice(
        key=notice_key(mrn, number),
        number=number,
        mrn=mrn,
        ucr="U",
        cargo_management_number=None,
        outcome=clearance.outcome,
        reasons=clearance.reasons,
        issued_at=NOW,
        released_items=clearance.released_items,
    )
    tells = clearance.outcome is not Outcome.IN_PROGRESS
    api.store.record_clearance(mrn, clearance, notice if tells else None, [], NOW)
    if tells:
        body = notice.model_dump_json()
        sent = Exchange(
            id=f"N-{number}",
            agency="cargo",
            kind="notice",
            mrn=mrn,
            service=None,
            started_at=NOW,
            milliseconds=1,
            request={"method": "POST", "url": "http://cargo/notices", "body": body},
            reply={"status": 200},
            reading="acknowledged",
        )
        api.store.record_notice_sent(notice, Acknowledgement(at=NOW), [sent])
    return clearance.outcome


async def casefile(api: Api, mrn: str, headers: dict[str, str], query: str = "") -> Any:
    return await api.http.get(f"/v1/declarations/{mrn}/casefile{query}", headers=headers)


async def test_everything_is_in_it(api: Api) -> None:
    mrn = await lived(api)
    answer = await casefile(api, mrn, api.key(Role.CUSTOMS))
    assert answer.status_code == 200, answer.text
    file = answer.json()
    assert [v["version"] for v in file["versions"]] == [1, 2]
    assert file["versions"][0]["declaration"]["items"][0]["description"] == "Frozen boneless beef"
    [apqa, mfds] = file["outcome"]["reasons"]
    assert (apqa["rule"], apqa["service"], apqa["decision"]) == ("consented", APQA, "M-2")
    assert (apqa["law"]["en"], apqa["rule_version"], apqa["via"]) == ("Act of apqa", "apqa-1", "callback")
    assert (mfds["rule"], mfds["agency_name"]["en"]) == ("awaited", "Agency mfds")
    [question] = file["declaration"]["questions"]
    assert question["answer"]["documents"][0]["name"] == "permit.pdf"
    kinds = [event["type"] for event in file["events"]]
    assert {"information.given", "declaration.amended", "decision.received"} <= set(kinds)
    assert {one["kind"] for one in file["evidence"]} >= {"message"}
    [evidence] = [one for one in file["evidence"] if one["id"] == "M-2"]
    assert apqa["evidence_sha256"] == evidence["sha256"]


async def test_everybody_sees_what_is_his(api: Api) -> None:
    mrn = await lived(api)
    own = (await casefile(api, mrn, api.key(Role.CUSTOMS, declarant=OWN))).json()
    assert (len(own["versions"]), own["evidence"]) == (2, [])
    assert (await casefile(api, mrn, api.key(Role.CUSTOMS, declarant="KR-2"))).status_code == 404
    agency = await casefile(api, mrn, api.key(Role.AGENCY, agency="mfds"))
    assert (agency.json()["versions"], agency.json()["evidence"]) == ([], [])
    assert "certificate follows" not in agency.text
    assert APQA not in agency.text


async def test_as_a_page_it_is_whole_and_runs_nothing(api: Api) -> None:
    mrn = await lived(api)
    await api.http.post(
        f"/v1/declarations/{mrn}/withdrawal",
        json={"reason": "C01", "remarks": "<b>diverted</b>"},
        headers=declarant(api),
    )
    headers = api.key(Role.ADMIN)
    answer = await casefile(api, mrn, {**headers, "Accept": "text/html,application/xhtml+xml"})
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    page = html.document_fromstring(answer.text)
    assert page.xpath("//script | //link | //img | //@src | //@onclick") == []
    text = re.sub(r"\s+", " ", str(page.xpath("string()")))
    for said in (
        mrn,
        "Withdrawn by the declarant",
        "Goods not shipped",
        "<b>diverted</b>",
        "<script>alert(1)</script> & beef",
        "Which slaughterhouse?",
        "permit.pdf",
        "certificate follows",
        "Act of apqa",
        "declaration amended",
    ):
        assert said in text, said
    by_query = await casefile(api, mrn, headers, "?format=html")
    assert by_query.headers["content-type"].startswith("text/html")
    by_query = await casefile(api, mrn, {**headers, "Accept": "text/html"}, "?format=json")
    assert by_query.json()["mrn"] == mrn
    assert (await casefile(api, mrn, headers, "?format=pdf")).status_code == 422


def test_there_are_words_for_everything() -> None:
    assert (set(RULES), set(OUTCOMES), set(EVENTS)) == (set(Rule), set(Outcome), set(EventType))


async def test_an_outcome_is_worked_out_once_more_from_the_events_alone(api: Api) -> None:
    mrn = await lived(api)
    await api.call_back("mfds", f"{mrn}/{MFDS}", verdict="refused", id="M-3")
    assert await settled(api, mrn, 1) is Outcome.REFUSAL
    events, evidence, sent = _kept(api, mrn)
    checks = verify(events, evidence, sent, Outcome.REFUSAL)
    assert [check for check in checks if not check.holds] == []
    assert sum("decision" in check.what for check in checks) == 3
    assert sum("cargo system" in check.what for check in checks) == 1


@pytest.mark.parametrize(
    "forged",
    ["outcome", "reason", "decision", "evidence", "notice", "told", "gap", "shown"],
)
async def test_what_was_forged_is_found(api: Api, forged: str) -> None:
    mrn = await lived(api)
    await api.call_back("mfds", f"{mrn}/{MFDS}", verdict="refused", id="M-3")
    await settled(api, mrn, 1)
    events, evidence, sent = _kept(api, mrn)
    shown = Outcome.REFUSAL
    match forged:
        case "outcome":
            _forge(events, EventType.CLEARANCE_SETTLED, outcome="release")
        case "reason":
            settling = [e for e in events if e.type is EventType.CLEARANCE_SETTLED][-1]
            reasons = [{**reason, "decision": "M-9"} for reason in settling.data["reasons"]]
            _forge(events, EventType.CLEARANCE_SETTLED, reasons=reasons)
        case "decision":
            _forge(events, EventType.DECISION_RECEIVED, verdict="approved")
        case "evidence":
            evidence = {sha256: id for sha256, id in evidence.items() if id != "M-3"}
        case "notice":
            sent = [one.model_copy(update={"outcome": Outcome.RELEASE}) for one in sent]
        case "told":
            [told] = [e for e in events if e.type is EventType.CARGO_REFUSED]
            events[told.seq - 1] = told.model_copy(update={"type": EventType.CARGO_RELEASED})
        case "gap":
            del events[2]
        case "shown":
            shown = Outcome.RELEASE
    assert _failed(verify(events, evidence, sent, shown))


def _failed(checks: tuple[Check, ...]) -> list[Check]:
    return [check for check in checks if not check.holds]


def _forge(events: list[Event], kind: EventType, **data: Any) -> None:
    """The last event of this kind says something else."""
    last = [event for event in events if event.type is kind][-1]
    events[last.seq - 1] = last.model_copy(update={"data": {**last.data, **data}})


def _kept(api: Api, mrn: str) -> tuple[list[Event], dict[str, str], list[SentNotice]]:
    exchanges = api.store.exchanges(mrn)
    evidence = {one.digest(): one.id for one in exchanges}
    evidence |= {hashlib.sha256(m.raw.encode()).hexdigest(): m.message_id for m in api.store.messages(mrn)}
    sent = [
        SentNotice.model_validate(
            Notice.model_validate_json(e.request["body"]).model_dump(include=set(SentNotice.model_fields))
        )
        for e in exchanges
        if e.kind == "notice"
    ]
    return api.store.events(mrn, 0, 1000), evidence, sent
