"""`hub incidents`: what the early warning has found."""

from __future__ import annotations

import json as json_format
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from hub.cli.screen import screen
from hub.ports import IncidentFilter

if TYPE_CHECKING:
    from hub.ports import Incident

_STYLES = {"critical": "bold red", "warning": "yellow", "info": "dim"}
_MOST = 100


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(incidents)


def incidents(
    all: Annotated[bool, typer.Option("--all", help="those that are over, too")] = False,
    json: Annotated[bool, typer.Option("--json", help="print them as JSON")] = False,
) -> None:
    """
    What is wrong, the most serious first; with `--all` the newest 100, over or not.

    Needs HUB_DATABASE_URL alone, so that it also works while the API is away.
    """
    from hub.cli.administration import opened_store

    with opened_store() as store:
        found = store.incidents(IncidentFilter(), None, _MOST) if all else store.open_incidents()
        ago = store.watched_seconds_ago()
    if json:
        print(json_format.dumps([one.model_dump(mode="json") for one in found], ensure_ascii=False))
        return
    console = screen()
    if ago is None or ago > 60:
        console.print(
            "[bold red]Nobody watches[/]: "
            + ("no round has been gone yet." if ago is None else f"the last round was {ago:.0f} s ago.")
        )
    if not found:
        console.print("Nothing is wrong, as far as the early warning can see.")
        return
    console.print(_table(found))


def _table(found: list[Incident]) -> Table:
    from hub.operations.watch.words import TITLES, evidence_words, said, subject_words

    table = Table(box=None, pad_edge=False)
    for column in ("", "since", "over", "what", "measured", "who"):
        table.add_column(column)
    for one in found:
        title = said(TITLES[one.kind], "en")
        if one.subject:
            title += f": {subject_words(one.subject, 'en')}"
        table.add_row(
            f"[{_STYLES[one.severity]}]{one.severity}[/]",
            f"{one.opened_at:%Y-%m-%d %H:%M}",
            "" if one.closed_at is None else f"{one.closed_at:%H:%M}",
            escape(f"{title} ({one.id})"),
            escape("; ".join(f"{name} {value}" for name, value in evidence_words(one.evidence, "en"))),
            escape(one.acknowledged_by or ""),
        )
    return table
