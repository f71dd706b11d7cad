"""`hub agency new`: from an agency's WSDL or OpenAPI document to a proposal of its file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from hub.cli.screen import screen
from hub.config.models import AttributeFile, AttributesFile, CalendarsFile
from hub.config.schema_faults import FileReport, validated
from hub.config.yaml import Document, read
from hub.settings import Settings
from hub.workbench.proposing.contract_files import Copy, Source, plan_copy, read_openapi, read_wsdl
from hub.workbench.proposing.proposal import Proposal, propose
from hub.workbench.proposing.roles import NoOperation, Roles, Wanted
from hub.workbench.proposing.shown import inside, outside
from hub.workbench.proposing.survey import Survey
from hub.workbench.unready import Unready

_SLUG = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_MOST_SHOWN = 60
_CHOOSE = "name one of those listed"
_NOTHING_OFFERED = (
    "name the contract that has the operations: for a WSDL, the file with the bindings, whose operations "
    "have an input (it may import this one)"
)
_CHOICE = "the operation that does it, as listed; `none` for none"


def add_to(app: typer.Typer) -> None:
    """Add this command to the workbench."""
    app.command("new")(new)


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="a short name for the agency, as apqa")],
    wsdl: Annotated[Path | None, typer.Option(help="its WSDL; imported files beside it")] = None,
    openapi: Annotated[Path | None, typer.Option(help="its OpenAPI 3 document, or Swagger 2.0 file")] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="the configuration folder; else HUB_CONFIG_FOLDER, else adapters_config"
        ),
    ] = None,
    submit: Annotated[str | None, typer.Option(help="what a referral is submitted with, as listed")] = None,
    look_up: Annotated[str | None, typer.Option(help=f"asks by our reference: {_CHOICE}")] = None,
    poll: Annotated[str | None, typer.Option(help=f"asks whether it is decided: {_CHOICE}")] = None,
    feed: Annotated[str | None, typer.Option(help=f"pulls messages: {_CHOICE}")] = None,
    acknowledge: Annotated[str | None, typer.Option(help=f"acknowledges them: {_CHOICE}")] = None,
    login: Annotated[str | None, typer.Option(help=f"opens a session: {_CHOICE}")] = None,
    amend: Annotated[str | None, typer.Option(help=f"gives it other content: {_CHOICE}")] = None,
    withdraw: Annotated[str | None, typer.Option(help=f"takes a referral back: {_CHOICE}")] = None,
    inform: Annotated[str | None, typer.Option(help=f"answers its question: {_CHOICE}")] = None,
    remind: Annotated[str | None, typer.Option(help=f"reminds it: {_CHOICE}")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="list the operations; write nothing")] = False,
    force: Annotated[
        bool, typer.Option(help="replace the agency's file and contract if they are there")
    ] = False,
) -> None:
    """
    Propose an agency's file from its contract: every required element filled in, or marked TODO.

    The contract is copied into the configuration folder with all that it imports. Nothing is fetched, and
    nothing is asked. Where an operation is taken for the wrong thing, name the right one and use --force.
    """
    if not _SLUG.fullmatch(name):
        raise Unready(f"{name!r} is no name", "write lower-case letters, digits and single hyphens, as apqa")
    if (wsdl is None) == (openapi is None):
        raise Unready("an agency has one contract", "name it with --wsdl FILE or with --openapi FILE")
    source = read_wsdl(wsdl) if wsdl is not None else read_openapi(openapi or Path())
    console = screen(soft_wrap=not _is_terminal())
    if list_only:
        console.print(_table(source.survey, None))
        return
    folder = config or Settings(environment="development").config_folder
    if not folder.is_dir():
        raise Unready(f"there is no configuration folder {folder}", "name it with --config")
    target = folder / "agencies" / f"{name}.yaml"
    if target.exists() and not force:
        raise Unready(f"{target} is there already", "--force replaces it; or choose another name")
    wanted = Wanted(submit, look_up, poll, feed, acknowledge, login, amend, withdraw, inform, remind)
    copy, proposal = _proposed(name, source, folder, wanted, console, force=force)
    copy.make()
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(proposal.text, encoding="utf-8")
    _tell(console, f"{name} --config {config}" if config else name, target, copy, proposal)


def _proposed(
    name: str, source: Source, folder: Path, wanted: Wanted, console: Console, *, force: bool
) -> tuple[Copy, Proposal]:
    copy = plan_copy(name, source.files, folder, force=force)
    try:
        proposal = propose(
            name,
            source.survey,
            copy.name,
            wanted=wanted,
            attributes=_attributes(folder),
            zone=_zone(folder),
        )
    except NoOperation as wrong:
        if source.survey.offers:
            console.print(_table(source.survey, None))
        _note(source.survey, console)
        raise Unready(str(wrong), _CHOOSE if source.survey.offers else _NOTHING_OFFERED) from wrong
    console.print(_table(source.survey, proposal.roles))
    _note(source.survey, console)
    return copy, proposal


def _note(survey: Survey, console: Console) -> None:
    for warning in survey.warnings:
        console.print(f"note: {warning}", style="yellow")


def _table(survey: Survey, roles: Roles | None) -> Table:
    """Every operation: what goes in, what comes out, and what it is used for."""
    table = Table(box=None, pad_edge=False, title=None)
    table.add_column("operation", overflow="fold")
    table.add_column("used for", style="bold green")
    table.add_column("what goes in", overflow="fold")
    table.add_column("what comes out", overflow="fold")
    table.add_column("in the contract's words", overflow="fold", style="dim")
    places = {offer.place for offer in survey.offers}
    used = [offer for offer in survey.offers if roles is not None and roles.of(offer)]
    left = [offer for offer in survey.offers if offer not in used]
    for offer in [*used, *left[: max(0, _MOST_SHOWN - len(used))]]:
        shown = (
            f"{offer.name}\n  {offer.place}" if survey.adapter == "soap" and len(places) > 1 else offer.name
        )
        table.add_row(shown, roles.of(offer) if roles else "", inside(offer), outside(offer), offer.summary)
    hidden = len(survey.offers) - table.row_count
    if hidden > 0:
        table.add_row(f"... and {hidden} more", "", "", "", "")
    return table


def _tell(console: Console, named: str, target: Path, copy: Copy, proposal: Proposal) -> None:
    console.print()
    console.print(f"written: {target}, contract: {copy.name}")
    if proposal.variables:
        console.print("\nto be set where the hub runs:")
        table = Table(box=None, show_header=False, pad_edge=False)
        for variable, meaning in proposal.variables.items():
            table.add_row(f"  {variable}", meaning)
        console.print(table)
    count = f"{proposal.unfinished} TODO" if proposal.unfinished else "what was guessed"
    console.print("\nwhat is next:")
    console.print(f"  1. go through {target}: {count} to fill in")
    console.print(f"  2. hub agency check {named}")
    console.print(f"  3. hub agency preview {named}; then try, record and certify")


def _attributes(folder: Path) -> dict[str, AttributeFile]:
    document = _read(folder / "attributes.yaml")
    file = validated(AttributesFile, document, FileReport("attributes.yaml", document))
    return dict(file.attributes) if file is not None else {}


def _zone(folder: Path) -> str:
    document = _read(folder / "calendar.yaml")
    file = validated(CalendarsFile, document, FileReport("calendar.yaml", document))
    default = file.calendars.get("default") if file is not None else None
    return default.zone if default is not None else "UTC"


def _read(path: Path) -> Document:
    return read(path.read_bytes() if path.is_file() else b"")


def _is_terminal() -> bool:
    return screen().is_terminal
