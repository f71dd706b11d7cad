"""Incidents, alerts and measurements in the store."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from hub.clock import utc_now
from hub.domain.clearance import Clearance, Outcome
from hub.operations.watch.bulletins import compose
from hub.ports import (
    IncidentFilter,
    IncidentKind,
    IncidentStep,
    Outboxes,
    Severity,
)
from hub.store import Store
from tests.operations.watch.support import DUTY, ROUND, T0, finding, judged, record
from tests.store import sample
from tests.store.sample import PLANT

CRITICAL = judged(finding(severity=Severity.CRITICAL, failed="9 / 9"))


def test_an_incident_its_story_and_whom_to_tell_are_written_together(store: Store) -> None:
    [opened] = record(store, CRITICAL, T0)
    assert opened.step is IncidentStep.OPENED
    id = opened.incident.id
    assert store.incident(id) == opened.incident
    assert store.open_incidents() == [opened.incident]
    [change] = store.incident_changes(id)
    assert (change.at, change.step, change.evidence) == (T0, IncidentStep.OPENED, {"failed": "9 / 9"})
    [alert] = store.waiting_alerts("duty")
    assert (alert.incident, alert.step) == (opened.incident, IncidentStep.OPENED)
    for number in range(1, 5):
        record(store, judged(), T0 + number * ROUND)
    assert store.open_incidents() == []
    [over] = store.incidents(IncidentFilter(is_open=False), None, 10)
    assert over.closed_at == T0 + 4 * ROUND
    assert [one.step for one in store.waiting_alerts("duty")] == [IncidentStep.OPENED, IncidentStep.CLOSED]


def test_a_round_that_fails_leaves_no_trace(store: Store) -> None:
    def fails(_: object) -> list[object]:
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        store.record_round(T0, lambda _: [], fails, T0)  # type: ignore[arg-type]
    assert store.open_incidents() == []
    assert store.receivers_waiting() == set()


def test_two_rounds_at_once_open_one_incident(store: Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: record(store, CRITICAL, T0), range(8)))
    assert len(store.incidents(IncidentFilter(), None, 10)) == 1
    assert len(store.waiting_alerts("duty")) == 1


def test_what_people_do_about_it_is_part_of_its_story(store: Store) -> None:
    [opened] = record(store, CRITICAL, T0)
    id = opened.incident.id
    store.acknowledge_incident(id, by="kim", note="on my way", at=T0 + ROUND)
    store.snooze_incident(id, until=T0 + timedelta(hours=4), by="kim", note=None, at=T0 + ROUND)
    changed = store.note_incident(id, by="lee", note="they reboot", at=T0 + 2 * ROUND)
    assert (changed.acknowledged_by, changed.snoozed_until) == ("kim", T0 + timedelta(hours=4))
    story = [(one.step, one.by, one.note) for one in store.incident_changes(id)]
    assert story[1:] == [
        (IncidentStep.ACKNOWLEDGED, "kim", "on my way"),
        (IncidentStep.SNOOZED, "kim", None),
        (IncidentStep.NOTED, "lee", "they reboot"),
    ]
    record(store, CRITICAL, T0 + timedelta(hours=8))
    assert store.open_incidents()[0].acknowledged_by == "kim"
    with pytest.raises(KeyError):
        store.acknowledge_incident(id + 1, by="kim", note=None, at=T0)


def test_incidents_are_listed_page_by_page_and_filtered(store: Store) -> None:
    record(store, judged(*(finding(subject=f"agency-{number}") for number in range(7))), T0)
    record(store, judged(finding(IncidentKind.DATABASE_SLOW, "", Severity.CRITICAL)), T0)
    first = store.incidents(IncidentFilter(), None, 5)
    rest = store.incidents(IncidentFilter(), first[-1].id, 5)
    assert [one.id for one in [*first, *rest]] == sorted((one.id for one in [*first, *rest]), reverse=True)
    assert len(rest) == 3
    assert len(store.incidents(IncidentFilter(kind=IncidentKind.DATABASE_SLOW), None, 9)) == 1
    assert len(store.incidents(IncidentFilter(subject="agency-3"), None, 9)) == 1
    assert store.open_incidents()[0].severity is Severity.CRITICAL


def test_an_alert_is_in_one_bulletin_and_a_bulletin_with_one_sender(store: Store) -> None:
    record(store, CRITICAL, T0)
    alerts = store.waiting_alerts("duty")
    ids = [one.id for one in alerts]
    one, other = (compose(alerts, DUTY, T0, console_url=None, runbook_url="x") for _ in range(2))
    assert store.add_bulletin(one, ids)
    assert not store.add_bulletin(other, ids)
    assert store.waiting_alerts("duty") == []
    assert (store.last_bulletin_at("duty"), store.unsent_bulletins("duty")) == (T0, 1)
    minute = timedelta(minutes=1)
    [leased] = store.lease_bulletins(T0, T0 + minute)
    assert leased.id == one.id
    assert store.lease_bulletins(T0 + 0.9 * minute, T0 + 2 * minute) == []
    # It is still at it.
    store.renew_bulletins([one.id], T0 + minute, T0 + 2 * minute)
    assert store.lease_bulletins(T0 + 1.9 * minute, T0 + 3 * minute) == []
    # It has died: it is sent again, under the same id; and a lease that was another's cannot be renewed.
    [again] = store.lease_bulletins(T0 + 2 * minute, T0 + 3 * minute)
    assert again.id == one.id
    store.renew_bulletins([one.id], T0 + 2 * minute, T0 + 60 * minute)
    later = T0 + 5 * minute
    store.finish_bulletin(one.id, sent_at=None, next_at=later, trouble="451 try later")
    assert store.lease_bulletins(T0 + 4 * minute, later) == []
    [again] = store.lease_bulletins(later, later + minute)
    assert (again.attempts, again.trouble) == (1, "451 try later")
    store.finish_bulletin(one.id, sent_at=later, next_at=None, trouble=None)
    assert store.unsent_bulletins("duty") == 0


def test_a_bulletin_that_took_half_of_what_another_has_is_not_written(store: Store) -> None:
    record(store, CRITICAL, T0)
    first = store.waiting_alerts("duty")
    record(store, judged(finding(subject="mfds")), T0)
    both = store.waiting_alerts("duty")
    assert store.add_bulletin(compose(first, DUTY, T0, console_url=None, runbook_url="x"), [first[0].id])
    assert not store.add_bulletin(
        compose(both, DUTY, T0, console_url=None, runbook_url="x"), [one.id for one in both]
    )
    assert [one.incident.subject for one in store.waiting_alerts("duty")] == ["mfds"]


def test_one_process_at_a_time_goes_a_round_and_nobody_soon_after(store: Store) -> None:
    idle, lasts = timedelta(hours=1), timedelta(hours=1)
    assert store.watched_seconds_ago() is None
    assert store.lease_watch("worker 1", idle=idle, lasts=lasts)
    assert not store.lease_watch("api 2", idle=timedelta(), lasts=lasts)
    store.end_watch("worker 1", done=True)
    assert not store.lease_watch("api 2", idle=idle, lasts=lasts)
    ago = store.watched_seconds_ago()
    assert ago is not None
    assert ago < 60
    assert store.lease_watch("api 2", idle=timedelta(), lasts=timedelta(microseconds=-1))
    # It died at it: its lease is over, and it keeps nobody.
    assert store.lease_watch("worker 1", idle=timedelta(), lasts=lasts)


def test_a_beat_tells_how_the_database_does_and_whose_clock_is_wrong(store: Store) -> None:
    state = store.beat("worker 1", "worker", "1.0", utc_now() + timedelta(seconds=90))
    assert state.seconds < 30
    assert 85 < state.skew_seconds < 120
    assert state.size_bytes
    store.beat("api 2", "api", "1.0", utc_now())
    store.beat("api 2", "api", "1.1", utc_now())
    beats = {one.process: one for one in store.beats()}
    assert set(beats) == {"worker 1", "api 2"}
    assert abs(beats["api 2"].skew_seconds) < 30
    assert beats["api 2"].version == "1.1"
    assert beats["worker 1"].age_seconds < 60
    store.end_beat("worker 1")
    assert [one.process for one in store.beats()] == ["api 2"]


def test_counts_of_several_processes_add_up_and_old_ones_are_forgotten(store: Store) -> None:
    minute = T0.replace(second=0)
    store.tally({("lodged_again", "KR-1"): 3, ("lodged_again", "KR-2"): 1}, minute)
    store.tally({("lodged_again", "KR-1"): 4}, minute)
    store.tally({("lodged_again", "KR-1"): 100}, minute - timedelta(minutes=2))
    assert store.tallied("lodged_again", minute) == {"KR-1": 7, "KR-2": 1}
    store.sample("awaited", {"apqa": 4.0}, T0)
    store.sample("awaited", {"apqa": 9.0}, T0)
    assert store.samples("awaited", T0) == {"apqa": [(T0, 4.0)]}
    for number in range(5):
        record(store, CRITICAL if number == 0 else judged(), T0 + number * ROUND)
    store.forget(T0 + timedelta(days=3))
    assert store.tallied("lodged_again", minute - timedelta(days=1)) == {}
    assert store.samples("awaited", T0) == {}
    assert len(store.incidents(IncidentFilter(), None, 10)) == 1
    store.forget(T0 + timedelta(days=401))
    assert store.incidents(IncidentFilter(), None, 10) == []


def test_the_oldest_of_what_waits(store: Store) -> None:
    assert store.outboxes() == Outboxes(None, None, None, None, None, None)
    accepted = sample.acceptance(PLANT)
    store.lodge(accepted)
    assert store.outboxes().not_started == accepted.accepted_at
    notice = sample.notice(accepted.mrn, Outcome.HOLD)
    settled = Clearance(outcome=Outcome.HOLD, final=False, reasons=())
    store.record_clearance(accepted.mrn, settled, notice, [], notice.issued_at)
    store.record_notice_delayed(notice, "503 Service Unavailable", notice.issued_at)
    waiting = store.outboxes()
    assert waiting.unsent_notice == notice.issued_at
    assert waiting.unsent_notice_trouble == "503 Service Unavailable"
