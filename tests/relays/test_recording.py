"""What relays record of their rounds: what says something, and not over and over that there was nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, cast

import structlog

from hub.domain.errors import AgencyUnavailable, NotUnderstood
from hub.domain.events import EventType
from hub.domain.exchange import Answer, Exchange, Feed
from hub.domain.referral import Answers, Decision, ReferralState, Verdict, Via
from hub.ports import AgencyGateway, Engine
from hub.relays.feeds import FeedRelay
from hub.relays.polls import PollRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGateway
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

EVERY = timedelta(minutes=5)


class Clock:
    """Told what time it is."""

    now = T0

    def __call__(self) -> Any:
        return self.now


def open_poll(store: Store) -> str:
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    store.lodge(accepted)
    result = sample.delivered(accepted.mrn, PLANT).model_copy(update={"exchanges": ()})
    store.record_hand_overs(accepted.mrn, [result], T0)
    return accepted.mrn


async def poll(store: Store, rounds: Sequence[Any]) -> None:
    """Go round until each answer has been given, one every five minutes."""
    clock = Clock()
    gateway = ToldGateway(list(rounds))
    relay = PollRelay(
        store,
        cast(AgencyGateway, gateway),
        cast(Engine, ToldEngine()),
        clock,
        lambda agency: EVERY,
    )
    for _ in rounds:
        await relay.go_round()
        await relay.finish()
        clock.now += EVERY
    assert gateway.script == []


def says(mrn: str, reading: str, *decisions: Decision) -> Answer:
    took_place = sample.exchange(mrn, PLANT, kind="poll").model_copy(update={"reading": reading})
    return Answer(decisions=decisions, exchanges=(took_place,))


def fails(mrn: str, reading: str) -> AgencyUnavailable:
    return AgencyUnavailable(reading, exchanges=says(mrn, reading).exchanges)


def readings(exchanges: Sequence[Exchange]) -> list[str]:
    return sorted(exchange.reading for exchange in exchanges)


async def test_of_polls_that_find_nothing_the_first_is_kept_and_the_one_that_decides(store: Store) -> None:
    """A month of asking every five minutes would be thousands of rows that say the same."""
    mrn = open_poll(store)
    said = sample.decision(mrn, PLANT, via=Via.POLL)
    undecided = [says(mrn, f"{number} not decided yet") for number in range(5)]
    await poll(store, [*undecided, says(mrn, "approved", said)])
    assert readings(store.exchanges(mrn)) == ["0 not decided yet", "approved"]


async def test_a_poll_that_is_not_understood_is_told_of_once_for_each_different_trouble(
    store: Store,
) -> None:
    """As by callback or feed; and cleared when an answer is understood."""
    mrn = open_poll(store)
    odd, other = (NotUnderstood(f"the verdict {word!r} is unknown") for word in ("MAYBE", "PERHAPS"))
    with structlog.testing.capture_logs() as logged:
        await poll(store, [odd, odd, other])
    assert [line["event"] for line in logged] == ["poll.failed", "poll.failed"]
    told = [e for e in store.events(mrn, 0, 100) if e.type is EventType.MESSAGE_NOT_UNDERSTOOD]
    assert [(e.service, e.data) for e in told] == [
        (PLANT, {"agency": "apqa", "trouble": str(odd)}),
        (PLANT, {"agency": "apqa", "trouble": str(other)}),
    ]
    view = store.view(mrn)
    assert view is not None
    assert (view.referrals[0].state, view.referrals[0].trouble) == (ReferralState.DELIVERED, str(other))


async def test_a_poll_that_failed_is_kept_and_the_one_that_went_well_after_it(store: Store) -> None:
    """Each failure is evidence; what follows says since when the agency answers again."""
    mrn = open_poll(store)
    await poll(
        store,
        [
            says(mrn, "0 not decided yet"),
            fails(mrn, "1 unavailable"),
            fails(mrn, "2 unavailable"),
            says(mrn, "3 not decided yet"),
            says(mrn, "4 not decided yet"),
        ],
    )
    assert readings(store.exchanges(mrn)) == [
        "0 not decided yet",
        "1 unavailable",
        "2 unavailable",
        "3 not decided yet",
    ]


async def test_a_demand_that_is_repeated_with_every_poll_is_kept_once(store: Store) -> None:
    """It is a decision each time, and the same one; another one is news, and the evidence of itself."""
    mrn = open_poll(store)
    asks = [
        sample.decision(mrn, PLANT, Verdict.INFORMATION_REQUIRED, id=f"D-{number}", via=Via.POLL)
        for number in (1, 2)
    ]
    await poll(
        store,
        [
            says(mrn, "0 not decided yet"),
            says(mrn, "1 asks", asks[0]),
            says(mrn, "2 asks", asks[0]),
            says(mrn, "3 asks", asks[1]),
            says(mrn, "4 asks", asks[1]),
        ],
    )
    assert readings(store.exchanges(mrn)) == ["0 not decided yet", "1 asks", "3 asks"]


def pulled(reading: str) -> tuple[Exchange, ...]:
    # A feed belongs to no declaration; this one does, so that the store can be asked what it holds.
    took_place = sample.exchange("26KRFEED", PLANT, kind="pull")
    return (took_place.model_copy(update={"reading": reading}),)


async def test_a_pull_that_found_nothing_is_not_kept_unless_it_failed(store: Store) -> None:
    """An idle feed says nothing, every few seconds."""
    clock = Clock()
    message = sample.message(agency="apqa", agency_reference="R-1", message_id="M-1")
    gateway = ToldGateway(
        [
            Feed(exchanges=pulled("0 no messages")),
            AgencyUnavailable("closed", exchanges=pulled("1 unavailable")),
            Feed(messages=(message,), exchanges=pulled("2 one message")),
            pulled("3 acknowledged"),
            Feed(messages=(message,), exchanges=pulled("4 one message")),
            AgencyUnavailable("closed", exchanges=pulled("5 unavailable")),
            Feed(exchanges=pulled("6 no messages")),
        ]
    )
    relay = FeedRelay(
        "apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine()), clock, 5 * SECOND
    )
    while gateway.script:
        await relay.go_round()
        clock.now += 5 * SECOND
    assert readings(store.exchanges("26KRFEED")) == [
        "1 unavailable",
        "2 one message",
        "3 acknowledged",
        "4 one message",
        "5 unavailable",
    ]
    assert gateway.acknowledged == ["M-1", "M-1"]
