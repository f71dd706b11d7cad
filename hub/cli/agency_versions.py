"""`hub agency history` and `hub agency diff`: which versions of an agency there were, and how they differ."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from hub.cli.administration import opened_store
from hub.cli.tables import moment
from hub.cli.wire_view import console
from hub.cli.workplace import Config, Name, Workplace
from hub.config.folder import Folder
from hub.config.memory import Documents
from hub.config.sources import agency_file, files_of, shared_files
from hub.config.versions import differences
from hub.expressions.compiling import nearest
from hub.ports import SHARED_FILES, AgencyChange, ChangeKind, Served, VersionStore

_NOTHING_KEPT = "no version of {} has ever been in force in this database{}"
_STYLES = {
    ChangeKind.APPLIED: "green",
    ChangeKind.REFUSED: "bold red",
    ChangeKind.MENDED: "dim",
    ChangeKind.REMOVED: "yellow",
}


def add_to(agency: typer.Typer) -> None:
    """Add these commands to `hub agency`."""
    agency.command("history")(history)
    agency.command("diff")(diff)


def history(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME]",
            help="the agency; '*' for the files that all agencies share; without it, everybody's changes",
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="how many of the latest changes")] = 50,
) -> None:
    """List what came into force and what was refused, newest first, and how many referrals each serves."""
    with opened_store() as store:
        changes = store.agency_changes(name, limit)
        if not changes:
            raise SystemExit(f"hub: {_nothing_kept(store, name)}")
        standing = store.in_force()
        served = {} if name is None else store.served(name)
    out = console()
    table = Table(box=None, pad_edge=False)
    heads = ["at", "version", "", "open", "all", "by", "why"]
    for head in heads if name is not None else ["at", "agency", *heads[1:3], *heads[5:]]:
        table.add_column(head, justify="right" if head in ("open", "all") else "left")
    told: set[str] = set()
    for change in changes:
        now = standing.get(change.agency)
        is_now = (
            change.kind is ChangeKind.APPLIED
            and now is not None
            and (now.version, now.since) == (change.version, change.at)
        )
        what = Text("in force" if is_now else change.kind.value, style=_STYLES[change.kind])
        at, version, why = moment(change.at.isoformat()), change.version or "", Text(_why(change))
        if name is None:
            shared = change.agency == SHARED_FILES
            table.add_row(at, "(shared)" if shared else change.agency, version, what, change.process, why)
            continue
        counts = ("", "")
        if change.kind is ChangeKind.APPLIED and version not in told:
            told.add(version)
            counts = _counts(served.get(version))
        table.add_row(at, version, what, *counts, change.process, why)
    out.print(table, soft_wrap=False)


def diff(
    name: Name,
    old: Annotated[
        str | None, typer.Argument(metavar="[FROM]", help="a version, or its first characters")
    ] = None,
    new: Annotated[
        str | None, typer.Argument(metavar="[TO]", help="another; without it, the one that came last")
    ] = None,
    folder: Annotated[
        bool, typer.Option("--folder", help="compare with what stands in the configuration folder now")
    ] = False,
    config: Config = None,
) -> None:
    """Show what differs between two versions of an agency, contract included; by default the last two."""
    if folder and new is not None:
        raise typer.BadParameter("give TO or --folder, not both")
    with opened_store() as store:
        applied = _applied(store, name)
        if not applied:
            raise SystemExit(f"hub: {_nothing_kept(store, name)}")
        if folder:
            one = applied[0] if old is None else _chosen(old, applied)
            other, after = "folder", _in_folder(name, config)
        else:
            other = applied[0] if new is None else _chosen(new, applied)
            if old is None and len(applied) == 1:
                raise SystemExit(f"hub: {name} has had one version only, {applied[0]}")
            one = applied[1] if old is None else _chosen(old, applied)
            after = _files(store, name, other)
        before = _files(store, name, one)
    lines = list(differences(before, after, one, other))
    out = console()
    if not lines:
        out.print(f"no differences between {one} and {other}")
    for line in lines:
        out.print(Text(line, style=_colour(line)))


def _applied(store: VersionStore, agency: str) -> list[str]:
    """Versions that were in force, the last one first, each once."""
    changes = store.agency_changes(agency, 10_000)
    versions = [change.version for change in changes if change.kind is ChangeKind.APPLIED and change.version]
    return list(dict.fromkeys(versions))


def _chosen(written: str, versions: list[str]) -> str:
    found = [version for version in versions if version.startswith(written)]
    if len(found) == 1:
        return found[0]
    known = ", ".join(found or versions)
    raise SystemExit(
        f"hub: {'several versions begin' if found else 'no version begins'} with {written}: {known}"
    )


def _files(store: VersionStore, agency: str, version: str) -> dict[str, bytes]:
    kept = store.version_files(agency, version)
    assert kept is not None, "what was applied was written down"
    return kept.files


def _in_folder(agency: str, config: Config) -> dict[str, bytes]:
    path = Workplace(config).folder
    only = None if agency == SHARED_FILES else agency
    try:
        sources = Folder(path, Documents().plain).read(only)
    except OSError as wrong:
        raise SystemExit(f"hub: there is no configuration folder {path}") from wrong
    return shared_files(sources) if only is None else files_of(agency_file(only), sources[agency_file(only)])


def _nothing_kept(store: VersionStore, name: str | None) -> str:
    if name is None:
        return "nothing has ever been in force in this database"
    like = nearest(name, store.in_force())
    return _NOTHING_KEPT.format(name, f"; did you mean {like!r}?" if like else "")


def _counts(served: Served | None) -> tuple[str, str]:
    return ("0", "0") if served is None else (str(served.open), str(served.all))


def _why(change: AgencyChange) -> str:
    if not change.faults:
        return ""
    first, *more = change.faults
    others = f" (and {len(more)} more)" if more else ""
    return f"{first.file}:{first.line}  {first.key}  {first.what}{others}"


def _colour(line: str) -> str:
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
