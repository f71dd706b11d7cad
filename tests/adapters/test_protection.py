"""An agency is pushed no harder than its file says, whatever is asked of it, and failing costs it no more."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from hub.adapters import talk
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, InDoubt
from tests.adapters.support import NOW, agency, changed, dossier, gateway_to
from tests.adapters.system import Heard, Say, answer, system
from tests.adapters.test_gateway import quick

KATS = agency("kats")
MFDS = agency("mfds")
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'


async def test_after_the_pause_exactly_one_goes_to_see() -> None:
    """However many wait; the others are turned away until it is back, and go on when it has been answered."""
    file = quick(KATS, breaker_failures=1, breaker_pause="1s", timeout="10s", concurrency=8)
    release = threading.Event()

    def script(_: Heard) -> Say:
        if len(running.heard) == 1:
            return answer(500)
        release.wait(10)
        return answer(200, RECEIPT)

    with system(script) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(InDoubt):
                await gateway.submit(dossier(file))
            with pytest.raises(AgencyUnavailable) as told:
                await gateway.submit(dossier(file))
            assert told.value.retry_after is not None
            await asyncio.sleep(told.value.retry_after + 0.01)
            asked = [asyncio.create_task(gateway.submit(dossier(file))) for _ in range(6)]
            done, waiting = await asyncio.wait(asked, timeout=10, return_when=asyncio.FIRST_COMPLETED)
            while len(waiting) > 1:
                more, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                done |= more
            assert len(done) == 5
            assert all(isinstance(one.exception(), AgencyUnavailable) for one in done)
            release.set()
            [trial] = waiting
            assert (await trial).receipt.reference == "RV-1"
            assert len(running.heard) == 2
            await asyncio.gather(*(gateway.submit(dossier(file)) for _ in range(6)))
    assert len(running.heard) == 8


async def test_a_trial_that_is_never_answered_does_not_close_the_way_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Headers that drip hold up their thread; after the next pause another one goes to see."""
    monkeypatch.setattr(talk, "GRACE", 0.05)
    file = quick(KATS, breaker_failures=1, breaker_pause="1s", timeout="1s", concurrency=3)
    drip = Say((b"HTTP/1.1 200 OK\r\n", *[b"X-%d: y\r\n" % n for n in range(60)]), pause=0.05)

    def script(_: Heard) -> Say:
        return [answer(500), drip, answer(200, RECEIPT)][min(len(running.heard), 3) - 1]

    with system(script) as running:
        async with gateway_to(running.url, file) as gateway:
            for _ in range(2):
                with pytest.raises(InDoubt):
                    await gateway.submit(dossier(file))
                with pytest.raises(AgencyUnavailable, match="in a row") as told:
                    await gateway.submit(dossier(file))
                assert told.value.retry_after is not None
                await asyncio.sleep(told.value.retry_after + 0.01)
            assert (await gateway.submit(dossier(file))).receipt.reference == "RV-1"


async def test_the_rate_is_one_for_everything_that_is_asked() -> None:
    """Submissions, look-ups and polls wait in one row."""
    file = quick(MFDS, per_second=2, timeout="1s")
    with system(answer(200, '{"ticket": "T", "state": "PENDING", "total": 0}')) as running:
        async with gateway_to(running.url, file) as gateway:
            done = await asyncio.gather(
                *(gateway.submit(dossier(file)) for _ in range(2)),
                *(gateway.look_up(dossier(file), NOW) for _ in range(2)),
                *(gateway.poll(dossier(file, receipt="T")) for _ in range(2)),
                return_exceptions=True,
            )
    # Two at once, and two more within the second that a request waits.
    assert len(running.heard) == 4
    assert sum(isinstance(one, AgencyUnavailable) for one in done) == 2


def with_login(file: AgencyFile) -> AgencyFile:
    """The same agency, which is to be logged in to first."""
    login = {
        "method": "GET",
        "path": "/applications",
        "query": {"clientReference": "26KRLOGIN"},
        "token": "=reply.ticket",
    }
    return changed(file, login=login, secrets={"key": "env:MFDS_LOGIN_KEY"})


async def test_a_request_that_follows_a_log_in_waits_for_its_own_turn() -> None:
    """Two requests of one piece of work count as two."""
    file = with_login(quick(MFDS, per_second=2, timeout="5s"))
    times: list[float] = []

    def script(_: Heard) -> Say:
        times.append(time.monotonic())
        return answer(200, '{"ticket": "T", "state": "PENDING"}')

    with system(script) as running:
        async with gateway_to(running.url, file) as gateway:
            began = time.monotonic()
            for _ in range(3):
                await gateway.poll(dossier(file, receipt="T"))
    # The log-in and a poll use up what may go out at once; each of the others has waited for half a second.
    assert len(times) == 4
    assert times[2] - began > 0.49
    assert times[3] - began > 0.99
