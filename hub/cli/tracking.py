"""`hub track`: how far a declaration has got, and links by which others may follow it."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.cli.client import Api
from hub.cli.screen import screen
from hub.cli.tables import moment

_STAGE_STYLE = {
    "done": ("green", "●"),
    "now": ("cyan", "○"),
    "coming": ("dim", "·"),
    "stopped": ("red", "x"),
}


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(track)


def track(
    mrn: Annotated[str, typer.Argument(help="movement reference number")],
    link: Annotated[bool, typer.Option("--link", help="make a link for others; it is shown once")] = False,
    links: Annotated[bool, typer.Option("--links", help="list the links there are")] = False,
    revoke: Annotated[str, typer.Option(help="id of a link that is to open nothing any more")] = "",
    korean: Annotated[bool, typer.Option("--korean", help="in Korean")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="what the API says, unadorned")] = False,
) -> None:
    """Show how far a declaration has got, what is expected next, and by when."""
    api = Api()
    path = f"/v1/declarations/{mrn}/tracking-links"
    show: Callable[[Console, dict[str, Any]], None] = _listed
    if link:
        told, show = api.send("POST", path, {}), _made
    elif revoke:
        told = api.send("DELETE", f"{path}/{revoke}", {})
    elif links:
        told = api.get(path)
    else:
        language = "ko" if korean else "en"
        told = api.get(f"/v1/declarations/{mrn}/progress", language=language)
        show = partial(_progress, language=language)
    if as_json:
        print(json.dumps(told, indent=2, ensure_ascii=False))
    else:
        show(screen(), told)


def _made(console: Console, made: dict[str, Any]) -> None:
    console.print(made["url"], soft_wrap=True)
    console.print(f"  code {made['code']}; link {made['id']}, by which it is revoked", soft_wrap=True)
    console.print("  It is not shown again. Whoever has it can follow the declaration.")


def _listed(console: Console, told: dict[str, Any]) -> None:
    if not told["links"]:
        console.print("there is no link")
        return
    table = Table(box=None, pad_edge=False)
    for head in ("link", "made", "by", "opens"):
        table.add_column(head)
    for one in told["links"]:
        until = f"until {moment(one['ends_at'])}" if one["ends_at"] else "yes"
        opens = f"no, revoked {moment(one['revoked_at'])}" if one["revoked_at"] else until
        table.add_row(one["id"], moment(one["made_at"]), one["made_by"], opens)
    console.print(table)


def _progress(console: Console, told: dict[str, Any], *, language: str) -> None:
    console.print(Text.assemble((told["mrn"], "bold"), f"  {told['text']}"))
    for task in told["tasks"]:
        console.print(Text.assemble(("! ", "bold yellow"), task["text"], _by(task["by"])))
        if task["words"]:
            console.print(Text(f"  {task['words']}"))
    if coming := told["next"]:
        console.print(Text.assemble(("→ ", "cyan"), coming["text"], _by(coming["by"])))
    if told["forecast"] and told["forecast"]["text"]:
        console.print(Text(f"  {told['forecast']['text']}"))
    for stage in told["stages"]:
        style, sign = _STAGE_STYLE[stage["state"]]
        at = f"  {moment(stage['at'])}" if stage["at"] else ""
        console.print(Text.assemble((f"{sign} ", style), stage["text"], (at, "dim")))
    for answer in told["answers"]:
        name = answer["agency_name"].get(language, answer["agency"])
        console.print(Text.assemble(f"  {name} ", (answer["service"], "dim"), f"  {answer['text']}"))
        if answer["forecast"] and answer["forecast"]["text"]:
            console.print(Text(f"    {answer['forecast']['text']}"))
    for step in told["cargo"]:
        place = f", {step['place']}" if step["place"] else ""
        console.print(Text.assemble(f"  {step['text']}{place}  ", (moment(step["at"]), "dim")))


def _by(at: str | None) -> tuple[str, str]:
    return (f"  by {moment(at)}" if at else "", "dim")
