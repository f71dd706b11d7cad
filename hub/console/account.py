"""What a user sees and sets of himself."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hub.console import passwords
from hub.console.i18n import _
from hub.console.parts import ConsoleParts, Parts
from hub.console.security import CheckedForm, delete_cookie
from hub.console.shell import AnyoneSignedIn, go, in_thread, page
from hub.console.sign_in import audited, begin_session, minutes_until, sign_in_limits
from hub.ports import User

router = APIRouter(prefix="/console/account")


@router.get("")
async def account(request: Request, parts: Parts, user: AnyoneSignedIn, changed: str = "") -> Response:
    """Name, role, and the form for another password."""
    return await _page(request, parts, user, changed=changed == "password")


async def _page(
    request: Request,
    parts: ConsoleParts,
    user: User,
    *,
    status: int = 200,
    changed: bool = False,
    **faults: str,
) -> Response:
    has_password = await in_thread(parts.users.password_hash, user.name) is not None
    return page(
        request,
        "account.html",
        status=status,
        account=user,
        has_password=has_password,
        changed=changed,
        faults=faults,
        fault_values=passwords.FAULT_VALUES,
        least=passwords.LEAST_LENGTH,
    )


@router.post("/password")
async def change_password(
    request: Request, parts: Parts, user: AnyoneSignedIn, form: CheckedForm
) -> Response:
    """Another password. Every session of the user ends; this browser gets a new one."""
    old, new, again = (form.secret(name) for name in ("old", "new", "again"))
    fault = passwords.fault_of(new, user.name)
    if fault is not None:
        return await _page(request, parts, user, status=422, new=fault)
    if new != again:
        return await _page(request, parts, user, status=422, again=_("The two are not the same."))
    # As at sign-in: a browser left open is no place to try passwords at.
    limits = sign_in_limits(request, user.name)
    again_at = await in_thread(parts.users.try_sign_in, limits, parts.clock())
    if again_at is not None:
        minutes = str(minutes_until(again_at, parts.clock()))
        return await _page(request, parts, user, status=429, throttled=minutes)
    kept = await in_thread(parts.users.password_hash, user.name)
    if not await in_thread(passwords.matches, old, kept):
        return await _page(request, parts, user, status=422, old=_("This is not your password."))
    if old == new:
        return await _page(request, parts, user, status=422, new=_("This is the password you have."))
    await in_thread(parts.users.forgive, [limits[0].key])
    hashed = await in_thread(passwords.hash_of, new)
    line = audited(parts, user, "user.password_changed")
    await in_thread(parts.users.set_password, user.name, hashed, line, one_time=False)
    own = user.model_copy(update={"one_time_password": False})
    return await begin_session(request, parts, own, "/console/account?changed=password", by="password")


@router.post("/sessions")
async def close_sessions(parts: Parts, user: AnyoneSignedIn) -> Response:
    """Sign out in every browser, this one too."""
    line = audited(parts, user, "session.signed_out_everywhere")
    await in_thread(parts.users.close_sessions, user.name, line)
    response = go("/console/sign-in")
    delete_cookie(response, parts, "session")
    return response
