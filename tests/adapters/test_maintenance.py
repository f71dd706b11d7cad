"""Announced maintenance, over real sockets: nothing is sent, nothing counts as failed, sleep is short."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest

from hub.adapters.gateway import Gateway
from hub.adapters.maintenance import LONGEST_NAP
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable
from tests.adapters.support import FOLDER, NOW, SEOUL, agency, changed, dossier, gateway_to
from tests.adapters.system import answer, system
from tests.adapters.test_callbacks import BODY, SECRET, signed, unix

KATS = agency("kats")
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'
END = NOW + timedelta(hours=2)


class HandClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def away(file: AgencyFile, end: datetime = END, note: str | None = None) -> AgencyFile:
    """The same agency with a window that has been open for an hour."""
    start = NOW - timedelta(hours=1)
    window = {"start": start.isoformat(), "end": end.isoformat(), "note": note}
    return changed(file, maintenance=[window], limits={"breaker_failures": 1})


async def submit(gateway: Gateway, file: AgencyFile) -> object:
    return await gateway.submit(dossier(file))


async def poll(gateway: Gateway, file: AgencyFile) -> object:
    return await gateway.poll(dossier(file, receipt="R-1"))


async def look_up(gateway: Gateway, file: AgencyFile) -> object:
    return await gateway.look_up(dossier(file), NOW)


async def pull(gateway: Gateway, file: AgencyFile) -> object:
    return await gateway.pull_feed(file.agency)


async def acknowledge(gateway: Gateway, file: AgencyFile) -> object:
    return await gateway.acknowledge_feed(file.agency, ["M-1"])


Ask = Callable[[Gateway, AgencyFile], Awaitable[object]]


def with_a(part: str) -> AgencyFile:
    """The first agency whose channel has it."""
    files = (agency(path.stem) for path in sorted((FOLDER / "agencies").glob("*.yaml")))
    return next(file for file in files if getattr(file.channel, part))


@pytest.mark.parametrize(
    ("part", "ask"),
    [
        ("submit", submit),
        ("poll", poll),
        ("look_up", look_up),
        ("feed", pull),
        ("feed", acknowledge),
    ],
    ids=["submit", "poll", "look-up", "pull", "acknowledge"],
)
async def test_nothing_is_sent_while_a_window_is_open(part: str, ask: Ask) -> None:
    """Whatever is asked; there is no exchange to record, and the words say until when and why."""
    file = away(with_a(part), note="new database")
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file) as gateway:
            with pytest.raises(AgencyUnavailable) as told:
                await ask(gateway, file)
    assert running.connections == 0
    assert told.value.exchanges == ()
    assert str(told.value) == (
        f"{file.agency} is away: announced maintenance until 2026-03-02 11:30 (Asia/Seoul): new database"
    )


async def test_whoever_waits_asks_again_within_minutes_and_goes_on_after_the_end() -> None:
    """However long the window: it may be shortened. The words stay the same, so they are told once."""
    file, clock, words, naps = away(KATS), HandClock(), set(), 0
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file, clock=clock) as gateway:
            while clock.now < END:
                with pytest.raises(AgencyUnavailable) as told:
                    await gateway.submit(dossier(file))
                words.add(str(told.value))
                assert told.value.retry_after is not None
                assert 0 < told.value.retry_after <= LONGEST_NAP.total_seconds() * 1.025
                clock.now += timedelta(seconds=told.value.retry_after)
                naps += 1
            # The last nap ended soon after the window, and the breaker knows of no failure.
            assert clock.now < END + timedelta(seconds=8)
            receipt = (await gateway.submit(dossier(file))).receipt
    assert receipt.reference == "RV-1"
    assert len(words) == 1
    assert 20 <= naps <= 25


async def test_a_weekly_window_is_by_the_clocks_of_the_agency() -> None:
    """09:00 to 10:00 in Seoul; it is 09:30 there."""
    file = changed(KATS, maintenance=[{"days": ["mon"], "from": "09:00", "until": "10:00"}])
    clock = HandClock()
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file, clock=clock) as gateway:
            with pytest.raises(AgencyUnavailable, match="until 2026-03-02 10:00"):
                await gateway.submit(dossier(file))
            clock.now = datetime(2026, 3, 2, 10, tzinfo=SEOUL)
            await gateway.submit(dossier(file))


async def test_one_agency_that_is_away_keeps_no_other_waiting() -> None:
    """Windows are the agency's own."""
    file, other = away(KATS), agency("mfds")
    with system(answer(200, '{"ticket": "T", "state": "PENDING"}')) as running:
        async with gateway_to(running.url, file, other) as gateway:
            with pytest.raises(AgencyUnavailable):
                await gateway.submit(dossier(file))
            assert (await gateway.submit(dossier(other))).receipt.reference == "T"


async def test_callbacks_are_taken_meanwhile() -> None:
    """What the agency says of itself is heard: its decision may have been made before."""
    file = away(agency("mfds"))
    async with gateway_to("http://127.0.0.1:1", file, extra={"MFDS_CALLBACK_SECRET": SECRET}) as gateway:
        message = gateway.read_callback("mfds", signed(BODY, unix(NOW)), BODY, NOW)
    assert message.message_id == "N-1"
    assert message.trouble is None
