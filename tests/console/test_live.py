"""Pages that refresh themselves, in a real browser, and leave their reader in peace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, Response

from hub.ports import UserRole
from tests.console.browser import Window, window
from tests.console.support import Console, served

_EVERY = 10_000
"""Milliseconds; as the list of users says of itself."""

_KEEP = """
const ask = window.fetch;
window.asked = Promise.resolve();
window.fetch = (...what) => {
  const answer = ask(...what);
  window.asked = answer.then(() => {}, () => {});
  return answer;
};
"""
"""What the page asked for last, for the test to wait for."""


@asynccontextmanager
async def users_page(browser: Browser, console: Console, url: str) -> AsyncIterator[Window]:
    """The list of users, with a clock that the test moves."""
    token = console.session(UserRole.ADMIN, name="kim")
    async with window(browser, url, token=token) as at:
        await at.page.add_init_script(_KEEP)
        await at.page.clock.install(time=0)
        await at.page.clock.pause_at(1)
        await at.open("/console/users")
        yield at


async def _refreshed(at: Window) -> Response:
    """
    The time comes, also if the page is still at the refresh before; what the hub answered.

    It may have come twice; none is under way any more when this returns, to be taken for the next.
    """
    async with at.page.expect_response("**/console/users") as answered:
        while not answered.is_done():
            await at.page.clock.run_for(_EVERY)
    await at.page.evaluate("window.asked")
    return await answered.value


async def test_a_page_refreshes_itself_and_keeps_its_reader_where_he_is(
    browser: Browser, console: Console
) -> None:
    with served(console.app) as url:
        async with users_page(browser, console, url) as at:
            await at.page.get_by_role("link", name="kim", exact=True).focus()
            assert (await _refreshed(at)).status == 200
            assert (await _refreshed(at)).status == 304, "nothing is sent while nothing changes"
            console.session(UserRole.VIEWER, name="lee")
            assert (await _refreshed(at)).status == 200
            await at.page.get_by_role("link", name="lee", exact=True).wait_for()
            focused = await at.page.evaluate("document.activeElement.textContent")
            assert focused == "kim"
            assert await at.page.inner_text("#said") == "2 users", "screen readers are told, and of no more"


async def test_nothing_is_replaced_while_it_is_selected(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with users_page(browser, console, url) as at:
            await at.page.evaluate("getSelection().selectAllChildren(document.querySelector('#users td'))")
            console.session(UserRole.VIEWER, name="lee")
            await at.page.clock.run_for(3 * _EVERY)
            assert await at.page.get_by_role("link", name="lee", exact=True).count() == 0
            await at.page.evaluate("getSelection().removeAllRanges()")
            await _refreshed(at)
            await at.page.get_by_role("link", name="lee", exact=True).wait_for()


async def test_when_the_session_is_over_the_page_leads_to_sign_in(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with users_page(browser, console, url) as at:
            console.store.close_sessions("kim", None)
            await at.page.clock.run_for(_EVERY)
            await at.page.wait_for_url("**/console/sign-in?next=%2Fconsole%2Fusers")


async def test_a_page_says_when_it_is_not_up_to_date_any_more(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with users_page(browser, console, url) as at:
            note = at.page.get_by_text("Not up to date")
            assert not await note.is_visible()
            await at.context.set_offline(True)
            await at.page.clock.run_for(_EVERY)
            await note.wait_for()
            at.trouble.clear()  # that it could not be reached is what the test is about
            await at.context.set_offline(False)
            await _refreshed(at)
            await note.wait_for(state="hidden")


async def test_what_a_form_was_answered_with_is_not_asked_for_again(
    browser: Browser, console: Console
) -> None:
    """A password that is shown once, too: there is no page at that address."""
    with served(console.app) as url:
        async with users_page(browser, console, url) as at:
            console.session(UserRole.VIEWER, name="lee")
            await at.open("/console/users/lee")
            await at.page.get_by_role("button", name="New one-time password").click()
            await at.page.locator("code.secret").wait_for()
            await at.page.clock.run_for(10 * _EVERY)
            assert await at.page.locator("code.secret").count() == 1
