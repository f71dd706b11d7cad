"""Signing in and out."""

from __future__ import annotations

from playwright.async_api import Browser

from hub.console import passwords
from hub.ports import User, UserRole
from tests.console.browser import window
from tests.console.support import Console, served

PASSWORD = "correct horse battery"


def add_user(console: Console, name: str = "kim", role: UserRole = UserRole.OPERATOR, **more: object) -> User:
    user = User.model_validate(
        {"name": name, "display": name.title(), "role": role, "created_at": console.clock(), **more}
    )
    console.store.add_user(user, passwords.hash_of(PASSWORD), None)
    return user


async def test_signing_in_by_the_keyboard_alone(browser: Browser, console: Console) -> None:
    add_user(console)
    with served(console.app) as url:
        async with window(browser, url) as at:
            await at.open("/console/account")
            assert at.page.url.endswith("/console/sign-in?next=%2Fconsole%2Faccount")
            await at.page.keyboard.type("kim")
            await at.page.keyboard.press("Tab")
            await at.page.keyboard.type(PASSWORD)
            await at.page.keyboard.press("Enter")
            await at.page.wait_for_url("**/console/account")
            assert "Kim" in await at.text()
