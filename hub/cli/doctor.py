"""`hub doctor`: what store, engine, inbox and outbox disagree about, and what mends it."""

from __future__ import annotations

import asyncio
import getpass
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from hub import process
from hub.cli.screen import screen
from hub.ports import UserRole
from hub.ports.doctor import REPAIRS, Examination, Finding, FindingKind, Place

if TYPE_CHECKING:
    from hub.operations.doctor import Doctor, Repaired


def add_to(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(doctor)


def doctor(
    repair: Annotated[
        list[FindingKind] | None,
        typer.Option(metavar="KIND", help="mend this kind of disagreement; may be repeated"),
    ] = None,
    repair_all: Annotated[bool, typer.Option("--repair-all", help="mend all that can be mended")] = False,
    begin_anew: Annotated[
        bool,
        typer.Option(
            "--begin-anew",
            help="after a restore: end every workflow, and begin one for each open declaration",
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="why, for the audit")] = "",
    deep: Annotated[
        bool, typer.Option(help="go through the events of every declaration, not only the newest")
    ] = False,
    json: Annotated[bool, typer.Option(help="print it as JSON")] = False,
) -> None:
    """
    Compare database, Temporal, inbox and outbox; list what disagrees, and mend it where asked to.

    Needs HUB_DATABASE_URL and HUB_TEMPORAL_*. Status 0 means that nothing disagrees, or not any more.
    """
    from hub.ports import EngineUnavailable

    kinds = set(REPAIRS) if repair_all else set(repair or ())
    if hopeless := sorted(kind for kind in kinds if kind not in REPAIRS):
        raise typer.BadParameter(f"only a person can mend {', '.join(hopeless)}: see docs/operations.md")
    by = f"cli:{getpass.getuser()}"

    async def mended(doctor: Doctor) -> list[Repaired]:
        if not kinds:
            return []
        try:
            return await doctor.repair(kinds, by, UserRole.ADMIN, reason or "hub doctor")
        except EngineUnavailable as error:
            raise SystemExit(f"hub: Temporal does not answer: {error}") from error

    async def run(stop: asyncio.Event) -> int:
        async with _opened() as doctor:
            if begin_anew:
                await _begin_anew(doctor, by, reason or "hub doctor --begin-anew")
            repaired = await mended(doctor)
            examination = await doctor.examine(by, deep=deep)
        if json:
            print(
                "{"
                f'"repaired":[{",".join(one.model_dump_json() for one in repaired)}],'
                f'"examination":{examination.model_dump_json()}'
                "}"
            )
        else:
            for one in repaired:
                _print_repaired(one)
            _print(examination)
        return 1 if examination.findings or any(one.failed for one in repaired) else 0

    process.run(run)


async def _begin_anew(doctor: Doctor, by: str, reason: str) -> None:
    from hub.ports import EngineUnavailable

    try:
        begun, ended = await doctor.begin_anew(by, UserRole.ADMIN, reason)
    except EngineUnavailable as error:
        raise SystemExit(f"hub: Temporal does not answer: {error}; begin it once more") from error
    print(f"{begun} workflows begun, {ended} ended before")


@asynccontextmanager
async def _opened() -> AsyncIterator[Doctor]:
    """A doctor of the settings. Ends the command when the database does not answer, or has another schema."""
    from hub.cli.administration import opened_store
    from hub.clock import utc_now
    from hub.engine import TemporalEngine, connect
    from hub.logs import configure
    from hub.operations.doctor import Doctor
    from hub.settings import Settings

    settings = Settings(environment="development")  # no part of the hub is run, so none need be secure
    configure("console", least=logging.ERROR)
    with opened_store() as store:
        engine = TemporalEngine(await connect(settings))
        yield Doctor(
            *(store, store, engine, engine, utc_now, store.note_audit),
            keeps=partial(_closed_for, settings.config_folder) if settings.archive_folder else None,
        )


def _closed_for(configuration: Path) -> timedelta:
    """How long the database keeps what is closed."""
    from hub.config.loader import load

    return load(configuration, development=True).retention_policy.after


def _print_repaired(one: Repaired) -> None:
    said = [f"{one.done} mended"]
    if one.over:
        said.append(f"{one.over} not so any more")
    if one.failed:
        said.append(f"{one.failed} could not be mended: {one.reason}")
    print(f"{one.kind}: {', '.join(said)}")


def _print(examination: Examination) -> None:
    from hub.console.findings import FINDINGS

    seconds = (examination.ended_at - examination.began_at).total_seconds()
    print(
        f"{examination.declarations} open declarations, {examination.workflows} running workflows, "
        f"compared in {seconds:.1f} s"
    )
    if not examination.findings:
        print("nothing disagrees")
        return
    for finding in examination.findings:
        print(f"\n{finding.kind}: {finding.count}\n  {FINDINGS[finding.kind]}")
        screen().print(_places(finding))
        cure = f"hub doctor --repair {finding.kind}" if finding.repair else "docs/operations.md"
        print(f"  mend: {cure}")
    if any(finding.repair for finding in examination.findings):
        print("\nmend all that can be: hub doctor --repair-all")


def _places(finding: Finding) -> Table:
    table = Table(box=None, pad_edge=True, show_header=False)
    rows = [_row(place) for place in finding.places[:10]]
    for row in rows:
        table.add_row(*row)
    if finding.count > len(rows):
        table.add_row(f"and {finding.count - len(rows)} more (--json shows 100)")
    return table


def _row(place: Place) -> Sequence[str]:
    about = " ".join(filter(None, (place.mrn, place.service, place.agency, place.subject)))
    since = f"since {place.since:%Y-%m-%d %H:%M:%S}Z" if place.since else ""
    return (about, since, place.detail)
