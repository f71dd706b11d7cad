"""Messages of agencies: counted once, whenever and however often they come."""

from __future__ import annotations

import gc
import tracemalloc

import pytest

from hub.domain.clearance import Outcome, Reason, Rule
from hub.domain.errors import CallbackRefused
from hub.domain.events import Event, EventType, NewEvent
from hub.domain.names import referral_id
from hub.domain.referral import ReferralState, Verdict, Via
from hub.ports import Received
from hub.store import Store, create_store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0


def lodge(store: Store, *services: str) -> str:
    accepted = sample.acceptance(*services)
    store.lodge(accepted)
    return accepted.mrn


def deliver(store: Store, mrn: str, service: str, reference: str | None = None) -> None:
    store.record_hand_overs(mrn, [sample.delivered(mrn, service, reference=reference)], T0)


def events(store: Store, mrn: str) -> list[Event]:
    return [e for e in store.events(mrn, 1, 100) if e.type is not EventType.REFERRAL_DELIVERED]


def state(store: Store, mrn: str) -> ReferralState:
    view = store.view(mrn)
    assert view is not None
    return view.referrals[0].state


def test_a_message_is_stored_with_its_decisions_and_is_to_be_told(store: Store) -> None:
    """The caller gets what to tell; the state and the events are in step."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    said = sample.decision(mrn, PLANT)
    received = store.receive(sample.message(said, referral=said.referral))
    assert received == Received(new=True, mrn=mrn, decisions=(said,), to_tell=(said,))
    assert state(store, mrn) is ReferralState.DECIDED
    [event] = events(store, mrn)
    assert (event.type, event.service) == (EventType.DECISION_RECEIVED, PLANT)


def test_the_same_message_twice_counts_once(store: Store) -> None:
    """The second is known by agency, message id and content, whenever it comes and however it is written."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said, message_id="M", referral=said.referral))
    later = T0 + 99 * SECOND
    again = said.model_copy(update={"decided_at": later, "received_at": later, "exchange": "m-2"})
    for raw in ('{"result": "합격"}', '{"result":"합격"}'):
        repeated = sample.message(again, message_id="M", referral=said.referral, raw=raw)
        assert store.receive(repeated) == Received(new=False, mrn=mrn)
    assert len(events(store, mrn)) == 1


@pytest.mark.parametrize("readable", [True, False])
def test_a_message_id_used_again_with_other_content_is_kept_and_told_of(store: Store, readable: bool) -> None:
    """Nothing of it counts, and nothing of it is lost; sent again it is the same."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said, message_id="M", referral=said.referral))
    other = sample.message(
        *([sample.decision(mrn, PLANT, Verdict.REFUSED)] if readable else []),
        message_id="M",
        referral=said.referral,
        raw='{"result": "불합격"}',
        trouble=None if readable else "no word",
    )
    trouble = "message id M was used before with other content"
    for new in (True, False):
        received = store.receive(other)
        assert received == Received(new=new, mrn=mrn, trouble=trouble, id_used_before=True)
    event = events(store, mrn)[-1]
    assert event.type is EventType.MESSAGE_NOT_UNDERSTOOD
    assert event.data["trouble"] == trouble
    assert event.data["message"].startswith("M ")
    view = store.view(mrn)
    assert view is not None
    assert (view.referrals[0].decisions, view.referrals[0].trouble) == ((said,), trouble)


def test_a_message_id_used_for_another_referral_is_other_content(store: Store) -> None:
    """The same words about another declaration are another message."""
    first, second = lodge(store, PLANT), lodge(store, PLANT)
    for mrn, used in ((first, False), (second, True)):
        said = sample.decision(mrn, PLANT, id="D")
        odd = sample.message(said, message_id="M", referral=said.referral, raw=mrn)
        assert store.receive(odd).id_used_before is used
    assert state(store, second) is ReferralState.PENDING


def test_of_messages_that_cannot_be_read_each_is_kept(store: Store) -> None:
    """The id of one that counts for nothing is not used up."""
    mrn = lodge(store, PLANT)
    for raw in ("one", "two"):
        odd = sample.message(referral=referral_id(mrn, PLANT), trouble="odd", message_id="M", raw=raw)
        assert store.receive(odd) == Received(new=True, mrn=mrn, trouble="odd")


def test_two_agencies_may_use_the_same_message_id(store: Store) -> None:
    """A message id is the agency's own."""
    mrn = lodge(store, PLANT, FOOD)
    for service, agency in ((PLANT, "apqa"), (FOOD, "mfds")):
        said = sample.decision(mrn, service, id="D")
        received = store.receive(sample.message(said, agency=agency, message_id="M", referral=said.referral))
        assert received.new
        assert received.decisions == (said,)


def test_a_decision_that_came_another_way_before_counts_once(store: Store) -> None:
    """A poll and a callback bring the same decision: two messages, one event."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said, referral=said.referral))
    again = said.model_copy(update={"via": Via.POLL})
    received = store.receive(sample.message(again, referral=said.referral))
    assert received == Received(new=True, mrn=mrn)
    assert len(events(store, mrn)) == 1


def test_the_agencys_reference_finds_the_referral(store: Store) -> None:
    """The decision gets our reference."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT, "R-9")
    received = store.receive(sample.message(sample.decision("", PLANT), agency_reference="R-9"))
    assert received.mrn == mrn
    assert received.decisions[0].referral == referral_id(mrn, PLANT)


def test_an_unknown_reference_waits(store: Store) -> None:
    """It is stored, and nothing is told."""
    received = store.receive(sample.message(sample.decision("", PLANT), agency_reference="R-9"))
    assert received == Received(new=True, mrn=None)
    assert store.counts()["messages_unmatched"] == 1


def test_a_decision_before_the_receipt_of_its_own_submission_counts(store: Store) -> None:
    """The referral is still pending for the hub, and decided all the same."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said, referral=said.referral))
    assert state(store, mrn) is ReferralState.DECIDED


def test_a_decision_on_some_items_leaves_the_referral_waiting(store: Store) -> None:
    """It is decided when every item is."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    for item, expected in ((1, ReferralState.DELIVERED), (2, ReferralState.DECIDED)):
        said = sample.decision(mrn, PLANT, items=(item,))
        assert store.receive(sample.message(said, referral=said.referral)).decisions == (said,)
        assert state(store, mrn) is expected


@pytest.mark.parametrize("verdict", [Verdict.INFORMATION_REQUIRED, Verdict.INSPECTION_REQUIRED])
def test_an_agency_that_asks_for_more_is_still_awaited(store: Store, verdict: Verdict) -> None:
    """Its decision is told and visible, and a final one is still to come."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    said = sample.decision(mrn, PLANT, verdict)
    assert store.receive(sample.message(said, referral=said.referral)).decisions == (said,)
    view = store.view(mrn)
    assert view is not None
    assert (view.referrals[0].state, view.referrals[0].decisions) == (ReferralState.DELIVERED, (said,))


def test_an_agency_may_take_its_word_back_and_ask_for_more(store: Store) -> None:
    """The latest action time counts, whatever the order of arrival: the referral is awaited again."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    for verdict, at, expected in (
        (Verdict.APPROVED, 10, ReferralState.DECIDED),
        (Verdict.INFORMATION_REQUIRED, 5, ReferralState.DECIDED),
        (Verdict.INFORMATION_REQUIRED, 20, ReferralState.DELIVERED),
        (Verdict.REFUSED, 30, ReferralState.DECIDED),
    ):
        said = sample.decision(mrn, PLANT, verdict, at=T0 + at * SECOND)
        store.receive(sample.message(said, referral=said.referral))
        assert state(store, mrn) is expected
        assert store.open_referrals() == ({} if expected is ReferralState.DECIDED else {"apqa": 1})


def test_a_late_approval_decides_an_expired_referral(store: Store) -> None:
    """A hold can be lifted; one that only asks for more leaves it expired."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    store.record_expired(mrn, [PLANT], T0)
    store.receive(sample.message(sample.decision(mrn, PLANT, Verdict.INFORMATION_REQUIRED)))
    assert state(store, mrn) is ReferralState.EXPIRED
    store.receive(sample.message(sample.decision(mrn, PLANT, at=T0 + 9 * SECOND)))
    assert state(store, mrn) is ReferralState.DECIDED


@pytest.mark.parametrize("closed", [False, True])
def test_after_release_a_decision_is_late(store: Store, closed: bool) -> None:
    """It is recorded, changes nothing, and the workflow is not told."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    store.record_clearance(mrn, sample.clearance(Outcome.RELEASE), None, [], T0)
    if closed:
        store.close_case(mrn, T0)
    said = sample.decision(mrn, PLANT, Verdict.REFUSED)
    assert store.receive(sample.message(said, referral=said.referral)) == Received(new=True, mrn=mrn)
    assert state(store, mrn) is ReferralState.DELIVERED
    assert events(store, mrn)[-1].type is EventType.DECISION_LATE
    assert store.untold_messages(T0 + 99 * SECOND, 10) == []
    view = store.view(mrn)
    assert view is not None
    assert view.referrals[0].decisions == (said,)


def test_after_a_refusal_has_closed_a_decision_is_late(store: Store) -> None:
    """While it may still be revised, it counts."""
    mrn = lodge(store, PLANT)
    store.record_clearance(mrn, sample.clearance(Outcome.REFUSAL), None, [], T0)
    first, second = sample.decision(mrn, PLANT, Verdict.REFUSED), sample.decision(mrn, PLANT)
    assert store.receive(sample.message(first)).decisions == (first,)
    store.close_case(mrn, T0)
    assert store.receive(sample.message(second)).decisions == ()
    assert events(store, mrn)[-1].type is EventType.DECISION_LATE


def test_a_message_about_another_agencys_referral_is_refused_and_recorded(store: Store) -> None:
    """With an event on the declaration it aimed at, once, however often it is sent."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    forged = sample.message(said, agency="mfds", message_id="M", referral=said.referral, raw="forged")
    for _ in range(2):
        with pytest.raises(CallbackRefused, match="not a referral of mfds"):
            store.receive(forged)
    assert state(store, mrn) is ReferralState.PENDING
    [event] = events(store, mrn)
    assert (event.type, event.data["agency"], event.data["message"]) == (
        EventType.CALLBACK_REFUSED,
        "mfds",
        "M",
    )
    [refused] = store.refused_callbacks(10)
    assert (refused.agency, refused.body, refused.at) == ("mfds", "forged", forged.received_at)


@pytest.mark.parametrize("claimed", ["none/at-all", "nonsense", "", "\x00/x"])
def test_a_message_about_no_referral_of_ours_is_refused_and_recorded(store: Store, claimed: str) -> None:
    """There is no declaration to tell of it."""
    with pytest.raises(CallbackRefused):
        store.receive(sample.message(sample.decision("", PLANT), referral=claimed))
    assert len(store.refused_callbacks(10)) == 1


def test_one_message_about_several_referrals_is_refused(store: Store) -> None:
    """It would have to count in part."""
    mrn = lodge(store, PLANT, "apqa-animal-import")
    both = [sample.decision(mrn, PLANT), sample.decision(mrn, "apqa-animal-import")]
    with pytest.raises(CallbackRefused):
        store.receive(sample.message(*both))
    assert events(store, mrn) == []


def test_a_message_that_could_not_be_read_is_kept_and_told_of(store: Store) -> None:
    """`message.not_understood` on the declaration, when it is known."""
    mrn = lodge(store, PLANT)
    odd = sample.message(referral=referral_id(mrn, PLANT), trouble="unknown word 보류", message_id="M")
    assert store.receive(odd) == Received(new=True, mrn=mrn, trouble="unknown word 보류")
    [event] = events(store, mrn)
    assert event.type is EventType.MESSAGE_NOT_UNDERSTOOD
    assert event.data == {"agency": "apqa", "message": "M", "trouble": "unknown word 보류"}
    assert not store.receive(odd).new


@pytest.mark.parametrize("items", [(7,), (1, 7)])
def test_a_decision_about_goods_items_not_referred_is_not_understood_as_a_whole(
    store: Store, items: tuple[int, ...]
) -> None:
    """Nothing of it counts, it is told of, and sent again it is the same message."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    said = sample.decision(mrn, PLANT, Verdict.REFUSED, items=items)
    odd = sample.message(said, referral=said.referral, message_id="M")
    trouble = "the decision speaks of goods items [7], which were not referred"
    assert store.receive(odd) == Received(new=True, mrn=mrn, trouble=trouble)
    assert store.receive(odd) == Received(new=False, mrn=mrn, trouble=trouble)
    [event] = events(store, mrn)
    assert event.type is EventType.MESSAGE_NOT_UNDERSTOOD
    assert event.data == {"agency": "apqa", "message": "M", "trouble": trouble}
    view = store.view(mrn)
    assert view is not None
    assert (view.referrals[0].state, view.referrals[0].decisions) == (ReferralState.DELIVERED, ())


def test_what_waited_for_its_reference_is_held_against_what_was_referred(store: Store) -> None:
    """The goods items can be looked at only then."""
    mrn = lodge(store, PLANT)
    store.receive(sample.message(sample.decision("", PLANT, items=(7,)), agency_reference="R-9"))
    deliver(store, mrn, PLANT, "R-9")
    [event] = events(store, mrn)
    assert event.type is EventType.MESSAGE_NOT_UNDERSTOOD
    assert state(store, mrn) is ReferralState.DELIVERED


def test_a_message_not_understood_leaves_its_trouble_until_one_is_understood(store: Store) -> None:
    """The state stays; the same trouble again is no event, the next one is."""
    mrn = lodge(store, PLANT)
    deliver(store, mrn, PLANT)
    referral = referral_id(mrn, PLANT)
    for trouble, told in (("no word", 1), ("no word", 1), ("no items", 2)):
        store.receive(sample.message(referral=referral, trouble=trouble))
        view = store.view(mrn)
        assert view is not None
        assert (view.referrals[0].state, view.referrals[0].trouble) == (ReferralState.DELIVERED, trouble)
        assert len(events(store, mrn)) == told
    store.receive(sample.message(sample.decision(mrn, PLANT, items=(1,))))
    view = store.view(mrn)
    assert view is not None
    assert (view.referrals[0].state, view.referrals[0].trouble) == (ReferralState.DELIVERED, None)
    store.receive(sample.message(referral=referral, trouble="no word"))
    assert events(store, mrn)[-1].type is EventType.MESSAGE_NOT_UNDERSTOOD


def test_a_message_sent_again_after_the_mapping_was_cured_counts(store: Store) -> None:
    """The one that could not be read had counted for nothing."""
    mrn = lodge(store, PLANT)
    store.receive(sample.message(referral=referral_id(mrn, PLANT), trouble="unknown word", message_id="M"))
    said = sample.decision(mrn, PLANT)
    cured = sample.message(said, referral=said.referral, message_id="M")
    assert store.receive(cured).decisions == (said,)
    assert not store.receive(cured).new


def test_a_message_that_names_nothing_is_kept_for_a_person(store: Store) -> None:
    """Neither reference could be read."""
    assert store.receive(sample.message(trouble="not JSON", raw="\x00\ud800 garbage")) == Received(
        new=True, mrn=None, trouble="not JSON"
    )
    assert store.counts()["messages_unmatched"] == 1


def test_a_callback_refused_at_the_door_is_recorded(store: Store) -> None:
    """Whatever bytes it brought, and no more of them than a log should hold."""
    store.refuse_callback("apqa", "wrong signature", "\x00" + "x" * 1_000_000, T0)
    [refused] = store.refused_callbacks(10)
    assert (refused.agency, refused.reason, refused.at) == ("apqa", "wrong signature", T0)
    assert refused.body.startswith("\ufffdxxx")
    assert len(refused.body) < 20_000


def test_ids_of_any_length_and_content_are_told_apart(store: Store) -> None:
    """Agencies choose message and decision ids; no index limit of ours stops them."""
    mrn = lodge(store, PLANT)
    for end in ("a", "b\x00", "c\ud800"):
        long = "x" * 10_000 + end
        said = sample.decision(mrn, PLANT, id=long.replace("\ud800", ""), items=(1,))
        odd = sample.message(said, message_id=long, referral=said.referral)
        assert store.receive(odd).new
        assert not store.receive(odd).new
    view = store.view(mrn)
    assert view is not None
    assert len(view.referrals[0].decisions) == 3


def test_what_was_received_and_not_told_is_found_by_the_relay(store: Store) -> None:
    """By declaration, longest waiting first, until it is marked; what came just now is left to its door."""
    first, second = lodge(store, PLANT, FOOD), lodge(store, PLANT)
    early = sample.decision(first, PLANT, at=T0)
    later = sample.decision(first, FOOD, at=T0 + 2 * SECOND)
    other = sample.decision(second, PLANT, at=T0 + SECOND)
    for said, agency in ((later, "mfds"), (other, "apqa"), (early, "apqa")):
        store.receive(sample.message(said, agency=agency))
    assert store.untold_messages(T0, 10) == []
    assert store.untold_messages(T0 + SECOND, 10) == [(first, (early,))]
    assert store.untold_messages(T0 + 9 * SECOND, 10) == [(first, (early, later)), (second, (other,))]
    assert store.untold_messages(T0 + 9 * SECOND, 1) == [(first, (early, later))]
    assert store.counts()["untold"] == 3
    store.mark_told(first, [early.id])
    store.mark_told(second, [other.id])
    store.mark_told(second, [])
    assert store.untold_messages(T0 + 9 * SECOND, 10) == [(first, (later,))]


def test_one_id_of_two_agencies_is_not_taken_for_told_twice(store: Store) -> None:
    """Told of one of them, the store does not know which: both are told again rather than one never."""
    mrn = lodge(store, PLANT, FOOD)
    for service, agency in ((PLANT, "apqa"), (FOOD, "mfds")):
        store.receive(sample.message(sample.decision(mrn, service, id="1"), agency=agency))
    store.mark_told(mrn, ["1"])
    [(_, both)] = store.untold_messages(T0 + 9 * SECOND, 10)
    assert len(both) == 2
    store.mark_told(mrn, [said.id for said in both])
    assert store.untold_messages(T0 + 9 * SECOND, 10) == []


def test_what_an_ended_workflow_was_not_told_is_marked_and_late(store: Store) -> None:
    """In one step, with an event for each decision, once however often it is said."""
    mrn = lodge(store, PLANT, FOOD)
    first, second = sample.decision(mrn, PLANT), sample.decision(mrn, FOOD, Verdict.REFUSED)
    store.receive(sample.message(first))
    store.receive(sample.message(second, agency="mfds"))
    for _ in range(2):
        store.mark_told(mrn, [first.id, second.id], late=True)
    assert store.untold_messages(T0 + 9 * SECOND, 10) == []
    late = [event for event in events(store, mrn) if event.type is EventType.DECISION_LATE]
    assert [(e.service, e.data["agency"], e.data["decision"], e.data["verdict"]) for e in late] == [
        (PLANT, "apqa", first.id, "approved"),
        (FOOD, "mfds", second.id, "refused"),
    ]
    assert [event.seq for event in store.events(mrn, 0, 100)] == [1, 2, 3, 4, 5]


def test_what_was_told_already_is_not_late(store: Store) -> None:
    """The workflow heard it before it ended."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said))
    store.mark_told(mrn, [said.id])
    store.mark_told(mrn, [said.id], late=True)
    assert [event.type for event in events(store, mrn)] == [EventType.DECISION_RECEIVED]


def test_what_the_outcome_rests_on_is_not_late(store: Store) -> None:
    """The workflow was told it, and the process that told it died before it could say so."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said))
    rests_on = Reason(rule=Rule.CONSENTED, item=1, service=PLANT, decision=said.id)
    settled = sample.clearance(Outcome.RELEASE).model_copy(update={"reasons": (rests_on,)})
    store.record_clearance(mrn, settled, None, [], T0 + 2 * SECOND)
    store.mark_told(mrn, [said.id], late=True)
    assert store.counts()["untold"] == 0
    assert EventType.DECISION_LATE not in [event.type for event in events(store, mrn)]


def test_what_was_flagged_as_late_when_the_case_closed_is_not_flagged_again(store: Store) -> None:
    """The workflow knew it at its end, and nobody had noted that it knew."""
    mrn = lodge(store, PLANT)
    said = sample.decision(mrn, PLANT)
    store.receive(sample.message(said))
    flag = NewEvent(at=T0, type=EventType.DECISION_LATE, service=PLANT, data={"decision": said.id})
    store.append_event(mrn, flag)
    store.mark_told(mrn, [said.id], late=True)
    assert [event.type for event in events(store, mrn)].count(EventType.DECISION_LATE) == 1


def test_nothing_is_late_of_an_unknown_declaration(store: Store) -> None:
    """KeyError, as for every change to one."""
    with pytest.raises(KeyError):
        store.mark_told("none", ["D"], late=True)


def test_what_agencies_say_at_length_is_not_kept_at_hand(sqlite_url: str) -> None:
    """Decisions of a referral are read at each of its steps: kept each time, they would fill any memory."""
    store = create_store(sqlite_url)
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    store.record_hand_overs(accepted.mrn, [sample.delivered(accepted.mrn, PLANT)], T0)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(40):
            said = sample.decision(accepted.mrn, PLANT, at=T0 + number * SECOND)
            said = said.model_copy(update={"remarks": f"{number} " + "m" * 100_000})
            store.receive(sample.message(said, referral=f"{accepted.mrn}/{PLANT}"))
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        store.close()
    assert after - before < 10_000_000
