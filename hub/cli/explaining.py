"""hub explain: why a declaration stands as it does, and whether the events alone come to the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.casefile_view import outcome_lines
from hub.cli.client import Api, ApiProblem
from hub.cli.screen import screen
from hub.domain.clearance import Outcome
from hub.domain.events import Event
from hub.domain.exchange import Exchange
from hub.domain.verifying import Check, sent_notices, verify


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(explain)


def explain(
    mrn: Annotated[str, typer.Argument(help="movement reference number")],
    verified: Annotated[
        bool, typer.Option("--verify", help="work it out once more from the events alone; customs and staff")
    ] = False,
) -> None:
    """
    Say why a declaration stands as it does: each reason with its law, its rule and its evidence.

    With --verify every outcome on record is worked out once more from the events, and held against what was
    recorded, against what the cargo system was sent, and against what is kept of each exchange. The exit
    status is 1 when anything differs, and 2 for a client that is not shown enough for that.
    """
    api = Api()
    file = api.get(f"/v1/declarations/{mrn}/casefile?format=json")
    console = screen()
    console.print(outcome_lines(file))
    if not verified:
        return
    events = [Event.model_validate({**event, "mrn": mrn}) for event in api.all_events(mrn)]
    if not _are_whole(events) and not file["evidence"]:
        console.print("\nthis client is not shown all of the events: customs and staff can verify")
        raise SystemExit(2)
    exchanges = _exchanges(api, mrn, console)
    evidence = {one["sha256"]: f"{one['kind']} {one['id']}" for one in file["evidence"]}
    # What can be read here is not taken at the hub's word.
    evidence |= {one.digest(): f"{one.kind} {one.id}" for one in exchanges}
    checks = verify(events, evidence, sent_notices(exchanges), Outcome(file["outcome"]["outcome"]))
    console.print(_checks(checks))
    failed = sum(not check.holds for check in checks)
    console.print(f"{len(checks)} checks, {failed} failed", style="bold red" if failed else "green")
    raise SystemExit(1 if failed else 0)


def _are_whole(events: list[Event]) -> bool:
    return bool(events) and len(events) == events[-1].seq and "case" in events[0].data


def _exchanges(api: Api, mrn: str, console: Console) -> list[Exchange]:
    try:
        kept = api.get(f"/v1/declarations/{mrn}/exchanges")["exchanges"]
    except ApiProblem:
        console.print("\nexchanges are for operators: what was sent to the cargo system is not looked at")
        return []
    return [Exchange.model_validate(one) for one in kept]


def _checks(checks: Iterable[Check]) -> Table:
    table = Table(
        box=None, pad_edge=False, show_header=False, title="\nFrom the events alone", title_justify="left"
    )
    for check in checks:
        mark = Text("holds", style="green") if check.holds else Text("DIFFERS", style="bold red")
        table.add_row(mark, Text(check.what), Text(check.detail, style="dim" if check.holds else ""))
    return table
