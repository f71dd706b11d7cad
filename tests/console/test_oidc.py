"""Signing in with an OpenID Connect provider: a real one, on a socket, that is told to lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey, RSAKey
from playwright.async_api import Browser

from hub.console.provider import OidcSettings, Provider
from hub.ports import AuditFilter, User, UserRole
from hub.store import Store
from tests.console.browser import window
from tests.console.identity import CLIENT, IdentityProvider
from tests.console.support import Console, TestClock, Visitor, console_parts, served, site_of, words_in

ROLES = {"hub-viewers": UserRole.VIEWER, "hub-operators": UserRole.OPERATOR, "hub-admins": UserRole.ADMIN}


@pytest.fixture
def identity(clock: TestClock) -> Iterator[IdentityProvider]:
    provider = IdentityProvider(clock)
    provider.claims["roles"] = ["hub-operators", "staff"]
    with served(provider.app()) as url:
        provider.issuer = url
        yield provider


@pytest.fixture
def console(store: Store, clock: TestClock, identity: IdentityProvider) -> Console:
    settings = OidcSettings(identity.issuer, *CLIENT, roles=ROLES)
    parts = console_parts(
        store,
        clock,
        provider=Provider(settings, clock),
        agency_names=lambda: {"apqa": {"en": "Quarantine Agency"}},
    )
    return Console(site_of(parts), store, clock)


async def _there_and_back(visitor: Visitor, path: str = "/console/oidc") -> httpx.Response:
    """Begin here, sign in there, and what the hub answers when the browser comes back."""
    return await visitor.get(await _back(visitor, path))


async def _back(visitor: Visitor, path: str = "/console/oidc") -> str:
    begun = await visitor.get(path)
    assert begun.status_code == 303, words_in(begun.text)
    async with httpx.AsyncClient() as elsewhere:
        there = await elsewhere.get(begun.headers["location"])
    return there.headers["location"]


async def test_signing_in_there_and_back(browser: Browser, console: Console) -> None:
    with served(console.app) as url:
        async with window(browser, url) as at:
            await at.open("/console/account")
            await at.page.get_by_role("link", name="Sign in with your organisation's account").click()
            await at.page.wait_for_url("**/console/account")
            assert "operator" in await at.text()


async def test_a_new_user_has_the_role_and_the_name_that_the_provider_gives(console: Console) -> None:
    visitor = console.visitor()
    back = await _there_and_back(visitor)
    assert back.status_code == 303, words_in(back.text)
    assert back.headers["location"] == "/console"
    [user] = console.store.users()
    assert (user.name, user.role, user.agency) == ("kim", UserRole.OPERATOR, None)
    assert (await visitor.get("/console/account")).status_code == 200
    actions = [line.action for line in console.store.audit(AuditFilter(), None, 10).lines]
    assert actions == ["session.signed_in", "user.created"]


async def test_the_role_is_the_one_the_provider_gives_today(
    console: Console, identity: IdentityProvider
) -> None:
    visitor = console.visitor()
    await _there_and_back(visitor)
    identity.claims |= {"roles": "hub-viewers", "name": "Kim Minji"}
    await _there_and_back(console.visitor())
    [user] = console.store.users()
    assert (user.role, user.display) == (UserRole.VIEWER, "Kim Minji")
    gone = await visitor.get("/console/account")
    assert gone.status_code == 303, "what was begun as an operator has ended"


async def test_a_user_of_an_agency_is_a_viewer_of_it(console: Console, identity: IdentityProvider) -> None:
    identity.claims |= {"agency": "apqa", "roles": ["hub-admins"]}
    await _there_and_back(console.visitor())
    [user] = console.store.users()
    assert (user.role, user.agency) == (UserRole.VIEWER, "apqa")


@pytest.mark.parametrize("claims", [{"roles": []}, {"roles": ["strangers"]}, {"agency": "unknown"}])
async def test_whoever_has_no_role_does_not_get_in(
    console: Console, identity: IdentityProvider, claims: dict[str, Any]
) -> None:
    identity.claims |= claims
    back = await _there_and_back(console.visitor())
    assert back.status_code == 403
    assert "gives you no role" in words_in(back.text)
    assert console.store.users() == []


async def test_somebody_else_of_the_same_name_is_somebody_else(
    console: Console, identity: IdentityProvider
) -> None:
    console.session(UserRole.ADMIN, name="kim")
    await _there_and_back(console.visitor())
    names = {user.name: user.role for user in console.store.users()}
    assert names.pop("kim") is UserRole.ADMIN
    [(name, role)] = names.items()
    assert name.startswith("kim-")
    assert role is UserRole.OPERATOR
    await _there_and_back(console.visitor())
    assert len(console.store.users()) == 2, "known by its subject the second time"


async def test_a_disabled_user_does_not_get_in(console: Console) -> None:
    await _there_and_back(console.visitor())
    [user] = console.store.users()
    console.store.change_user(user.model_copy(update={"disabled": True}), None)
    back = await _there_and_back(console.visitor())
    assert back.status_code == 403
    assert "disabled" in words_in(back.text)


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "of another sign-in": lambda claims: claims.update(nonce="another"),
    "without a nonce": lambda claims: claims.pop("nonce"),
    "for another client": lambda claims: claims.update(aud="another"),
    "for two, and made for the other": lambda claims: claims.update(aud=["hub", "another"], azp="another"),
    "of another issuer": lambda claims: claims.update(iss="https://another.example"),
    "expired": lambda claims: claims.update(exp=claims["iat"] - 3600),
    "of the future": lambda claims: claims.update(iat=claims["iat"] + 3600),
    "for ever": lambda claims: claims.pop("exp"),
    "of nobody": lambda claims: claims.pop("sub"),
    "about another access token": lambda claims: claims.update(at_hash="AAAAAAAAAAAAAAAAAAAAAA"),
}


async def test_an_id_token_that_is_not_right_lets_nobody_in(
    console: Console, identity: IdentityProvider
) -> None:
    for lie, told in LIES.items():
        identity.lie = told
        back = await _there_and_back(console.visitor())
        assert back.status_code == 502, f"{lie}: {words_in(back.text)}"
    assert console.store.users() == []
    identity.lie = lambda claims: None
    assert (await _there_and_back(console.visitor())).status_code == 303, "the same, without a lie"


async def test_an_id_token_that_is_forged_lets_nobody_in(
    console: Console, identity: IdentityProvider
) -> None:
    for forged in (identity.signed_by_another, identity.signed_by_the_public_key, identity.not_signed):
        identity.sign = forged
        visitor = console.visitor()
        back = await _there_and_back(visitor)
        assert back.status_code == 502, f"{forged}: {words_in(back.text)}"
        assert (await visitor.get("/console/account")).status_code == 303
    assert console.store.users() == []
    identity.sign = identity.signed
    assert (await _there_and_back(console.visitor())).status_code == 303, "the same, rightly signed"


async def test_an_answer_serves_once(console: Console) -> None:
    visitor = console.visitor()
    url = await _back(visitor)
    kept = dict(visitor.http.cookies)
    assert (await visitor.get(url)).status_code == 303
    again = Visitor(console.app)
    again.http.cookies.update(kept)
    replayed = await again.get(url)
    assert replayed.status_code == 403
    assert "did not begin here, or has ended" in words_in(replayed.text)


async def test_an_answer_serves_only_in_the_browser_that_began(console: Console) -> None:
    url = await _back(console.visitor())
    other = console.visitor()
    assert (await other.get(url)).status_code == 403
    await other.get("/console/oidc")  # one that has begun itself is no better
    assert (await other.get(url)).status_code == 403


async def test_an_answer_that_comes_too_late_serves_no_more(console: Console, clock: TestClock) -> None:
    visitor = console.visitor()
    url = await _back(visitor)
    clock.move(timedelta(minutes=11))
    assert (await visitor.get(url)).status_code == 403


async def test_who_is_refused_there_is_told_so(console: Console) -> None:
    visitor = console.visitor()
    begun = await visitor.get("/console/oidc")
    state = httpx.URL(begun.headers["location"]).params["state"]
    back = await visitor.get("/console/oidc/back", params={"error": "access_denied", "state": state})
    assert back.status_code == 403
    assert "access_denied" in words_in(back.text)


async def test_a_code_of_another_sign_in_is_of_no_use(console: Console) -> None:
    """Without the verifier of the sign-in it was made for (RFC 7636)."""
    stolen = httpx.URL(await _back(console.visitor())).params["code"]
    thief = console.visitor()
    own = httpx.URL(await _back(thief))
    back = await thief.get(str(own.copy_set_param("code", stolen)))
    assert back.status_code == 403
    assert "invalid_grant" in words_in(back.text)


async def test_an_answer_of_another_provider_is_not_taken(
    console: Console, identity: IdentityProvider
) -> None:
    identity.answers["iss"] = "https://another.example"
    assert (await _there_and_back(console.visitor())).status_code == 502


@pytest.mark.parametrize(
    "key", [RSAKey.generate_key(2048, {"kid": "2"}), ECKey.generate_key("P-256", {"kid": "3"})]
)
async def test_new_keys_are_fetched_when_a_token_bears_one(
    console: Console, identity: IdentityProvider, clock: TestClock, key: RSAKey | ECKey
) -> None:
    assert (await _there_and_back(console.visitor())).status_code == 303
    assert identity.asked == ["configuration", "keys"], "once"
    identity.rotate(key)
    clock.move(timedelta(minutes=5))
    assert (await _there_and_back(console.visitor())).status_code == 303
    assert identity.asked == ["configuration", "keys"] * 2


async def test_a_provider_that_is_away_is_said_to_be(
    console: Console, store: Store, clock: TestClock
) -> None:
    settings = OidcSettings("http://127.0.0.1:9", *CLIENT, roles=ROLES)
    app = site_of(console_parts(store, clock, provider=Provider(settings, clock)))
    answer = await Visitor(app).get("/console/oidc")
    assert answer.status_code == 502
    assert "does not work now" in words_in(answer.text)


async def test_a_provider_that_calls_itself_otherwise_is_not_relied_on(
    console: Console, identity: IdentityProvider
) -> None:
    identity.publishes["issuer"] = "https://another.example"
    assert (await console.visitor().get("/console/oidc")).status_code == 502


async def test_without_a_provider_there_is_no_such_way(store: Store, clock: TestClock) -> None:
    visitor = Visitor(site_of(console_parts(store, clock)))
    assert "organisation" not in (await visitor.get("/console/sign-in")).text
    assert (await visitor.get("/console/oidc")).status_code == 404


async def test_a_user_of_the_provider_has_no_password_here(console: Console) -> None:
    await _there_and_back(console.visitor())
    visitor = console.visitor()
    refused = await visitor.post("/console/sign-in", {"name": "kim", "password": "anything at all"})
    assert refused.status_code == 401
    admin = console.signed_in(UserRole.ADMIN)
    reset = await admin.post("/console/users/kim/password")
    assert reset.status_code == 422
    assert "provider" in words_in(reset.text)


async def test_nobody_is_left_without_an_administrator_by_the_provider(
    console: Console, identity: IdentityProvider
) -> None:
    identity.claims["roles"] = ["hub-admins"]
    await _there_and_back(console.visitor())
    identity.claims["roles"] = ["hub-viewers"]
    back = await _there_and_back(console.visitor())
    assert back.status_code == 403
    assert "you are the last one" in words_in(back.text)
    still: User | None = console.store.user("kim")
    assert still is not None
    assert still.role is UserRole.ADMIN
