"""Commands for who signs in to the console."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hub.cli.administration import opened_store
from hub.cli.screen import screen
from hub.clock import utc_now
from hub.console import passwords
from hub.ports import Audited, User, UserRole
from hub.ports.users import LastAdmin, NoSuchUser, UserTaken
from hub.settings import Settings

if TYPE_CHECKING:
    from hub.store import Store

Name = Annotated[str, typer.Argument(help="the name the user signs in with")]
Ask = Annotated[
    bool,
    typer.Option(
        "--ask", help="ask for the password; one that is piped in is read without asking. Generated otherwise"
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    users = typer.Typer(help="Who may sign in to the console.", no_args_is_help=True)
    users.command("add")(add_user)
    users.command("list")(list_users)
    users.command("role")(change_role)
    users.command("password")(reset_password)
    users.command("disable")(disable_user)
    users.command("enable")(enable_user)
    app.add_typer(users, name="user")


def add_user(
    name: Name,
    role: Annotated[UserRole, typer.Option(help="what it may do")] = UserRole.VIEWER,
    display: Annotated[str | None, typer.Option(help="the name that is shown")] = None,
    agency: Annotated[str | None, typer.Option(help="sees this agency's referrals only")] = None,
    ask: Ask = False,
) -> None:
    """Add a user. Without --ask a password for the first sign-in is generated and printed, once."""
    from hub.console.users import NAME

    if not NAME.fullmatch(name):
        raise typer.BadParameter("a name is of small letters, digits, and . _ @ - within")
    _refuse_binding(role, agency)
    password = _password(name, ask)
    user = User(
        name=name,
        display=display or name,
        role=role,
        agency=agency,
        one_time_password=not ask,
        created_at=utc_now(),
    )
    told = {"name": name, "role": role.value} | ({"agency": agency} if agency else {})
    with opened_store() as store:
        try:
            store.add_user(user, passwords.hash_of(password), _line("user.created", **told))
        except UserTaken as taken:
            raise SystemExit(f"hub: {taken}") from taken
    _tell(name, password, ask)


def list_users() -> None:
    """List the users."""
    with opened_store() as store:
        users = store.users()
    table = Table(box=None, pad_edge=False)
    for head in ("name", "shown as", "role", "agency", "signs in", "since"):
        table.add_column(head)
    for user in users:
        table.add_row(
            user.name, user.display, user.role, user.agency or "", _way(user), f"{user.created_at:%Y-%m-%d}"
        )
    screen().print(table)


def _way(user: User) -> str:
    if user.disabled:
        return "disabled"
    if user.subject is not None:
        return "with the provider"
    return "with a one-time password" if user.one_time_password else "with a password"


def change_role(
    name: Name,
    role: Annotated[UserRole, typer.Argument(help="what it may do from now on")],
    agency: Annotated[str | None, typer.Option(help="sees this agency's referrals only")] = None,
) -> None:
    """Change what a user may do; its sessions end."""
    _refuse_binding(role, agency)
    told = {"name": name, "role": role.value} | ({"agency": agency} if agency else {})
    with opened_store() as store:
        _change(store, name, _line("user.changed", **told), role=role, agency=agency)
    print(f"{name} is {role} now")


def disable_user(name: Name) -> None:
    """Let a user sign in no more; its sessions end."""
    with opened_store() as store:
        _change(store, name, _line("user.disabled", name=name), disabled=True)
    print(f"{name} is disabled")


def enable_user(name: Name) -> None:
    """Let a user sign in again."""
    with opened_store() as store:
        _change(store, name, _line("user.enabled", name=name), disabled=False)
    print(f"{name} is enabled")


def reset_password(name: Name, ask: Ask = False) -> None:
    """Give a user another password; its sessions end."""
    password = _password(name, ask)
    line = _line("user.password_reset", name=name)
    with opened_store() as store:
        user = store.user(name)
        if user is not None and user.subject is not None:
            raise SystemExit(f"hub: {name} signs in with the OpenID Connect provider; change it there")
        try:
            store.set_password(name, passwords.hash_of(password), line, one_time=not ask)
        except NoSuchUser as unknown:
            raise SystemExit(f"hub: there is no user {name}") from unknown
    _tell(name, password, ask)


def _change(store: Store, name: str, line: Audited, **changes: object) -> None:
    """Ends the command when there is no such user, or it is the last administrator."""
    user = store.user(name)
    if user is None:
        raise SystemExit(f"hub: there is no user {name}")
    try:
        store.change_user(user.model_copy(update=changes), line)
    except LastAdmin as last:
        raise SystemExit(
            f"hub: {name} is the last administrator; make another one first: hub user role NAME admin"
        ) from last


def _refuse_binding(role: UserRole, agency: str | None) -> None:
    """Raises typer.BadParameter; ends the command for an agency that there is not."""
    from hub.config.loader import load

    if agency is None:
        return
    if role is not UserRole.VIEWER:
        raise typer.BadParameter(f"who is bound to an agency is a viewer, not {role}")
    folder = Settings(environment="development").config_folder
    if agency not in load(folder, development=True).agencies:
        raise SystemExit(f"hub: the configuration in {folder} has no agency {agency}")


def _password(name: str, ask: bool) -> str:
    """Generated, or read from the terminal (twice, unseen) or the standard input. Refuses weak ones."""
    if not ask:
        return passwords.new_password()
    if sys.stdin.isatty():
        password = getpass.getpass("password: ")
        if getpass.getpass("once more: ") != password:
            raise SystemExit("hub: the two are not the same")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    fault = passwords.fault_of(password, name)
    if fault is not None:
        raise SystemExit(f"hub: {fault % passwords.FAULT_VALUES}")
    return password


def _tell(name: str, password: str, ask: bool) -> None:
    if ask:
        print(f"{name} signs in with this password")
    else:
        print(password)
        print(f"{name} signs in with this once, and chooses another then", file=sys.stderr)


def _line(action: str, **data: str) -> Audited:
    """A line of the audit: whoever may use this command may do everything."""
    return Audited(
        at=utc_now(), user=f"shell:{getpass.getuser()}", role=UserRole.ADMIN, action=action, data=data
    )
