"""Stuck work, and the page of a declaration: found, understood, acted on; each sees what is his to see."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from playwright.async_api import Browser

from hub.domain.clearance import Outcome
from hub.domain.events import EventType, NewEvent
from hub.domain.information import Document, Information, Scan
from hub.domain.model import Text
from hub.domain.referral import ReferralState, Verdict
from hub.domain.settling import settle
from hub.domain.stuck import Judging
from hub.ports import HandOver, UserRole
from hub.store import Store
from tests.console.browser import window
from tests.console.support import NOW, Console, TestClock, console_parts, served, site_of, words_in
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO

SECOND, MINUTE, HOUR, DAY = (timedelta(seconds=n) for n in (1, 60, 3600, 86400))
NAMES: Mapping[str, Text] = {
    "apqa": {"en": "Quarantine Agency", "ko": "검역본부"},
    "mfds": {"en": "Food Ministry", "ko": "식약처"},
    "rra": {"en": "Radio Agency", "ko": "전파원"},
}


@pytest.fixture
def console(store: Store, clock: TestClock) -> Console:
    parts = console_parts(store, clock, agency_names=lambda: NAMES)
    return Console(site_of(parts), store, clock)


def lodge(store: Store, *services: str, age: timedelta = HOUR, lrn: str | None = None) -> str:
    lodged = sample.declaration(
        lrn=lrn or sample.new_lrn(),
        office="020",
        items=[{"number": 1, "hs_code": "0805100000", "gross_mass_kg": "1240"}],
        consignment={"ucr": f"6KR{lrn or sample.new_lrn()[:20]}", "cargo_management_number": f"C-{lrn}"},
    )
    accepted = sample.acceptance(*services, lodged=lodged, at=NOW - age, items=(1,))
    store.lodge(accepted)
    store.mark_started(accepted.mrn)
    return accepted.mrn


def hand_over(store: Store, mrn: str, result: HandOver, at: datetime) -> None:
    service = result.referral.partition("/")[2]
    store.begin_hand_over(mrn, [service], at)
    store.record_hand_overs(mrn, [result], at)


def keep_list(store: Store) -> None:
    """As the relay does."""
    assert any(store.judge_stuck(Judging(now=NOW), 100) == 0 for _ in range(20))


@pytest.fixture
def stuck(store: Store) -> str:
    """One that one agency refuses, another has, and a third has decided."""
    mrn = lodge(store, PLANT, FOOD, RADIO, lrn="STUCK")
    at = NOW - HOUR
    hand_over(store, mrn, sample.failed(mrn, PLANT, "connection refused"), at + SECOND)
    refused = sample.failed(mrn, PLANT, "HTTP 400: <hsCode> is missing", state=ReferralState.UNDELIVERABLE)
    hand_over(store, mrn, refused, at + 5 * MINUTE)
    hand_over(store, mrn, sample.delivered(mrn, FOOD, at=at + SECOND), at + SECOND)
    said = sample.decision(mrn, RADIO, at=at + MINUTE)
    hand_over(store, mrn, sample.delivered(mrn, RADIO, said, at=at + SECOND), at + MINUTE)
    view = store.view(mrn)
    assert view is not None
    store.record_clearance(mrn, settle(view.case), None, ("apqa", "mfds"), at + 5 * MINUTE)
    keep_list(store)
    return mrn


async def test_each_row_says_why_and_what_would_unstick_it(console: Console, stuck: str) -> None:
    """In the reader's language, with what the agency's system said, and the actions that help."""
    answer = await console.signed_in(UserRole.OPERATOR).get("/console/stuck")
    said = words_in(answer.text)
    assert "1 is stuck" in said
    assert "1,240 kg of cargo held" in said
    assert "The system of Quarantine Agency turned it down on 20 Nov, 10:20" in said
    assert "HTTP 400: &lt;hsCode&gt; is missing" in answer.text
    assert "Mend the agency's file and submit it anew" in said
    assert f"/console/act/resend?mrn={stuck}&amp;service={PLANT}" in answer.text
    korean = words_in((await console.signed_in(UserRole.OPERATOR, language="ko").get("/console/stuck")).text)
    assert "검역본부 시스템이 거절했습니다" in korean


@pytest.mark.parametrize(
    ("by", "why", "cure"),
    [
        ("kim", "kim paused", "Resume the agency"),
        (None, "has failed since 20 Nov, 11:15", "once a probe succeeds"),
    ],
)
@pytest.mark.parametrize("has_it", [False, True])
async def test_an_agency_that_is_not_asked(
    console: Console, store: Store, by: str | None, why: str, cure: str, has_it: bool
) -> None:
    """What it does not have waits in its queue; for what it has, it is to be asked for its answer."""
    mrn = lodge(store, PLANT)
    hand_over(store, mrn, sample.failed(mrn, PLANT), NOW - HOUR)
    if has_it:
        hand_over(store, mrn, sample.delivered(mrn, PLANT, at=NOW - HOUR), NOW - HOUR)
        store.receive(sample.message(referral=f"{mrn}/{PLANT}", trouble="an unknown word"))
    if by is None:
        store.fails("apqa", reason="HTTP 503", at=NOW)
    else:
        store.pause("apqa", by=by, reason="moves house", at=NOW)
    keep_list(store)
    said = words_in((await console.signed_in(UserRole.OPERATOR).get("/console/stuck")).text)
    assert why in said
    assert cure in said
    assert ("waits in the agency's queue" in said) is not has_it
    assert ("is not asked for its answer" in said) is has_it


async def test_what_has_been_mended_a_moment_ago_is_not_shown(
    console: Console, store: Store, stuck: str
) -> None:
    """Though the list has not been kept since."""
    store.receive(sample.message(sample.decision(stuck, PLANT), referral=f"{stuck}/{PLANT}"))
    answer = await console.signed_in().get("/console/stuck")
    assert stuck not in answer.text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("agency=apqa&kind=undeliverable&chapter=08&office=020&older_than=PT15M&declarant=1234567890", True),
        ("text=STUCK", True),
        ("agency=mfds", False),
        ("older_than=P1D", False),
        ("chapter=8", None),
        ("kind=lost", None),
        ("older_than=soon", None),
        ("cursor=none-of-ours&order=oldest", True),
    ],
)
async def test_filters_stand_in_the_address(
    console: Console, stuck: str, query: str, shown: bool | None
) -> None:
    """One that is wrong says what is right, next to its field."""
    answer = await console.signed_in().get(f"/console/stuck?{query}")
    assert answer.status_code == 200
    rows = re.findall(r'<th scope="row"><a href="/console/declarations/(\w+)', answer.text)
    assert rows == ([stuck] if shown else [])
    assert ('class="field-fault"' in answer.text) is (shown is None)


async def test_pages_follow_each_other(console: Console, store: Store) -> None:
    """Each row is shown once, with the filter kept."""
    mrns = []
    for n in range(27):
        mrn = lodge(store, PLANT, age=HOUR + n * MINUTE)
        hand_over(store, mrn, sample.failed(mrn, PLANT), NOW - HOUR)
        mrns.append(mrn)
    keep_list(store)
    visitor = console.signed_in()
    first = await visitor.get("/console/stuck?order=oldest&agency=apqa")
    [further] = re.findall(r'<a rel="next" href="([^"]+)"', first.text)
    second = await visitor.get(further.replace("&amp;", "&"))
    rows = [
        re.findall(r'<th scope="row"><a href="/console/declarations/(\w+)', p.text) for p in (first, second)
    ]
    assert [len(page) for page in rows] == [25, 2]
    assert sorted(rows[0] + rows[1]) == sorted(mrns)
    assert "agency=apqa" in further
    assert 'rel="next"' not in second.text


async def test_only_those_who_may_are_offered_actions(console: Console, stuck: str) -> None:
    """A viewer none; an operator one by one; a supervisor in bulk as well."""
    for role, acts, in_bulk in (
        (UserRole.VIEWER, False, False),
        (UserRole.OPERATOR, True, False),
        (UserRole.SUPERVISOR, True, True),
    ):
        visitor = console.signed_in(role)
        for path in ("/console/stuck", f"/console/declarations/{stuck}"):
            answer = await visitor.get(path)
            assert ("/console/act/" in answer.text) is acts, (role, path)
        answer = await visitor.get("/console/stuck")
        assert (f'name="pick" value="{stuck}/{PLANT}"' in answer.text) is in_bulk
    # What unsticks it stands first: to try again what an agency has turned down would do nothing.
    assert re.findall(r'id="bulk-all".*?<option value="(\w+)"', answer.text, re.S) == ["resend"]


async def test_an_agencys_users_see_their_part(console: Console, store: Store, stuck: str) -> None:
    """Their referrals, never why a request failed; nothing of declarations that were not put to them."""
    other = lodge(store, FOOD, lrn="OTHER")
    hand_over(store, other, sample.failed(other, FOOD), NOW - HOUR)
    keep_list(store)
    visitor = console.signed_in(agency="apqa")
    listed = await visitor.get("/console/stuck?agency=mfds")
    assert stuck in listed.text
    assert other not in listed.text
    assert "HTTP 400" not in listed.text
    page = await visitor.get(f"/console/declarations/{stuck}")
    assert f'id="{PLANT}"' in page.text
    assert FOOD not in page.text
    assert "HTTP 400" not in page.text
    assert "Temporal" not in page.text
    assert "/exchanges" not in page.text
    events = await visitor.get(f"/console/declarations/{stuck}/events")
    assert PLANT in events.text
    assert FOOD not in events.text
    assert "HTTP 400" not in events.text
    assert (await visitor.get(f"/console/declarations/{stuck}/exchanges")).status_code == 403
    assert (await visitor.get(f"/console/declarations/{stuck}/documents/00")).status_code == 403
    assert (await visitor.get(f"/console/declarations/{other}")).status_code == 404
    for query, shown in (("q=STUCK", True), ("q=OTHER", False), ("", True), ("agency=mfds", True)):
        found = await visitor.get(f"/console/declarations?{query}")
        assert ((stuck in found.text), (other in found.text)) == (shown, False), query


async def test_a_declaration_is_found_by_any_of_its_references(console: Console, stuck: str) -> None:
    """Whole, but for the mrn, of which the first six characters are enough."""
    visitor = console.signed_in()
    for text in (stuck, stuck.lower(), stuck[:8], "STUCK", "6KRSTUCK", "C-STUCK", f" {stuck} "):
        found = await visitor.get("/console/declarations", params={"q": text})
        assert f"/console/declarations/{stuck}" in found.text, text
    for text in ("STUC", "nothing", "%", "\x00", stuck[:5]):
        found = await visitor.get("/console/declarations", params={"q": text})
        assert found.status_code == 200
        assert "No declaration has this reference" in found.text, text
    held = await visitor.get("/console/declarations?outcome=release&cursor=nonsense")
    assert stuck not in held.text
    waits = await visitor.get("/console/declarations?outcome=hold&agency=apqa&declarant=1234567890")
    assert stuck in waits.text


async def test_a_declaration_says_everything(console: Console, store: Store, stuck: str) -> None:
    """The outcome and why; the picture and its table; each referral; who did what; where to look further."""
    by_hand = {"by": "kim", "reason": "they asked for it", "due_at": "2026-11-25T00:00:00Z", "remind_at": []}
    store.append_event(
        stuck, NewEvent(at=NOW - MINUTE, type=EventType.DEADLINE_MOVED, service=FOOD, data=by_hand)
    )
    page = await console.signed_in(UserRole.SUPERVISOR).get(f"/console/declarations/{stuck}")
    said = words_in(page.text)
    assert "1 referral is stuck: A service, undeliverable" in said
    assert "could not be asked; a person must look" in said
    assert "1 service consents" in said
    assert page.text.count('class="lane"') == 4
    assert page.text.count('class="bar agency"') >= 2
    assert 'class="mark failed"' in page.text
    assert "The timeline as a table" in said
    assert re.search(r"kim the agency\S*s deadline is another they asked for it", said)
    workflows = "http://127.0.0.1:8233/namespaces/default/workflows"
    assert f"{workflows}/declaration%2F{stuck}" in page.text
    assert f"/console/act/withdraw?mrn={stuck}" in page.text
    even = await console.signed_in().get(f"/console/declarations/{stuck}?scale=even")
    assert "More room for the beginning" in even.text
    assert (await console.signed_in().get("/console/declarations/26KRNOBODY")).status_code == 404


async def test_every_exchange_is_there_as_it_was_read(console: Console, store: Store, stuck: str) -> None:
    """With what was sent and answered, in parts; of one referral, or of all."""
    visitor = console.signed_in()
    path = f"/console/declarations/{stuck}/exchanges"
    all_of_it = await visitor.get(path)
    assert all_of_it.text.count('class="card exchange" id="x-') == 2
    assert "receipt R-1" in all_of_it.text
    assert "&lt;a/&gt;" in all_of_it.text
    of_food = await visitor.get(f"{path}?service={FOOD}")
    assert of_food.text.count('class="card exchange" id="x-') == 1
    mrn = lodge(store, PLANT)
    results = [
        sample.failed(mrn, PLANT).model_copy(
            update={"exchanges": (sample.exchange(mrn, PLANT, at=NOW - HOUR + n * SECOND),)}
        )
        for n in range(23)
    ]
    for result in results:
        store.record_hand_overs(mrn, [result], NOW - HOUR)
    seen: list[str] = []
    path = f"/console/declarations/{mrn}/exchanges"
    while True:
        page = await visitor.get(path)
        seen += re.findall(r'id="x-(\w+)"', page.text)
        further = re.findall(r'<a rel="next" href="([^"]+)"', page.text)
        if not further:
            break
        path = further[0].replace("&amp;", "&")
    assert seen == [result.exchanges[0].id for result in reversed(results)]
    assert (await visitor.get(f"{path}?cursor=nonsense")).status_code == 200


async def test_what_the_declarant_answered_can_be_kept_and_is_never_shown(
    console: Console, store: Store
) -> None:
    """A document comes as a file, whatever it says it is."""
    mrn = lodge(store, PLANT)
    hand_over(store, mrn, sample.delivered(mrn, PLANT), NOW - HOUR)
    asks = sample.decision(mrn, PLANT, Verdict.INFORMATION_REQUIRED, at=NOW - HOUR + MINUTE)
    store.receive(sample.message(asks, referral=f"{mrn}/{PLANT}", at=NOW - HOUR + MINUTE))
    content = b"<script>alert(1)</script>"
    sha256 = hashlib.sha256(content).hexdigest()
    document = Document(
        name="원산지 증명.html", media_type="text/html", sha256=sha256, size=len(content), scan=Scan.CLEAN
    )
    answer = Information(
        id="I1", request=asks.id, text="as asked", documents=(document,), given_at=NOW - MINUTE, by="c"
    )
    store.put_information(mrn, PLANT, answer, {sha256: content})
    given = {"request": asks.id, "information": "I1"}
    store.append_event(
        mrn, NewEvent(at=NOW - MINUTE, type=EventType.INFORMATION_GIVEN, service=PLANT, data=given)
    )
    visitor = console.signed_in()
    page = await visitor.get(f"/console/declarations/{mrn}")
    assert "as asked" in page.text
    assert "원산지 증명.html" in page.text
    assert "The clock stands still" in words_in(page.text)
    file = await visitor.get(f"/console/declarations/{mrn}/documents/{sha256}")
    assert file.content == content
    assert file.headers["content-type"] == "application/octet-stream"
    assert file.headers["content-disposition"].startswith("attachment;")
    assert (await visitor.get(f"/console/declarations/{mrn}/documents/{'0' * 64}")).status_code == 404


async def test_what_happened_to_a_declaration_comes_in_parts(console: Console, store: Store) -> None:
    """Three thousand events are thirty marks in the picture, and pages of two hundred."""
    mrn = lodge(store, PLANT)
    for n in range(205):
        trouble = {"agency": "apqa", "trouble": f"connection refused {n % 2}"}
        store.append_event(
            mrn,
            NewEvent(
                at=NOW - HOUR + n * SECOND, type=EventType.REFERRAL_DELAYED, service=PLANT, data=trouble
            ),
        )
    visitor = console.signed_in()
    page = await visitor.get(f"/console/declarations/{mrn}")
    assert page.text.count('class="mark failed" overflow') < 100
    assert "times, 2026-11-20 10:15:" in page.text
    first = await visitor.get(f"/console/declarations/{mrn}/events")
    [further] = re.findall(r'<a rel="next" href="([^"]+)"', first.text)
    second = await visitor.get(further)
    assert first.text.count("<tr>") - 1 == 200
    assert second.text.count("<tr>") - 1 == 6
    assert 'rel="next"' not in second.text


async def test_whoever_is_told_nothing_is_told_by_the_page(console: Console, store: Store) -> None:
    """A declaration that the cargo system does not know of, and one whose legal time is over."""
    untold, late = lodge(store, PLANT), lodge(store, PLANT, age=5 * DAY)
    held = sample.clearance(Outcome.HOLD)
    told = sample.notice(untold, Outcome.HOLD, at=NOW - HOUR)
    store.record_clearance(untold, held, told, (), NOW - HOUR)
    hand_over(store, late, sample.delivered(late, PLANT, at=NOW - 5 * DAY), NOW - 5 * DAY)
    store.record_expired(late, [PLANT], NOW - 2 * DAY)
    visitor = console.signed_in(UserRole.OPERATOR)
    said = words_in((await visitor.get(f"/console/declarations/{untold}")).text)
    assert "The cargo system has not acknowledged the outcome" in said
    page = await visitor.get(f"/console/declarations/{late}")
    assert "ended on 18 Nov, 11:15 without a decision" in words_in(page.text)
    assert 'class="bar overdue"' in page.text
    assert f"/console/act/extend?mrn={late}" in page.text


@pytest.mark.slow
async def test_found_understood_and_acted_on_in_three_clicks(
    console: Console, stuck: str, browser: Browser
) -> None:
    """From the first page: stuck work; why; the action's own page."""
    token = console.session(UserRole.OPERATOR)
    with served(console.app) as url:
        async with window(browser, url, token=token) as seen:
            await seen.open("/console")
            await seen.page.click("nav.menu a:has-text('Stuck work')")
            assert "turned it down" in await seen.text()
            assert await seen.faults() == []
            await seen.page.click(f"th a:has-text('{stuck}')")
            assert "1 referral is stuck" in await seen.text()
            assert await seen.faults() == []
            await seen.page.click(f"#{PLANT} a:has-text('Submit anew')")
            assert "/console/act/resend" in seen.page.url
            for path in ("/console/stuck", f"/console/declarations/{stuck}", "/console/declarations"):
                for width in (360, 1920):
                    await seen.page.set_viewport_size({"width": width, "height": 900})
                    await seen.open(path)
                    assert await seen.overflow() == 0, (path, width)
