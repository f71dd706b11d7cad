"""Pages for administrators: who signs in, and what he may do."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request, Response

from hub.console import passwords
from hub.console.i18n import _
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem, not_found
from hub.console.security import CheckedForm, Form
from hub.console.shell import Administering, go, in_thread, page
from hub.console.sign_in import audited
from hub.ports import User, UserRole
from hub.ports.users import LastAdmin, UserTaken

router = APIRouter(prefix="/console/users")

NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
"""Lower case only: nobody is to be taken for somebody else."""
_LONGEST_DISPLAY = 80

_LAST_ADMIN = _("Nobody would be left who manages users. Make somebody else an administrator first.")


@router.get("")
async def users(request: Request, parts: Parts, user: Administering) -> Response:
    """Everybody."""
    return page(request, "users/list.html", users=await in_thread(parts.users.users))


@router.get("/new")
async def new_user_page(request: Request, parts: Parts, user: Administering) -> Response:
    """The form for another one."""
    return _new(request, parts)


def _new(request: Request, parts: ConsoleParts, *, status: int = 200, **more: Any) -> Response:
    empty = {"name": "", "display": "", "role": UserRole.VIEWER, "agency": ""}
    context = {"faults": {}, "values": empty, "agencies": parts.agency_names(), **more}
    return page(request, "users/new.html", status=status, **context)


@router.post("/new")
async def add_user(request: Request, parts: Parts, admin: Administering, form: CheckedForm) -> Response:
    """Add it, and show its one-time password, once."""
    values, faults = _read(parts, form)
    values["name"] = form.text("name")
    if not NAME.fullmatch(values["name"]):
        faults["name"] = _("Small letters, digits, and . _ @ - within; at most 64 characters.")
    if faults:
        return _new(request, parts, status=422, faults=faults, values=values)
    password = passwords.new_password()
    hashed = await in_thread(passwords.hash_of, password)
    user = User(
        name=values["name"],
        display=values["display"],
        role=UserRole(values["role"]),
        agency=values["agency"] or None,
        one_time_password=True,
        created_at=parts.clock(),
    )
    line = audited(parts, admin, "user.created", **_told(user))
    try:
        await in_thread(parts.users.add_user, user, hashed, line)
    except UserTaken:
        faults["name"] = _("There is a user of this name already.")
        return _new(request, parts, status=422, faults=faults, values=values)
    return page(request, "users/password.html", status=201, who=user, password=password)


@router.get("/{name}")
async def one_user(
    request: Request, parts: Parts, admin: Administering, name: str, saved: bool = False
) -> Response:
    """One user, with what can be done about him."""
    return _one(request, parts, await _existing(parts, name), saved=saved)


def _one(request: Request, parts: ConsoleParts, who: User, *, status: int = 200, **more: Any) -> Response:
    values = {"display": who.display, "role": who.role, "agency": who.agency or ""}
    context = {
        "who": who,
        "values": values,
        "faults": {},
        "saved": False,
        "agencies": parts.agency_names(),
        **more,
    }
    return page(request, "users/one.html", status=status, **context)


@router.post("/{name}")
async def change_user(
    request: Request, parts: Parts, admin: Administering, name: str, form: CheckedForm
) -> Response:
    """Display name, role, agency."""
    who = await _existing(parts, name)
    values, faults = _read(parts, form)
    if faults:
        return _one(request, parts, who, status=422, values=values, faults=faults)
    changed = who.model_copy(
        update={
            "display": values["display"],
            "role": UserRole(values["role"]),
            "agency": values["agency"] or None,
        }
    )
    line = audited(parts, admin, "user.changed", **_told(changed))
    try:
        await in_thread(parts.users.change_user, changed, line)
    except LastAdmin:
        return _one(request, parts, who, status=422, values=values, faults={"role": _LAST_ADMIN})
    return go(f"/console/users/{name}?saved=true")


@router.post("/{name}/disabled")
async def disable_user(
    request: Request, parts: Parts, admin: Administering, name: str, form: CheckedForm
) -> Response:
    """Disable him, or enable him again; his sessions end."""
    who = await _existing(parts, name)
    disabled = form.text("disabled") == "yes"
    line = audited(parts, admin, "user.disabled" if disabled else "user.enabled", name=name)
    try:
        await in_thread(parts.users.change_user, who.model_copy(update={"disabled": disabled}), line)
    except LastAdmin:
        return _one(request, parts, who, status=422, faults={"disabled": _LAST_ADMIN})
    return go(f"/console/users/{name}?saved=true")


@router.post("/{name}/password")
async def reset_password(request: Request, parts: Parts, admin: Administering, name: str) -> Response:
    """A new one-time password, shown once; his sessions end."""
    who = await _existing(parts, name)
    if who.subject is not None:
        raise PageProblem(
            422,
            _("This user signs in with the OpenID Connect provider"),
            _("The password is changed there."),
        )
    password = passwords.new_password()
    hashed = await in_thread(passwords.hash_of, password)
    line = audited(parts, admin, "user.password_reset", name=name)
    await in_thread(parts.users.set_password, name, hashed, line, one_time=True)
    return page(request, "users/password.html", status=201, who=who, password=password)


@router.post("/{name}/sessions")
async def close_sessions(parts: Parts, admin: Administering, name: str) -> Response:
    """Sign him out everywhere."""
    await _existing(parts, name)
    line = audited(parts, admin, "user.signed_out", name=name)
    await in_thread(parts.users.close_sessions, name, line)
    return go(f"/console/users/{name}?saved=true")


async def _existing(parts: ConsoleParts, name: str) -> User:
    """Raises PageProblem (404)."""
    who = await in_thread(parts.users.user, name)
    if who is None:
        raise not_found(_("There is no such user"))
    return who


def _read(parts: ConsoleParts, form: Form) -> tuple[dict[str, str], dict[str, str]]:
    """What was filled in, and what is wrong with it, by field."""
    values = {name: form.text(name) for name in ("display", "role", "agency")}
    faults = {}
    if not 0 < len(values["display"]) <= _LONGEST_DISPLAY or not values["display"].isprintable():
        faults["display"] = _("A name to be shown, of at most 80 characters.")
    if values["role"] not in list(UserRole):
        faults["role"] = _("Choose one of the roles.")
    if values["agency"] and values["agency"] not in parts.agency_names():
        faults["agency"] = _("Choose one of the agencies.")
    elif values["agency"] and values["role"] != UserRole.VIEWER:
        faults["role"] = _("Who is bound to an agency is a viewer.")
    return values, faults


def _told(user: User) -> dict[str, str]:
    """What the audit says of a user."""
    return {"name": user.name, "role": user.role.value, "display": user.display} | (
        {"agency": user.agency} if user.agency else {}
    )
