"""What keeps the console to its users: sessions, forms of its own, headers, errors that give nothing away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from hub.console.app import ROUTERS
from hub.console.security import csrf_token
from hub.ports import UserRole
from tests.console.support import Console, Visitor, console_parts, site_of, words_in

FOR_ANYBODY = {"/console/sign-in", "/console/static/{name}", "/console/oidc", "/console/oidc/back"}
OF_ONES_OWN = {
    "/console/sign-in",
    "/console/sign-out",
    "/console/preferences",
    "/console/account/password",
    "/console/account/sessions",
}
"""Forms that anybody, or any user, may send: they are about the one who sends them."""


def _routes(method: str) -> Iterator[str]:
    for router in ROUTERS:
        yield from _paths(router, method)


def _paths(router: APIRouter, method: str) -> Iterator[str]:
    for route in router.routes:
        if isinstance(route, APIRoute) and method in route.methods and route.path.startswith("/console"):
            yield route.path


PAGES = sorted(set(_routes("GET")) - FOR_ANYBODY)
FORMS = sorted(set(_routes("POST")) - OF_ONES_OWN)


def _filled(path: str) -> str:
    return re.sub(r"{[^}]+}", "x", path)


async def test_a_page_is_for_those_who_have_signed_in(console: Console) -> None:
    """Every page there is, in one test: an application of its own for each would take long."""
    stranger = Visitor(console.app, token="a token that nobody was given")
    for path in PAGES:
        for visitor in (console.visitor(), stranger):
            answer = await visitor.get(_filled(path))
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/console/sign-in?next="), path


async def test_a_form_is_for_those_who_have_signed_in(console: Console) -> None:
    for path in FORMS:
        answer = await console.visitor().post(_filled(path))
        assert answer.headers["location"] == "/console/sign-in", path


async def test_a_viewer_can_do_nothing(console: Console) -> None:
    """Nor can anybody who is bound to an agency, whatever the role."""
    for visitor in (
        console.signed_in(UserRole.VIEWER),
        console.signed_in(UserRole.VIEWER, "apqa"),
        console.signed_in(UserRole.ADMIN, "apqa"),
    ):
        for path in FORMS:
            answer = await visitor.post(_filled(path), {"reason": "because"})
            assert answer.status_code == 403, f"{path}: {words_in(answer.text)}"


async def test_a_form_without_the_token_of_its_session_is_refused(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    eve = {"name": "eve", "display": "Eve", "role": "admin"}
    for token in (None, "", "0" * 64, csrf_token("the token of another session"), "한" * 64):
        sent = eve if token is None else {**eve, "csrf": token}
        answer = await admin.http.post("/console/users/new", data=sent)
        assert answer.status_code == 403, token
        assert "belongs to another session" in words_in(answer.text)
    assert console.store.user("eve") is None


async def test_a_form_of_another_site_is_refused(console: Console) -> None:
    """Before sign-in, too: nobody is signed in as somebody else by a site he visits."""
    admin = console.signed_in(UserRole.ADMIN)
    eve = {"name": "eve", "password": "x", "role": "admin", "display": "Eve"}
    for origin in (None, "null", "http://evil.example", "http://hub.evil.example", "http://hub:81"):
        for path in ("/console/sign-in", "/console/users/new", "/console/sign-out"):
            admin.http.headers.pop("origin", None)
            if origin is not None:
                admin.http.headers["origin"] = origin
            answer = await admin.post(path, eve)
            assert answer.status_code == 403, f"{origin} to {path}"
            assert "not sent by a page of the hub" in words_in(answer.text)
    assert console.store.user("eve") is None
    assert (await admin.get("/console/account")).status_code == 200, "the session has not ended by it"


async def test_behind_a_proxy_the_public_address_is_the_origin(console: Console) -> None:
    parts = console_parts(console.store, console.clock, public_url="https://hub.example")
    admin = Visitor(site_of(parts), token=console.session(UserRole.ADMIN))
    assert (await admin.post("/console/users/new")).status_code == 403
    admin.http.headers["origin"] = "https://hub.example"
    assert (await admin.post("/console/users/new")).status_code == 422


@pytest.mark.parametrize("path", ["/console/sign-in", "/console/account", "/console/nowhere", "/track"])
async def test_every_page_says_what_browsers_may_do_with_it(console: Console, path: str) -> None:
    headers = (await console.signed_in().get(path)).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert {"frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"} <= set(policy.split("; "))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] in ("same-origin", "strict-origin"), (
        "where a reader came from stays here"
    )
    assert "no-store" in headers["cache-control"]


def test_no_page_holds_a_script_or_a_style_of_its_own(root: Path) -> None:
    """The policy forbids them; a template that has one looks right only without the policy."""
    inline = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", re.I)
    allowed = re.compile(r'xmlns="http://www.w3.org/2000/svg"')
    for path in (root / "hub" / "console" / "templates").rglob("*.html"):
        found = inline.search(allowed.sub("", path.read_text(encoding="utf-8")))
        assert found is None, f"{path.name}: {found}"


async def test_files_are_kept_until_they_are_others(console: Console) -> None:
    visitor = console.visitor()
    page = await visitor.get("/console/sign-in")
    [url] = re.findall(r'href="([^"]+console\.css[^"]*)"', page.text)
    kept = await visitor.get(url)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert kept.headers["content-type"].startswith("text/css")
    by_name = await visitor.get(url.partition("?")[0])
    assert by_name.headers["cache-control"] == "no-cache"
    again = await visitor.get(url, headers={"If-None-Match": kept.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("name", ["nothing.css", "..%2Fapp.py", "%2e%2e%2fparts.py"])
async def test_no_other_file_is_given_out(console: Console, name: str) -> None:
    assert (await console.visitor().get(f"/console/static/{name}")).status_code == 404


async def test_a_page_that_has_not_changed_is_not_sent_again(console: Console) -> None:
    kim = console.signed_in()
    page = await kim.get("/console/account")
    again = await kim.get("/console/account", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    lee = console.signed_in(name="lee")
    other = await lee.get("/console/account", headers={"If-None-Match": page.headers["etag"]})
    assert other.status_code == 200


async def test_a_page_that_is_not_there(console: Console) -> None:
    answer = await console.signed_in().get("/console/nowhere")
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "There is no such page" in words_in(answer.text)


async def test_while_the_database_is_away_pages_say_so(console: Console, sqlite_url: str) -> None:
    kim = console.signed_in()
    console.store.close()
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    for beside in path.parent.glob(path.name + "*"):
        beside.unlink()
    path.write_bytes(b"no database " * 1000)
    answer = await kim.get("/console/account")
    assert answer.status_code == 503
    assert "The database does not answer" in words_in(answer.text)


async def test_when_the_hub_fails_its_reader_is_told_no_secrets(console: Console) -> None:
    def failing(name: str) -> None:
        raise RuntimeError("the password is hunter2")

    kim = console.signed_in(name="kim")
    console.store.password_hash = failing  # type: ignore[method-assign,assignment]
    answer = await kim.get("/console/account")
    assert answer.status_code == 500
    assert "The hub has failed to answer" in words_in(answer.text)
    assert "hunter2" not in answer.text
