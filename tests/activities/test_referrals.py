"""The first burst to all agencies: what one of them says does not wait for another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

import pytest
from temporalio.testing import ActivityEnvironment

from hub.activities.messages import ReferAll, SubmitReferral
from hub.activities.referrals import ReferralActivities
from hub.domain.exchange import Dossier, LookUp, Submission
from hub.domain.referral import Answers, Receipt, ReferralState
from hub.ports import AgencyGateway
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, T0

LONG = timedelta(seconds=60)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


async def test_an_agency_is_left_alone_before_it_is_asked_first(store: Store) -> None:
    """As long as is said for it; what was sent before, and is found, may have been decided long ago."""
    accepted = sample.acceptance(PLANT, answers=Answers.POLL)
    found = sample.acceptance(PLANT, answers=Answers.POLL)

    class Takes:
        async def submit(self, dossier: Dossier) -> Submission:
            return Submission(receipt=Receipt(reference=dossier.terms.mrn, received_at=T0))

        async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
            return LookUp(submission=await self.submit(dossier), resend_from=sent_at)

    activities = ReferralActivities(
        store, cast(AgencyGateway, Takes()), lambda: T0, left_alone=lambda agency: LONG
    )
    store.lodge(accepted)
    await activities.refer_all(ReferAll(mrn=accepted.mrn, services=(PLANT,), budget=LONG))
    assert store.next_poll_at() == T0 + LONG
    store.lodge(found)
    store.begin_hand_over(found.mrn, [PLANT], T0 - LONG)
    environment = ActivityEnvironment()
    await environment.run(activities.submit_referral, SubmitReferral(mrn=found.mrn, service=PLANT))
    assert store.next_poll_at() == T0


class OneHangs:
    """Of the gateway what a burst uses: plant quarantine answers when it is let, everybody else at once."""

    def __init__(self) -> None:
        self.lets_go = asyncio.Event()

    async def submit(self, dossier: Dossier) -> Submission:
        terms = dossier.terms
        if terms.service == PLANT:
            await self.lets_go.wait()
        said = sample.decision(terms.mrn, terms.service)
        return Submission(receipt=Receipt(reference=terms.service, received_at=T0), decisions=(said,))


async def test_what_the_others_say_is_on_record_while_one_agency_hangs(store: Store) -> None:
    """Shown at once, and not when the budget of the burst is used up."""
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    gateway = OneHangs()
    activities = ReferralActivities(store, cast(AgencyGateway, gateway), lambda: T0)
    burst = asyncio.create_task(
        activities.refer_all(ReferAll(mrn=accepted.mrn, services=(PLANT, FOOD), budget=LONG))
    )
    async with asyncio.timeout(20):
        while store.referral_file(accepted.mrn, FOOD).referral.state is not ReferralState.DECIDED:
            await asyncio.sleep(0.02)
    assert not burst.done()
    assert store.referral_file(accepted.mrn, PLANT).referral.state is ReferralState.PENDING
    gateway.lets_go.set()
    handed_over = {one.service: one for one in await burst}
    assert {one.state for one in handed_over.values()} == {ReferralState.DECIDED}
    assert handed_over.keys() == {PLANT, FOOD}


async def test_a_burst_goes_on_while_answers_come_in(store: Store) -> None:
    """Then nobody is slow but the hub itself, and none of them needs an activity of its own."""
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    clock = asyncio.get_running_loop().time
    budget = timedelta(seconds=0.1)
    ends = clock() + budget.total_seconds()

    class OneIsLate:
        async def submit(self, dossier: Dossier) -> Submission:
            while dossier.terms.service == PLANT and clock() <= ends:
                await asyncio.sleep(0)
            return Submission(receipt=Receipt(reference=dossier.terms.id, received_at=T0))

    activities = ReferralActivities(store, cast(AgencyGateway, OneIsLate()), lambda: T0)
    handed_over = await activities.refer_all(
        ReferAll(mrn=accepted.mrn, services=(PLANT, FOOD), budget=budget)
    )
    assert {one.service: one.state for one in handed_over} == {
        PLANT: ReferralState.DELIVERED,
        FOOD: ReferralState.DELIVERED,
    }
