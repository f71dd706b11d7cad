"""The overview: how everything stands, and one agency."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.async_api import Browser

from hub.console.parts import ConsoleParts
from hub.domain import latency
from hub.domain.model import Text
from hub.ports import (
    AgencyCard,
    CallCount,
    CallResult,
    CertifiedAgency,
    LimitsCard,
    ServiceCard,
    UserRole,
)
from hub.store import Store
from tests.console.browser import window
from tests.console.support import Console, TestClock, console_parts, served, site_of, words_in
from tests.store.sample import FOOD, PLANT, RADIO, acceptance

HOUR = timedelta(hours=1)


def card(agency: str, name: Text, *services: str) -> AgencyCard:
    return AgencyCard(
        agency=agency,
        name=name,
        contact=f"desk@{agency}.example",
        version="0123456789abcdef",
        in_force_since=None,
        adapter="soap",
        contract=f"contracts/{agency}.wsdl",
        own_worker=False,
        limits=LimitsCard(
            timeout="20s", concurrency=8, per_second=None, breaker_failures=5, breaker_pause="30s"
        ),
        services=tuple(
            ServiceCard.model_validate(
                {
                    "service": service,
                    "name": {"en": f"Service {service}", "ko": "심사"},
                    "law": {"en": "An Act", "ko": "법"},
                    "document": "A certificate",
                    "answers": "callback",
                    "answer_within": "3wd",
                    "on_expiry": "hold",
                }
            )
            for service in services
        ),
    )


APQA = card("apqa", {"en": "Animal and Plant Quarantine Agency", "ko": "농림축산검역본부"}, PLANT)
MFDS = card("mfds", {"en": "Ministry of Food and Drug Safety", "ko": "식품의약품안전처"}, FOOD)
RRA = card("rra", {"en": "Radio Research Agency", "ko": "국립전파연구원"}, RADIO)


def parts(store: Store, clock: TestClock) -> ConsoleParts:
    cards = [APQA, MFDS, RRA]
    return console_parts(
        store,
        clock,
        agencies=lambda: cards,
        agency_names=lambda: {each.agency: each.name for each in cards},
        certified=lambda agency: (
            CertifiedAgency(
                version="0123456789abcdef", at=clock(), passed=True, counts={"pass": 21}, simulated=True
            )
            if agency == "apqa"
            else None
        ),
    )


@pytest.fixture
def console(store: Store, clock: TestClock) -> Console:
    return Console(site_of(parts(store, clock)), store, clock)


def asked(console: Console, agency: str, result: CallResult, *milliseconds: int, ago: timedelta) -> None:
    """So many requests, that long ago."""
    console.store.count_calls(
        [
            CallCount(
                agency=agency,
                operation="submit",
                minute=console.clock() - ago,
                result=result,
                count=len(milliseconds),
                total_ms=sum(milliseconds),
                slowest_ms=max(milliseconds),
                ladder=latency.together(latency.one(ms) for ms in milliseconds),
            )
        ]
    )


def fill(console: Console) -> str:
    """Some history, some work, one agency that fails and one that is paused."""
    for hours in range(30):
        asked(console, "apqa", CallResult.ANSWERED, *[80 + 9 * hours] * 20, ago=hours * HOUR)
    asked(console, "apqa", CallResult.IN_DOUBT, 20_000, ago=3 * HOUR)
    asked(console, "mfds", CallResult.UNAVAILABLE, 5, 5, 5, 5, ago=timedelta(minutes=2))
    console.store.pause("rra", by="kim", reason="moves house", at=console.clock() - 2 * HOUR)
    now = console.clock()
    for age in (timedelta(minutes=5), 3 * HOUR, 50 * HOUR):
        accepted = acceptance(PLANT, FOOD, at=now - age)
        console.store.lodge(accepted)
    closed = acceptance(at=now - HOUR)
    console.store.lodge(closed)
    console.store.close_case(closed.mrn, now - HOUR)
    return accepted.mrn


async def test_an_agency_is_told_by_a_word_as_it_is(console: Console) -> None:
    """Healthy, failing, paused: those that need a look stand first."""
    fill(console)
    page = await console.signed_in().get("/console")
    assert page.status_code == 200
    tiles = re.findall(r'<li class="tile.*?</li>', page.text, re.S)
    told = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", tile)) for tile in tiles]
    assert [APQA.name["en"] in told[2], MFDS.name["en"] in told[0], RRA.name["en"] in told[1]] == [True] * 3
    assert "failing" in told[0]
    assert "paused" in told[1]
    assert "healthy" in told[2]
    assert "3 open" in told[2]


async def test_declarations_are_told_by_outcome_and_age(console: Console) -> None:
    fill(console)
    words = words_in((await console.signed_in().get("/console")).text)
    assert "in progress 1 1 1 – – – 3" in words
    assert "1 today" in words


async def test_an_agencys_own_user_sees_its_referrals_only(console: Console) -> None:
    """No other agency, no incident, no number that is made of others' referrals."""
    fill(console)
    console.store.lodge(acceptance(RADIO, at=console.clock()))
    theirs = console.signed_in(agency="mfds")
    page = await theirs.get("/console")
    assert MFDS.name["en"] in page.text
    assert "1 1 1 – – – 3" in words_in(page.text)
    for other in (APQA, RRA):
        assert other.name["en"] not in page.text
        assert (await theirs.get(f"/console/agencies/{other.agency}")).status_code == 404
    assert (await theirs.get("/console/agencies")).status_code == 404
    own = await theirs.get("/console/agencies/mfds")
    assert own.status_code == 200
    assert "Pause it" not in own.text


async def test_an_agency_shows_its_times_its_errors_and_what_may_be_done(console: Console) -> None:
    mrn = fill(console)
    page = await console.signed_in(UserRole.SUPERVISOR).get("/console/agencies/apqa?days=1")
    words = words_in(page.text)
    assert "submit 481 1 (0%)" in words  # the last 24 hours, with the hour that has begun
    assert "in doubt" in words
    assert "/console/act/pause?agency=apqa" in page.text
    assert mrn in words
    assert "passed" in words
    paused = await console.signed_in(UserRole.SUPERVISOR).get("/console/agencies/rra")
    assert "moves house" in paused.text
    assert "/console/act/resume?agency=rra" in paused.text
    assert "/console/act/" not in (await console.signed_in(UserRole.VIEWER).get("/console/agencies/rra")).text


async def test_agencies_are_found_by_state_and_name(console: Console) -> None:
    fill(console)
    viewer = console.signed_in()
    everything = words_in((await viewer.get("/console/agencies")).text)
    assert all(each.name["en"] in everything for each in (APQA, MFDS, RRA))
    failing = words_in((await viewer.get("/console/agencies?state=failing")).text)
    assert "1 of 3 agencies" in failing
    assert MFDS.name["en"] in failing
    assert "1 of 3" in words_in((await viewer.get("/console/agencies?text=전파")).text)


async def test_an_empty_hub_is_shown_too(console: Console) -> None:
    viewer = console.signed_in()
    for path in ("/console", "/console/agencies", "/console/agencies/apqa?days=90"):
        assert (await viewer.get(path)).status_code == 200


@pytest.mark.slow
async def test_overviews_are_readable_for_everybody(browser: Browser, console: Console) -> None:
    """Nothing serious for axe, and no page is wider than a telephone; the page refreshes itself."""
    fill(console)
    token = console.session(UserRole.SUPERVISOR)
    with served(console.app) as url:
        async with window(browser, url, token=token, width=360, scheme="dark", language="ko") as at:
            for path in ("/console", "/console/agencies", "/console/agencies/apqa"):
                await at.open(path)
                assert await at.faults() == []
                assert await at.overflow() == 0
        async with window(browser, url, token=token, width=1920) as at:
            await at.open("/console")
            assert await at.faults() == []
            console.store.lodge(acceptance(PLANT, at=console.clock()))
            await at.page.get_by_text("4 open").wait_for()
