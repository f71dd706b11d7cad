"""Somebody with a key of the API, at a terminal."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from typer.testing import CliRunner

from hub.api.clients import new_key
from hub.cli import app
from hub.clock import utc_now
from hub.embedded import Stack
from hub.ports import ApiClient, Role
from hub.store import create_store


class Office:
    """An office of customs, of an agency, of operations or of a carrier, with a key of its own."""

    def __init__(self, stack: Stack, role: Role, agency: str | None) -> None:
        self.key, hashed = new_key()
        store = create_store(stack.environment["HUB_DATABASE_URL"])
        try:
            store.add_client(
                ApiClient(
                    id=f"flow-{hashed[:8]}", name="Flow", role=role, agency=agency, created_at=utc_now()
                ),
                hashed,
            )
        finally:
            store.close()
        self._env = {"HUB_API_URL": stack.api_url, "HUB_API_KEY": self.key, "COLUMNS": "200"}

    @classmethod
    async def opened(cls, stack: Stack, role: Role, agency: str | None = None) -> Office:
        """A new one."""
        return await asyncio.to_thread(cls, stack, role, agency)

    async def says(self, *words: str) -> str:
        """What the command prints. Fails with that, too, when the command does."""
        ended = await asyncio.to_thread(CliRunner().invoke, app, list(words), env=self._env)
        assert ended.exit_code == 0, f"{ended.output}\n{ended.exception!r}"
        return ended.output

    async def asks(self, *words: str) -> dict[str, Any]:
        """What the command prints, as JSON."""
        answer: dict[str, Any] = json.loads(await self.says(*words))
        return answer
