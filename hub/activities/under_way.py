"""Requests that are under way in this process: once begun, they are joined and never abandoned."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class UnderWay(Generic[T]):
    """What goes on whoever waits for it, by what it is about."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[T]] = {}

    def about(self, what: str) -> asyncio.Task[T] | None:
        """What goes on about that."""
        return self._tasks.get(what)

    def begin(self, what: str, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin, in the place of what went on about that before."""
        task = asyncio.ensure_future(work)
        self._tasks[what] = task

        def forget(finished: asyncio.Task[T]) -> None:
            if self._tasks.get(what) is finished:
                del self._tasks[what]
            if not finished.cancelled():
                finished.exception()  # whoever joined it was told; nobody joining is no error of its own

        task.add_done_callback(forget)
        return task
