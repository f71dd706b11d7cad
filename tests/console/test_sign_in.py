"""Signing in and out, and how long a session lasts."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from argon2 import PasswordHasher
from playwright.async_api import Browser

from hub.console import passwords
from hub.console.security import token_hash
from hub.ports import AuditFilter, User, UserRole
from hub.store import Store
from tests.console.browser import window
from tests.console.support import Console, TestClock, Visitor, console_parts, served, site_of, words_in

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
"""By quick parameters: what is slow about passwords is not what these tests are about."""


def add_user(console: Console, name: str = "kim", role: UserRole = UserRole.OPERATOR, **more: object) -> User:
    user = User.model_validate(
        {"name": name, "display": name.title(), "role": role, "created_at": console.clock(), **more}
    )
    console.store.add_user(user, HASH, None)
    return user


async def sign_in(
    visitor: Visitor, name: str = "kim", password: str = PASSWORD, next: str = ""
) -> httpx.Response:
    return await visitor.post("/console/sign-in", {"name": name, "password": password, "next": next})


def actions(console: Console) -> list[tuple[str, str]]:
    """The audit, the oldest first: who, what."""
    lines = console.store.audit(AuditFilter(), None, 100).lines
    return [(line.user, line.action) for line in reversed(lines)]


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


async def test_signing_in_and_out_without_scripts(browser: Browser, console: Console) -> None:
    add_user(console)
    with served(console.app) as url:
        async with window(browser, url, scripts=False) as at:
            await at.open("/console/account")
            await at.page.get_by_label("Name").fill("kim")
            await at.page.get_by_label("Password").fill(PASSWORD)
            await at.page.get_by_role("button", name="Sign in").click()
            await at.page.wait_for_url("**/console/account")
            await at.page.get_by_role("button", name="Sign out", exact=True).click()
            await at.page.wait_for_url("**/console/sign-in")
            await at.open("/console/account")
            assert "/console/sign-in" in at.page.url


async def test_the_page_that_was_asked_for_follows(console: Console) -> None:
    add_user(console)
    visitor = console.visitor()
    asked = await visitor.get("/console/account?changed=x")
    assert asked.headers["location"] == "/console/sign-in?next=%2Fconsole%2Faccount%3Fchanged%3Dx"
    there = await sign_in(visitor, next="/console/account?changed=x")
    assert there.headers["location"] == "/console/account?changed=x"


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example/console",
        "//evil.example/console",
        "/\\evil.example",
        "javascript:alert(1)",
        "/console/\r\nSet-Cookie: a=b",
        "/v1/declarations",
        "/console\\..\\..",
    ],
)
async def test_nobody_is_led_elsewhere(console: Console, next: str) -> None:
    add_user(console)
    there = await sign_in(console.visitor(), next=next)
    assert there.headers["location"] == "/console"


async def test_a_wrong_name_and_a_wrong_password_look_the_same(console: Console) -> None:
    add_user(console)
    add_user(console, "lee", disabled=True)
    answers = [
        await sign_in(console.visitor(), "kim", "wrong"),
        await sign_in(console.visitor(), "nobody", PASSWORD),
        await sign_in(console.visitor(), "lee", PASSWORD),
    ]
    assert [answer.status_code for answer in answers] == [401] * 3
    assert len({words_in(answer.text) for answer in answers}) == 1
    assert not any("set-cookie" in answer.headers for answer in answers)


def test_an_unknown_user_is_looked_at_for_as_long_as_a_known_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what is done, not by a clock: a hash of full strength is checked either way."""
    checked: list[str] = []
    verify = PasswordHasher.verify

    def noted(self: PasswordHasher, hash: str, password: str) -> bool:
        checked.append(hash.rpartition("$")[0].rpartition("$")[0])
        return bool(verify(self, hash, password))

    monkeypatch.setattr(PasswordHasher, "verify", noted)
    assert not passwords.matches("wrong", passwords.hash_of(PASSWORD))
    assert not passwords.matches("wrong", None)
    assert checked == ["$argon2id$v=19$m=65536,t=3,p=4"] * 2


async def test_a_password_is_hashed_anew_by_newer_parameters(console: Console) -> None:
    add_user(console)
    assert passwords.is_outdated(HASH)
    assert (await sign_in(console.visitor())).status_code == 303
    kept = console.store.password_hash("kim")
    assert kept is not None
    assert kept != HASH
    assert not passwords.is_outdated(kept)
    assert (await sign_in(console.visitor())).status_code == 303


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(store: Store, clock: TestClock) -> None:
    console = Console(site_of(console_parts(store, clock, secure=True)), store, clock)
    add_user(console)
    cookie = (await sign_in(console.visitor())).headers["set-cookie"]
    assert cookie.startswith("__Host-hub-session=")
    assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie


async def test_a_session_that_somebody_put_into_the_browser_is_worth_nothing(console: Console) -> None:
    """Session fixation: the token is another after signing in, and the planted one ends."""
    add_user(console)
    planted = console.session(UserRole.VIEWER, name="mallory")
    visitor = Visitor(console.app, token=planted)
    signed_in = await sign_in(visitor)
    assert signed_in.status_code == 303
    assert planted not in signed_in.headers["set-cookie"]
    assert console.store.session(token_hash(planted)) is None


async def test_the_store_knows_no_token(console: Console) -> None:
    add_user(console)
    visitor = console.visitor()
    await sign_in(visitor)
    token = visitor.http.cookies["hub-session"]
    assert console.store.session(token) is None
    session = console.store.session(token_hash(token))
    assert session is not None
    assert session.user.name == "kim"


async def test_a_session_ends_when_nobody_does_anything(console: Console, clock: TestClock) -> None:
    kim = console.signed_in()
    for _ in range(3):
        clock.move(timedelta(minutes=59))
        assert (await kim.get("/console/account")).status_code == 200
    clock.move(timedelta(minutes=61))
    assert (await kim.get("/console/account")).status_code == 303


async def test_pages_that_refresh_themselves_are_no_sign_of_life(console: Console, clock: TestClock) -> None:
    kim = console.signed_in()
    for _ in range(3):
        clock.move(timedelta(minutes=19))
        refreshed = await kim.get("/console/account", headers={"X-Hub-Live": "1"})
        assert refreshed.status_code == 200
    clock.move(timedelta(minutes=4))
    assert (await kim.get("/console/account", headers={"X-Hub-Live": "1"})).status_code == 303


async def test_a_session_ends_after_a_shift_whatever_is_done(console: Console, clock: TestClock) -> None:
    kim = console.signed_in()
    for _ in range(24):
        clock.move(timedelta(minutes=30))
        assert (await kim.get("/console/account")).status_code == 200
    clock.move(timedelta(seconds=1))
    assert (await kim.get("/console/account")).status_code == 303


async def test_signing_out_ends_the_session_itself(console: Console) -> None:
    kim = console.signed_in()
    kept = kim.token
    out = await kim.post("/console/sign-out")
    assert out.headers["location"] == "/console/sign-in"
    assert (await Visitor(console.app, token=kept).get("/console/account")).status_code == 303


async def test_signing_out_everywhere(console: Console) -> None:
    here = console.signed_in(name="kim")
    there = Visitor(console.app, token=console.session_of("kim"))
    await here.post("/console/account/sessions")
    assert (await there.get("/console/account")).status_code == 303


async def test_every_sign_in_and_out_stands_in_the_audit(console: Console) -> None:
    add_user(console)
    visitor = console.visitor()
    await sign_in(visitor, password="wrong")
    await sign_in(visitor, "a-password-typed-as-name", "x")
    await sign_in(visitor)
    visitor.token = visitor.http.cookies["hub-session"]
    await visitor.post("/console/sign-out")
    assert actions(console) == [
        ("kim", "session.refused"),
        ("kim", "session.signed_in"),
        ("kim", "session.signed_out"),
    ]


async def test_nobody_tries_passwords_for_long(console: Console, clock: TestClock) -> None:
    add_user(console)
    visitor = console.visitor()
    statuses = [(await sign_in(visitor, password=f"wrong {n}")).status_code for n in range(6)]
    assert statuses == [401] * 5 + [429]
    right = await sign_in(visitor)
    assert right.status_code == 429, "not even the right one now"
    assert "in 15 minutes" in words_in(right.text)
    clock.move(timedelta(minutes=15))
    assert (await sign_in(visitor)).status_code == 303


async def test_passwords_tried_at_once_are_not_more(console: Console) -> None:
    add_user(console)
    answers = await asyncio.gather(*(sign_in(console.visitor(), password=f"wrong {n}") for n in range(12)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 7


async def test_nobody_tries_one_password_for_many_names(console: Console) -> None:
    for number in range(31):
        add_user(console, f"user{number}")
    visitor = console.visitor()
    statuses = [(await sign_in(visitor, f"user{n}", "Summer2026!")).status_code for n in range(31)]
    assert statuses == [401] * 30 + [429]


async def test_who_signs_in_is_not_counted_among_the_failures(console: Console) -> None:
    add_user(console)
    visitor = console.visitor()
    for _ in range(2):
        for attempt in range(4):
            assert (await sign_in(visitor, password=f"wrong {attempt}")).status_code == 401
        assert (await sign_in(visitor)).status_code == 303


async def test_what_is_left_out_is_said_next_to_the_form(console: Console) -> None:
    answer = await sign_in(console.visitor(), "kim", "")
    assert answer.status_code == 422
    assert "Give your name and your password." in words_in(answer.text)
    assert 'value="kim"' in answer.text


async def test_a_one_time_password_leads_to_another_one_and_nowhere_else(console: Console) -> None:
    add_user(console, one_time_password=True, role=UserRole.ADMIN)
    visitor = console.visitor()
    assert (await sign_in(visitor, next="/console/users")).headers["location"] == "/console/account"
    visitor.token = visitor.http.cookies["hub-session"]
    elsewhere = await visitor.get("/console/users")
    assert elsewhere.headers["location"] == "/console/account"
    changed = await visitor.post(
        "/console/account/password",
        {"old": PASSWORD, "new": "another horse battery", "again": "another horse battery"},
    )
    assert changed.headers["location"] == "/console/account?changed=password"
    assert (await visitor.get("/console/users")).status_code == 200


@pytest.mark.parametrize(
    ("old", "new", "again", "said"),
    [
        (PASSWORD, "short", "short", "at least 12 characters"),
        (PASSWORD, "kim kim kim kim", "kim kim kim kim", "Too easy to guess"),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "Too easy to guess"),
        (PASSWORD, "x" * 201, "x" * 201, "at most 200 characters"),
        (PASSWORD, "another horse battery", "another horse", "not the same"),
        ("wrong", "another horse battery", "another horse battery", "not your password"),
        (PASSWORD, PASSWORD, PASSWORD, "the password you have"),
    ],
)
async def test_a_password_that_will_not_do_is_said_why(
    console: Console, old: str, new: str, again: str, said: str
) -> None:
    add_user(console)
    kim = Visitor(console.app, token=console.session_of("kim"))
    answer = await kim.post("/console/account/password", {"old": old, "new": new, "again": again})
    assert answer.status_code == 422
    assert said in words_in(answer.text)
    assert console.store.password_hash("kim") == HASH


async def test_another_password_ends_every_other_session(console: Console) -> None:
    add_user(console)
    kim = Visitor(console.app, token=console.session_of("kim"))
    stolen = Visitor(console.app, token=console.session_of("kim"))
    new = {"old": PASSWORD, "new": "another horse battery", "again": "another horse battery"}
    await kim.follow(await kim.post("/console/account/password", new))
    assert (await stolen.get("/console/account")).status_code == 303
    assert (await sign_in(console.visitor())).status_code == 401
    assert (await sign_in(console.visitor(), password="another horse battery")).status_code == 303


async def test_a_session_left_open_is_no_place_to_try_passwords_at(console: Console) -> None:
    add_user(console)
    kim = Visitor(console.app, token=console.session_of("kim"))
    statuses = []
    for number in range(6):
        new = {"old": f"wrong {number}", "new": "another horse battery", "again": "another horse battery"}
        statuses.append((await kim.post("/console/account/password", new)).status_code)
    assert statuses == [422] * 5 + [429]
