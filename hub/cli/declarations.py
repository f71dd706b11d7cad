"""Commands for whoever lodges declarations, and for whoever asks where they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.live import Live

from hub.cli.casefile_view import casefile_view
from hub.cli.client import Api
from hub.cli.screen import screen
from hub.cli.tables import declaration_panel, event_lines, plain_reason, routing_panel

_STATUS_OF_OUTCOME = {
    "release": 0,
    "in_progress": 0,
    "hold": 3,
    "refusal": 4,
    "partial_release": 5,
    "withdrawn": 6,
}


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(submit)
    app.command()(show)


def submit(
    file: Annotated[Path, typer.Argument(help="a declaration, .json or WCO Data Model .xml; - is the input")],
    watch: Annotated[bool, typer.Option(help="stay, and draw the referrals as they resolve")] = False,
) -> None:
    """
    Lodge a declaration and print its receipt.

    With --watch the exit status tells the outcome the cargo system was told: 0 released, 3 held, 4 refused,
    5 released in part, 6 withdrawn.
    """
    content, media_type = read_declaration(file)
    api = Api()
    accepted = api.lodge(content, media_type)
    if not watch:
        print(json.dumps(accepted, indent=2, ensure_ascii=False))
        return
    raise SystemExit(_watch(api, accepted["mrn"]))


def show(
    mrn: str,
    events: Annotated[bool, typer.Option(help="list the events too")] = False,
    full: Annotated[bool, typer.Option("--full", help="the whole case file")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="what the API says, unadorned")] = False,
) -> None:
    """Show a declaration: outcome and why, each referral, and why each agency was asked or not."""
    api = Api()
    if full:
        file = api.get(f"/v1/declarations/{mrn}/casefile?format=json")
        if as_json:
            print(json.dumps(file, indent=2, ensure_ascii=False))
        else:
            screen().print(casefile_view(file))
        return
    view = api.get(f"/v1/declarations/{mrn}")
    routing = api.get(f"/v1/declarations/{mrn}/routing")
    happened = api.all_events(mrn) if events else []
    if as_json:
        told: dict[str, Any] = {"declaration": view, "routing": routing}
        print(json.dumps(told | ({"events": happened} if events else {}), indent=2, ensure_ascii=False))
        return
    console = screen()
    console.print(declaration_panel(view))
    console.print(routing_panel(routing))
    if events:
        console.print(event_lines(happened))


def _watch(api: Api, mrn: str) -> int:
    console = screen()
    path = f"/v1/declarations/{mrn}"
    view = api.get(path)
    with Live(declaration_panel(view), console=console, refresh_per_second=8) as live:
        for event in api.events(mrn):
            view = api.get(path)
            live.update(declaration_panel(view))
            told = view["notice"] and view["notice"]["acknowledged_at"]
            if told and view["outcome"] != "in_progress" and event["seq"] >= view["last_event"]:
                break
    if not console.is_terminal:
        console.print(f"{mrn} {view['outcome']}: {plain_reason(view)}")
    return _STATUS_OF_OUTCOME[view["outcome"]]


def read_declaration(file: Path) -> tuple[bytes, str]:
    """A declaration's content and media type; `-` is the standard input. Raises SystemExit."""
    content = sys.stdin.buffer.read() if str(file) == "-" else read_file(file)
    is_xml = content.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").startswith(b"<") or file.suffix == ".xml"
    return content, "application/xml" if is_xml else "application/json"


def read_file(file: Path) -> bytes:
    """Raises SystemExit with why it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise SystemExit(f"hub: {file}: {error.strerror}") from error
