"""How relays go round: after their pause, when they are called, and until they are told to stop."""

from __future__ import annotations

import asyncio
import threading

from hub.relays.loop import Bell, keep_going


class Resting:
    """A relay that notes its rounds, and has nothing to do for an hour."""

    name = "resting"

    def __init__(self, *, fails: bool = False) -> None:
        self.rounds = 0
        self.went = asyncio.Condition()
        self._fails = fails

    async def go_round(self) -> float:
        async with self.went:
            self.rounds += 1
            self.went.notify_all()
        if self._fails:
            raise OSError("the store is away")
        return 3600.0

    async def until(self, rounds: int) -> None:
        """Wait until it has gone round so often."""
        async with self.went:
            await asyncio.wait_for(self.went.wait_for(lambda: self.rounds >= rounds), 5)


async def test_a_bell_calls_a_relay_that_rests() -> None:
    """From any thread, once for each time that it rings."""
    relay, stop, bell = Resting(), asyncio.Event(), Bell()
    going = asyncio.create_task(keep_going(relay, stop, bell=bell))
    await relay.until(1)
    for rounds in (2, 3):
        ringing = threading.Thread(target=bell.ring)
        ringing.start()
        ringing.join()
        await relay.until(rounds)
    stop.set()
    await asyncio.wait_for(going, 5)
    assert relay.rounds == 3


async def test_what_rings_during_a_round_calls_to_the_next() -> None:
    """Else what was written down after the round had looked would wait for the whole pause."""
    bell = Bell()

    class Called(Resting):
        async def go_round(self) -> float:
            pause = await super().go_round()
            if self.rounds == 1:
                bell.ring()
            return pause

    relay, stop = Called(), asyncio.Event()
    going = asyncio.create_task(keep_going(relay, stop, bell=bell))
    await relay.until(2)
    stop.set()
    await asyncio.wait_for(going, 5)
    assert relay.rounds == 2


async def test_a_round_that_fails_is_not_called_for_again() -> None:
    """It is tried again ever more slowly, however often it rings."""
    relay, stop, bell = Resting(fails=True), asyncio.Event(), Bell()
    going = asyncio.create_task(keep_going(relay, stop, bell=bell))
    await relay.until(1)
    for _ in range(50):
        bell.ring()
        await asyncio.sleep(0)
    stop.set()
    await asyncio.wait_for(going, 5)
    assert relay.rounds == 1


async def test_a_bell_that_rings_when_all_is_over_harms_nobody() -> None:
    """Threads may still be recording what nobody waits for any more."""
    bells: list[Bell] = []

    async def made() -> None:
        bells.append(Bell())

    await asyncio.to_thread(asyncio.run, made())
    bells[0].ring()
