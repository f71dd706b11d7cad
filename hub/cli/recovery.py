"""`hub backup` and `hub restore`: the database at one moment, and what it takes to go on from there."""

from __future__ import annotations

import getpass
import hashlib
import json
import shutil
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hub.ports.users import UserRole

if TYPE_CHECKING:
    from hub.settings import Settings

_MANIFEST = "backup.json"
_ROLE = UserRole.ADMIN
"""Whoever can read the database's address may do as an administrator does."""


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(backup)
    app.command()(restore)


def backup(
    to: Annotated[Path, typer.Argument(help="the folder in which a folder for this backup is made")],
) -> None:
    """
    Copy the database while it is in use, whole and at one moment, and check the copy.

    Needs HUB_DATABASE_URL; for PostgreSQL also `pg_dump`. Temporal need not be copied: see docs/recovery.md.
    """
    from hub.cli.administration import opened_store
    from hub.clock import utc_now
    from hub.store.copying import CannotCopy, copy_out
    from hub.store.schema import REVISION
    from hub.version import hub_version

    settings = _settings()
    made_at = utc_now()
    folder = to / f"hub-{made_at:%Y%m%dT%H%M%SZ}"
    begun = to / f"{folder.name}.part"
    try:
        with opened_store():
            begun.mkdir(parents=True)
            copy = copy_out(settings.database_url, begun)
        manifest = {
            "made_at": made_at.isoformat(),
            "made_by": hub_version(),
            "revision": REVISION,
            "file": copy.name,
            "size": copy.stat().st_size,
            "sha256": _sha256(copy),
        }
        (begun / _MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        begun.rename(folder)
    except (CannotCopy, OSError) as error:
        shutil.rmtree(begun, ignore_errors=True)
        raise SystemExit(f"hub: {error}") from error
    print(f"{folder}: {manifest['size']} bytes, SHA-256 {manifest['sha256']}")


def restore(
    source: Annotated[Path, typer.Argument(help="the folder of one backup")],
    reason: Annotated[str, typer.Option(help="why; kept in the audit")] = "restored from a backup",
    rate: Annotated[float, typer.Option(min=0.1, max=50, help="look-ups a second, once a worker runs")] = 5.0,
) -> None:
    """
    Bring a backup back where no database is, and mark what may have been done since it was made.

    Nothing of the hub may run. Afterwards: `hub doctor --begin-anew`, then the worker and the API.
    """
    from hub.clock import utc_now
    from hub.operations.recovery import Recovery
    from hub.store import create_store, upgrade
    from hub.store.copying import CannotCopy, bring_back

    settings = _settings()
    try:
        made_at, copy = _checked(source)
        bring_back(settings.database_url, copy)
    except (CannotCopy, OSError, ValueError, KeyError) as error:
        raise SystemExit(f"hub: {error}") from error
    upgrade(settings.database_url)
    store = create_store(settings.database_url)
    by = f"cli:{getpass.getuser()}"
    try:
        recovery = Recovery(store, store, utc_now)
        marked = recovery.begin(made_at, by, _ROLE, reason)
        looked_up = recovery.look_up(by, _ROLE, reason, rate)
    finally:
        store.close()
    print(
        f"the database is as it was at {made_at:%Y-%m-%d %H:%M:%S}Z: {marked.open} open declarations\n"
        f"{marked.in_doubt} referrals may have been sent since: they are looked up before they are sent\n"
        f"{looked_up} referrals may have been decided since: they are looked up, {rate:g} a second\n"
        "next: start Temporal, then `hub doctor --begin-anew`, the worker, the API (docs/recovery.md)"
    )


def _checked(source: Path) -> tuple[datetime, Path]:
    """When a backup was made, and its file. Raises CannotCopy when that is another file, OSError."""
    from hub.store.copying import CannotCopy

    manifest = json.loads((source / _MANIFEST).read_text())
    copy = source / manifest["file"]
    if _sha256(copy) != manifest["sha256"]:
        raise CannotCopy(f"{copy} is not the file that was written: its SHA-256 is another")
    return datetime.fromisoformat(manifest["made_at"]), copy


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _settings() -> Settings:
    from hub.settings import Settings

    return Settings(environment="development")  # no part of the hub is run, so none need be secure
