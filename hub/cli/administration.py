"""Commands that look after a hub: its configuration, its database, its clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hub.cli.screen import screen
from hub.clock import utc_now
from hub.ports import ApiClient, Role
from hub.settings import Settings

if TYPE_CHECKING:
    from hub.store import Store


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    agencies = typer.Typer(help="The agencies of the configuration folder.", no_args_is_help=True)
    agencies.command("check")(check)
    agencies.command("list")(list_agencies)
    app.add_typer(agencies, name="agencies")
    database = typer.Typer(help="The database.", no_args_is_help=True)
    database.command("upgrade")(db_upgrade)
    app.add_typer(database, name="db")
    clients = typer.Typer(help="Who may use the API.", no_args_is_help=True)
    clients.command("add")(add_client)
    clients.command("list")(list_clients)
    clients.command("disable")(disable_client)
    app.add_typer(clients, name="clients")
    callbacks = typer.Typer(help="What agencies called in.", no_args_is_help=True)
    callbacks.command("refused")(refused_callbacks)
    app.add_typer(callbacks, name="callbacks")


def check(
    folder: Annotated[Path | None, typer.Argument(help="the configuration folder")] = None,
    production: Annotated[
        bool, typer.Option(help="also refuse what is insecure outside development")
    ] = False,
) -> None:
    """Check every file of the configuration folder; print every fault with file, line, key and cure."""
    from hub.bootstrap.configuration import load_configuration
    from hub.variables import Variables

    settings = _settings(folder)
    if production:
        settings = settings.model_copy(update={"environment": "production"})
    configuration = load_configuration(
        settings, Variables(settings.secrets_folder).read() if production else {}
    )
    services = len(configuration.catalogue.services)
    for warning in configuration.warnings:
        print(f"{warning}")
    warned = f", {len(configuration.warnings)} warnings" if configuration.warnings else ""
    print(f"{len(configuration.agencies)} agencies, {services} services: no faults{warned}")


def list_agencies(
    folder: Annotated[Path | None, typer.Argument(help="the configuration folder")] = None,
) -> None:
    """List agencies and services: law, days, how they answer, and how sure the catalogue is."""
    from hub.bootstrap.configuration import load_configuration

    configuration = load_configuration(_settings(folder), {})
    table = Table(box=None, pad_edge=False)
    for head in ("agency", "service", "law", "within", "on expiry", "adapter", "answers", "confidence"):
        table.add_column(head)
    for service in configuration.catalogue.services:
        channel = configuration.agencies[service.agency].channel
        table.add_row(
            service.agency,
            service.code,
            service.law["en"],
            service.answer_within,
            service.on_expiry,
            channel.adapter,
            service.answers,
            service.confidence,
        )
    screen().print(table)


def db_upgrade() -> None:
    """Bring the database to the newest schema; safe to repeat."""
    from hub.store import upgrade

    settings = _settings(None)
    upgrade(settings.database_url)
    print("the database is up to date")


def add_client(
    name: Annotated[str, typer.Argument(help="a name for it, such as 'UNI-PASS Incheon'")],
    role: Annotated[Role, typer.Option(help="what it may do")] = Role.CUSTOMS,
    id: Annotated[str | None, typer.Option(help="its id; made from the name otherwise")] = None,
    declarant: Annotated[str | None, typer.Option(help="sees and lodges for this declarant only")] = None,
    agency: Annotated[str | None, typer.Option(help="the agency whose referrals it sees")] = None,
) -> None:
    """Add an API client and print its key, once."""
    from hub.api.clients import new_key
    from hub.config.loader import load

    if not name.strip():
        raise typer.BadParameter("a client needs a name that is not blank")
    if role is Role.AGENCY and agency is None:
        raise typer.BadParameter("a client with role agency needs --agency")
    if role is not Role.AGENCY and agency is not None:
        raise typer.BadParameter(f"--agency is for the role agency only, not for {role}")
    if role is not Role.CUSTOMS and declarant is not None:
        raise typer.BadParameter(f"--declarant is for the role customs only, not for {role}")
    if declarant is not None and not declarant.strip():
        raise typer.BadParameter("--declarant is blank")
    settings = _settings(None)
    if agency is not None and agency not in load(settings.config_folder, development=True).agencies:
        raise SystemExit(f"hub: the configuration in {settings.config_folder} has no agency {agency}")
    key, key_hash = new_key()
    client = ApiClient(
        id=id or "-".join(name.lower().split()),
        name=name,
        role=role,
        declarant=declarant,
        agency=agency,
        created_at=utc_now(),
    )
    with opened_store() as store:
        try:
            store.add_client(client, key_hash)
        except ValueError as taken:
            raise SystemExit(f"hub: {taken}") from taken
    print(key)


def disable_client(id: Annotated[str, typer.Argument(help="the client's id, as listed")]) -> None:
    """Disable an API client: its key opens nothing any more."""
    with opened_store() as store:
        try:
            store.disable_client(id)
        except KeyError as unknown:
            raise SystemExit(f"hub: there is no client {id}") from unknown
    print(f"{id} is disabled")


def list_clients() -> None:
    """List the API clients."""
    with opened_store() as store:
        clients = store.clients()
    table = Table(box=None, pad_edge=False)
    for head in ("id", "name", "role", "declarant", "agency", "since"):
        table.add_column(head)
    for client in clients:
        since = f"{client.created_at:%Y-%m-%d}" + (" (disabled)" if client.disabled else "")
        table.add_row(client.id, client.name, client.role, client.declarant or "", client.agency or "", since)
    screen().print(table)


def refused_callbacks(
    limit: Annotated[int, typer.Option(help="how many of the latest")] = 50,
) -> None:
    """List callbacks that were refused: forged, stale, or for another agency's referral; newest first."""
    with opened_store() as store:
        refused = store.refused_callbacks(limit)
    table = Table(box=None, pad_edge=False)
    for head in ("at", "agency", "why"):
        table.add_column(head)
    for each in refused:
        table.add_row(f"{each.at:%Y-%m-%d %H:%M:%S}Z", each.agency, each.reason)
    screen().print(table)


@contextmanager
def opened_store() -> Iterator[Store]:
    """The store of the settings. Ends the command when it does not answer, or has another schema."""
    from sqlalchemy import make_url

    from hub.store import create_store

    url = _settings(None).database_url
    store = create_store(url)
    try:
        if not store.is_ready():
            raise SystemExit(
                f"hub: the database {make_url(url).render_as_string()} does not answer, or wants "
                "`hub db upgrade` first\n  cure: see that HUB_DATABASE_URL names the hub's database; of one "
                "that `hub up` runs, `. .hub/up/hub.env` says it"
            )
        yield store
    finally:
        store.close()


def _settings(folder: Path | None) -> Settings:
    """Settings for files and database alone: no part of the hub is run, so none need be secure."""
    settings = Settings(environment="development")
    return settings if folder is None else settings.model_copy(update={"config_folder": folder})
