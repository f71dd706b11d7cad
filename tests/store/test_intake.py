"""Lodging a declaration, and which of them wait for the engine."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from hub.domain.events import EventType
from hub.domain.referral import ReferralState
from hub.ports import LodgedBefore
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0


def test_what_is_lodged_is_read_back_to_the_last_decimal(store: Store) -> None:
    """The acceptance comes back equal: exact decimals, Korean names, instants to the microsecond."""
    accepted = sample.acceptance(PLANT, FOOD)
    assert store.lodge(accepted) is None
    found = store.lodged("1234567890", accepted.declaration.lrn)
    assert found == accepted
    assert str(found.declaration.items[0].net_mass_kg) == "1000.125000000000000001"
    assert str(found.declaration.items[0].value.amount) == "0.10"  # type: ignore[union-attr]


def test_a_new_declaration_stands_as_accepted(store: Store) -> None:
    """Its view shows every referral pending, nothing settled, and the engine not started."""
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    view = store.view(accepted.mrn)
    assert view is not None
    assert view.acceptance == accepted
    assert view.clearance == accepted.clearance
    assert view.settled_at == T0
    assert [r.terms.service for r in view.referrals] == [PLANT, FOOD]
    assert {r.state for r in view.referrals} == {ReferralState.PENDING}
    assert (view.notice, view.engine_started, view.closed_at, view.last_seq) == (None, False, None, 1)


def test_its_first_event_says_who_must_consent_and_by_when(store: Store) -> None:
    """`declaration.accepted` carries lrn, declarant, ucr, and each service with law and due time."""
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    [event] = store.events(accepted.mrn, after=0, limit=10)
    assert (event.type, event.seq, event.at) == (EventType.DECLARATION_ACCEPTED, 1, T0)
    assert event.data["lrn"] == accepted.declaration.lrn
    assert event.data["declarant"] == "1234567890"
    assert event.data["ucr"] == accepted.declaration.consignment.ucr
    assert event.data["referrals"] == [
        {
            "service": PLANT,
            "agency": "apqa",
            "law": {"en": "An Act", "ko": "법"},
            "items": [1, 2],
            "due_at": "2026-03-05T01:30:00.123456Z",
        }
    ]


def test_one_that_needs_no_agency_is_settled_at_once(store: Store) -> None:
    """Its second event is `clearance.settled`, and its outcome is release."""
    accepted = sample.acceptance()
    store.lodge(accepted)
    events = store.events(accepted.mrn, after=0, limit=10)
    assert [e.type for e in events] == [EventType.DECLARATION_ACCEPTED, EventType.CLEARANCE_SETTLED]
    assert events[1].data["outcome"] == "release"


def test_the_same_content_again_gets_the_first_answer(store: Store) -> None:
    """The second lodging changes nothing and is given the first acceptance."""
    first = sample.acceptance(PLANT)
    store.lodge(first)
    again = sample.acceptance(PLANT, lodged=first.declaration, at=T0 + SECOND)
    assert store.lodge(again) == LodgedBefore(acceptance=first, same_content=True)
    assert store.view(again.mrn) is None


def test_other_content_under_the_same_lrn_is_told_apart(store: Store) -> None:
    """The caller learns that the lrn is used for something else."""
    first = sample.acceptance(PLANT)
    store.lodge(first)
    other = sample.declaration(lrn=first.declaration.lrn, office="020")
    before = store.lodge(sample.acceptance(PLANT, lodged=other))
    assert before is not None
    assert before.acceptance == first
    assert not before.same_content


def test_two_declarants_may_use_the_same_lrn(store: Store) -> None:
    """An lrn is the declarant's own."""
    for declarant in ("A", "B"):
        lodged = sample.declaration(lrn="same", declarant=declarant)
        assert store.lodge(sample.acceptance(PLANT, lodged=lodged)) is None
    assert store.lodged("C", "same") is None


def test_an_mrn_is_never_used_twice(store: Store) -> None:
    """A clash of random numbers is an error, not another declaration's answer."""
    first = sample.acceptance(PLANT)
    store.lodge(first)
    with pytest.raises(ValueError, match="mrn of another declaration"):
        store.lodge(sample.acceptance(PLANT, mrn=first.mrn))


def test_of_many_that_lodge_the_same_at_once_one_is_first(store: Store) -> None:
    """All get the same answer, and one declaration is written."""
    lodged = sample.declaration(lrn="race")
    start = threading.Barrier(8)

    def lodge() -> str:
        accepted = sample.acceptance(PLANT, lodged=lodged)
        start.wait()
        before = store.lodge(accepted)
        return accepted.mrn if before is None else before.acceptance.mrn

    with ThreadPoolExecutor(8) as pool:
        answers = [task.result() for task in [pool.submit(lodge) for _ in range(8)]]
    assert len(set(answers)) == 1


def test_what_the_engine_has_not_started_is_found_oldest_first(store: Store) -> None:
    """Until it is marked as started; those accepted just now are left to intake itself."""
    lodged = [sample.acceptance(PLANT, at=T0 + n * SECOND) for n in (2, 0, 1)]
    for accepted in lodged:
        store.lodge(accepted)
    by_age = sorted(lodged, key=lambda accepted: accepted.accepted_at)
    assert store.not_started(T0 + 2 * SECOND, 10) == by_age[:2]
    assert store.not_started(T0 + 9 * SECOND, 1) == by_age[:1]
    store.mark_started(by_age[0].mrn)
    assert store.not_started(T0 + 9 * SECOND, 10) == by_age[1:]
    with pytest.raises(KeyError):
        store.mark_started("none")
    view = store.view(by_age[0].mrn)
    assert view is not None
    assert view.engine_started


def test_text_that_no_database_can_hold_is_no_obstacle(store: Store) -> None:
    """A NUL in a text comes back with it; an lrn with one is looked for, and not found."""
    lodged = sample.declaration(lrn="nul", office="nul\x00")
    accepted = sample.acceptance(PLANT, lodged=lodged)
    assert store.lodge(accepted) is None
    assert store.lodged("1234567890", "nul") == accepted
    assert store.lodged("1234567890", "nul\x00") is None
