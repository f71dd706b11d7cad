"""Which decisions a workflow is told, and when: those that can change nothing wait for the next that can."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain.case import Case
from hub.domain.intake import Acceptance
from hub.domain.life import with_decision
from hub.domain.names import split_referral_id
from hub.domain.referral import Decision, Verdict
from hub.domain.settling import settle
from hub.domain.telling import worth_knowing
from hub.ports import Engine, EngineUnavailable
from hub.relays.decisions import DecisionRelay
from hub.relays.inbox import take_in
from hub.store import Store, create_store, upgrade
from hub.workflows.hearing import put
from tests.relays.support import ToldEngine
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0

SERVICES = (PLANT, FOOD, RADIO)
AGENCY = {PLANT: "apqa", FOOD: "mfds", RADIO: "rra"}


@dataclass
class Known:
    """An engine with one workflow, as far as that knows; a call that is cut tells it nothing."""

    case: Case
    cut: bool = False
    calls: int = 0
    heard: list[str] = field(default_factory=list)

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        self.calls += 1
        if self.cut:
            raise EngineUnavailable("cut")
        for decision in decisions:
            self.hear(decision)
        return True

    def hear(self, decision: Decision) -> None:
        referral = self.case.referral(split_referral_id(decision.referral)[1])
        if decision.id not in {known.id for known in referral.decisions}:
            self.heard.append(decision.id)
            self.case = put(self.case, with_decision(referral, decision, None))


@dataclass
class Told:
    """A declaration in the store, and the workflow that is told of it."""

    store: Store
    accepted: Acceptance
    engine: Known = field(init=False)
    minute: int = 0

    def __post_init__(self) -> None:
        self.store.lodge(self.accepted)
        self.engine = Known(self.accepted.case)

    @property
    def case(self) -> Case:
        view = self.store.view(self.accepted.mrn)
        assert view is not None
        return view.case

    def hand_over(self, service: str) -> None:
        mrn = self.accepted.mrn
        self.store.begin_hand_over(mrn, [service], T0)
        result = sample.delivered(mrn, service, reference=f"{mrn} {service}")
        [recorded] = self.store.record_hand_overs(mrn, [result], T0 + SECOND)
        standing = self.engine.case.referral(service)
        update = {"receipt": recorded.receipt, "state": recorded.state, "delivered_revision": 1}
        self.engine.case = put(self.engine.case, standing.model_copy(update=update))
        for decision in recorded.decisions:
            self.engine.hear(decision)

    async def decide(self, service: str, verdict: Verdict, items: tuple[int, ...] | None = None) -> None:
        self.minute += 1
        at = T0 + timedelta(minutes=self.minute)
        said = sample.decision(self.accepted.mrn, service, verdict, items=items, at=at)
        message = sample.message(said, agency=AGENCY[service], at=at)
        await take_in(self.store, cast(Engine, self.engine), message)

    async def relay(self, seconds: int) -> None:
        at = T0 + timedelta(minutes=self.minute, seconds=seconds)
        relay = DecisionRelay(self.store, cast(Engine, self.engine), lambda: at)
        await relay.go_round()


@pytest.fixture(scope="module")
def one_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One database for all examples: each has a declaration of its own."""
    url = f"sqlite:///{tmp_path_factory.mktemp('telling') / 'hub.sqlite'}"
    upgrade(url)
    store = create_store(url, sync="normal")
    yield store
    store.close()


_STEPS = st.one_of(
    st.tuples(st.just("hand over"), st.sampled_from(SERVICES), st.just(None), st.just(None), st.just(False)),
    st.tuples(
        st.just("decide"),
        st.sampled_from(SERVICES),
        # Mostly they approve; what else they may say is among it.
        st.one_of(st.just(Verdict.APPROVED), st.sampled_from(Verdict)),
        st.sampled_from([None, None, (1,), (2,)]),
        st.sampled_from([False, False, False, True]),
    ),
)
_Step = tuple[str, str, Verdict, tuple[int, ...] | None, bool]


@given(steps=st.lists(_STEPS, min_size=3, max_size=10), in_parts=st.booleans())
async def test_what_waits_changes_nothing_and_is_told_in_the_end(
    one_store: Store, steps: list[_Step], in_parts: bool
) -> None:
    """Whatever is said in whatever order, with calls cut: the workflow settles as the store does."""
    accepted = sample.acceptance(*SERVICES)
    policy = accepted.case.policy.model_copy(update={"partial_release": in_parts})
    case = accepted.case.model_copy(update={"policy": policy})
    told = Told(one_store, accepted.model_copy(update={"case": case}))
    in_step = True
    for kind, service, verdict, items, is_cut in steps:
        if kind == "hand over":
            told.hand_over(service)
        else:
            told.engine.cut, told.engine.calls = is_cut, 0
            await told.decide(service, verdict, items)
            # A call tells all that was not told before.
            in_step = not is_cut if told.engine.calls else in_step
        if in_step:
            assert worth_knowing(settle(told.engine.case)) == worth_knowing(settle(told.case))
    told.engine.cut = False
    # A process that has just started asks for all that is left.
    await told.relay(seconds=1)
    assert settle(told.engine.case) == settle(told.case)
    known = {r.terms.service: {d.id for d in r.decisions} for r in told.engine.case.referrals}
    assert known == {r.terms.service: {d.id for d in r.decisions} for r in told.case.referrals}


async def test_approvals_are_told_with_the_last_of_them(store: Store) -> None:
    """Three agencies approve one after the other: the workflow is woken once, and knows all three."""
    told = Told(store, sample.acceptance(*SERVICES))
    for service in SERVICES:
        told.hand_over(service)
    for service in SERVICES[:2]:
        await told.decide(service, Verdict.APPROVED)
        assert told.engine.calls == 0
    await told.decide(RADIO, Verdict.APPROVED)
    assert (told.engine.calls, len(told.engine.heard)) == (1, 3)
    assert store.counts()["untold"] == 0


async def test_what_changes_the_outcome_is_told_at_once_with_what_waited(store: Store) -> None:
    """A refusal is heard while others are awaited, and so is the approval before it."""
    told = Told(store, sample.acceptance(*SERVICES))
    for service in SERVICES:
        told.hand_over(service)
    await told.decide(PLANT, Verdict.APPROVED)
    await told.decide(FOOD, Verdict.REFUSED)
    assert (told.engine.calls, len(told.engine.heard)) == (1, 2)


async def test_an_approval_does_not_wait_for_an_agency_that_has_nothing_to_decide_on(store: Store) -> None:
    """What is handed over late may be decided in the reply, which nobody is told of here."""
    told = Told(store, sample.acceptance(*SERVICES))
    told.hand_over(PLANT)
    await told.decide(PLANT, Verdict.APPROVED)
    assert (told.engine.calls, len(told.engine.heard)) == (1, 1)


async def test_what_has_waited_for_a_while_is_told(store: Store) -> None:
    """So that the engine shows who is awaited; not before, since mostly something else comes soon."""
    told = Told(store, sample.acceptance(PLANT, FOOD))
    for service in (PLANT, FOOD):
        told.hand_over(service)
    received_at = T0 + timedelta(minutes=1)
    now = [received_at]
    relay = DecisionRelay(store, cast(Engine, told.engine), lambda: now[0])
    await relay.go_round()
    await told.decide(PLANT, Verdict.APPROVED)
    now[0] = received_at + timedelta(seconds=4)
    await relay.go_round()
    assert told.engine.calls == 0
    now[0] = received_at + timedelta(seconds=6)
    await relay.go_round()
    assert (told.engine.calls, len(told.engine.heard)) == (1, 1)
    assert store.counts()["untold"] == 0


async def test_what_a_process_left_untold_is_told_when_the_next_one_starts(store: Store) -> None:
    """However new it is: whoever was to tell it is gone."""
    engine = ToldEngine()
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    said = sample.decision(accepted.mrn, PLANT)
    store.receive(sample.message(said))
    await DecisionRelay(store, cast(Engine, engine), lambda: said.received_at + SECOND).go_round()
    assert engine.told == [(accepted.mrn, (said.id,))]


async def test_what_overtakes_its_receipt_is_told_with_that(store: Store) -> None:
    """While the first burst is under way nobody wakes the workflow, which hears of it all at its end."""
    told = Told(store, sample.acceptance(PLANT, FOOD))
    mrn = told.accepted.mrn
    store.begin_hand_over(mrn, [PLANT, FOOD], T0)
    await told.decide(PLANT, Verdict.APPROVED)
    assert told.engine.calls == 0
    for service in (PLANT, FOOD):
        told.hand_over(service)
    assert (told.engine.calls, len(told.engine.heard)) == (0, 1)
    await told.decide(FOOD, Verdict.APPROVED)
    assert (told.engine.calls, len(told.engine.heard)) == (1, 2)


async def test_a_refusal_that_overtakes_its_receipt_is_told_at_once(store: Store) -> None:
    told = Told(store, sample.acceptance(PLANT, FOOD))
    store.begin_hand_over(told.accepted.mrn, [PLANT, FOOD], T0)
    await told.decide(PLANT, Verdict.REFUSED)
    assert (told.engine.calls, len(told.engine.heard)) == (1, 1)
