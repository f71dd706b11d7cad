"""
Every page of the menu in a real browser, on a store in which everything has happened to some declaration.

An area adds the pages that are behind its entry to `PAGES`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser

from benchmarks.patterns import Maker
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.console.navigation import ENTRIES
from hub.domain.stuck import Judging
from hub.operations.doctor import Doctor
from hub.ports import UserRole
from hub.store import Store, create_store, upgrade
from tests.api.support import EngineFake
from tests.console.browser import Window, window
from tests.console.support import Console, TestClock, console_parts, served, site_of
from tests.console.test_doctor import EngineSeen

pytestmark = pytest.mark.slow

PAGES: tuple[str, ...] = (
    *(entry.path for entry in ENTRIES),
    "/console/sign-in",
    "/console/account",
    "/console/users/new",
    "/console/nowhere",
    "/console/agencies/mfds",
    "/console/declarations/{mrn}",
    "/console/act/withdraw?mrn={mrn}",
    "/console/act/pause?agency=mfds",
    "/console/bulks/new?action=retry",
    "/track",
)
"""`{mrn}` is one of the declarations."""


@pytest.fixture(scope="module")
def configuration(pytestconfig: pytest.Config) -> Configuration:
    return load(pytestconfig.rootpath / "adapters_config", development=True)


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory, configuration: Configuration) -> tuple[Path, str]:
    """A database in which there is one declaration in each state; and the mrn of one."""
    path = tmp_path_factory.mktemp("pages") / "hub.sqlite"
    upgrade(f"sqlite:///{path}")
    store = create_store(f"sqlite:///{path}", sync="normal")
    now = utc_now()
    patterns = Maker(store, configuration.rulebook(), now).make(contents=1, ages=1)
    while store.judge_stuck(Judging(now=now), 100):
        pass
    store.close()
    return path, patterns[1].mrn


@pytest.fixture
def store(lived_in: tuple[Path, str], tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "hub.sqlite"
    shutil.copyfile(lived_in[0], path)
    store = create_store(f"sqlite:///{path}", sync="normal")
    yield store
    store.close()


@pytest.fixture
def console(store: Store, configuration: Configuration) -> Console:
    clock = TestClock(utc_now())
    names = {slug: file.name for slug, file in configuration.agencies.items()}
    doctor = Doctor(store, store, EngineFake(), EngineSeen(), clock, store.note_audit, pause=0)
    parts = console_parts(store, clock, agency_names=lambda: names, doctor=doctor)
    return Console(site_of(parts), store, clock)


async def _look_at(at: Window, path: str) -> None:
    """Nothing serious to find for axe-core, and nothing wider than the window."""
    at.expected |= {404}
    await at.open(path)
    assert await at.page.locator("h1").count() == 1, f"{path}: one heading says what the page is"
    assert await at.faults() == []
    assert await at.overflow() == 0, f"{path} is wider than the window"


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_can_be_read_by_everybody(
    browser: Browser, console: Console, lived_in: tuple[Path, str], path: str
) -> None:
    """At 360 pixels in Korean and dark, at 1920 in English and light."""
    path = path.replace("{mrn}", lived_in[1])
    with served(console.app) as url:
        token = None if path == "/console/sign-in" else console.session(UserRole.ADMIN)
        async with window(browser, url, token=token, width=1920, scheme="light") as at:
            await _look_at(at, path)
        async with window(browser, url, token=token, width=360, scheme="dark", language="ko") as at:
            await _look_at(at, path)
            assert await at.page.get_attribute("html", "lang") == "ko"


async def test_every_entry_of_the_menu_is_reached_by_the_keyboard(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with window(browser, url, token=console.session(UserRole.ADMIN)) as at:
            await at.open("/console/account")
            await at.page.keyboard.press("Tab")
            assert await at.page.evaluate("document.activeElement.getAttribute('href')") == "#content"
            reached = []
            for _ in range(len(ENTRIES) + 2):
                await at.page.keyboard.press("Tab")
                reached.append(await at.page.evaluate("document.activeElement.getAttribute('href')"))
            assert [entry.path for entry in ENTRIES] == reached[1 : len(ENTRIES) + 1]


async def test_each_page_of_the_menu_says_that_it_is_the_one(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with window(browser, url, token=console.session(UserRole.ADMIN)) as at:
            for entry in ENTRIES:
                await at.open(entry.path)
                current = await at.page.locator("nav.menu [aria-current]").get_attribute("href")
                assert current == entry.path
