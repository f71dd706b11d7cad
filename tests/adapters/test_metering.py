"""Every request to an agency's system is counted once, with what became of it."""

from __future__ import annotations

from contextlib import suppress

import pytest

from hub.adapters import talk
from hub.domain.errors import ChannelError, InDoubt
from hub.ports import Call, CallResult
from tests.adapters.support import NOW, agency, dossier, gateway_to
from tests.adapters.system import Say, answer, system
from tests.adapters.test_gateway import RECEIPT, closed_port, quick

KATS = quick(agency("kats"))


def brief(calls: list[Call]) -> list[tuple[str, str, CallResult]]:
    return [(call.agency, call.operation, call.result) for call in calls]


@pytest.mark.parametrize(
    ("say", "result"),
    [
        (answer(200, RECEIPT), CallResult.ANSWERED),
        (answer(429), CallResult.UNAVAILABLE),
        (answer(400, '{"message": "no such code"}'), CallResult.REFUSED),
        (answer(200, "<html>"), CallResult.NOT_UNDERSTOOD),
        (Say(), CallResult.IN_DOUBT),
    ],
)
async def test_a_request_counts_with_what_became_of_it(say: Say, result: CallResult) -> None:
    """By the class of the error, or as answered."""
    counted: list[Call] = []
    with system(say) as running:
        async with gateway_to(running.url, KATS, meter=counted.append) as gateway:
            with suppress(ChannelError):
                await gateway.submit(dossier(KATS))
    assert brief(counted) == [("kats", "submit", result)]
    assert counted[0].started_at == NOW
    assert counted[0].milliseconds >= 0


async def test_nobody_there_counts_too() -> None:
    """It was asked, and this is how its system behaves."""
    counted: list[Call] = []
    async with gateway_to(closed_port(), KATS, meter=counted.append) as gateway:
        with pytest.raises(ChannelError):
            await gateway.submit(dossier(KATS))
    assert brief(counted) == [("kats", "submit", CallResult.UNAVAILABLE)]


async def test_what_is_not_sent_does_not_count() -> None:
    """While the breaker is open nothing is asked."""
    counted: list[Call] = []
    file = quick(agency("kats"), breaker_failures=1, breaker_pause="1m")
    async with gateway_to(closed_port(), file, meter=counted.append) as gateway:
        for _ in range(3):
            with pytest.raises(ChannelError):
                await gateway.submit(dossier(file))
    assert len(counted) == 1


async def test_a_request_that_nobody_waits_for_any_more_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """When it was given up; its own end, whenever that comes, adds nothing."""
    monkeypatch.setattr(talk, "GRACE", 0.1)
    counted: list[Call] = []
    file = quick(KATS, timeout="1s")
    headers = [b"X-%d: y\r\n" % n for n in range(30)]
    drip = Say((b"HTTP/1.1 200 OK\r\n", *headers), pause=0.05)
    with system(drip) as running:
        async with gateway_to(running.url, file, meter=counted.append) as gateway:
            with pytest.raises(InDoubt):
                await gateway.submit(dossier(file))
            assert brief(counted) == [("kats", "submit", CallResult.IN_DOUBT)]
        # Closing has waited for its thread.
    assert len(counted) == 1
