"""What agencies are told after a referral: whatever they answer is on record with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
from temporalio.testing import ActivityEnvironment

from hub.activities.errands import ErrandActivities
from hub.activities.messages import TellAgency, WithdrawReferrals
from hub.activities.queueing import Queue
from hub.domain.errors import AgencyPaused
from hub.domain.exchange import Asked, Dossier, Exchange, Submission
from hub.domain.referral import Answers, Receipt, ReferralState
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.ports import AgencyControl, AgencyGateway, CaseStore, ControlState, Gate
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0
from tests.store.test_steps import amended, hand_over, lodge, version


class Killed(BaseException):
    """The process is gone."""


class KilledAfterOneStep:
    """A store whose process is killed as soon as it has recorded that something has happened."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._dead = False

    def __getattr__(self, name: str) -> Any:
        if self._dead:
            raise Killed
        return getattr(self._store, name)

    def change(self, *args: Any, **kwargs: Any) -> Any:
        said = self._store.change(*args, **kwargs)
        self._dead = bool(said)
        return said


class DecidesAtOnce:
    """Of the gateway what an amendment uses: the agency decides in its reply."""

    async def amend(self, dossier: Dossier) -> Submission:
        said = sample.decision(dossier.terms.mrn, dossier.terms.service, at=T0 + 60 * SECOND)
        return Submission(receipt=Receipt(reference="R-1", received_at=T0), decisions=(said,))


class HasFailed:
    """A gateway, and its gate: the agency is not asked now."""

    async def abilities(self, agency: str, version: str) -> frozenset[Asked]:
        return frozenset(Asked)

    async def withdraw(self, dossier: Dossier, withdrawal: Withdrawal | None) -> tuple[Exchange, ...]:
        raise AgencyPaused("it has failed")

    def control(self, agency: str) -> AgencyControl:
        return AgencyControl(agency=agency, state=ControlState.FAILING, since=T0)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    store = create_store(database_url, sync="normal")
    yield store
    store.close()


async def test_what_an_agency_decides_when_it_is_told_of_an_amendment_is_on_record_with_that(
    store: Store,
) -> None:
    """It is not told again, so nobody would hear of it after the worker was killed in between."""
    accepted = lodge(store, PLANT, answers=Answers.REPLY)
    hand_over(store, accepted.mrn)
    amended(store, version(accepted, 2, PLANT, answers=Answers.REPLY), abilities=("amend",))
    activities = ErrandActivities(
        cast(CaseStore, KilledAfterOneStep(store)),
        cast(AgencyGateway, DecidesAtOnce()),
        lambda: T0 + 60 * SECOND,
        calendars=lambda agency: pytest.fail("no calendar is asked"),
    )
    order = TellAgency(mrn=accepted.mrn, service=PLANT)
    with suppress(Killed):  # where there is more to be recorded
        await ActivityEnvironment().run(activities.amend_referral, order)
    referral = store.referral_file(accepted.mrn, PLANT).referral
    assert referral.delivered_revision == 2
    assert referral.state is ReferralState.DECIDED


@pytest.mark.parametrize("let_go", [False, True])
async def test_an_errand_that_was_replaced_leaves_the_other_in_the_queue(
    store: Store, *, let_go: bool
) -> None:
    """An amendment is tried again as the withdrawal after it waits, of which nobody would be told."""
    accepted = lodge(store, PLANT)
    hand_over(store, accepted.mrn)
    amended(store, version(accepted, 2, PLANT), abilities=("amend", "withdraw"))
    withdrawal = Withdrawal(reason="sold", requested_at=T0 + SECOND, by="customs")
    store.change(accepted.mrn, lambda view: withdraw(view, withdrawal))
    failed = HasFailed()
    activities = ErrandActivities(
        store,
        cast(AgencyGateway, failed),
        lambda: T0 + 60 * SECOND,
        calendars=lambda agency: pytest.fail("no calendar is asked"),
        queue=Queue(store, cast(Gate, failed)),
    )
    engine = ActivityEnvironment()
    order = WithdrawReferrals(mrn=accepted.mrn, services=(PLANT,), asked_again=(0,))
    left = await engine.run(activities.withdraw_referrals, order)
    assert left.queued == (PLANT,)
    if let_go:
        store.fails("apqa", reason="refused", at=T0)
        assert store.take_probe("apqa", T0 + 60 * SECOND, 9 * SECOND) is not None
    await engine.run(activities.amend_referral, TellAgency(mrn=accepted.mrn, service=PLANT))
    assert [one.mrn for one in store.queued("apqa", 9)] == [accepted.mrn]
