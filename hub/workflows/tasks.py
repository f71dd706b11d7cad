"""Work beside the main line of a workflow."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from temporalio.exceptions import FailureError, is_cancelled_exception


class Tasks:
    """What goes on beside the main line, by name; each leaves the list when it ends, however it ends."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._tasks

    def begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Begin it; nothing of that name may be going on."""

        async def run() -> None:
            try:
                await work
            except (asyncio.CancelledError, FailureError) as error:
                if not is_cancelled_exception(error):
                    raise
            finally:
                if self._tasks.get(name) is task:
                    del self._tasks[name]

        task = asyncio.create_task(run())
        self._tasks[name] = task

    def cancel(self, name: str) -> None:
        """End it; its name is free at once."""
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()

    def cancel_all(self) -> None:
        """End all of it, in the order in which it was begun."""
        for name in list(self._tasks):
            self.cancel(name)
