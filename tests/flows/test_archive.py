"""What agencies and the cargo system were told is archived whole: the files alone are enough to verify it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from hub.clock import utc_now
from hub.domain.referral import Via
from hub.embedded import Stack
from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.operations.retention.verifying import by_kind, verify_file
from hub.ports.retention import RetentionPolicy
from hub.store import create_store
from hub.store.copying import bring_back, copy_out
from tests.flows.doors import Doors
from tests.flows.test_kills import FOUR_REFERRALS

pytestmark = [pytest.mark.asyncio(loop_scope="session")]


async def test_what_was_closed_is_archived_and_holds_what_it_rests_on(
    doors: Doors, stack: Stack, tmp_path: Path
) -> None:
    """In a copy of the database of a hub that works, a hundred days later."""
    mrn = (await doors.lodge(FOUR_REFERRALS))["mrn"]
    await doors.until(mrn, lambda v: v["outcome"] == "release" and v["closed_at"])
    await asyncio.to_thread(_archive_and_verify, stack.environment["HUB_DATABASE_URL"], tmp_path, mrn)


def _archive_and_verify(url: str, folder: Path, mrn: str) -> None:
    copy = f"sqlite:///{folder / 'copy.sqlite'}"
    bring_back(copy, copy_out(url, folder))
    store = create_store(copy, sync="normal")
    archive = ArchiveFolder(folder / "archive")
    archiver = Archiver(store, archive, lambda: utc_now() + timedelta(days=100), "test", store.note_audit)
    while archiver.go_round(RetentionPolicy(), "test").file is not None:
        pass
    found = [verify_file(path) for path in (folder / "archive").rglob("*.gz")]
    assert [one.faults for one in found] == [()] * len(found)
    stone = store.tombstone(mrn)
    assert stone is not None
    kinds = by_kind(archive.record(stone.file, stone.offset, stone.digest))
    assert len(kinds["referral"]) == 4
    assert {Via.CALLBACK, Via.POLL} <= {line["document"]["via"] for line in kinds["decision"]}
    assert {"submit", "notice"} <= {line["document"]["kind"] for line in kinds["exchange"]}
    store.close()
