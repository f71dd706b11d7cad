"""Who is told, and when: quiet hours, grouping, nothing twice, nothing lost."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from hub.operations.watch.bulletins import compose
from hub.operations.watch.telling import concerns, is_quiet, pause_after, to_be_told, whom_to_tell
from hub.operations.watch.words import EVIDENCE, SEVERITIES, STEPS, TITLES
from hub.ports import (
    Advance,
    Alert,
    Incident,
    IncidentKind,
    IncidentStep,
    QuietHours,
    Receiver,
    Severity,
    WatchPolicy,
)
from tests.operations.watch.support import DUTY, T0

SEOUL = ZoneInfo("Asia/Seoul")


def incident(
    kind: IncidentKind = IncidentKind.AGENCY_FAILING,
    subject: str = "apqa",
    severity: Severity = Severity.WARNING,
    id: int = 1,
) -> Incident:
    return Incident(id=id, kind=kind, subject=subject, severity=severity, opened_at=T0, updated_at=T0)


def alert(
    step: IncidentStep = IncidentStep.OPENED, severity: Severity = Severity.WARNING, id: int = 1
) -> Alert:
    return Alert(id=id, incident=incident(severity=severity, id=id), step=step, receiver="duty", at=T0)


def test_a_receiver_is_told_of_what_it_asked_for() -> None:
    other = incident(subject="mfds")
    assert concerns(DUTY, incident())
    assert not concerns(Receiver("a", least=Severity.CRITICAL), incident())
    assert concerns(Receiver("a", agencies=frozenset({"apqa"})), incident())
    assert not concerns(Receiver("a", agencies=frozenset({"apqa"})), other)
    assert not concerns(Receiver("a", kinds=frozenset({IncidentKind.DISK_FULL})), incident())
    # What is about no agency is for everybody, also for those who chose agencies.
    assert concerns(Receiver("a", agencies=frozenset({"apqa"})), incident(IncidentKind.DATABASE_SLOW, ""))


def test_what_people_do_is_told_to_nobody() -> None:
    steps = [*IncidentStep, None]
    advances = [Advance(incident(), step) for step in steps]
    told = whom_to_tell(advances, WatchPolicy(receivers=(DUTY,)), T0)
    assert [one.step for one in told] == [
        IncidentStep.OPENED,
        IncidentStep.RAISED,
        IncidentStep.REOPENED,
        IncidentStep.CLOSED,
        IncidentStep.REMINDED,
    ]


@given(st.times(), st.times(), st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2026, 12, 31)))  # noqa: DTZ001
def test_quiet_hours_and_the_rest_of_the_day_are_the_whole_day(
    start: time, until: time, at: datetime
) -> None:
    """By the clock of the receiver's zone, also over midnight."""
    if start == until:
        return
    now = at.replace(tzinfo=SEOUL)
    quiet = is_quiet(QuietHours(start, until, SEOUL), now.astimezone(UTC))
    assert quiet is not is_quiet(QuietHours(until, start, SEOUL), now.astimezone(UTC))
    assert is_quiet(
        QuietHours(start, until, SEOUL),
        now.replace(hour=start.hour, minute=start.minute, second=start.second, microsecond=start.microsecond),
    )


def test_at_night_only_what_is_critical_is_told_and_the_rest_in_the_morning() -> None:
    hours = QuietHours(time(22), time(7), SEOUL)
    receiver = Receiver("duty", email="duty@customs.example", quiet=hours)
    waiting = [
        alert(id=1),
        alert(severity=Severity.CRITICAL, id=2),
        alert(IncidentStep.CLOSED, Severity.CRITICAL, id=3),
    ]
    night = datetime(2026, 3, 2, 23, 30, tzinfo=SEOUL)

    def told(who: Receiver, now: datetime) -> list[int]:
        found = to_be_told(waiting, who, last_at=None, unsent=0, grouping=timedelta(seconds=30), now=now)
        return [one.id for one in found]

    assert told(receiver, night) == [2]
    assert told(receiver, night + timedelta(hours=8)) == [1, 2, 3]
    deaf = Receiver("duty", quiet=QuietHours(time(22), time(7), SEOUL, critical=False))
    assert told(deaf, night) == []


@given(
    st.lists(st.integers(0, 600), min_size=1, max_size=100),
    st.integers(1, 120),
)
def test_there_is_one_bulletin_in_a_window_and_every_alert_is_in_exactly_one(
    seconds: list[int], window: int
) -> None:
    grouping = timedelta(seconds=window)
    arrivals = sorted(T0 + timedelta(seconds=each) for each in seconds)
    waiting: list[Alert] = []
    sent: list[tuple[datetime, list[int]]] = []
    for tick in range(0, 600 + 2 * window + 10, 5):
        now = T0 + timedelta(seconds=tick)
        while arrivals and arrivals[0] <= now:
            waiting.append(alert(id=len(waiting) + sum(len(ids) for _, ids in sent) + 1))
            arrivals.pop(0)
        last = sent[-1][0] if sent else None
        told = to_be_told(waiting, DUTY, last_at=last, unsent=0, grouping=grouping, now=now)
        if told:
            sent.append((now, [one.id for one in told]))
            waiting = [one for one in waiting if one not in told]
    assert [id for _, ids in sent for id in ids] == list(range(1, len(seconds) + 1))
    assert all(b - a >= grouping for (a, _), (b, _) in pairwise(sent))


def test_while_a_bulletin_has_not_gone_out_the_next_one_grows() -> None:
    told = to_be_told(
        [alert()], DUTY, last_at=T0, unsent=1, grouping=timedelta(seconds=30), now=T0 + timedelta(days=1)
    )
    assert told == []


@given(st.integers(0, 10_000))
def test_it_is_sent_again_ever_more_seldom_and_every_five_minutes_at_last(attempts: int) -> None:
    assert timedelta(seconds=5) <= pause_after(attempts) <= pause_after(attempts + 1) <= timedelta(minutes=5)


def test_a_thousand_alerts_are_one_bulletin_that_can_be_read() -> None:
    alerts = [
        Alert(
            incident=incident(subject=f"agency-{number}", id=number),
            step=IncidentStep.OPENED,
            receiver="duty",
            at=T0,
        )
        for number in range(1, 1001)
    ]
    bulletin = compose(
        alerts,
        DUTY,
        T0,
        console_url="https://hub.example/console/incidents",
        runbook_url="docs/operations.md",
    )
    assert bulletin.subject == "[hub] warning: The agency's system fails - agency-1 (and 999 more)"
    assert "and 950 more" in bulletin.text
    assert len(bulletin.text) < 20_000
    assert len(bulletin.data["incidents"]) == 1000


def test_of_one_incident_the_last_step_is_told_and_the_most_serious_comes_first() -> None:
    alerts = [
        alert(id=1),
        alert(IncidentStep.CLOSED, id=1),
        Alert(
            incident=incident(IncidentKind.DATABASE_UNREACHABLE, "database", Severity.CRITICAL, 2),
            step=IncidentStep.OPENED,
            receiver="duty",
            at=T0,
        ),
    ]
    bulletin = compose(alerts, DUTY, T0, console_url=None, runbook_url="docs/operations.md")
    assert [(one["id"], one["step"]) for one in bulletin.data["incidents"]] == [(2, "opened"), (1, "closed")]
    assert bulletin.severity is Severity.CRITICAL
    assert "docs/operations.md#database-unreachable" in bulletin.text
    assert "#agency-failing" not in bulletin.text


def test_a_bulletin_in_korean() -> None:
    bulletin = compose(
        [alert()], Receiver("duty", language="ko"), T0, console_url=None, runbook_url="docs/operations.md"
    )
    assert bulletin.subject == "[hub] 경고: 기관 시스템 장애 - apqa"
    assert "발생" in bulletin.text


def test_a_subject_is_one_line_whatever_it_is_about() -> None:
    about = Alert(
        incident=incident(IncidentKind.CONFIGURATION_REFUSED, "a\r\nBcc: everybody@example.org"),
        step=IncidentStep.OPENED,
        receiver="duty",
        at=T0,
    )
    bulletin = compose([about], DUTY, T0, console_url=None, runbook_url="x")
    assert "\n" not in bulletin.subject
    assert "\r" not in bulletin.subject


def test_everything_has_words_in_english_and_korean() -> None:
    assert set(TITLES) == set(IncidentKind)
    assert set(STEPS) == set(IncidentStep)
    assert set(SEVERITIES) == set(Severity)
    for texts in (TITLES, STEPS, SEVERITIES, EVIDENCE):
        for text in texts.values():  # type: ignore[attr-defined]
            assert set(text) == {"en", "ko"}
            assert all(text.values())
