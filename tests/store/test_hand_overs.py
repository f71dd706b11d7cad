"""Handing referrals over: marks, results, and what a repeated attempt finds."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.domain.events import Event, EventType
from hub.domain.intake import Acceptance
from hub.domain.names import referral_id
from hub.domain.referral import Answers, Receipt, ReferralState, Verdict, Via
from hub.ports import HandOver, ReferralView
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, RADIO, SECOND, T0


def lodge(store: Store, *services: str, answers: Answers = Answers.CALLBACK) -> Acceptance:
    accepted = sample.acceptance(*services, answers=answers)
    store.lodge(accepted)
    return accepted


def events(store: Store, mrn: str) -> list[Event]:
    return store.events(mrn, after=1, limit=100)


def types(found: Sequence[Event]) -> list[EventType]:
    return [event.type for event in found]


def referral(store: Store, mrn: str, service: str) -> ReferralView:
    view = store.view(mrn)
    assert view is not None
    return next(r for r in view.referrals if r.terms.service == service)


def test_a_first_attempt_finds_the_dossier_and_no_mark(store: Store) -> None:
    """The dossier is the declaration as lodged, the frozen terms, and no receipt."""
    accepted = lodge(store, PLANT, FOOD)
    [food, plant] = store.begin_hand_over(accepted.mrn, [FOOD, PLANT], T0)
    assert food.dossier.declaration == accepted.declaration
    assert food.dossier.terms == accepted.case.referrals[1].terms
    assert (food.dossier.accepted_at, food.dossier.receipt) == (T0, None)
    assert (food.state, food.sent_before, food.sent_at) == (ReferralState.PENDING, False, None)
    assert food.decisions == ()
    assert plant.dossier.terms.service == PLANT


def test_an_attempt_that_a_crash_interrupted_is_seen_by_the_next(store: Store) -> None:
    """Nothing was recorded, so the mark stands, with the time at which the first attempt began."""
    mrn = lodge(store, PLANT, FOOD).mrn
    store.begin_hand_over(mrn, [PLANT], T0 + SECOND)
    for later in (2, 3):
        [plant, food] = store.begin_hand_over(mrn, [PLANT, FOOD], T0 + later * SECOND)
        assert (plant.sent_before, plant.sent_at) == (True, T0 + SECOND)
    assert (food.sent_before, food.sent_at) == (True, T0 + 2 * SECOND)


def test_sending_once_more_moves_the_mark(store: Store) -> None:
    """The next look-up must allow for the later request too."""
    mrn = lodge(store, PLANT).mrn
    store.begin_hand_over(mrn, [PLANT], T0)
    store.mark_resent(referral_id(mrn, PLANT), T0 + 5 * SECOND)
    [mark] = store.begin_hand_over(mrn, [PLANT], T0 + 9 * SECOND)
    assert mark.sent_at == T0 + 5 * SECOND


def test_an_attempt_that_surely_did_not_arrive_clears_the_mark(store: Store) -> None:
    """One in doubt keeps it."""
    mrn = lodge(store, PLANT, FOOD).mrn
    store.begin_hand_over(mrn, [PLANT, FOOD], T0)
    results = [sample.failed(mrn, PLANT), sample.failed(mrn, FOOD, "read timed out", sent=True)]
    store.record_hand_overs(mrn, results, T0 + SECOND)
    [plant, food] = store.begin_hand_over(mrn, [PLANT, FOOD], T0 + 2 * SECOND)
    assert (plant.sent_before, plant.sent_at) == (False, None)
    assert (food.sent_before, food.sent_at) == (True, T0)


def test_what_is_delivered_is_not_marked_again(store: Store) -> None:
    """Only a pending referral is about to be sent."""
    mrn = lodge(store, PLANT).mrn
    store.begin_hand_over(mrn, [PLANT], T0)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    for _ in range(2):
        [mark] = store.begin_hand_over(mrn, [PLANT], T0 + SECOND)
        assert (mark.state, mark.sent_before) == (ReferralState.DELIVERED, False)
        assert mark.dossier.receipt == Receipt(reference="R-1", received_at=T0 + SECOND)


def test_an_unknown_declaration_or_service_is_told(store: Store) -> None:
    """KeyError, and nothing is marked."""
    mrn = lodge(store, PLANT).mrn
    with pytest.raises(KeyError):
        store.begin_hand_over("none", [PLANT], T0)
    with pytest.raises(KeyError):
        store.begin_hand_over(mrn, [PLANT, FOOD], T0)
    [mark] = store.begin_hand_over(mrn, [PLANT], T0)
    assert not mark.sent_before
    with pytest.raises(KeyError):
        store.mark_resent(referral_id(mrn, FOOD), T0)
    with pytest.raises(KeyError):
        store.record_hand_overs(mrn, [sample.delivered("another", PLANT)], T0)


def test_a_delivery_is_recorded_with_its_receipt_exchange_and_event(store: Store) -> None:
    """State, receipt, time of delivery, exchange and `referral.delivered`, all at once."""
    mrn = lodge(store, PLANT, FOOD).mrn
    result = sample.delivered(mrn, PLANT)
    [recorded] = store.record_hand_overs(mrn, [result], T0 + SECOND)
    assert recorded == result
    plant = referral(store, mrn, PLANT)
    assert (plant.state, plant.receipt) == (ReferralState.DELIVERED, result.receipt)
    assert plant.delivered_at == T0 + SECOND
    assert store.exchanges(mrn) == list(result.exchanges)
    [event] = events(store, mrn)
    assert (event.type, event.service) == (EventType.REFERRAL_DELIVERED, PLANT)
    assert result.receipt is not None
    receipt = {"reference": "R-1", "received_at": "2026-03-02T01:30:01.123456Z", "values": {}}
    assert event.data == {"agency": "apqa", "reference": "R-1", "receipt": receipt}
    assert event.at == result.receipt.received_at


def test_a_decision_in_the_reply_counts_and_need_not_be_told_again(store: Store) -> None:
    """The caller brings it to the workflow in its own result."""
    mrn = lodge(store, PLANT).mrn
    said = sample.decision(mrn, PLANT, via=Via.REPLY)
    [recorded] = store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, said)], T0 + SECOND)
    assert (recorded.state, recorded.decisions) == (ReferralState.DECIDED, (said,))
    assert types(events(store, mrn)) == [EventType.REFERRAL_DELIVERED, EventType.DECISION_RECEIVED]
    assert store.untold_messages(T0 + 99 * SECOND, 10) == []


def test_the_event_of_a_decision_holds_all_that_was_said(store: Store) -> None:
    """It is the audit: verdict, word, items, reference, action time, way and evidence."""
    mrn = lodge(store, PLANT).mrn
    said = sample.decision(mrn, PLANT, Verdict.REFUSED, id="D", items=(2,), via=Via.REPLY)
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, said)], T0)
    assert events(store, mrn)[-1].data == {
        "agency": "apqa",
        "decision": "D",
        "verdict": "refused",
        "items": [2],
        "word": "합격",
        "reference": "CERT-1",
        "decided_at": "2026-03-02T01:30:01.123456Z",
        "received_at": "2026-03-02T01:30:01.123456Z",
        "via": "reply",
        "exchange": "m-1",
    }


def test_the_same_result_twice_is_recorded_once(store: Store) -> None:
    """An activity may be run again after its result was lost: no second event, exchange or decision."""
    mrn = lodge(store, PLANT, FOOD, RADIO).mrn
    results = [
        sample.delivered(mrn, PLANT),
        sample.delivered(mrn, FOOD, sample.decision(mrn, FOOD, via=Via.REPLY)),
        sample.failed(mrn, RADIO, "400 no such document", state=ReferralState.UNDELIVERABLE),
    ]
    first = store.record_hand_overs(mrn, results, T0)
    before = store.view(mrn), store.events(mrn, 0, 100), store.exchanges(mrn)
    assert store.record_hand_overs(mrn, results, T0 + SECOND) == first
    assert (store.view(mrn), store.events(mrn, 0, 100), store.exchanges(mrn)) == before


def test_a_later_receipt_only_adds_the_reference_that_was_lacking(store: Store) -> None:
    """The first receipt stands."""
    mrn = lodge(store, PLANT).mrn
    for reference, known in ((None, None), ("R-7", "R-7"), ("R-8", "R-7"), (None, "R-7")):
        [recorded] = store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, reference=reference)], T0)
        assert recorded.receipt is not None
        assert recorded.receipt.reference == known
    assert types(events(store, mrn)) == [EventType.REFERRAL_DELIVERED]


def test_values_to_be_remembered_stay_until_the_agency_says_others(store: Store) -> None:
    """A later answer adds and changes; what it leaves out stays. The next request sees all of them."""
    mrn = lodge(store, PLANT).mrn
    said = ({"ticket": "T-1", "열쇠": "가"}, {}, {"ticket": "T-2", "page": "7"})
    for values in said:
        result = sample.delivered(mrn, PLANT)
        assert result.receipt is not None
        receipt = result.receipt.model_copy(update={"values": values})
        store.record_hand_overs(mrn, [result.model_copy(update={"receipt": receipt})], T0)
    [mark] = store.begin_hand_over(mrn, [PLANT], T0)
    assert mark.dossier.receipt is not None
    assert mark.dossier.receipt.values == {"ticket": "T-2", "열쇠": "가", "page": "7"}


def test_each_different_trouble_is_an_event_once(store: Store) -> None:
    """A flapping agency fills no log: refused, timed out, refused, refused gives two events."""
    mrn = lodge(store, PLANT, FOOD).mrn
    for trouble in ("refused", "timed out", "refused", "refused"):
        [recorded] = store.record_hand_overs(mrn, [sample.failed(mrn, PLANT, trouble)], T0)
        assert (recorded.state, recorded.trouble) == (ReferralState.PENDING, trouble)
    store.record_hand_overs(mrn, [sample.failed(mrn, FOOD, "refused")], T0)
    found = events(store, mrn)
    assert types(found) == [EventType.REFERRAL_DELAYED] * 3
    assert [(e.service, e.data["trouble"]) for e in found] == [
        (PLANT, "refused"),
        (PLANT, "timed out"),
        (FOOD, "refused"),
    ]
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    assert referral(store, mrn, PLANT).trouble is None


def test_what_the_agency_turns_down_is_undeliverable(store: Store) -> None:
    """With the trouble as its reason; it is still awaited, by operations now."""
    mrn = lodge(store, PLANT).mrn
    store.record_hand_overs(mrn, [sample.failed(mrn, PLANT, "400", state=ReferralState.UNDELIVERABLE)], T0)
    plant = referral(store, mrn, PLANT)
    assert (plant.state, plant.trouble) == (ReferralState.UNDELIVERABLE, "400")
    [event] = events(store, mrn)
    assert (event.type, event.data) == (
        EventType.REFERRAL_UNDELIVERABLE,
        {"agency": "apqa", "trouble": "400"},
    )
    assert store.open_referrals() == {"apqa": 1}


def test_a_failure_that_comes_late_takes_nothing_back(store: Store) -> None:
    """What is delivered or decided stays so, and no trouble is noted."""
    mrn = lodge(store, PLANT).mrn
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    late = [
        sample.failed(mrn, PLANT),
        sample.failed(mrn, PLANT, "400", state=ReferralState.UNDELIVERABLE),
    ]
    store.record_hand_overs(mrn, late, T0)
    plant = referral(store, mrn, PLANT)
    assert (plant.state, plant.trouble) == (ReferralState.DELIVERED, None)
    assert types(events(store, mrn)) == [EventType.REFERRAL_DELIVERED]


def test_a_referral_decided_by_an_early_callback_stays_decided_and_gains_its_receipt(store: Store) -> None:
    """The next attempt is told of the decision too, and the hand-over returns it."""
    mrn = lodge(store, PLANT).mrn
    store.begin_hand_over(mrn, [PLANT], T0)
    early = sample.decision(mrn, PLANT)
    store.receive(sample.message(early, referral=referral_id(mrn, PLANT)))
    [mark] = store.begin_hand_over(mrn, [PLANT], T0)
    assert (mark.state, mark.decisions) == (ReferralState.DECIDED, (early,))
    [recorded] = store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    assert (recorded.state, recorded.decisions) == (ReferralState.DECIDED, (early,))
    assert referral(store, mrn, PLANT).receipt is not None
    assert types(events(store, mrn)) == [EventType.DECISION_RECEIVED, EventType.REFERRAL_DELIVERED]


def test_a_referral_that_expired_under_way_gains_its_receipt(store: Store) -> None:
    """It stays expired."""
    mrn = lodge(store, PLANT).mrn
    store.record_expired(mrn, [PLANT], T0)
    [recorded] = store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    assert recorded.state is ReferralState.EXPIRED
    assert referral(store, mrn, PLANT).delivered_at is not None


def test_a_receipt_brings_the_message_that_waited_for_its_reference(store: Store) -> None:
    """A callback that knew only the agency's reference overtook the receipt; it counts from now on."""
    mrn = lodge(store, PLANT, FOOD).mrn
    early = sample.message(sample.decision("", PLANT, id="D"), agency_reference="R-1")
    assert store.receive(early).mrn is None
    foreign = sample.message(sample.decision("", PLANT), agency="mfds", agency_reference="R-1")
    store.receive(foreign)
    [recorded] = store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0 + 9 * SECOND)
    [said] = recorded.decisions
    assert (said.id, said.referral) == ("D", referral_id(mrn, PLANT))
    assert recorded.state is ReferralState.DECIDED
    assert types(events(store, mrn)) == [EventType.REFERRAL_DELIVERED, EventType.DECISION_RECEIVED]
    assert store.counts()["messages_unmatched"] == 1
    assert not store.receive(early).new


def test_a_matched_decision_is_told_by_the_relay_too(store: Store) -> None:
    """The hand-over returns it, but a crash may lose that; being told twice costs nothing."""
    mrn = lodge(store, PLANT).mrn
    store.receive(sample.message(sample.decision("", PLANT, id="D"), agency_reference="R-1"))
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT)], T0)
    [(told, [said])] = store.untold_messages(T0 + 9 * SECOND, 10)
    assert (told, said.id) == (mrn, "D")


def test_a_reference_that_two_referrals_bear_matches_neither(store: Store) -> None:
    """A verdict is not given to a referral that was only guessed at; the message waits for a person."""
    mrn = lodge(store, PLANT, "apqa-animal-import").mrn
    store.receive(sample.message(sample.decision("", PLANT), agency_reference="R-1"))
    both = [sample.delivered(mrn, PLANT), sample.delivered(mrn, "apqa-animal-import")]
    recorded = store.record_hand_overs(mrn, both, T0)
    assert [r.state for r in recorded] == [ReferralState.DELIVERED] * 2
    assert store.receive(sample.message(sample.decision("", PLANT), agency_reference="R-1")).mrn is None
    assert store.counts()["messages_unmatched"] == 2


def test_results_come_back_in_their_order_with_their_exchanges(store: Store) -> None:
    """What the caller adds to a result of its own stays with it."""
    mrn = lodge(store, PLANT, FOOD).mrn
    results: list[HandOver] = [
        sample.failed(mrn, FOOD).model_copy(update={"retry_in": SECOND}),
        sample.delivered(mrn, PLANT),
    ]
    assert store.record_hand_overs(mrn, results, T0) == results


def test_pending_agencies_are_those_not_decided(store: Store) -> None:
    """The list shows them, each once, in order, and in step."""
    mrn = lodge(store, PLANT, FOOD, "apqa-animal-import").mrn

    def pending() -> tuple[str, ...]:
        [row] = store.page(sample.everything(), None, 10).rows
        return row.pending_agencies

    assert pending() == ("apqa", "mfds")
    assert store.open_referrals() == {"apqa": 2, "mfds": 1}
    store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, sample.decision(mrn, PLANT))], T0)
    assert pending() == ("apqa", "mfds")
    store.receive(sample.message(sample.decision(mrn, FOOD), agency="mfds"))
    assert pending() == ("apqa",)
    store.record_expired(mrn, ["apqa-animal-import"], T0)
    assert pending() == ("apqa",)
    assert store.open_referrals() == {"apqa": 1}
