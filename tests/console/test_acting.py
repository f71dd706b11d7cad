"""Actions on the console: looked at first, done once, and by nobody who may only look."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.routing import APIRoute

from hub.console.app import ROUTERS
from hub.domain.events import EventType
from hub.ports import AuditFilter, BulkState, ControlState, ItemState, ProposalState, UserRole
from hub.relays.bulk import BulkRelay
from hub.store import Store
from tests.api.support import EngineFake
from tests.console.support import (
    Console,
    TestClock,
    Visitor,
    console_parts,
    desk_on,
    site_of,
    words_in,
)
from tests.store.sample import FOOD, PLANT, acceptance, decision, failed, message

NAMES = {
    "apqa": {"en": "Animal and Plant Quarantine Agency", "ko": "농림축산검역본부"},
    "mfds": {"en": "Ministry of Food and Drug Safety", "ko": "식품의약품안전처"},
}
OWN = ("/console/sign-in", "/console/sign-out", "/console/preferences", "/console/account", "/track")
"""What everybody does for himself."""


@dataclass
class Desk:
    """A console with what operations do."""

    console: Console
    engine: EngineFake
    relay: BulkRelay

    @property
    def store(self) -> Store:
        return self.console.store

    def lodged(self, *services: str) -> str:
        """The mrn of a declaration that waits for its agencies."""
        accepted = acceptance(*(services or (PLANT,)), at=self.console.clock() - timedelta(hours=2))
        self.store.lodge(accepted)
        self.store.mark_started(accepted.mrn)
        return accepted.mrn

    def lines(self, **which: str) -> list[tuple[str, str, str]]:
        """User, action and result of each line of the audit, the oldest first."""
        page = self.store.audit(AuditFilter(**which), None, 1000)
        return [(line.user, line.action, line.result) for line in reversed(page.lines)]


@pytest.fixture
def desk(store: Store, clock: TestClock) -> Desk:
    engine = EngineFake()
    operations = desk_on(store, clock, engine)
    parts = console_parts(store, clock, desk=operations, agency_names=lambda: NAMES)
    console = Console(site_of(parts), store, clock)
    return Desk(console, engine, BulkRelay(store, operations.bulks, engine, clock))


def hidden(page: httpx.Response, name: str) -> str:
    """The value of a hidden field of a form."""
    main = page.text[page.text.index("<main") :]
    found = re.search(rf'<input type="hidden" name="{name}" value="([^"]*)"', main)
    assert found is not None, f"no {name} in {words_in(page.text)}"
    return found.group(1)


async def filled(visitor: Visitor, path: str, **fields: Any) -> httpx.Response:
    """Send the form of a preview as a browser does: what is hidden in it, and what is filled in."""
    page = await visitor.get(path)
    assert page.status_code == 200, words_in(page.text)
    form = re.search(r'<form class="fields"[^>]*action="([^"]+)".*?</form>', page.text, re.S)
    assert form is not None, words_in(page.text)
    sent = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form.group(0)))
    return await visitor.post(form.group(1), {**sent, **fields})


# --- laws ---------------------------------------------------------------------------------------------


def _doors(method: str) -> list[str]:
    return [
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and method in (route.methods or ()) and not route.path.startswith(OWN)
    ]


@pytest.mark.parametrize("path", _doors("POST"))
async def test_a_viewer_and_an_agencys_user_can_do_nothing(desk: Desk, path: str) -> None:
    """Every form there is, also those of areas that come later."""
    mrn = desk.lodged()
    viewer = desk.console.signed_in(UserRole.VIEWER)
    # Whatever the role says: the highest stands for the others.
    bound = [desk.console.signed_in(UserRole.ADMIN, agency="apqa")]
    filled_in = re.sub(r"\{id\}", "1", path).replace("{kind}", "retry").replace("{name}", "kim")
    form = {"mrn": mrn, "service": PLANT, "agency": "apqa", "reason": "because", "request": "request-1"}
    before = desk.store.events(mrn, 0, 100), desk.store.users()
    for visitor in (viewer, *bound):
        answer = await visitor.post(filled_in, {**form, "action": "retry", "count": "1", "rate": "5"})
        assert answer.status_code == 403, f"{path}: {answer.status_code}"
    nobody = await desk.console.visitor().post(filled_in, form)
    assert nobody.status_code == 303
    assert nobody.headers["location"].startswith("/console/sign-in")
    assert (desk.store.events(mrn, 0, 100), desk.store.users()) == before
    assert desk.store.controls() == {}
    assert desk.lines() == []


@pytest.mark.parametrize(
    "path",
    [
        "/console/act/retry?mrn={mrn}&service=" + PLANT,
        "/console/act/decide?mrn={mrn}&service=" + PLANT,
        "/console/act/pause?agency=apqa",
        "/console/acted?request=request-1",
        "/console/approvals",
        "/console/approvals/none",
        "/console/approvals/none/document",
        "/console/bulks",
        "/console/bulks/none",
        "/console/bulks/new?action=retry",
        "/console/audit",
    ],
)
async def test_an_agencys_user_sees_nothing_of_what_operations_do(desk: Desk, path: str) -> None:
    mrn = desk.lodged()
    for role in (UserRole.VIEWER, UserRole.ADMIN):
        bound = desk.console.signed_in(role, agency="apqa")
        assert (await bound.get(path.format(mrn=mrn))).status_code == 403
    viewer = desk.console.signed_in(UserRole.VIEWER)
    page = await viewer.get(path.format(mrn=mrn))
    assert page.status_code in (403, 404) or '<form class="fields"' not in page.text


# --- one action ---------------------------------------------------------------------------------------


async def test_an_action_is_looked_at_done_and_found_in_the_audit(desk: Desk) -> None:
    mrn = desk.lodged()
    desk.store.record_hand_overs(mrn, [failed(mrn, PLANT, "connection refused")], desk.console.clock())
    kim = desk.console.signed_in(UserRole.OPERATOR, name="kim")
    path = f"/console/act/retry?mrn={mrn}&service={PLANT}"
    preview = words_in((await kim.get(path)).text)
    assert "connection refused" in preview
    assert "What waits for its next attempt is tried at once." in preview

    done = await kim.follow(await filled(kim, path, reason="their firewall is mended"))

    assert "Done, and in the audit." in words_in(done.text)
    assert desk.store.events(mrn, 0, 100)[-1].type is EventType.REFERRAL_RETRY_ASKED
    assert desk.engine.nudged == [mrn]
    assert desk.lines() == [("kim", "retry", "done")]
    audit = words_in((await kim.get(f"/console/audit?mrn={mrn}&user=kim")).text)
    assert "Try now" in audit
    assert "their firewall is mended" in audit
    assert "There is none." in words_in((await kim.get("/console/audit?user=lee")).text)


async def test_a_form_that_is_sent_twice_does_it_once(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR)
    page = await kim.get(f"/console/act/retry?mrn={mrn}&service={PLANT}")
    form = {name: hidden(page, name) for name in ("request", "seen", "mrn", "service", "back")}
    for _ in range(2):
        sent = await kim.post("/console/act/retry", {**form, "reason": "again"})
        assert sent.status_code == 303, words_in(sent.text)
    assert len(desk.lines()) == 1
    assert len(desk.engine.nudged) == 1


async def test_what_is_missing_is_told_next_to_the_field_and_what_was_written_stays(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR)
    path = f"/console/act/extend?mrn={mrn}&service={PLANT}"
    blank = await filled(kim, path, reason=" ", due_at="2030-01-01T10:00")
    assert blank.status_code == 422
    assert 'id="reason-fault"' in blank.text
    assert 'value="2030-01-01T10:00"' in blank.text
    past = await filled(kim, path, reason="laboratory closed", due_at="2020-01-01T10:00")
    assert past.status_code == 422
    assert 'id="due_at-fault"' in past.text
    assert "laboratory closed" in past.text
    for text in ("tomorrow", "9999-12-31T23:59:59-14:00"):
        nonsense = await filled(kim, path, reason="x", due_at=text)
        assert nonsense.status_code == 422
        assert desk.lines() == []
    good = await filled(kim, path, reason="laboratory closed", due_at="2026-12-24T18:00")
    assert good.status_code == 303, words_in(good.text)
    moved = desk.store.events(mrn, 0, 100)[-1]
    assert moved.data["due_at"] == "2026-12-24T09:00:00Z", "as the clock of the administration says"


async def test_what_has_changed_meanwhile_is_shown_and_not_done(desk: Desk) -> None:
    mrn = desk.lodged(PLANT, FOOD)
    kim = desk.console.signed_in(UserRole.OPERATOR)
    page = await kim.get(f"/console/act/retry?mrn={mrn}&service={PLANT}")
    form = {name: hidden(page, name) for name in ("request", "seen", "mrn", "service")}
    desk.store.receive(message(decision(mrn, FOOD), agency="mfds"))
    late = await kim.post("/console/act/retry", {**form, "reason": "my reason"})
    assert late.status_code == 409
    assert "It has changed since you looked" in words_in(late.text)
    assert "my reason" in late.text
    assert desk.lines() == []
    fresh = {name: hidden(late, name) for name in ("request", "seen", "mrn", "service")}
    assert fresh["request"] != form["request"]
    again = await kim.post("/console/act/retry", {**fresh, "reason": "my reason"})
    assert again.status_code == 303


async def test_agencies_are_paused_and_resumed(desk: Desk) -> None:
    kim = desk.console.signed_in(UserRole.OPERATOR, name="kim")
    await kim.follow(await filled(kim, "/console/act/pause?agency=apqa", reason="moving house"))
    assert desk.store.controls()["apqa"].state is ControlState.PAUSED
    page = words_in((await kim.get("/console/act/pause?agency=apqa")).text)
    assert "The agency is paused already." in page
    assert "moving house" in page
    await kim.follow(await filled(kim, "/console/act/resume?agency=apqa", reason="they are back"))
    assert desk.store.controls()["apqa"].state is ControlState.DRAINING
    assert [action for _, action, _ in desk.lines()] == ["pause", "resume"]


@pytest.mark.parametrize(
    "path",
    [
        "/console/act/nonsense?mrn=x",
        "/console/act/retry?mrn=26KR0000000000000X&service=x",
        "/console/act/pause?agency=nobody",
        "/console/act/retry",
        "/console/act/decide?mrn=26KR0000000000000X&service=x",
        "/console/approvals/none",
        "/console/approvals?cursor=nonsense",
        "/console/bulks/none",
        "/console/bulks?cursor=nonsense",
        "/console/bulks/new?action=nonsense",
        "/console/audit?cursor=nonsense",
        "/console/acted?request=none",
    ],
)
async def test_what_is_not_there(desk: Desk, path: str) -> None:
    root = desk.console.signed_in(UserRole.ADMIN)
    assert (await root.get(path)).status_code in (404, 409)


async def test_a_link_leads_back_to_a_page_of_the_console_and_nowhere_else(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR)
    path = f"/console/act/retry?mrn={mrn}&service={PLANT}&back="
    own = await kim.get(path + "/console/stuck%3Fagency%3Dapqa")
    assert hidden(own, "back") == "/console/stuck?agency=apqa"
    for evil in ("https://evil.example/", "//evil.example", "/console/../../evil", "javascript:alert(1)"):
        back = hidden(await kim.get(path + evil), "back")
        assert back.startswith("/console/"), evil


# --- decisions by hand --------------------------------------------------------------------------------


async def test_a_decision_by_hand_takes_two_people_and_its_document(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.ADMIN, name="kim")
    page = await kim.get(f"/console/act/decide?mrn={mrn}&service={PLANT}")
    form = {name: hidden(page, name) for name in ("csrf", "request", "seen", "mrn", "service", "back")}
    given = {**form, "verdict": "approved", "evidence": "Ms Han, by telephone", "items": "1, 2"}
    letter = {"document": ("공문.pdf", b"%PDF-1.7 letter", "application/pdf")}
    sent = await kim.post("/console/act/decide", given, files=letter)
    own = await kim.follow(sent)
    assert "You have proposed it yourself" in words_in(own.text)
    assert "Confirm the decision" not in own.text
    path = sent.headers["location"]
    refused = await kim.post(f"{path}/confirm", {"reason": "looks right", "request": "request-own"})
    assert refused.status_code == 409
    assert "You have proposed it yourself" in words_in(refused.text)

    lee = desk.console.signed_in(UserRole.OPERATOR, name="lee")
    assert "kim" in words_in((await lee.get("/console/approvals")).text)
    assert "1 decision by hand waits for a second person" in words_in((await lee.get("/console")).text)
    assert "waits for a second person" not in words_in((await kim.get("/console")).text)
    document = await lee.get(f"{path}/document")
    assert document.content == b"%PDF-1.7 letter"
    assert document.headers["content-disposition"].startswith("attachment")
    blank = await lee.post(f"{path}/confirm", {"reason": "", "request": "request-blank"})
    assert blank.status_code == 422
    page = await lee.get(path)
    assert "Ms Han, by telephone" in words_in(page.text)
    done = await lee.follow(
        await lee.post(f"{path}/confirm", {"reason": "read it", "request": hidden(page, "request")})
    )
    assert "confirmed" in words_in(done.text)
    view = desk.store.view(mrn)
    assert view is not None
    assert [d.by for d in view.case.referral(PLANT).decisions] == ["kim, confirmed by lee"]
    assert [(user, action) for user, action, _ in desk.lines()] == [
        ("kim", "decide"),
        ("kim", "decide.confirmed"),
        ("lee", "decide.confirmed"),
    ]
    viewer = desk.console.signed_in(UserRole.VIEWER)
    looked = await viewer.get(path)
    assert looked.status_code == 200
    assert "<form class" not in looked.text


@pytest.mark.parametrize(
    ("fault", "field"),
    [
        ({"verdict": ""}, "verdict"),
        ({"evidence": " "}, "evidence"),
        ({"items": "one"}, "items"),
        ({"items": "9"}, "items"),
        ({"decided_at": "2031-01-01T00:00"}, "decided_at"),
        ({"decided_at": "yesterday"}, "decided_at"),
        ({"reference": "x" * 71}, "reference"),
    ],
)
async def test_faults_of_a_decision_by_hand(desk: Desk, fault: dict[str, str], field: str) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR)
    given = {"verdict": "approved", "evidence": "Ms Han, by telephone", **fault}
    page = await filled(kim, f"/console/act/decide?mrn={mrn}&service={PLANT}", **given)
    assert page.status_code == 422, words_in(page.text)
    assert f'id="{field}-fault"' in page.text
    assert desk.lines() == []


async def test_a_proposal_is_taken_back(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR)
    given = {"verdict": "refused", "evidence": "by letter"}
    sent = await filled(kim, f"/console/act/decide?mrn={mrn}&service={PLANT}", **given)
    path = sent.headers["location"]
    page = await kim.get(path)
    form = {"decline_reason": "the wrong letter", "request": hidden(page, "request")}
    ended = await kim.follow(await kim.post(f"{path}/decline", form))
    assert "taken back" in words_in(ended.text)
    found = desk.store.proposal(path.rpartition("/")[2])
    assert found is not None
    assert found.state is ProposalState.TAKEN_BACK
    assert found.id in (await kim.get("/console/approvals?ended=true")).text


# --- in bulk ------------------------------------------------------------------------------------------


async def test_a_bulk_action_is_counted_begun_watched_and_stopped(desk: Desk) -> None:
    mrns = [desk.lodged() for _ in range(4)]
    choi = desk.console.signed_in(UserRole.SUPERVISOR)
    picks = "&".join(f"pick={mrn}/{PLANT}" for mrn in mrns)
    path = f"/console/bulks/new?action=retry&{picks}"
    assert "4 referrals" in words_in((await choi.get(path)).text)
    for rate in ("0", "51", "many"):
        fast = await choi.post("/console/bulks/new", {**_form(mrns), "rate": rate})
        assert fast.status_code == 422
        assert 'id="rate-fault"' in fast.text
    more = await choi.post("/console/bulks/new", {**_form(mrns), "count": "3"})
    assert more.status_code == 409
    assert "There are more by now" in words_in(more.text)

    begun = await choi.post("/console/bulks/new", _form(mrns))
    progress = await choi.follow(begun)
    assert 'id="stop"' in progress.text
    await desk.relay.go_round()
    where = begun.headers["location"]
    kim = desk.console.signed_in(UserRole.OPERATOR)
    now = await kim.get(where)
    assert "1 / 4" in words_in(now.text)
    stopped = await kim.follow(await kim.post(f"{where}/stop", {"request": hidden(now, "request")}))
    assert "stopped" in words_in(stopped.text)
    assert 'id="stop"' not in stopped.text
    bulk = desk.store.bulk(where.rpartition("/")[2])
    assert bulk is not None
    assert bulk.state is BulkState.STOPPED
    assert bulk.counts == {ItemState.DONE: 1, ItemState.WAITING: 3}
    shown = await kim.get(f"{where}?state=done")
    assert shown.text.count(PLANT) == 1
    operator = await kim.get(path)
    assert operator.status_code == 403, "an operator stops; a supervisor begins"


def _form(mrns: list[str]) -> dict[str, Any]:
    return {
        "request": "request-bulk-1",
        "action": "retry",
        "count": str(len(mrns)),
        "rate": "50",
        "reason": "their system is back",
        "pick": [f"{mrn}/{PLANT}" for mrn in mrns],
    }


@pytest.mark.parametrize("filter", ["chapter=1", "kind=nonsense", "older_than=soon"])
async def test_a_filter_that_is_none(desk: Desk, filter: str) -> None:
    choi = desk.console.signed_in(UserRole.SUPERVISOR)
    assert (await choi.get(f"/console/bulks/new?action=retry&{filter}")).status_code == 422


async def test_it_is_there_in_korean(desk: Desk) -> None:
    mrn = desk.lodged()
    kim = desk.console.signed_in(UserRole.OPERATOR, language="ko")
    page = words_in((await kim.get(f"/console/act/retry?mrn={mrn}&service={PLANT}")).text)
    assert "지금 시도" in page
    assert "농림축산검역본부" in page
