"""Who signs in, and what he may do: the pages of administrators, and the command."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.ports import AuditFilter, UserRole
from hub.store import Store
from tests.console.support import Console, TestClock, Visitor, console_parts, site_of, words_in


@pytest.fixture
def console(store: Store, clock: TestClock) -> Console:
    names = {"apqa": {"en": "Quarantine Agency", "ko": "검역본부"}}
    return Console(site_of(console_parts(store, clock, agency_names=lambda: names)), store, clock)


def _password_on(page: str) -> str:
    [password] = re.findall(r'<code class="secret">([^<]+)</code>', page)
    return password


LEE = {"name": "lee", "display": "Lee Jiwoo", "role": "operator", "agency": ""}


async def test_a_new_user_signs_in_with_the_password_that_is_shown_once(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    added = await admin.post("/console/users/new", LEE)
    assert added.status_code == 201
    password = _password_on(added.text)
    assert password not in (await admin.get("/console/users/lee")).text
    lee = console.visitor()
    signed_in = await lee.post("/console/sign-in", {"name": "lee", "password": password})
    assert signed_in.headers["location"] == "/console/account"
    listed = words_in((await admin.get("/console/users")).text)
    assert "lee Lee Jiwoo operator" in listed
    assert "with a one-time password" in listed


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "Lee"}, "Small letters"),
        ({"name": "client:lee"}, "Small letters"),
        ({"name": "../lee"}, "Small letters"),
        ({"name": ""}, "Small letters"),
        ({"display": ""}, "A name to be shown"),
        ({"display": "x" * 81}, "A name to be shown"),
        ({"role": "emperor"}, "Choose one of the roles"),
        ({"agency": "nowhere"}, "Choose one of the agencies"),
        ({"agency": "apqa"}, "Who is bound to an agency is a viewer"),
    ],
)
async def test_what_does_not_fit_is_said_next_to_its_field(
    console: Console, changed: dict[str, str], said: str
) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    answer = await admin.post("/console/users/new", {**LEE, **changed})
    assert answer.status_code == 422
    assert said in words_in(answer.text)
    assert len(console.store.users()) == 1


async def test_a_name_is_given_once(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    await admin.post("/console/users/new", LEE)
    again = await admin.post("/console/users/new", LEE)
    assert again.status_code == 422
    assert "of this name already" in words_in(again.text)


async def test_another_role_ends_the_sessions(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    lee = console.signed_in(UserRole.OPERATOR, name="lee")
    changed = {"display": "Lee", "role": "viewer", "agency": "apqa"}
    page = await admin.follow(await admin.post("/console/users/lee", changed))
    assert "Done." in words_in(page.text)
    assert (await lee.get("/console/account")).status_code == 303
    user = console.store.user("lee")
    assert user is not None
    assert (user.role, user.agency) == (UserRole.VIEWER, "apqa")


async def test_another_display_name_ends_nothing(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    lee = console.signed_in(UserRole.OPERATOR, name="lee")
    await admin.post("/console/users/lee", {"display": "Lee Jiwoo", "role": "operator", "agency": ""})
    page = await lee.get("/console/account")
    assert "Lee Jiwoo" in words_in(page.text)


async def test_a_disabled_user_is_out_at_once_and_may_come_back(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    lee = console.signed_in(UserRole.OPERATOR, name="lee")
    await admin.follow(await admin.post("/console/users/lee/disabled", {"disabled": "yes"}))
    assert (await lee.get("/console/account")).status_code == 303
    late = Visitor(console.app, token=console.session_of("lee"))
    assert (await late.get("/console/account")).status_code == 303
    await admin.post("/console/users/lee/disabled", {"disabled": "no"})
    again = Visitor(console.app, token=console.session_of("lee"))
    assert (await again.get("/console/account")).status_code == 200


async def test_a_password_is_reset_and_the_sessions_end(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    lee = console.signed_in(UserRole.OPERATOR, name="lee")
    reset = await admin.post("/console/users/lee/password")
    assert (await lee.get("/console/account")).status_code == 303
    signed_in = await console.visitor().post(
        "/console/sign-in", {"name": "lee", "password": _password_on(reset.text)}
    )
    assert signed_in.headers["location"] == "/console/account"


async def test_somebody_is_signed_out_everywhere(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    lee = console.signed_in(name="lee")
    await admin.follow(await admin.post("/console/users/lee/sessions"))
    assert (await lee.get("/console/account")).status_code == 303


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("", {"display": "Kim", "role": "supervisor", "agency": ""}),
        ("", {"display": "Kim", "role": "viewer", "agency": "apqa"}),
        ("/disabled", {"disabled": "yes"}),
    ],
)
async def test_the_last_administrator_stays(console: Console, path: str, form: dict[str, str]) -> None:
    kim = console.signed_in(UserRole.ADMIN, name="kim")
    refused = await kim.post(f"/console/users/kim{path}", form)
    assert refused.status_code == 422
    assert "Nobody would be left" in words_in(refused.text)
    console.signed_in(UserRole.ADMIN, name="lee")
    assert (await kim.post(f"/console/users/kim{path}", form)).status_code == 303


async def test_every_change_stands_in_the_audit_with_who_made_it(console: Console) -> None:
    admin = console.signed_in(UserRole.ADMIN, name="kim")
    await admin.post("/console/users/new", LEE)
    await admin.post("/console/users/lee", {**LEE, "role": "viewer"})
    await admin.post("/console/users/lee/password")
    await admin.post("/console/users/lee/sessions")
    await admin.post("/console/users/lee/disabled", {"disabled": "yes"})
    await admin.post("/console/users/lee/disabled", {"disabled": "no"})
    lines = console.store.audit(AuditFilter(), None, 100).lines
    assert {line.user for line in lines} == {"kim"}
    assert {line.data["name"] for line in lines} == {"lee"}
    assert [line.action for line in reversed(lines)] == [
        "user.created",
        "user.changed",
        "user.password_reset",
        "user.signed_out",
        "user.disabled",
        "user.enabled",
    ]


@pytest.mark.parametrize("path", ["", "/password", "/sessions", "/disabled"])
async def test_a_user_that_is_not_there(console: Console, path: str) -> None:
    admin = console.signed_in(UserRole.ADMIN)
    assert (await admin.post(f"/console/users/nobody{path}", LEE)).status_code == 404


def _hub(url: str, *words: str, typed: str = "") -> tuple[int, str]:
    """Its status, and what it said."""
    result = CliRunner().invoke(app, ["user", *words], input=typed, env={"HUB_DATABASE_URL": url})
    return result.exit_code, result.output


async def test_the_first_administrator_is_made_by_a_command(console: Console, sqlite_url: str) -> None:
    status, said = _hub(sqlite_url, "add", "kim", "--role", "admin")
    assert status == 0, said
    form = {"name": "kim", "password": said.split()[0]}
    assert (await console.visitor().post("/console/sign-in", form)).headers["location"] == "/console/account"
    status, said = _hub(sqlite_url, "disable", "kim")
    assert (status, "last administrator" in said) == (1, True)
    status, said = _hub(sqlite_url, "password", "kim", "--ask", typed="hunter2\n")
    assert (status, "at least 12" in said) == (1, True)
    assert _hub(sqlite_url, "password", "kim", "--ask", typed="correct horse battery\n")[0] == 0
    form = {"name": "kim", "password": "correct horse battery"}
    assert (await console.visitor().post("/console/sign-in", form)).headers["location"] == "/console"


def test_users_are_looked_after_by_the_command(store: Store, sqlite_url: str) -> None:
    for name in ("kim", "lee"):
        assert _hub(sqlite_url, "add", name, "--role", "admin")[0] == 0
    assert "there is a user 'lee' already" in _hub(sqlite_url, "add", "lee")[1]
    assert _hub(sqlite_url, "add", "Lee")[0] != 0
    assert _hub(sqlite_url, "role", "lee", "supervisor")[0] == 0
    assert "no agency nowhere" in _hub(sqlite_url, "role", "lee", "viewer", "--agency", "nowhere")[1]
    assert "is a viewer" in _hub(sqlite_url, "role", "lee", "admin", "--agency", "apqa")[1]
    assert "no user nobody" in _hub(sqlite_url, "disable", "nobody")[1]
    assert _hub(sqlite_url, "disable", "lee")[0] == 0
    listed = _hub(sqlite_url, "list")[1]
    assert re.search(r"kim +kim +admin +with a", listed)
    assert re.search(r"lee +lee +supervisor +disabled", listed)
    lines = store.audit(AuditFilter(), None, 20).lines
    assert [line.action for line in reversed(lines)] == [
        "user.created",
        "user.created",
        "user.changed",
        "user.disabled",
    ]
    assert all(line.user.startswith("shell:") for line in lines), "whoever may use the machine"
