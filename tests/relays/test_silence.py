"""What relays hear, and what then counts as silence: an agency that could not be asked is not silent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from hub.domain.errors import AgencyPaused, AgencyUnavailable, ChannelError, NotUnderstood
from hub.domain.exchange import Answer, Feed, LookUp, Submission
from hub.domain.referral import Answers, Decision, Receipt, Via
from hub.ports import AgencyGateway, Engine
from hub.relays.feeds import FeedRelay
from hub.relays.polls import PollRelay
from hub.store import Store
from tests.relays.support import ToldEngine, ToldGateway
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

LATE = T0 + timedelta(days=3, minutes=10)
NOT_HEARD: list[ChannelError] = [
    AgencyUnavailable("connection refused"),
    NotUnderstood("the verdict 'MAYBE' is unknown"),
]


def waiting(store: Store, answers: Answers) -> str:
    """A referral that its agency has, and whose time is up."""
    accepted = sample.silent(answers)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    return accepted.mrn


def is_silent(store: Store, mrn: str, at: datetime) -> bool:
    return store.record_expired(mrn, [PLANT], at) == {}


@pytest.mark.parametrize("failure", [*NOT_HEARD, AgencyPaused("paused by lee")])
async def test_who_is_polled_is_silent_when_he_has_nothing_to_say(store: Store, failure: Exception) -> None:
    """And not when he does not answer, is not understood, or is not asked."""
    mrn = waiting(store, Answers.POLL)
    now = LATE
    gateway = ToldGateway([failure, Answer()])
    relay = PollRelay(
        store,
        cast(AgencyGateway, gateway),
        cast(Engine, ToldEngine()),
        lambda: now,
        lambda agency: timedelta(hours=6),
    )
    for heard in (False, True):
        await relay.go_round()
        await relay.finish()
        assert is_silent(store, mrn, now) is heard
        # It was to be asked in six hours.
        now += SECOND
    assert gateway.script == []


@pytest.mark.parametrize(
    "failure", [*NOT_HEARD, Feed(messages=(), next=None, trouble="an entry without a number")]
)
async def test_who_has_a_feed_is_silent_when_the_feed_was_read(store: Store, failure: Any) -> None:
    """All of it: what could not be read may have been the refusal."""
    mrn = waiting(store, Answers.FEED)
    now = LATE
    gateway = ToldGateway([failure, Feed()])
    relay = FeedRelay(
        *("apqa", store, cast(AgencyGateway, gateway), cast(Engine, ToldEngine())),
        lambda: now,
        timedelta(hours=6),
    )
    for heard in (False, True):
        await relay.go_round()
        assert is_silent(store, mrn, now) is heard
        now += SECOND
    assert gateway.script == []


def looked_up(*said: Decision, known: bool = True) -> LookUp:
    took_place = sample.exchange("M", PLANT, kind="look_up")
    found = Submission(receipt=Receipt(reference="R-1", received_at=T0), decisions=said) if known else None
    return LookUp(submission=found, resend_from=T0, exchanges=(took_place,))


async def test_a_reply_that_was_lost_is_asked_for_by_looking_up(store: Store) -> None:
    """The agency was still at work when it was looked up first; nothing else would bring what it decided."""
    mrn = waiting(store, Answers.REPLY)
    said = sample.decision(mrn, PLANT, via=Via.LOOK_UP)
    unheard = LookUp(submission=None, resend_from=T0)
    script = [unheard, looked_up(known=False), AgencyUnavailable("closed"), looked_up(), looked_up(said)]
    now = T0 + timedelta(hours=1)
    gateway = ToldGateway(list(script))
    relay = PollRelay(
        store,
        cast(AgencyGateway, gateway),
        cast(Engine, ToldEngine()),
        lambda: now,
        lambda agency: SECOND,
    )
    troubles = []
    for _ in script:
        await relay.go_round()
        await relay.finish()
        now += 2 * SECOND
        view = store.view(mrn)
        assert view is not None
        troubles.append(view.referrals[0].trouble)
    assert troubles == [
        "apqa has not decided, and cannot be asked for it: no look_up",
        "apqa has not decided, and does not know it any more",
        "closed",
        None,
        None,
    ]
    assert view.referrals[0].decisions == (said,)
    await relay.go_round()
    await relay.finish()
    assert len(gateway.looked_up) == len(script)
