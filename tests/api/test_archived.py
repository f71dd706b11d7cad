"""A declaration that was archived: who asks is told so; who lodges it again is told what he was told."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.ports import Role
from hub.ports.retention import RetentionPolicy
from tests.api.support import NOW, Api, beef, with_item

_LOOMS = "8446300000"
"""Nobody need consent to them."""


async def archived(api: Api, folder: Path, declaration: dict[str, Any]) -> dict[str, Any]:
    """The receipt of a declaration that has been lodged, closed and archived since."""
    receipt = await api.lodge(declaration)
    await api.starts_are_over()
    await asyncio.to_thread(api.store.close_case, receipt["mrn"], NOW)
    later = NOW + timedelta(days=100)
    archiver = Archiver(api.store, ArchiveFolder(folder), lambda: later, "test", api.store.note_audit)
    done = await asyncio.to_thread(archiver.go_round, RetentionPolicy(), "test")
    assert done.left == 1
    return receipt


@pytest.mark.parametrize("page", ["", "/progress", "/events", "/casefile", "/exchanges"])
async def test_it_is_gone_and_the_answer_says_since_when(api: Api, tmp_path: Path, page: str) -> None:
    """410: it was there, and will not come back here; customs is told in which file it is."""
    receipt = await archived(api, tmp_path, with_item(hs_code=_LOOMS))
    answer = await api.http.get(f"/v1/declarations/{receipt['mrn']}{page}", headers=api.key(Role.OPERATOR))
    assert answer.status_code == 410
    told = answer.json()
    assert told["type"] == "/problems/archived"
    assert told["archived_at"] == "2027-02-28T02:15:00Z"
    assert told["keep_until"] == "2031-11-20T02:15:00Z"
    assert (told["mrn"], told["lrn"], told["outcome"]) == (receipt["mrn"], receipt["lrn"], "release")
    assert (tmp_path / told["file"]).exists()


async def test_whoever_could_not_see_it_still_cannot(api: Api, tmp_path: Path) -> None:
    """404, as for what never was; an agency that was asked is told, but not in which file."""
    receipt = await archived(api, tmp_path, beef())
    url = f"/v1/declarations/{receipt['mrn']}"
    other = await api.http.get(url, headers=api.key(Role.AGENCY, agency="rra"))
    assert other.status_code == 404
    asked = await api.http.get(url, headers=api.key(Role.AGENCY, agency="apqa"))
    assert asked.status_code == 410
    assert "file" not in asked.json()
    assert (await api.http.get(url, headers=api.key(Role.CUSTOMS, declarant="another"))).status_code == 404


async def test_lodged_again_it_gets_the_first_answer(api: Api, tmp_path: Path) -> None:
    """Word for word, and nothing new is begun; other content under its lrn is a conflict, as before."""
    receipt = await archived(api, tmp_path, beef())
    again = await api.http.post("/v1/declarations", json=beef(), headers=api.key(Role.CUSTOMS))
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (202, "true")
    assert again.json() == receipt
    other = {**beef(), "items": with_item(hs_code=_LOOMS)["items"]}
    refused = await api.http.post("/v1/declarations", json=other, headers=api.key(Role.CUSTOMS))
    assert (refused.status_code, refused.json()["mrn"]) == (409, receipt["mrn"])
