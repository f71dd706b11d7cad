"""The console on a fresh store, asked directly or by a real browser."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import pytest
import pytest_asyncio
import structlog
from playwright.async_api import Browser, async_playwright

from hub.store import Store, create_store
from tests.console.browser import chromium
from tests.console.support import Console, TestClock, console_parts, site_of


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One browser serves all tests of a process, so they share its event loop."""
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, instead of a page of it on the terminal."""
    with structlog.testing.capture_logs([structlog.contextvars.merge_contextvars]) as events:
        yield events


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = create_store(sqlite_url, sync="normal")
    yield store
    store.close()


@pytest.fixture
def console(store: Store, clock: TestClock) -> Console:
    """The real application on a real store. An area that needs more parts makes its own in this way."""
    return Console(site_of(console_parts(store, clock)), store, clock)


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser() -> AsyncIterator[Browser]:
    """
    One Chromium for all tests of this process; `tests.console.browser.window` opens a window in it.

    Its tests are skipped where there is no browser; HUB_CHROMIUM says where one is.
    """
    executable = chromium()
    if executable is None:
        pytest.skip("there is no Chromium: install one, or say in HUB_CHROMIUM where it is")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(
            executable_path=executable, args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        await running.close()
