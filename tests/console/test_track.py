"""The tracking page: opened by a link or by reference and code, and by nothing else."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import MutableMapping
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import event

from hub.api.app import create_app
from hub.api.middleware import logged_path
from hub.console.app import Pages
from hub.domain.cargo import CargoEvent, CargoStep
from hub.domain.case import CasePolicy
from hub.domain.declaration import Declaration
from hub.domain.exchange import Message
from hub.domain.intake import Acceptance, accept
from hub.domain.model import Money
from hub.domain.names import new_mrn, referral_id
from hub.domain.referral import Decision, Receipt, ReferralState, Verdict, Via
from hub.domain.steps.duties import assess
from hub.operations.tracking import (
    OF_A_REFERENCE,
    OF_AN_ADDRESS,
    NotFollowed,
    TooManyFailures,
    Tracking,
)
from hub.ports import HandOver, UserRole
from hub.store import Store
from tests.api.support import EngineFake, beef, parts, rulebook
from tests.console.browser import window
from tests.console.support import NOW, Console, Visitor, served, words_in

APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"
NUMBER = "26EXMP00417I"


def lodge(store: Store, **policy: Any) -> Acceptance:
    """A declaration that two agencies are asked about, one of which asks back."""
    declaration = Declaration.model_validate(
        beef(consignment={**beef()["consignment"], "cargo_management_number": NUMBER})
    )
    accepted = accept(
        declaration,
        rulebook(),
        mrn=new_mrn("KR", NOW),
        client="customs",
        at=NOW,
        policy=CasePolicy(version="p", refusal_open_for="30d", **policy),
    )
    store.lodge(accepted)
    deliver(store, accepted.mrn, APQA, MFDS)
    return accepted


def deliver(store: Store, mrn: str, *services: str) -> None:
    store.record_hand_overs(
        mrn,
        [
            HandOver(
                referral=referral_id(mrn, service),
                state=ReferralState.DELIVERED,
                receipt=Receipt(reference=f"R-{mrn}-{service}", received_at=NOW),
                sent=True,
            )
            for service in services
        ],
        NOW,
    )


def say(store: Store, mrn: str, service: str, verdict: Verdict, remarks: str | None = None) -> None:
    at = NOW + timedelta(hours=1)
    said = Decision(
        id=f"D-{mrn}-{service}-{verdict}",
        referral=referral_id(mrn, service),
        verdict=verdict,
        word=verdict,
        remarks=remarks,
        decided_at=at,
        received_at=at,
        via=Via.CALLBACK,
    )
    store.receive(
        Message(
            agency=service[:4],
            message_id=said.id,
            referral=said.referral,
            decisions=(said,),
            raw=said.id,
            via=Via.CALLBACK,
            received_at=at,
        )
    )


@pytest.fixture
def tracking(console: Console) -> Tracking:
    return Tracking(console.store, console.store, console.clock)


@pytest.fixture
def accepted(console: Console) -> Acceptance:
    return lodge(console.store)


async def test_the_link_shows_the_progress_without_an_account(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    _, code = tracking.make(accepted.mrn, "customs")
    say(console.store, accepted.mrn, APQA, Verdict.APPROVED)
    answer = await console.visitor().get(f"/track/{code}")
    assert answer.status_code == 200
    told = words_in(answer.text)
    assert accepted.mrn in told
    assert "The agencies are looking at it." in told
    assert "Agencies: 1 of 2 have answered" in told
    assert "Has consented." in told
    assert "Too few earlier answers" in told
    assert 'href="/console' not in answer.text.replace('href="/console/static', "")


async def test_it_is_kept_from_robots_and_tells_no_other_page_its_address(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    _, code = tracking.make(accepted.mrn, "customs")
    visitor = console.visitor()
    for path in ("/track", f"/track/{code}", "/track/wrong"):
        answer = await visitor.get(path)
        assert "noindex" in answer.headers["x-robots-tag"]
        assert 'content="noindex' in answer.text
        assert answer.headers["referrer-policy"] == "strict-origin"
        assert "no-store" in answer.headers["cache-control"]


async def test_a_link_shows_nothing_that_was_written_or_is_to_be_paid(
    console: Console, tracking: Tracking
) -> None:
    """It may have been handed on to anybody: that something is asked, and until when, is all."""
    mrn = lodge(console.store, duty_gate=True, information_within="10d").mrn
    say(console.store, mrn, MFDS, Verdict.INFORMATION_REQUIRED, "the number of plant 4711")
    duties = partial(assess, amount=Money(amount=1840500, currency="KRW"), by="c", at=NOW)
    console.store.change(mrn, duties)
    _, code = tracking.make(mrn, "customs")
    answer = await console.visitor().get(f"/track/{code}")
    told = words_in(answer.text)
    assert "Agency mfds asks for information about goods item 1." in told
    assert "Duties and taxes are to be paid or guaranteed." in told
    for hidden in ("4711", "1840500", "1,840,500", beef()["lrn"], beef()["declarant"]["id"]):
        assert hidden not in answer.text


@pytest.mark.parametrize("which", ["mrn", "lrn", "ucr"])
async def test_reference_and_code_lead_to_the_link(
    console: Console, tracking: Tracking, accepted: Acceptance, which: str
) -> None:
    """However the code is typed, and by whatever reference people have."""
    _, code = tracking.make(accepted.mrn, "customs")
    declaration = accepted.declaration
    reference = {"mrn": accepted.mrn, "lrn": declaration.lrn, "ucr": declaration.consignment.ucr}[which]
    visitor = console.visitor()
    typed = code.replace("-", " ").lower()
    answer = await visitor.post("/track", {"reference": reference.lower(), "code": typed})
    assert answer.headers["location"] == f"/track/{code}"
    assert accepted.mrn in (await visitor.follow(answer)).text


async def test_unknown_reference_and_wrong_code_get_the_same_answer(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    """Nobody learns which references there are; nor does the code of another declaration open this one."""
    other = lodge_again(console.store)
    _, code = tracking.make(other, "customs")
    tracking.make(accepted.mrn, "customs")
    visitor = console.visitor()
    answers = [
        await visitor.post("/track", {"reference": reference, "code": typed})
        for reference, typed in (
            ("26KR0000000000000X", "00000-00000-00000-00000"),
            (accepted.mrn, "00000-00000-00000-00000"),
            (accepted.mrn, code),
            ("26KR0000000000000X", code),
        )
    ]
    assert {answer.status_code for answer in answers} == {404}
    texts = {a.text.replace(accepted.mrn, "REF").replace("26KR0000000000000X", "REF") for a in answers}
    assert len(texts) == 1
    assert code not in texts.pop()


def lodge_again(store: Store) -> str:
    declaration = Declaration.model_validate(beef(lrn="ANOTHER-1"))
    accepted = accept(declaration, rulebook(), mrn=new_mrn("KR", NOW), client="customs", at=NOW)
    store.lodge(accepted)
    return accepted.mrn


def test_unknown_reference_and_wrong_code_take_the_same_work(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    """The same statements of the database: what is not looked for cannot be told by how long it takes."""
    asked: list[str] = []

    @event.listens_for(console.store._database.engine, "connect")
    def listen(connection: sqlite3.Connection, _: object) -> None:
        connection.set_trace_callback(lambda statement: asked.append(re.sub("'[^']*'", "?", statement)))

    console.store.close()
    work = []
    for reference in ("26KR0000000000000X", accepted.mrn):
        asked.clear()
        with pytest.raises(NotFollowed):
            tracking.follow("00000-00000-00000-00000", "203.0.113.1", reference)
        work.append(list(asked))
    assert work[0] == work[1]
    assert not any("declarations" in statement for statement in work[0])


async def test_what_is_left_out_is_asked_for_next_to_its_field(console: Console) -> None:
    answer = await console.visitor().post("/track", {"reference": "", "code": ""})
    assert answer.status_code == 422
    assert answer.text.count('aria-invalid="true"') == 2


async def test_whoever_guesses_must_wait_and_the_link_opens_afterwards(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    """Counted by address, in the store, so for every process together; then forgotten bit by bit."""
    _, code = tracking.make(accepted.mrn, "customs")
    visitor = console.visitor()
    for _ in range(OF_AN_ADDRESS.burst):
        assert (await visitor.get("/track/00000-00000-00000-00000")).status_code == 404
    slowed = await visitor.get("/track/00000-00000-00000-00000")
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) == OF_AN_ADDRESS.every.total_seconds()
    assert (await visitor.get(f"/track/{code}")).status_code == 429
    console.clock.move(OF_AN_ADDRESS.every)
    assert (await visitor.get(f"/track/{code}")).status_code == 200


async def test_a_link_that_opens_is_never_slowed(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    """A page that refreshes itself, and an office behind one address."""
    _, code = tracking.make(accepted.mrn, "customs")
    visitor = console.visitor()
    for _ in range(OF_AN_ADDRESS.burst + 5):
        assert (await visitor.get(f"/track/{code}")).status_code in (200, 304)


def test_guesses_at_one_reference_are_counted_whoever_makes_them(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    for number in range(OF_A_REFERENCE.burst):
        with pytest.raises(NotFollowed):
            tracking.follow("wrong", f"203.0.113.{number}", accepted.mrn)
    with pytest.raises(TooManyFailures) as slowed:
        tracking.follow("wrong", "203.0.113.250", accepted.mrn)
    assert slowed.value.wait == OF_A_REFERENCE.every
    # Whoever has the link is not kept out by it.
    _, code = tracking.make(accepted.mrn, "customs")
    assert tracking.follow(code, "203.0.113.250").acceptance.mrn == accepted.mrn


def test_an_address_is_a_whole_network_where_one_sender_has_it(console: Console, tracking: Tracking) -> None:
    for number in range(OF_AN_ADDRESS.burst):
        with pytest.raises(NotFollowed):
            tracking.follow("wrong", f"2001:db8:1:2::{number:x}")
    with pytest.raises(TooManyFailures):
        tracking.follow("wrong", "2001:db8:1:2:ffff::1")
    with pytest.raises(NotFollowed):
        tracking.follow("wrong", "2001:db8:1:3::1")


async def test_a_revoked_link_opens_nothing(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    link, code = tracking.make(accepted.mrn, "customs")
    tracking.revoke(accepted.mrn, link.id)
    answer = await console.visitor().get(f"/track/{code}")
    assert answer.status_code == 404
    assert accepted.mrn not in answer.text


async def test_a_link_ends_some_time_after_the_declaration_is_closed(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    _, code = tracking.make(accepted.mrn, "customs")
    console.clock.move(timedelta(days=400))
    assert (await console.visitor().get(f"/track/{code}")).status_code == 200
    console.store.close_case(accepted.mrn, console.clock())
    console.clock.move(timedelta(days=89))
    assert (await console.visitor().get(f"/track/{code}")).status_code == 200
    console.clock.move(timedelta(days=1))
    assert (await console.visitor().get(f"/track/{code}")).status_code == 404


async def test_whoever_has_signed_in_may_look_up_too(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    """The form bears the token of the session, as every form of this browser must."""
    _, code = tracking.make(accepted.mrn, "customs")
    visitor = console.signed_in(UserRole.VIEWER)
    csrf = (await visitor.get("/track")).text.split('name="csrf" value="')[1].split('"')[0]
    answer = await visitor.http.post("/track", data={"csrf": csrf, "reference": accepted.mrn, "code": code})
    assert answer.status_code == 303


async def test_it_is_there_in_korean(console: Console, tracking: Tracking, accepted: Acceptance) -> None:
    _, code = tracking.make(accepted.mrn, "customs")
    answer = await console.visitor().get(f"/track/{code}", headers={"Accept-Language": "ko-KR"})
    told = words_in(answer.text)
    assert "관계 기관에서 심사하고 있습니다." in told
    assert "신고 접수" in told
    assert "Agencies" not in told


async def test_the_cargo_is_followed_to_the_gate(
    console: Console, tracking: Tracking, accepted: Acceptance
) -> None:
    for number, step in enumerate((CargoStep.ARRIVAL, CargoStep.STORAGE)):
        at = NOW + number * timedelta(hours=1)
        console.store.record_cargo(
            CargoEvent(
                cargo_management_number=NUMBER,
                step=step,
                at=at,
                place="Incheon cold store 3",
                reporter="secret-carrier",
                message_id=f"C{number}",
                received_at=at,
            )
        )
    _, code = tracking.make(accepted.mrn, "customs")
    answer = await console.visitor().get(f"/track/{code}")
    assert "Stored, Incheon cold store 3" in words_in(answer.text)
    assert "secret-carrier" not in answer.text


async def test_on_a_telephone_it_is_readable_and_refreshes_itself(
    console: Console, tracking: Tracking, accepted: Acceptance, browser: Browser
) -> None:
    _, code = tracking.make(accepted.mrn, "customs")
    with served(console.app) as url:
        async with window(browser, url, width=360, height=740, scheme="dark") as opened:
            await opened.open("/track")
            assert await opened.faults() == []
            await opened.page.get_by_label("Reference of the declaration").fill(accepted.mrn)
            await opened.page.get_by_label("Access code").fill(code)
            await opened.page.get_by_role("button", name="Show").click()
            await expect(opened.page.get_by_role("heading", level=1)).to_contain_text(accepted.mrn)
            assert await opened.overflow() == 0
            assert await opened.faults() == []
            say(console.store, accepted.mrn, APQA, Verdict.APPROVED)
            # What the script does when the reader comes back to the page.
            await opened.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await expect(opened.page.get_by_text("Agencies: 1 of 2 have answered")).to_be_visible()
        async with window(browser, url, width=1920, scripts=False) as opened:
            await opened.open(f"/track/{code}")
            await opened.page.get_by_text("Display").click()
            await opened.page.get_by_label("Language").select_option("ko")
            await opened.page.get_by_role("button", name="Apply").click()
            await expect(opened.page.get_by_text("신고 접수")).to_be_visible()
            assert opened.page.url == f"{url}/track/{code}"


@pytest.mark.parametrize("fails", [False, True])
async def test_no_code_is_logged(
    console: Console,
    tracking: Tracking,
    accepted: Acceptance,
    logged: list[MutableMapping[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    """Whoever reads the log could open what it names; also where the page fails."""
    _, code = tracking.make(accepted.mrn, "customs")
    app = create_app(parts(console.store, EngineFake()))
    app.router.routes.append(Pages(console.app.router.routes[-1]._console))  # type: ignore[attr-defined]
    if fails:
        monkeypatch.setattr(console.store, "cargo_events", broken)
    answer = await Visitor(app).get(f"/track/{code}")
    assert answer.status_code == (500 if fails else 200)
    [line] = [event for event in logged if event["event"] == "request.answered"]
    assert line["path"] == "/track/..."
    assert not any(code in repr(event) for event in logged)


def broken(number: str) -> None:
    raise RuntimeError("the store is broken")


def test_only_tracking_links_are_shortened() -> None:
    assert logged_path("/track/a/b\nc") == "/track/..."
    assert logged_path("/track") == "/track"
    assert logged_path("/v1/declarations/x") == "/v1/declarations/x"
