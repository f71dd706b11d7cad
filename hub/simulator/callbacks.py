"""Callbacks to the hub: signed as the channel says, and sent until they are taken."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

import requests
from requests.adapters import HTTPAdapter

from hub.config.models import CallbackAuth
from hub.simulator.agency import Waiting, now
from hub.simulator.behaviour import Timings
from hub.simulator.environment import resolve
from hub.simulator.ledger import Ledger

_AT_A_TIME = 16
_TIMEOUT = (3.0, 10.0)
"""Seconds to connect, and to wait for the answer."""
_TRY_AGAIN = frozenset({408, 425, 429})


class CallbackSigner:
    """How one agency proves itself to the hub."""

    def __init__(self, auth: CallbackAuth, environment: Mapping[str, str]) -> None:
        """Raises EnvironmentMissing."""
        self._hmac = auth.hmac
        self._secret = resolve(auth.hmac.secret, environment).encode() if auth.hmac is not None else b""
        self._bearer = resolve(auth.bearer, environment) if auth.bearer is not None else None

    def headers(self, body: bytes, at: float) -> dict[str, str]:
        """The headers that sign a body at a time (Unix seconds)."""
        if self._hmac is not None:
            timestamp = str(int(at))
            signed = timestamp.encode() + b"." + body
            signature = hmac.new(self._secret, signed, hashlib.sha256).hexdigest()
            return {self._hmac.timestamp_header: timestamp, self._hmac.header: signature}
        return {"Authorization": f"Bearer {self._bearer}"} if self._bearer is not None else {}


class CallbackSender:
    """
    Sends messages when their rulings are due, at least once each, with growing pauses until they are taken.

    An answer of 2xx takes a message; 4xx ends it, but for 408, 425 and 429, which ask for another try.
    """

    def __init__(
        self,
        hub_url: str,
        *,
        ledger: Ledger,
        timings: Timings,
        write: Callable[[Waiting], tuple[str, bytes]],
        signers: Mapping[str, CallbackSigner],
    ) -> None:
        """`write` makes content type and body of a message; `signers` are by agency."""
        self._hub_url = hub_url.rstrip("/")
        self._ledger = ledger
        self._timings = timings
        self._write = write
        self._signers = signers
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(max_workers=_AT_A_TIME, thread_name_prefix="callback")
        self._session = requests.Session()
        self._session.trust_env = False
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=_AT_A_TIME))

    def tell(self, waiting: Waiting) -> asyncio.Task[None]:
        """Send a message when it is due; the task ends when it is done with."""
        task = asyncio.get_running_loop().create_task(self._deliver(waiting))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def stop(self) -> None:
        """Give up what is not told yet; a later run goes on with it."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.stop()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._session.close()

    async def _deliver(self, waiting: Waiting) -> None:
        due_in = (waiting.ruling.due_at - now()).total_seconds()
        if due_in > 0:
            await asyncio.sleep(due_in)
        told, pause = waiting.told, self._timings.retry
        content_type, body = self._write(waiting)
        while not told.done:
            status = await self._send(waiting.entry.agency, content_type, body)
            told.attempts += 1
            told.status = status
            if status is not None and 200 <= status < 300:
                told.taken += 1
            elif status is not None and 400 <= status < 500 and status not in _TRY_AGAIN:
                told.taken = told.times
            self._ledger.save(waiting.entry)
            if not told.done and (status is None or status >= 300):
                await asyncio.sleep(pause / 1000)
                pause = min(pause * 2, self._timings.retry_most)

    async def _send(self, agency: str, content_type: str, body: bytes) -> int | None:
        url = f"{self._hub_url}/v1/agencies/{agency}/callbacks"
        signed = self._signers[agency].headers(body, time.time())
        headers = {"Content-Type": content_type, "User-Agent": f"agency/{agency}", **signed}

        def post() -> int | None:
            try:
                return self._session.post(
                    url, data=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
                ).status_code
            except requests.RequestException:
                return None  # no answer: shown in the ledger, and tried again

        return await asyncio.get_running_loop().run_in_executor(self._threads, post)
