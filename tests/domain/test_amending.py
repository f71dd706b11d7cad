"""A declaration that is amended while it is under way."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hub.domain.amendment import Amendment
from hub.domain.case import Case, Change
from hub.domain.certificates import CertificateKey, Claim, ClaimState
from hub.domain.clearance import Outcome, Rule
from hub.domain.declaration import Declaration
from hub.domain.errands import ErrandKind, errands
from hub.domain.events import NewEvent
from hub.domain.exchange import Asked
from hub.domain.intake import Acceptance, accept
from hub.domain.life import apply, replayed
from hub.domain.referral import ReferralState, Verdict
from hub.domain.steps import StepRefused
from hub.domain.steps.amending import amend
from tests.domain.small_world import MORNING, MRN, READABLE, Agency, World, assessed, lodged, standing_of

ATTRIBUTES = st.fixed_dictionaries({"a": st.booleans(), "b": st.booleans()})
ITEMS = st.fixed_dictionaries(
    {
        "origin": st.sampled_from(["AA", "BB", "YY", "RR"]),
        "net_mass_kg": st.integers(1, 3),
        "description": st.sampled_from(["cut", "whole"]),
        "attributes": ATTRIBUTES,
        # Not in the table of any service.
        "hs_code": st.sampled_from(["010101", "010101", "020202"]),
    }
)
HISTORIES = st.lists(st.lists(ITEMS, min_size=1, max_size=3), min_size=2, max_size=4)


@st.composite
def agencies(draw: st.DrawFn, states: bool = False) -> list[Agency]:
    return [
        Agency(
            service=f"{name}-import",
            needed_for=draw(st.sampled_from([None, "a", "b"])),
            reads=draw(st.frozensets(st.sampled_from(READABLE))),
            abilities=draw(
                st.sampled_from([frozenset({Asked.AMEND, Asked.WITHDRAW}), frozenset({Asked.WITHDRAW})])
            ),
            by_hand=name == "c" and draw(st.booleans()),
            states=states or draw(st.booleans()),
        )
        for name in ("a", "b", "c")
    ]


@settings(max_examples=60)
@given(agencies(), HISTORIES, st.booleans(), st.integers(0, 9999))
def test_an_amended_declaration_ends_as_if_it_had_been_lodged_so(
    asked: list[Agency], versions: list[list[dict[str, Any]]], partial: bool, seed: int
) -> None:
    """Whatever had been answered, was under way or in the post when it was amended, once or several times."""
    random = Random(seed)
    contents = [lodged(*version) for version in versions]
    assume(all(a.content_hash != b.content_hash for a, b in pairwise(contents)))
    world = World.begin(asked, contents[0], partial_release=partial)
    for content in contents[1:]:
        world.live_on(random, random.randint(0, 12))
        world.amended(content)
    world.come_to_rest(random)
    fresh = World.begin(asked, contents[-1], partial_release=partial)
    fresh.come_to_rest(Random(0))
    ended, expected = world.clearance, fresh.clearance
    assert standing_of(ended) == standing_of(expected)
    assert (ended.outcome, ended.released_items, ended.final) == (
        expected.outcome,
        expected.released_items,
        expected.final,
    )
    # Nobody has an application that is not asked about any more, nor twice the same.
    live = {r.terms.id for r in world.case.referrals if r.receipt is not None and r.state != "withdrawn"}
    assert set(world.applications) == live
    assert errands(world.case) == ()
    assert replayed(world.events) == world.case


@settings(max_examples=80)
@given(agencies(states=True), HISTORIES, st.integers(0, 9999))
def test_amendments_whose_answers_are_lost_end_the_same_where_agencies_say_what_they_speak_of(
    asked: list[Agency], versions: list[list[dict[str, Any]]], seed: int
) -> None:
    """Whenever they decide, and however often an amendment is told."""
    world, fresh = amended_in_doubt(asked, versions, seed)
    assert standing_of(world.clearance) == standing_of(fresh.clearance)
    assert (world.clearance.outcome, world.clearance.final) == (
        fresh.clearance.outcome,
        fresh.clearance.final,
    )


@settings(max_examples=80)
@given(agencies(), HISTORIES, st.integers(0, 9999))
def test_amendments_whose_answers_are_lost_are_never_taken_for_consented(
    asked: list[Agency], versions: list[list[dict[str, Any]]], seed: int
) -> None:
    """Of agencies that do not say, the word may be awaited for ever; no other word stands in its place."""
    world, fresh = amended_in_doubt(asked, versions, seed)
    expected = standing_of(fresh.clearance)
    for place, stands in standing_of(world.clearance).items():
        assert stands == expected[place] or stands[0] is Rule.AWAITED
    if world.clearance.outcome is Outcome.RELEASE:
        assert fresh.clearance.outcome is Outcome.RELEASE


def amended_in_doubt(
    asked: list[Agency], versions: list[list[dict[str, Any]]], seed: int
) -> tuple[World, World]:
    """What a declaration comes to whose amendments are told again and again, and a fresh one of the last."""
    random = Random(seed)
    contents = [lodged(*version) for version in versions]
    assume(all(a.content_hash != b.content_hash for a, b in pairwise(contents)))
    world = World.begin(asked, contents[0])
    for content in contents[1:]:
        world.live_on(random, random.randint(0, 12))
        world.amended(content)
        world.lost = 3
    world.come_to_rest(random)
    fresh = World.begin(asked, contents[-1])
    fresh.come_to_rest(Random(0))
    return world, fresh


# --- one at a time ---------------------------------------------------------------------------------------

BOTH = frozenset({Asked.AMEND, Asked.WITHDRAW})
PLANT = Agency("a-import", None, frozenset({"origin"}), BOTH)
FOOD = Agency("b-import", "a", frozenset({"net_mass_kg"}), frozenset({Asked.WITHDRAW}))
AGENCIES = [PLANT, FOOD]
GOODS: dict[str, Any] = {"origin": "AA", "net_mass_kg": 1, "attributes": {"a": True}}
PERMIT = CertificateKey(type="Y", id="1")


def asked() -> World:
    """A declaration whose agencies all have it."""
    world = World.begin(AGENCIES, lodged(GOODS))
    for errand in errands(world.case):
        world.follow(errand)
    return world


def following_version(world: World, content: Declaration) -> Acceptance:
    return accept(
        content,
        world.rules,
        mrn=MRN,
        client="c1",
        at=world.tick(),
        day=world.acceptance.routing.day,
        policy=world.case.policy,
        version=world.case.version + 1,
        assessment=assessed(content),
    )


def standing(
    world: World, *, case: Case | None = None, outcome: Outcome = Outcome.HOLD, closed: bool = False
) -> Any:
    return SimpleNamespace(
        acceptance=world.acceptance,
        case=case or world.case,
        clearance=world.acceptance.clearance.model_copy(update={"outcome": outcome}),
        closed_at=MORNING if closed else None,
    )


def amendment_in(world: World) -> Amendment:
    return Amendment.model_validate(world.events[-1].data)


def refusal(stands: Any, new: Acceptance) -> tuple[str, str | None]:
    with pytest.raises(StepRefused) as refused:
        amend(stands, new, digests={}, abilities={}, sent={})
    return refused.value.code, refused.value.pointer


def test_what_is_over_cannot_be_amended() -> None:
    """Nor what is released in part: the reason is told."""
    world = asked()
    new = following_version(world, lodged({**GOODS, "origin": "BB"}))
    part = world.case.model_copy(update={"released": (1,)})
    taken_back = asked()
    taken_back.withdrawn()
    assert refusal(standing(world, outcome=Outcome.RELEASE), new)[0] == "already-released"
    assert refusal(standing(world, case=part), new)[0] == "already-released"
    assert refusal(standing(world, closed=True), new)[0] == "closed"
    assert refusal(standing(taken_back), new)[0] == "already-withdrawn"


def test_another_declaration_is_not_an_amendment() -> None:
    """What is made of it says which part; nor is the same content."""
    world = asked()
    same = lodged(GOODS)
    declarant = same.declarant.model_copy(update={"id": "KR-0002"})
    for changed, pointer in (
        (same.model_copy(update={"lrn": "T-2"}), "/lrn"),
        (same.model_copy(update={"procedure": "export"}), "/procedure"),
        (same.model_copy(update={"declarant": declarant}), "/declarant/id"),
    ):
        new = following_version(world, lodged({**GOODS, "origin": "BB"}))
        new = new.model_copy(update={"declaration": changed})
        assert refusal(standing(world), new) == ("not-amendable", pointer)
    assert refusal(standing(world), following_version(world, same)) == ("nothing-changed", None)


def test_a_version_that_does_not_follow_is_a_fault_of_the_hub() -> None:
    """Whoever works one out looks at the version that stands."""
    world = asked()
    new = following_version(world, lodged({**GOODS, "origin": "BB"}))
    world.amended(lodged({**GOODS, "origin": "CC"}))
    with pytest.raises(ValueError, match="does not follow"):
        amend(standing(world), new, digests={}, abilities={}, sent={})


def test_only_those_who_would_be_told_something_else_are_asked_again() -> None:
    """By the operation that their contract has, with a clock that begins anew; the others' consent stands."""
    world = asked()
    before = {r.terms.service: r.terms for r in world.case.referrals}
    world.amended(lodged({**GOODS, "origin": "BB"}))
    made = amendment_in(world)
    assert (made.version, made.kept, made.added, made.removed) == (2, ("b-import",), (), ())
    [changed] = made.changed
    assert (changed.change, changed.terms.id, changed.terms.revision) == (Change.AMEND, f"{MRN}/a-import", 2)
    assert changed.terms.opened_at == world.now
    assert world.case.referral("b-import").terms == before["b-import"]
    world.amended(lodged({**GOODS, "origin": "BB", "net_mass_kg": 2}))
    [resubmitted] = amendment_in(world).changed
    assert (resubmitted.terms.service, resubmitted.change) == ("b-import", Change.RESUBMIT)
    assert [(e.kind, e.service) for e in errands(world.case)] == [
        (ErrandKind.AMEND, "a-import"),
        (ErrandKind.WITHDRAW, "b-import"),
    ]


def test_who_is_not_needed_any_more_is_told_and_may_be_needed_again() -> None:
    """Under another id: what was said of the earlier application counts no more."""
    world = asked()
    world.decide(f"{MRN}/b-import")
    world.receive(world.letters[0])
    world.amended(lodged({**GOODS, "attributes": {}}))
    [removed] = amendment_in(world).removed
    assert (removed.service, removed.change) == ("b-import", Change.WITHDRAW)
    [errand] = errands(world.case)
    world.follow(errand)
    assert world.case.referral("b-import").state is ReferralState.WITHDRAWN
    world.amended(lodged(GOODS))
    [again] = amendment_in(world).added
    assert (again.terms.id, again.terms.revision) == (f"{MRN}/b-import.2", 2)
    referral = world.case.referral("b-import")
    assert (referral.state, referral.former, len(referral.decisions)) == (
        ReferralState.PENDING,
        (f"{MRN}/b-import",),
        1,
    )
    assert [(r.service, r.decision) for r in world.clearance.reasons] == [
        ("a-import", None),
        ("b-import", None),
    ]


def test_what_is_being_withdrawn_when_it_is_needed_again_is_submitted_anew() -> None:
    """The agency may have been told this moment; so an amendment would come too late."""
    world = asked()
    world.amended(lodged({"hs_code": "020202", **GOODS}))
    leaving = {e.service: e for e in errands(world.case)}
    assert {e.kind for e in leaving.values()} == {ErrandKind.WITHDRAW}
    world.amended(lodged(GOODS))
    assert {one.change for one in amendment_in(world).changed} == {Change.RESUBMIT}
    for errand in leaving.values():
        world.follow(errand)
    assert [(e.kind, e.referral) for e in errands(world.case)] == [
        (ErrandKind.SUBMIT, f"{MRN}/a-import.2"),
        (ErrandKind.SUBMIT, f"{MRN}/b-import.2"),
    ]


@pytest.mark.parametrize(
    ("state", "sent", "change"),
    [
        (ReferralState.PENDING, False, Change.NONE),
        (ReferralState.PENDING, True, Change.AMEND),
        (ReferralState.UNDELIVERABLE, False, Change.AMEND),
        (ReferralState.EXPIRED, False, Change.NONE),
    ],
)
def test_an_agency_that_may_have_the_old_content_is_told(
    state: ReferralState, sent: bool, change: Change
) -> None:
    """One that never had it is simply asked, about the new."""
    world = World.begin([PLANT], lodged(GOODS))
    [untold] = world.case.referrals
    case = world.case.model_copy(update={"referrals": (untold.model_copy(update={"state": state}),)})
    new = following_version(world, lodged({**GOODS, "origin": "BB"}))
    abilities = {"a-import": BOTH}
    events = amend(standing(world, case=case), new, digests={}, abilities=abilities, sent={"a-import": sent})
    amended = apply(case, events[0]).referral("a-import")
    assert (amended.change, amended.state) == (change, ReferralState.PENDING)
    assert (amended.terms.id, amended.terms.revision) == (untold.terms.id, 2)


def test_a_service_of_which_nothing_is_known_counts_as_changed() -> None:
    """Better asked once too often."""
    world = asked()
    new = following_version(world, lodged({**GOODS, "description": "nobody reads it"}))
    same = {r.terms.service: ("x", "x") for r in world.case.referrals}
    abilities = dict.fromkeys(same, BOTH)
    for digests, kept in (
        (same, {"a-import", "b-import"}),
        ({"a-import": ("x", "x")}, {"a-import"}),
        ({"a-import": ("x", "y"), "b-import": ("x", "x")}, {"b-import"}),
    ):
        [event] = amend(standing(world), new, digests=digests, abilities=abilities, sent={})
        assert set(Amendment.model_validate(event.data).kept) == kept


# --- customs' own control ---------------------------------------------------------------------------------


def test_customs_looks_again_at_what_has_changed() -> None:
    """With a demand of its own, in place of the earlier one; not at what is the same."""
    world = World.begin([PLANT], lodged({**GOODS, "origin": "YY"}, GOODS))
    world.decide_by_hand("customs-control")
    world.amended(lodged({**GOODS, "origin": "RR"}, GOODS))
    control = world.case.referral("customs-control")
    assert (control.terms.revision, control.state, control.change) == (
        2,
        ReferralState.DELIVERED,
        Change.NONE,
    )
    demands = [d for d in control.decisions if d.id.startswith("risk-")]
    assert [(d.id, d.revision, d.verdict) for d in demands] == [
        ("risk-1", 1, Verdict.INFORMATION_REQUIRED),
        ("risk-2", 2, Verdict.INSPECTION_REQUIRED),
    ]
    world.amended(lodged(GOODS, GOODS))
    assert world.case.referral("customs-control").state is ReferralState.WITHDRAWN
    world.amended(lodged({**GOODS, "origin": "YY"}, GOODS))
    control = world.case.referral("customs-control")
    assert (control.state, control.terms.revision) == (ReferralState.DELIVERED, 3)
    assert [question.id for question in control.questions] == ["risk-3"]


# --- certificates ----------------------------------------------------------------------------------------


def claim(quantity: int, state: ClaimState, *, reused: bool = False) -> Claim:
    return Claim(
        service="a-import", item=1, certificate=PERMIT, quantity=quantity, state=state, reused=reused
    )


def amended_with(world: World, *claims: Claim) -> NewEvent:
    new = following_version(world, lodged({**GOODS, "origin": "BB"}))
    case = new.case.model_copy(update={"claims": claims})
    new = new.model_copy(update={"case": case})
    abilities = {"a-import": BOTH, "b-import": BOTH}
    [event] = amend(standing(world), new, digests={}, abilities=abilities, sent={})
    return event


def test_what_is_reserved_for_the_very_same_stays_reserved() -> None:
    """Also where nothing more could be; another quantity is looked at anew."""
    world = asked()
    world.case = world.case.model_copy(update={"claims": (claim(5, ClaimState.RESERVED),)})
    for quantity, state in ((5, ClaimState.RESERVED), (6, ClaimState.WANTED)):
        event = amended_with(world, claim(quantity, ClaimState.WANTED))
        assert [c.state for c in apply(world.case, event).claims] == [state]


def test_an_agency_that_need_not_be_asked_any_more_gives_its_application_back() -> None:
    """A certificate of the new version stands for its consent; without one it is asked again."""
    world = asked()
    case = apply(world.case, amended_with(world, claim(5, ClaimState.RESERVED, reused=True)))
    assert case.referral("a-import").change is Change.RESUBMIT
    world.case = case
    [errand] = [e for e in errands(case) if e.service == "a-import"]
    world.follow(errand)
    referral = world.case.referral("a-import")
    assert (referral.state, referral.terms.id) == (ReferralState.DECIDED, f"{MRN}/a-import.2")
    assert "a-import" not in {e.service for e in errands(world.case)}
    later = apply(world.case, amended_with(world))
    assert later.referral("a-import").state is ReferralState.PENDING
