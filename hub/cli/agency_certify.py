"""`hub agency certify`: proof that hub and agency behave together before a real declaration meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.cli.agency_wire import Yes
from hub.cli.wire_view import console
from hub.cli.workplace import Config, EnvFile, Workplace
from hub.workbench.unready import Unready


def add_to(agency: typer.Typer) -> None:
    """Add this command to the workbench."""
    agency.command("certify")(play)


def _outcome(name: str, words: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--{name}", metavar="FILE", help=f"a declaration, .json or WCO .xml, that the agency {words}"
    )
    return option


_Agency = Annotated[str | None, typer.Argument(metavar="NAME", help="the agency, as its file is called")]


def play(
    name: _Agency = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="the simulator plays the agency")] = False,
    approve: Annotated[Path | None, _outcome("approve", "approves; else a sample")] = None,
    refuse: Annotated[Path | None, _outcome("refuse", "refuses")] = None,
    conditions: Annotated[Path | None, _outcome("conditions", "approves with conditions")] = None,
    ask: Annotated[Path | None, _outcome("ask", "asks the declarant about")] = None,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="CODE", help="this service alone; else one for each way to answer"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="BEHAVIOUR", help="this one; may be repeated")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="list the behaviours, and play none")] = False,
    callback_port: Annotated[
        int, typer.Option(help="where the hub takes the agency's callbacks; any free port by default")
    ] = 0,
    callback_host: Annotated[
        str, typer.Option(help="the address to listen at for callbacks; loopback by default")
    ] = "127.0.0.1",
    patience: Annotated[float, typer.Option(min=0.1, help="seconds that a decision is waited for")] = 20.0,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="for the report; else .hub/certify/<agency>-<version>"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="tell what was sent and seen")] = False,
    yes: Yes = False,
    config: Config = None,
    env_file: EnvFile = None,
) -> None:
    """
    Play what can happen between hub and agency, and say what passed and what to fix.

    The agency's test endpoint is asked, or the simulator; a proxy between hub and agency delays, cuts and
    replaces answers, so that the hard cases can be played with any agency. Real cases are opened at the
    agency's test system. The report is written as JSON and HTML. Exit status 1 when a behaviour failed.
    """
    # Imported here: the hub's other commands need none of it.
    from hub.cli.certify_view import list_behaviours, tell
    from hub.workbench.certify.kit import Wishes

    out = console()
    if listed:
        list_behaviours(out)
        return
    if name is None:
        raise Unready("no agency is named", "name one of those that `hub agency list` shows")
    place = Workplace(config, env_file)
    if not simulate:
        place.insist_on_test_system(yes=yes)
    bench = place.bench(name, development=simulate or not place.production)
    given = {"approve": approve, "refuse": refuse, "conditions": conditions, "ask": ask}
    wishes = Wishes(
        simulate=simulate,
        declarations={outcome: path for outcome, path in given.items() if path is not None},
        service=service,
        only=tuple(only or ()),
        callback_host=callback_host,
        callback_port=callback_port,
        patience=patience,
    )
    folder = report or Path(".hub/certify") / f"{name}-{bench.configuration.versions[name]}"
    if not tell(out, bench, wishes, folder, verbose=verbose).passed:
        raise SystemExit(1)
