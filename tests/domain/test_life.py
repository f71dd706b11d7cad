"""What each event makes of a case: the one fold."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.domain.case import Case, Change, Referral
from hub.domain.errands import errands
from hub.domain.events import EventType, NewEvent
from hub.domain.exchange import Asked
from hub.domain.life import NEWS, apply, is_ahead, is_change, replayed, revision_of
from hub.domain.referral import Decision, ReferralState, Verdict, Via
from hub.domain.settling import awaits_decision, settle, standing_questions
from hub.domain.steps import following
from tests.domain.small_world import MORNING, Agency, World, lodged

BOTH = frozenset({Asked.AMEND, Asked.WITHDRAW})
AGENCIES = [
    Agency("a-import", None, frozenset({"origin"}), BOTH),
    Agency("b-import", "a", frozenset({"net_mass_kg"}), frozenset({Asked.WITHDRAW})),
    Agency("c-import", None, frozenset({"description"}), BOTH, by_hand=True),
]
GOODS = {"origin": "YY", "net_mass_kg": 1, "attributes": {"a": True}}
SECOND = timedelta(seconds=1)


def a_life(seed: int, *, amended: bool = True, withdrawn: bool = False) -> World:
    """A declaration to which a good deal has happened, as chance has it."""
    random = Random(seed)
    world = World.begin(AGENCIES, lodged(GOODS, {**GOODS, "origin": random.choice(["AA", "RR"])}))
    world.live_on(random, random.randint(5, 20))
    if amended:
        world.amended(lodged({**GOODS, "net_mass_kg": random.randint(1, 3), "description": "cut"}))
        world.live_on(random, random.randint(0, 20))
    if withdrawn:
        world.withdrawn()
        world.live_on(random, random.randint(0, 10))
    return world


SEEDS = st.integers(0, 9999)


@settings(max_examples=40)
@given(SEEDS, st.booleans(), st.booleans())
def test_a_case_is_what_its_events_make_of_it(seed: int, amended: bool, withdrawn: bool) -> None:
    """As recorded and read again; and each event that is heard twice is heard once."""
    world = a_life(seed, amended=amended, withdrawn=withdrawn)
    case = replayed(NewEvent.model_validate_json(event.model_dump_json()) for event in world.events)
    assert case == world.case
    assert Case.model_validate_json(case.model_dump_json()) == case
    case = replayed(world.events[:1])
    for event in world.events[1:]:
        case = apply(case, event)
        assert apply(case, event) == case
    assert case == world.case


@settings(max_examples=40)
@given(SEEDS, SEEDS)
def test_what_happens_at_one_agency_does_not_wait_for_another(seed: int, shuffle: int) -> None:
    """Events of different services make the same in every order that keeps each service's own."""
    world = a_life(seed, amended=False)
    accepted, *events = world.events
    random = Random(shuffle)
    rows = {service: [e for e in events if e.service == service] for service in {e.service for e in events}}
    shuffled = []
    for service in random.sample([e.service for e in events], len(events)):
        shuffled.append(rows[service].pop(0))
    assert replayed([accepted, *shuffled]) == world.case
    assert settle(replayed([accepted, *shuffled])) == settle(world.case)


@settings(max_examples=40)
@given(SEEDS, SEEDS)
def test_decisions_settle_the_same_in_whatever_order_they_come(seed: int, shuffle: int) -> None:
    """Their own action time counts."""
    world = a_life(seed, amended=False)
    decided = [e for e in world.events if e.type is EventType.DECISION_RECEIVED]
    # An answer is given to a question that has been asked, and ends what it asked.
    answered = {e.service for e in world.events if e.type is EventType.INFORMATION_GIVEN}
    free = [e for e in decided if e.service not in answered]
    others = [e for e in world.events if e not in free]
    came = [*others, *Random(shuffle).sample(free, len(free))]
    before, after = settle(world.case), settle(replayed(came))
    assert (before.outcome, before.reasons) == (after.outcome, after.reasons)


def test_every_fact_says_something_of_the_case() -> None:
    """The workflow need hear of nothing else; and acceptance is what a case begins with."""
    assert all(is_change(kind) for kind in NEWS)
    assert not is_change(EventType.CARGO_RELEASED)
    world = World.begin(AGENCIES, lodged(GOODS))
    told = NewEvent(at=MORNING, type=EventType.CARGO_RELEASED, data={"number": 1})
    assert apply(world.case, told) is world.case


# --- content that changes while it is under way -----------------------------------------------------------


def asked(service: str, amended_to: dict[str, Any]) -> World:
    """Everybody has been asked and has it; then it was amended."""
    world = World.begin(AGENCIES, lodged(GOODS))
    for errand in errands(world.case):
        world.follow(errand)
    world.amended(lodged({**GOODS, **amended_to}))
    return world


def word(
    referral: str, at: Any, via: Via = Via.CALLBACK, revision: int = 1, about: int | None = None
) -> Decision:
    return Decision(
        id="w",
        referral=referral,
        verdict=Verdict.APPROVED,
        word="ok",
        decided_at=at,
        received_at=at,
        via=via,
        revision=revision,
        about=about,
    )


def test_a_decision_is_about_the_content_that_the_agency_had() -> None:
    """Of what is older than the amendment, the old; from then on, by the time since when it had it."""
    world = asked("a-import", {"origin": "BB"})
    referral = world.case.referral("a-import")
    assert (referral.change, referral.terms.revision) == (Change.AMEND, 2)
    assert revision_of(referral, word(referral.terms.id, world.now - SECOND)) == 1
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.follow(errand)
    told = world.case.referral("a-import")
    had_at = told.amended_at
    assert had_at is not None
    assert revision_of(told, word(told.terms.id, had_at - SECOND)) == 1
    assert revision_of(told, word(told.terms.id, had_at)) == 2
    in_the_reply = word(told.terms.id, had_at - SECOND, Via.REPLY, revision=2)
    assert revision_of(told, in_the_reply) == 2


@pytest.mark.parametrize(("about", "revision"), [(1, 1), (2, 2), (3, 0)])
@pytest.mark.parametrize("seconds", [-1, 0, 1])
def test_what_the_agency_says_itself_goes_before_every_clock(about: int, revision: int, seconds: int) -> None:
    """While it is being told, and when it is known; a revision that it was never told of is none of ours."""
    world = asked("a-import", {"origin": "BB"})
    referral = world.case.referral("a-import")
    said = word(referral.terms.id, world.now + seconds * SECOND, about=about)
    assert revision_of(referral, said) == revision
    assert is_ahead(referral, said) is (about == 3)
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.send_amendment(errand)
    world.lost = 1
    world.lose("a-import")
    world.learn("a-import")
    told = world.case.referral("a-import")
    assert told.amended_at is not None
    said = word(told.terms.id, told.amended_at + seconds * SECOND, about=about)
    assert revision_of(told, said) == revision
    reply = word(told.terms.id, told.amended_at, Via.REPLY, revision=2, about=about)
    assert revision_of(told, reply) == revision


def test_a_decision_that_came_before_the_lost_answer_was_made_up_for_counts_when_it_says_so() -> None:
    """Its time is before that at which the amendment was told once more."""
    world = asked("a-import", {"origin": "BB"})
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.send_amendment(errand)
    decided_at = world.tick()
    world.lost = 1
    world.lose("a-import")
    for about, counts in ((2, True), (None, False)):
        said = word(errand.referral, decided_at, revision=2, about=about)
        data = said.model_dump(mode="json", exclude_none=True, exclude={"id"})
        heard = apply(world.case, event(world, EventType.DECISION_RECEIVED, decision=said.id, **data))
        assert awaits_decision(heard.referral("a-import"))
        [learned] = following.amended(heard, "a-import", 2, None, world.amending["a-import"][1])
        knows = apply(heard, learned).referral("a-import")
        assert (knows.state is ReferralState.DECIDED) is counts


def test_what_was_told_one_content_only_speaks_of_that_by_whatever_number() -> None:
    """A submission tells no number, and one that follows a withdrawal has a later revision than the first."""
    world = asked("b-import", {"net_mass_kg": 2})
    before = world.case.referral("b-import")
    assert before.change is Change.RESUBMIT
    # Under this id it will never have the new content, whatever it says.
    assert revision_of(before, word(before.terms.id, world.now, about=2)) == 1
    [errand] = [e for e in errands(world.case) if e.service == "b-import"]
    world.follow(errand)
    anew = world.case.referral("b-import")
    for about, revision in ((1, 2), (2, 2), (3, 0)):
        assert revision_of(anew, word(anew.terms.id, MORNING, about=about)) == revision
    assert revision_of(anew, word(before.terms.id, MORNING, about=2)) == 1


@pytest.mark.parametrize(("seconds", "counts"), [(-1, False), (0, True), (1, True)])
def test_a_word_that_comes_before_the_hub_knows_of_its_own_amendment_is_not_lost(
    seconds: int, counts: bool
) -> None:
    """Until then it counts for nothing; then it does, if the agency had the new content when it gave it."""
    world = asked("a-import", {"origin": "BB"})
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.send_amendment(errand)
    _, had_at = world.amending["a-import"]
    for verdict in (Verdict.INFORMATION_REQUIRED, Verdict.APPROVED):
        said = word(errand.referral, had_at + seconds * SECOND, revision=2)
        said = said.model_copy(update={"id": verdict, "verdict": verdict})
        data = said.model_dump(mode="json", exclude_none=True, exclude={"id"})
        heard = apply(world.case, event(world, EventType.DECISION_RECEIVED, decision=said.id, **data))
        assert awaits_decision(heard.referral("a-import"))
        assert not standing_questions(heard.referral("a-import"))
        [learned] = following.amended(heard, "a-import", 2, None, had_at)
        knows = apply(heard, learned).referral("a-import")
        asks = verdict is Verdict.INFORMATION_REQUIRED
        assert awaits_decision(knows) is not counts
        assert (knows.state is ReferralState.DECIDED) is (counts and not asks)
        assert (knows.is_stopped, len(knows.questions)) == (counts and asks, int(counts and asks))


def test_a_decision_under_an_earlier_id_is_about_earlier_content() -> None:
    """However late the agency says it was made."""
    world = asked("b-import", {"net_mass_kg": 2})
    before = world.case.referral("b-import")
    assert before.change is Change.RESUBMIT
    [errand] = [e for e in errands(world.case) if e.service == "b-import"]
    world.follow(errand)
    anew = world.case.referral("b-import")
    assert (anew.terms.id, anew.former, anew.state) == (
        f"{before.terms.id}.2",
        (before.terms.id,),
        ReferralState.PENDING,
    )
    assert revision_of(anew, word(before.terms.id, world.now + SECOND)) == 1
    assert revision_of(anew, word(anew.terms.id, MORNING)) == 2


def test_what_was_first_asked_after_an_amendment_may_be_decided_before_its_receipt_is_known() -> None:
    """There is no earlier content that the decision could be about."""
    world = World.begin(AGENCIES, lodged(GOODS))
    world.amended(lodged({**GOODS, "origin": "BB"}))
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.follow(errand)
    referral = world.case.referral("a-import")
    assert (referral.delivered_revision, referral.terms.revision) == (2, 2)
    assert revision_of(referral, word(referral.terms.id, MORNING)) == 2


def test_what_was_under_way_when_it_was_amended_brought_the_old_content() -> None:
    """The amendment is still to be told."""
    world = World.begin(AGENCIES, lodged(GOODS))
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.send(errand)
    world.amended(lodged({**GOODS, "origin": "BB"}))
    world.arrive("a-import")
    referral = world.case.referral("a-import")
    assert (referral.state, referral.delivered_revision, referral.change) == (
        ReferralState.DELIVERED,
        1,
        Change.AMEND,
    )


def test_the_answer_to_a_question_about_old_content_moves_no_deadline() -> None:
    """It was being passed on when the declaration was amended."""
    world = asked("a-import", {"origin": "BB"})
    before = world.case
    data = {"request": "d0", "information": "A-1", "by": "channel", "due_at": "2030-01-01T00:00:00Z"}
    passed = NewEvent(at=world.now, type=EventType.INFORMATION_PASSED_ON, service="a-import", data=data)
    assert apply(before, passed) == before


# --- states that nothing takes back -----------------------------------------------------------------------


def event(world: World, kind: EventType, **data: Any) -> NewEvent:
    return NewEvent(at=world.now, type=kind, service="a-import", data=data)


def in_state(world: World, state: ReferralState) -> Case:
    changed: Referral = world.case.referral("a-import").model_copy(update={"state": state})
    others = [r for r in world.case.referrals if r.terms.service != "a-import"]
    return world.case.model_copy(update={"referrals": (changed, *others)})


@pytest.mark.parametrize("state", [ReferralState.DECIDED, ReferralState.WITHDRAWN])
def test_time_passes_for_nobody_who_has_decided_or_is_asked_no_more(state: ReferralState) -> None:
    """Though a timer says so."""
    world = World.begin(AGENCIES, lodged(GOODS))
    case = in_state(world, state)
    assert apply(case, event(world, EventType.REFERRAL_EXPIRED)) == case


def test_a_word_on_a_referral_that_is_withdrawn_is_kept_and_counts_for_nothing() -> None:
    """It asks the declarant nothing, stops no clock and brings nothing back."""
    world = World.begin(AGENCIES, lodged(GOODS))
    case = in_state(world, ReferralState.WITHDRAWN)
    for verdict in (Verdict.INFORMATION_REQUIRED, Verdict.APPROVED):
        said = word(f"{case.mrn}/a-import", world.now).model_copy(update={"verdict": verdict})
        data = said.model_dump(mode="json", exclude_none=True, exclude={"id"})
        heard = apply(case, event(world, EventType.DECISION_RECEIVED, decision="w", **data))
        referral = heard.referral("a-import")
        assert [d.id for d in referral.decisions] == ["w"]
        assert (referral.state, referral.questions, referral.stops) == (ReferralState.WITHDRAWN, (), ())


def test_a_deadline_that_is_moved_opens_again_what_had_expired() -> None:
    """Delivered or not; one that lies in the past does not."""
    world = World.begin(AGENCIES, lodged(GOODS))
    expired = in_state(world, ReferralState.EXPIRED)
    later = {"due_at": (world.now + SECOND).isoformat(), "reason": "strike", "by": "officer-1"}
    moved = event(world, EventType.DEADLINE_MOVED, **later)
    assert apply(expired, moved).referral("a-import").state is ReferralState.PENDING
    past = event(world, EventType.DEADLINE_MOVED, **{**later, "due_at": world.now.isoformat()})
    assert apply(expired, past).referral("a-import").state is ReferralState.EXPIRED
    [errand] = [e for e in errands(world.case) if e.service == "a-import"]
    world.follow(errand)
    delivered = in_state(world, ReferralState.EXPIRED)
    assert apply(delivered, moved).referral("a-import").state is ReferralState.DELIVERED


def test_versions_only_go_up() -> None:
    """An amendment that is heard of again, out of turn, changes nothing."""
    world = World.begin(AGENCIES, lodged(GOODS))
    for origin in ("BB", "CC"):
        world.amended(lodged({**GOODS, "origin": origin}))
    amendments = [e for e in world.events if e.type is EventType.DECLARATION_AMENDED]
    assert all(a.data["version"] < b.data["version"] for a, b in pairwise(amendments))
    for one in amendments:
        assert apply(world.case, one) == world.case
