"""What the doctor finds within the store, on both databases, and that mending it mends just that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import create_engine, text

from hub.domain.certificates import Certificate, CertificateKey
from hub.domain.clearance import Outcome
from hub.domain.event_data import ReferralReminded
from hub.domain.events import EventType, NewEvent
from hub.domain.model import Measure
from hub.domain.referral import Answers
from hub.ports import QueuedReferral
from hub.ports.doctor import Examination, FindingKind, OpenDeclaration, Place
from hub.store import Store
from tests.store import sample
from tests.store.sample import PLANT, SECOND, T0

LATER = T0 + timedelta(days=2)
KEY = CertificateKey(type="plant-permit", id="P 1")


def spoil(url: str, statement: str, **values: object) -> None:
    """Change a row behind the store's back, as a restored backup or a person at the database might."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if url.startswith("sqlite"):
            connection.execute(text("PRAGMA foreign_keys = OFF"))
        assert connection.execute(text(statement), values).rowcount == 1
    engine.dispose()


def delivered(store: Store, answers: Answers = Answers.POLL, at: datetime = T0) -> str:
    """A declaration of one referral, which its agency has."""
    accepted = sample.acceptance(PLANT, answers=answers, at=at)
    store.lodge(accepted)
    store.begin_hand_over(accepted.mrn, [PLANT], at)
    store.record_hand_overs(
        accepted.mrn, [sample.delivered(accepted.mrn, PLANT, reference=f"R {accepted.mrn}", at=at)], at
    )
    store.mark_started(accepted.mrn)
    return accepted.mrn


def not_started(store: Store, url: str) -> str:
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    return accepted.mrn


def untold(store: Store, url: str) -> str:
    mrn = delivered(store, Answers.CALLBACK)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    return mrn


def news_untold(store: Store, url: str) -> str:
    mrn = delivered(store, Answers.CALLBACK)
    data = ReferralReminded(number=1, by="channel").model_dump(mode="json")
    store.append_event(mrn, NewEvent(at=T0, type=EventType.REFERRAL_REMINDED, service=PLANT, data=data))
    return mrn


def unsent(store: Store, url: str) -> str:
    mrn = delivered(store, Answers.CALLBACK)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), sample.notice(mrn, Outcome.HOLD), (), T0)
    return mrn


def unmatched(store: Store, url: str) -> str:
    store.receive(sample.message(sample.decision("", PLANT), agency_reference="nobody's"))
    return ""


def left_message(store: Store, url: str) -> str:
    """Its referral got the reference without anybody looking for what waits for it."""
    mrn = delivered(store, Answers.CALLBACK)
    store.receive(sample.message(sample.decision("", PLANT), agency_reference="R late"))
    spoil(url, "UPDATE referrals SET receipt_reference = 'R late' WHERE mrn = :mrn", mrn=mrn)
    cast = "" if url.startswith("sqlite") else "::json"
    document = '\'{"reference": "R late", "received_at": "2026-03-02T01:30:00Z"}\'' + cast
    spoil(url, f"UPDATE referrals SET receipt = {document} WHERE mrn = :mrn", mrn=mrn)
    return mrn


def poll_missing(store: Store, url: str) -> str:
    mrn = delivered(store)
    spoil(url, "DELETE FROM polls WHERE mrn = :mrn", mrn=mrn)
    return mrn


def poll_ended(store: Store, url: str) -> str:
    mrn = delivered(store)
    spoil(url, "UPDATE polls SET due_at = NULL WHERE mrn = :mrn", mrn=mrn)
    return mrn


def poll_left(store: Store, url: str) -> str:
    mrn = delivered(store)
    store.receive(sample.message(sample.decision(mrn, PLANT)))
    store.mark_told(mrn, [d.id for d in decisions_of(store, mrn)])
    when = "'2026-03-03T01:30:00.000000Z'" if url.startswith("sqlite") else "now()"
    spoil(url, f"UPDATE polls SET due_at = {when} WHERE mrn = :mrn", mrn=mrn)
    return mrn


def poll_far(store: Store, url: str) -> str:
    mrn = delivered(store)
    when = "'2036-03-03T01:30:00.000000Z'" if url.startswith("sqlite") else "'2036-03-03'"
    spoil(url, f"UPDATE polls SET due_at = {when} WHERE mrn = :mrn", mrn=mrn)
    return mrn


def overdue(store: Store, url: str) -> str:
    return delivered(store)


def feed_far(store: Store, url: str) -> str:
    store.lease_feed("apqa", T0, timedelta(days=400))
    return ""


def feed_overdue(store: Store, url: str) -> str:
    store.lease_feed("apqa", T0, SECOND)
    return ""


def queue_left(store: Store, url: str) -> str:
    mrn = delivered(store, Answers.CALLBACK)
    store.queue(QueuedReferral(mrn=mrn, service=PLANT, agency="apqa", queued_at=T0, due_at=None))
    assert store.disagreements(FindingKind.QUEUE_LEFT, LATER, None, 10) == []
    store.close_case(mrn, T0)
    return mrn


def ledger(store: Store, url: str) -> str:
    five = Measure(value=Decimal(5), unit="KGM")
    store.issue_certificate(Certificate(type=KEY.type, id=KEY.id, agency="apqa", quantity=five), "test", T0)
    assert store.disagreements(FindingKind.LEDGER_DIFFERS, LATER, None, 10) == []
    spoil(url, "UPDATE certificates SET reserved = '4'")
    return ""


Spoiler = Callable[[Store, str], str]
CASES: list[tuple[FindingKind, Spoiler, bool]] = [
    (FindingKind.NOT_STARTED, not_started, False),
    (FindingKind.DECISIONS_UNTOLD, untold, False),
    (FindingKind.NEWS_UNTOLD, news_untold, False),
    (FindingKind.NOTICES_UNSENT, unsent, False),
    (FindingKind.MESSAGES_UNMATCHED, unmatched, False),
    (FindingKind.MESSAGES_LEFT, left_message, True),
    (FindingKind.POLL_MISSING, poll_missing, True),
    (FindingKind.POLL_MISSING, poll_ended, True),
    (FindingKind.POLL_LEFT, poll_left, True),
    (FindingKind.POLL_FAR, poll_far, True),
    (FindingKind.POLLS_OVERDUE, overdue, False),
    (FindingKind.FEED_FAR, feed_far, True),
    (FindingKind.FEED_OVERDUE, feed_overdue, False),
    (FindingKind.QUEUE_LEFT, queue_left, True),
    (FindingKind.LEDGER_DIFFERS, ledger, True),
]
WITHIN_STORE = {kind for kind, _, _ in CASES}


@pytest.mark.parametrize(
    ("kind", "spoils", "is_mended"), CASES, ids=[f"{kind}-{spoils.__name__}" for kind, spoils, _ in CASES]
)
def test_what_is_wrong_is_found_and_mended_once(
    store: Store, database_url: str, kind: FindingKind, spoils: Spoiler, is_mended: bool
) -> None:
    """Nothing before; then it; it is mended once, and nothing else is touched."""
    delivered(store, Answers.CALLBACK)
    assert store.disagreements(kind, LATER, None, 100) == []
    mrn = spoils(store, database_url)
    [place] = store.disagreements(kind, LATER, None, 100)
    assert (place.mrn or "") in (mrn, "")
    assert place.mrn or place.agency or place.subject
    assert store.count_disagreements(kind, LATER) == 1
    assert store.disagreements(kind, LATER, place, 100) == []
    assert store.mend(kind, place, LATER) is is_mended
    if is_mended:
        assert store.disagreements(kind, LATER, None, 100) == []
        assert store.mend(kind, place, LATER) is False


@pytest.mark.parametrize(
    ("kind", "spoils"), [(FindingKind.POLLS_OVERDUE, overdue), (FindingKind.FEED_OVERDUE, feed_overdue)]
)
def test_what_rests_while_its_agency_is_not_asked_is_not_overdue(
    store: Store, database_url: str, kind: FindingKind, spoils: Spoiler
) -> None:
    """An agency that is paused or fails has an incident of its own; no worker is missing."""
    spoils(store, database_url)
    store.pause("apqa", by="kim", reason="moves house", at=T0)
    assert store.disagreements(kind, LATER, None, 100) == []
    assert store.count_disagreements(kind, LATER) == 0


def decisions_of(store: Store, mrn: str) -> list[sample.Decision]:
    view = store.view(mrn)
    assert view is not None
    return [decision for referral in view.referrals for decision in referral.decisions]


def test_a_message_that_is_matched_late_is_told_to_the_workflow(store: Store, database_url: str) -> None:
    """As any other: the relay finds it untold."""
    mrn = left_message(store, database_url)
    [place] = store.disagreements(FindingKind.MESSAGES_LEFT, LATER, None, 10)
    assert store.mend(FindingKind.MESSAGES_LEFT, place, LATER)
    [(untold_of, said)] = store.untold_messages(LATER + SECOND, 10)
    assert untold_of == mrn
    assert len(said) == 1


def test_what_is_told_too_soon_is_not_found(store: Store, database_url: str) -> None:
    """Whoever wrote it down is still at it."""
    not_started(store, database_url)
    assert store.disagreements(FindingKind.NOT_STARTED, T0 + SECOND, None, 10) == []


def test_pages_together_hold_each_place_once(store: Store, database_url: str) -> None:
    """In an order of their own, which no place falls out of."""
    expected = {poll_missing(store, database_url) for _ in range(7)}
    seen: list[Place] = []
    while page := store.disagreements(FindingKind.POLL_MISSING, LATER, seen[-1] if seen else None, 2):
        seen += page
    assert {place.mrn for place in seen} == expected
    assert len(seen) == len(expected)
    assert store.count_disagreements(FindingKind.POLL_MISSING, LATER) == len(expected)


def test_open_declarations_come_page_by_page_each_once(store: Store) -> None:
    """Whatever their outcome; those that are closed do not."""
    mrns = [delivered(store, at=T0 + number * SECOND) for number in range(5)]
    store.record_clearance(mrns[0], sample.clearance(Outcome.HOLD), None, (), T0)
    store.close_case(mrns[4], T0)
    seen: list[OpenDeclaration] = []
    while page := store.list_open(seen[-1] if seen else None, 2):
        seen += page
    assert sorted(one.mrn for one in seen) == sorted(mrns[:4])
    assert store.count_open() == 4
    assert store.are_open([*mrns, "nobody's"]) == {**dict.fromkeys(mrns[:4], True), mrns[4]: False}
    newest = [one.mrn for one in store.newest(3)]
    assert newest == [mrns[4], mrns[3], mrns[2]]
    assert [one.mrn for one in store.newest(3, store.newest(3)[-1])] == [mrns[1], mrns[0]]


def test_events_with_a_gap_and_a_case_that_differs_are_found(store: Store, database_url: str) -> None:
    """The one by its numbers, the other by making the case anew."""
    whole, gap, differs = (delivered(store) for _ in range(3))
    store.append_event(gap, NewEvent(at=T0, type=EventType.CALLBACK_REFUSED))
    assert store.examine_cases([whole, gap, differs, "nobody's"]) == []
    spoil(database_url, "UPDATE declarations SET last_seq = last_seq + 1 WHERE mrn = :mrn", mrn=gap)
    spoil(database_url, "UPDATE referrals SET state = 'decided' WHERE mrn = :mrn", mrn=differs)
    found = store.examine_cases([whole, gap, differs])
    assert [(kind, place.mrn) for kind, place in found] == [
        (FindingKind.EVENTS_BROKEN, gap),
        (FindingKind.CASE_DIFFERS, differs),
    ]
    assert found[1][1].detail == f"state of {PLANT}"


def test_a_declaration_is_taken_up_from_how_it_stands(store: Store) -> None:
    """With the last notice, and whether any is unsent; not when it is closed."""
    mrn = delivered(store)
    first = store.resumption(mrn)
    assert first is not None
    assert (first.notice, first.unsent) == (None, False)
    notice = sample.notice(mrn, Outcome.HOLD)
    store.record_clearance(mrn, sample.clearance(Outcome.HOLD), notice, (), T0)
    second = store.resumption(mrn)
    assert second is not None
    assert (second.notice, second.unsent) == (notice, True)
    store.close_case(mrn, T0)
    assert store.resumption(mrn) is None
    assert store.resumption("nobody's") is None


def test_the_last_fifty_examinations_are_kept(store: Store) -> None:
    """The newest is told."""
    assert store.last_examination() is None
    for number in range(52):
        examination = Examination(
            began_at=T0,
            ended_at=T0 + number * SECOND,
            by="x",
            deep=False,
            declarations=number,
            workflows=0,
            findings=(),
        )
        store.note_examination(examination)
    assert store.last_examination() == examination
