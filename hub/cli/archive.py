"""`hub archive`: closed declarations that have left the database, and those that are to leave."""

from __future__ import annotations

import getpass
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hub.domain.archive import NotWhole
from hub.ports.users import UserRole

if TYPE_CHECKING:
    from hub.operations.retention.archiver import Archiver
    from hub.operations.retention.verifying import Verified
    from hub.ports.retention import Done, RetentionPolicy, Tombstone
    from hub.store import Store

_Mrn = Annotated[str, typer.Argument(help="movement reference number")]
_Reason = Annotated[str, typer.Option(help="why; kept in the audit")]
_ROLE = UserRole.ADMIN
"""Whoever can read the database's address may do as an administrator does."""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    archive = typer.Typer(
        help="Closed declarations that have left the database, and those that are to leave.",
        no_args_is_help=True,
    )
    for command in (run, verify, show, list_files, hold, lift, holds):
        archive.command(command.__name__.partition("_")[0])(command)
    app.add_typer(archive, name="archive")


def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would leave")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="so many declarations at most")] = None,
) -> None:
    """
    Archive what has been closed for long enough, whatever the hour.

    Needs HUB_DATABASE_URL and HUB_ARCHIVE_FOLDER; goes by retention.yaml of the configuration folder.
    """
    policy = _policy()
    with _opened() as (store, archiver):
        if dry_run:
            _print_plan(store, archiver, policy)
            return
        left = stayed = 0
        while limit is None or left + stayed < limit:
            done = _round(archiver, policy, None if limit is None else limit - left - stayed)
            left, stayed = left + done.left, stayed + done.stayed
            if done.file is None:
                break
            # What changed meanwhile or is held would be exported again at once: it waits for another time.
            if done.stayed:
                break
        dropped = archiver.prune(policy)
    print(f"{left} declarations archived" + (f", {stayed} left for later" if stayed else ""))
    for what, count in dropped.items():
        print(f"{count} dropped: {what.value.replace('_', ' ')}")


def verify(
    files: Annotated[list[Path], typer.Argument(help="files of the archive, or folders of them")],
    json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
) -> None:
    """
    Say whether files are whole and true: their chains, and of each declaration what its events come to.

    Needs nothing but the files. Status 1 when anything does not hold.
    """
    from hub.operations.retention.folder import SUFFIX
    from hub.operations.retention.verifying import in_a_row, verify_file

    named = [
        each for path in files for each in (sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path])
    ]
    try:
        found = [verify_file(path) for path in named]
    except OSError as error:
        raise SystemExit(f"hub: {error}") from error
    missing = in_a_row(found) if any(path.is_dir() for path in files) else []
    if json:
        print("[" + ",".join(one.model_dump_json(exclude={"heading": {"kinds"}}) for one in found) + "]")
    else:
        for one in found:
            _print_verified(one)
        for said in missing:
            print(f"WRONG  {said}")
    if not found:
        raise SystemExit("hub: there is no file of the archive")
    raise SystemExit(1 if missing or any(one.faults for one in found) else 0)


def show(
    mrn: _Mrn,
    file: Annotated[Path | None, typer.Option(help="look for it in this file, without a database")] = None,
) -> None:
    """Print all that was archived of a declaration, one JSON object a line."""
    for line in _found_in(file, mrn) if file is not None else _found_by_tombstone(mrn):
        print(json.dumps(line, ensure_ascii=False))


def list_files(
    json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
) -> None:
    """The files of the archive: what is in them, and until when the law asks for them."""
    with _opened(folder_needed=False) as (store, _):
        files = store.archive_files()
    if json:
        print("[" + ",".join(file.model_dump_json() for file in files) + "]")
        return
    table = _table("file", "made", "declarations", "bytes", "keep until", "SHA-256", "")
    for file in files:
        about = "" if file.emptied_at else "under way"
        table.add_row(
            file.name,
            f"{file.made_at:%Y-%m-%d}",
            str(file.declarations),
            str(file.size),
            f"{file.keep_until:%Y-%m-%d}",
            file.sha256,
            about,
        )
    Console(width=200, highlight=False).print(table)


def hold(mrn: _Mrn, reason: _Reason) -> None:
    """Have a declaration stay in the database, whatever its age: for a court, an audit, an inquiry."""
    with _opened(folder_needed=False) as (store, archiver):
        try:
            held = archiver.hold(mrn, _me(), _ROLE, reason)
        except KeyError as unknown:
            gone = store.tombstone(mrn)
            said = f"{mrn} has been archived, in {gone.file}" if gone else f"there is no declaration {mrn}"
            raise SystemExit(f"hub: {said}") from unknown
    print(f"{mrn} is held" if held else f"{mrn} is held already")


def lift(mrn: _Mrn, reason: _Reason) -> None:
    """Let a declaration leave that was held."""
    with _opened(folder_needed=False) as (_, archiver):
        lifted = archiver.lift(mrn, _me(), _ROLE, reason)
    if not lifted:
        raise SystemExit(f"hub: {mrn} is not held")
    print(f"{mrn} is held no more")


def holds() -> None:
    """List the declarations that are held."""
    with _opened(folder_needed=False) as (store, _):
        held = store.holds()
    table = _table("mrn", "since", "by", "reason")
    for one in held:
        table.add_row(one.mrn, f"{one.at:%Y-%m-%d %H:%M:%S}Z", one.by, one.reason)
    Console(highlight=False).print(table)


@contextmanager
def _opened(*, folder_needed: bool = True) -> Iterator[tuple[Store, Archiver]]:
    """What archives, by the settings. Ends the command where one of them is wrong."""
    from hub import process
    from hub.cli.administration import opened_store
    from hub.clock import utc_now
    from hub.logs import configure
    from hub.operations.retention.archiver import Archiver
    from hub.operations.retention.folder import ArchiveFolder
    from hub.settings import Settings

    settings = Settings(environment="development")  # no part of the hub is run, so none need be secure
    configure("console", least=logging.ERROR)
    if settings.archive_folder is None and folder_needed:
        raise SystemExit("hub: HUB_ARCHIVE_FOLDER is not set: it says where to")
    folder = ArchiveFolder(settings.archive_folder or Path())
    with opened_store() as store:
        yield store, Archiver(store, folder, utc_now, process.name("cli"), store.note_audit)


def _policy() -> RetentionPolicy:
    """What retention.yaml says, in a folder without faults: by a wrong one nothing is deleted."""
    from hub.config.loader import load
    from hub.settings import Settings

    return load(Settings(environment="development").config_folder, development=True).retention_policy


def _round(archiver: Archiver, policy: RetentionPolicy, limit: int | None) -> Done:
    from hub.ports.retention import NotNow

    try:
        return archiver.go_round(policy, _me(), _ROLE, limit)
    except (NotNow, NotWhole, OSError) as error:
        raise SystemExit(f"hub: {error}") from error


def _print_plan(store: Store, archiver: Archiver, policy: RetentionPolicy) -> None:
    from hub.clock import utc_now

    days: dict[str, int] = {}
    for one in archiver.plan(policy):
        day = f"{one.closed_at:%Y-%m-%d}"
        days[day] = days.get(day, 0) + 1
    count = sum(days.values())
    print(f"{count} declarations would be archived: closed before {utc_now() - policy.after:%Y-%m-%d %H:%M}Z")
    for day, some in days.items():
        print(f"  closed on {day}: {some}")
    waiting = store.count_closed(utc_now() - policy.after) - count
    if waiting:
        print(f"{waiting} stay though they are as old: held, or with something left to tell (hub doctor)")
    for file in store.archive_files(under_way=True):
        print(f"{file.name} is under way: {file.declarations} declarations are in it")


def _print_verified(one: Verified) -> None:
    mark = "WRONG" if one.faults else "whole"
    print(f"{mark}  {one.name}: {one.declarations} declarations, {one.lines} lines, {one.checks} checks")
    for fault in one.faults:
        print(f"       {fault}")


def _found_by_tombstone(mrn: str) -> Sequence[Mapping[str, Any]]:
    with _opened() as (store, archiver):
        stone: Tombstone | None = store.tombstone(mrn)
        if stone is None:
            there = "is in the database: hub show" if store.view(mrn) else "is not known"
            raise SystemExit(f"hub: {mrn} has not been archived; it {there}")
        try:
            return archiver.record(stone)
        except (NotWhole, OSError) as error:
            raise SystemExit(f"hub: {error}") from error


def _found_in(file: Path, mrn: str) -> Sequence[Mapping[str, Any]]:
    from hub.operations.retention.folder import Reading

    try:
        for section in Reading(file).sections():
            if section.mrn == mrn:
                return section.lines
    except (NotWhole, OSError) as error:
        raise SystemExit(f"hub: {error}") from error
    raise SystemExit(f"hub: {file} does not have {mrn}")


def _me() -> str:
    return f"cli:{getpass.getuser()}"


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table
