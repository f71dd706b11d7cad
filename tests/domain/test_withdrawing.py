"""A declaration that the declarant takes back."""

from __future__ import annotations

from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.clearance import Outcome
from hub.domain.errands import ErrandKind, errands
from hub.domain.events import EventType
from hub.domain.exchange import Asked
from hub.domain.life import replayed
from hub.domain.referral import ReferralState
from hub.domain.steps import StepRefused
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from tests.domain.small_world import MORNING, Agency, World, lodged

BOTH = frozenset({Asked.AMEND, Asked.WITHDRAW})
AGENCIES = [
    Agency("a-import", None, frozenset({"origin"}), BOTH),
    Agency("b-import", None, frozenset({"net_mass_kg"}), frozenset({Asked.WITHDRAW})),
    Agency("c-import", None, frozenset(), BOTH),
    Agency("d-import", None, frozenset(), BOTH, by_hand=True),
]
GOODS = {"origin": "RR", "net_mass_kg": 1}
OTHER_GOODS = {"origin": "AA", "net_mass_kg": 2}


def taken_back(reason: str = "C01", by: str = "c1") -> Withdrawal:
    return Withdrawal(reason=reason, requested_at=MORNING, by=by)


def standing(world: World, outcome: Outcome = Outcome.IN_PROGRESS) -> Any:
    """The declaration as steps read it, with that outcome on record."""
    return SimpleNamespace(
        acceptance=world.acceptance,
        case=world.case,
        clearance=world.acceptance.clearance.model_copy(update={"outcome": outcome}),
        closed_at=world.closed_at,
        referrals=world.referrals,
    )


@settings(max_examples=60)
@given(st.integers(0, 9999), st.integers(0, 25), st.booleans())
def test_no_agency_is_left_with_an_application_for_it(seed: int, steps: int, amended: bool) -> None:
    """Whatever was under way, in the post or to be submitted anew when it was withdrawn."""
    random = Random(seed)
    world = World.begin(AGENCIES, lodged(GOODS))
    world.live_on(random, steps)
    if amended:
        world.amended(lodged(OTHER_GOODS, GOODS))
        world.live_on(random, random.randint(0, 6))
    world.withdrawn()
    world.come_to_rest(random)
    assert world.applications == {}
    assert errands(world.case) == ()
    assert {r.state for r in world.case.referrals} == {ReferralState.WITHDRAWN}
    assert (world.clearance.outcome, world.clearance.final) == (Outcome.WITHDRAWN, True)
    assert replayed(world.events) == world.case


def test_agencies_are_told_in_the_reverse_of_the_order_in_which_they_were_asked() -> None:
    """Those that were asked; people who decide at the hub's door see it there."""
    world = World.begin(AGENCIES, lodged(GOODS))
    for errand in errands(world.case):
        world.follow(errand)
    world.withdrawn()
    assert [(e.kind, e.service) for e in errands(world.case)] == [
        (ErrandKind.WITHDRAW, service) for service in ("c-import", "b-import", "a-import")
    ]
    assert world.case.referral("d-import").state is ReferralState.WITHDRAWN
    assert not world.clearance.final


def test_agencies_that_never_had_it_need_not_be_told() -> None:
    """One was asked; of another it is not known; the third was not reached yet."""
    world = World.begin(AGENCIES, lodged(GOODS))
    submit = {errand.service: errand for errand in errands(world.case)}
    world.follow(submit["a-import"])
    world.send(submit["b-import"])
    world.withdrawn()
    told = [(e.service, e.data["told"]) for e in world.events if e.type is EventType.REFERRAL_WITHDRAWN]
    assert told == [("c-import", "never_had_it")]
    assert [errand.service for errand in errands(world.case)] == ["b-import", "a-import"]


def test_the_same_reason_again_is_nothing_new() -> None:
    """Another reason, or another client, is refused."""
    world = World.begin(AGENCIES, lodged(GOODS))
    world.record(withdraw(standing(world), taken_back()))
    assert withdraw(standing(world), taken_back()) == []
    for other in (taken_back(reason="C02"), taken_back(by="c2")):
        with pytest.raises(StepRefused) as refused:
            withdraw(standing(world), other)
        assert refused.value.code == "already-withdrawn"


def test_what_is_released_cannot_be_taken_back() -> None:
    """Whole or in part; nor can what is closed."""
    world = World.begin(AGENCIES, lodged(GOODS))
    in_part = standing(world, Outcome.PARTIAL_RELEASE)
    in_part.case = world.case.model_copy(update={"released": (1,)})
    closed = standing(world, Outcome.REFUSAL)
    closed.closed_at = MORNING
    for stands, code in (
        (standing(world, Outcome.RELEASE), "already-released"),
        (in_part, "already-released"),
        (closed, "closed"),
    ):
        with pytest.raises(StepRefused) as refused:
            withdraw(stands, taken_back())
        assert refused.value.code == code
