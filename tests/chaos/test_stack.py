"""What a campaign's processes are given to reach each other by."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from chaos.stack import Database


async def test_the_database_is_reached_by_its_wire_from_a_folder_of_any_depth(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = Path(".hub") / ("a-long-name-" * 10)
    folder.mkdir(parents=True)
    database = Database(folder / "postgresql")
    wire, here = database.wire()
    await wire.listen(here)
    engine = create_engine(database.url)

    def ask() -> int:
        with engine.connect() as connection:
            return connection.execute(text("SELECT 6 * 7")).scalar_one()

    try:
        assert await asyncio.to_thread(ask) == 42
    finally:
        engine.dispose()
        await wire.close()
        database.stop()
