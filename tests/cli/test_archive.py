"""`hub archive`: the whole way of a closed declaration out of the database, by hand."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import utc_now
from hub.store import Store, create_store
from tests.cli.test_refusals import hub
from tests.store import sample

AGO = timedelta(days=100)


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = create_store(sqlite_url)
    yield store
    store.close()


@pytest.fixture
def settings(sqlite_url: str, tmp_path: Path, root: Path) -> dict[str, str]:
    return {
        "HUB_DATABASE_URL": sqlite_url,
        "HUB_ARCHIVE_FOLDER": str(tmp_path / "archive"),
        "HUB_CONFIG_FOLDER": str(_of_one_agency(root / "adapters_config", tmp_path / "config")),
    }


def _of_one_agency(whole: Path, folder: Path) -> Path:
    """The configuration without all other agencies: each run reads it, and they are most of it."""
    others = {path.name for path in (whole / "agencies").iterdir()} - {"apqa.yaml"}
    shutil.copytree(whole, folder, ignore=lambda _, names: others.intersection(names))
    # They are from the laws of services that are not there.
    (folder / "exemptions.yaml").write_text("exemptions: {}\n")
    return folder


def closed(store: Store) -> str:
    at = utc_now() - AGO
    accepted = sample.acceptance(at=at)
    store.lodge(accepted)
    store.mark_started(accepted.mrn)
    store.close_case(accepted.mrn, at)
    return accepted.mrn


def test_from_the_database_into_a_file_and_back_to_the_eye(store: Store, settings: dict[str, str]) -> None:
    """Planned, archived, listed, verified, shown: and by then it is in the file only."""
    mrns = [closed(store) for _ in range(3)]
    planned = hub("archive", "run", "--dry-run", **settings)
    assert planned.stdout.startswith("3 declarations would be archived"), planned.stderr
    assert store.view(mrns[0]) is not None
    ran = hub("archive", "run", **settings)
    assert ran.stdout.startswith("3 declarations archived"), ran.stderr
    assert store.view(mrns[0]) is None
    [listed] = json.loads(hub("archive", "list", "--json", **settings).stdout)
    path = Path(settings["HUB_ARCHIVE_FOLDER"]) / listed["name"]
    verified = hub("archive", "verify", str(path))
    assert (verified.returncode, verified.stdout.split()[0]) == (0, "whole"), verified.stderr
    for found in (
        hub("archive", "show", mrns[1], **settings),
        hub("archive", "show", mrns[1], "--file", str(path)),
    ):
        lines = [json.loads(line) for line in found.stdout.splitlines()]
        assert {line["mrn"] for line in lines} == {mrns[1]}
        assert lines[0]["kind"] == "declaration"
    assert hub("archive", "run", **settings).stdout.startswith("0 declarations archived")


def test_a_file_that_was_changed_is_told_by_the_status(store: Store, settings: dict[str, str]) -> None:
    closed(store)
    hub("archive", "run", **settings)
    [path] = Path(settings["HUB_ARCHIVE_FOLDER"]).rglob("*.gz")
    path.write_bytes(path.read_bytes()[:-1])
    verified = hub("archive", "verify", settings["HUB_ARCHIVE_FOLDER"])
    assert (verified.returncode, verified.stdout.split()[0]) == (1, "WRONG")
    assert "Traceback" not in verified.stderr


def test_what_is_held_stays_until_it_is_let_go(store: Store, settings: dict[str, str]) -> None:
    mrn = closed(store)
    assert "is held" in hub("archive", "hold", mrn, "--reason", "court", **settings).stdout
    assert mrn in hub("archive", "holds", **settings).stdout
    assert "1 stay" in hub("archive", "run", "--dry-run", **settings).stdout
    assert hub("archive", "run", **settings).stdout.startswith("0")
    assert "no more" in hub("archive", "lift", mrn, "--reason", "over", **settings).stdout
    assert hub("archive", "run", **settings).stdout.startswith("1")
    late = hub("archive", "hold", mrn, "--reason", "court", **settings)
    assert late.returncode == 1
    assert "has been archived, in" in late.stderr


def test_nothing_leaves_before_it_is_said_where_to(store: Store, settings: dict[str, str]) -> None:
    closed(store)
    del settings["HUB_ARCHIVE_FOLDER"]
    ended = hub("archive", "run", **settings)
    assert ended.returncode == 1
    assert "HUB_ARCHIVE_FOLDER" in ended.stderr
