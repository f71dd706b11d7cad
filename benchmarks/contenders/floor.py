"""
Floor: asyncio only. Nothing is written down and nothing survives; what the calls themselves cost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

from tenacity import retry, retry_if_exception_type, wait_exponential

from benchmarks.agencies import POLL_EVERY, Kind
from benchmarks.common.calls import Decision, Reply, Unavailable, calls, directory
from benchmarks.common.door import serve
from benchmarks.common.settling import notice, settle

_THREADS = 64
"""requests and zeep are not asynchronous."""


class _Inside:
    def __init__(self) -> None:
        self._called: dict[tuple[str, str], asyncio.Future[Decision]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def lodge(self, mrn: str, declaration: dict[str, Any]) -> None:
        task = asyncio.create_task(self._clear(mrn, declaration))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def decide(self, mrn: str, agency: str, decision: Decision, message: str) -> None:
        self._call(mrn, agency).set_result(decision)

    async def _clear(self, mrn: str, declaration: dict[str, Any]) -> None:
        needed = directory().needed(declaration)
        answers = await asyncio.gather(*[self._refer(mrn, slug, declaration) for slug in needed])
        approves = {slug: directory()[slug].approves for slug in needed}
        outcome, reasons = settle(approves, dict(zip(needed, answers, strict=True)))
        await _tried(calls().tell_cargo, notice(mrn, declaration, outcome, reasons))

    async def _refer(self, mrn: str, slug: str, declaration: dict[str, Any]) -> Decision:
        reply: Reply = await _tried(calls().submit, slug, mrn, declaration)
        if directory()[slug].kind is Kind.REST_CALLBACK:
            try:
                return await self._call(mrn, slug)
            finally:
                del self._called[mrn, slug]
        while reply.decision is None:
            await asyncio.sleep(POLL_EVERY)
            reply = await _tried(calls().poll, slug, reply.receipt)
        return reply.decision

    def _call(self, mrn: str, slug: str) -> asyncio.Future[Decision]:
        """The callback may come before the receipt is read."""
        return self._called.setdefault((mrn, slug), asyncio.get_running_loop().create_future())


@retry(retry=retry_if_exception_type(Unavailable), wait=wait_exponential(max=60))
async def _tried(call: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(call, *arguments)


@asynccontextmanager
async def _open() -> AsyncIterator[_Inside]:
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS))
    calls()
    yield _Inside()


if __name__ == "__main__":
    serve(_open)
