"""What is wrong, by what was measured."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.domain import latency
from hub.operations.watch.judging import _JUDGES, Standing, judge
from hub.operations.watch.vitals import Duplicates, StuckWork, Vitals
from hub.ports import (
    AgencyControl,
    Beat,
    CallCount,
    CallResult,
    CertificateEnd,
    ControlState,
    DatabaseState,
    Doors,
    EngineState,
    Finding,
    IncidentKind,
    Outboxes,
    RefusedFile,
    Severity,
    Thresholds,
)
from tests.operations.watch.support import T0

NOBODY = StuckWork({}, {}, {}, {})
QUIET = Vitals(
    at=T0,
    calls={},
    usual_p90_ms={},
    controls={},
    stuck=NOBODY,
    awaited={},
    awaited_before={},
    outboxes=Outboxes(None, None, None, None, None, None),
    doors=Doors({}, {}, {}),
    forged={},
    engine=EngineState(is_reachable=True, seconds=0.01, waiting=timedelta(), backlog=0),
    failing_workflows=(),
    beats=(Beat("worker 1", "worker", "1", 100, 2, 0.0), Beat("api 2", "api", "1", 100, 2, 0.0)),
    database=DatabaseState(0.01, 0.0, 10**6, 10**11, 10**12),
    certificates=(),
    refused_files=(),
    duplicates=Duplicates({}, {}),
    disagreements={},
)
"""All is well."""


def calls(
    result: CallResult, count: int, *, ago: int = 0, ms: int = 100, operation: str = "submit"
) -> CallCount:
    return CallCount(
        agency="apqa",
        operation=operation,
        minute=T0 - timedelta(minutes=ago),
        result=result,
        count=count,
        total_ms=count * ms,
        slowest_ms=ms,
        ladder=latency.together([latency.one(ms)] * count),
    )


def found(vitals: Vitals, *open: tuple[IncidentKind, str]) -> dict[tuple[IncidentKind, str], Finding]:
    findings = judge(vitals, Thresholds(), Standing(frozenset(open))).findings
    return {(one.kind, one.subject): one for one in findings}


def kinds(vitals: Vitals) -> set[IncidentKind]:
    return {kind for kind, _ in found(vitals)}


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert found(QUIET) == {}


def test_every_kind_is_judged() -> None:
    assert judge(QUIET, Thresholds(), Standing()).judged == set(IncidentKind)


@given(st.sets(st.sampled_from(sorted({part for needs, _, _ in _JUDGES for part in needs}))))
def test_nothing_is_concluded_from_what_was_not_measured(missing: set[str]) -> None:
    """Not that it is wrong, and not that it is well."""
    vitals = replace(QUIET, **dict.fromkeys(missing))
    judgement = judge(vitals, Thresholds(), Standing())
    assert judgement.findings == ()
    for needs, decided, _ in _JUDGES:
        if set(needs) & missing:
            continue
        assert decided <= judgement.judged


@pytest.mark.parametrize(
    ("changed", "kind", "subject", "severity"),
    [
        ({"calls": {"apqa": [calls(CallResult.UNAVAILABLE, 3)]}}, "agency_failing", "apqa", "warning"),
        (
            {
                "controls": {
                    "apqa": AgencyControl(agency="apqa", state=ControlState.FAILING, since=T0, queued=4)
                }
            },
            "agency_failing",
            "apqa",
            "critical",
        ),
        (
            {
                "calls": {"apqa": [calls(CallResult.ANSWERED, 10, ms=4000)]},
                "usual_p90_ms": {"apqa": 300.0},
            },
            "agency_slow",
            "apqa",
            "warning",
        ),
        (
            {"stuck": replace(NOBODY, slow={"apqa": 6}), "awaited": {"apqa": 20}},
            "agency_slow",
            "apqa",
            "warning",
        ),
        (
            {"controls": {"apqa": AgencyControl(agency="apqa", state=ControlState.PAUSED, since=T0)}},
            "agency_paused",
            "apqa",
            "info",
        ),
        (
            {
                "controls": {
                    "apqa": AgencyControl(
                        agency="apqa", state=ControlState.PAUSED, since=T0 - timedelta(hours=5)
                    )
                }
            },
            "agency_paused",
            "apqa",
            "warning",
        ),
        (
            {"calls": {"apqa": [calls(CallResult.NOT_UNDERSTOOD, 3)]}},
            "agency_not_understood",
            "apqa",
            "warning",
        ),
        ({"doors": Doors({"apqa": 3}, {}, {})}, "agency_not_understood", "apqa", "warning"),
        ({"calls": {"apqa": [calls(CallResult.REFUSED, 3)]}}, "agency_refusing", "apqa", "warning"),
        ({"forged": {"apqa": 10}}, "callbacks_forged", "apqa", "warning"),
        ({"doors": Doors({"apqa": 1}, {"apqa": 1}, {})}, "feed_poisoned", "apqa", "warning"),
        (
            {"calls": {"apqa": [calls(CallResult.NOT_UNDERSTOOD, 1, operation="pull")]}},
            "feed_poisoned",
            "apqa",
            "warning",
        ),
        (
            {"awaited": {"apqa": 400}, "awaited_before": {"apqa": [90.0, 100.0, 110.0]}},
            "backlog_growing",
            "apqa",
            "warning",
        ),
        (
            {"outboxes": replace(QUIET.outboxes, untold_decision=T0 - timedelta(seconds=40))},
            "outbox_lagging",
            "decisions",
            "warning",
        ),
        (
            {"outboxes": replace(QUIET.outboxes, not_started=T0 - timedelta(minutes=6))},
            "outbox_lagging",
            "starts",
            "critical",
        ),
        (
            {"outboxes": replace(QUIET.outboxes, unsent_notice=T0 - timedelta(seconds=40))},
            "cargo_unreachable",
            "",
            "critical",
        ),
        ({"engine": EngineState(is_reachable=False)}, "engine_unreachable", "", "critical"),
        (
            {"engine": EngineState(is_reachable=True, waiting=timedelta(seconds=12))},
            "engine_slow",
            "",
            "warning",
        ),
        ({"beats": (Beat("api 2", "api", "1", 100, 2, 0.0),)}, "worker_missing", "", "critical"),
        (
            {
                "beats": (
                    Beat("api 2", "api", "1", 100, 2, 0.0),
                    Beat("worker 1", "worker", "1", 100, 25, 0.0),
                )
            },
            "worker_missing",
            "",
            "critical",
        ),
        ({"beats": (Beat("worker 1", "worker", "1", 100, 2, 0.0),)}, "api_missing", "", "critical"),
        ({"failing_workflows": ("26KR1",)}, "workflow_failing", "", "critical"),
        ({"database": replace(QUIET.database, seconds=1.5)}, "database_slow", "", "warning"),
        ({"database": replace(QUIET.database, free_bytes=10**9)}, "disk_full", "database", "warning"),
        ({"database": replace(QUIET.database, free_bytes=10**8)}, "disk_full", "database", "critical"),
        (
            {"beats": (*QUIET.beats, Beat("worker 3", "worker", "1", 100, 2, -5.0))},
            "clock_skewed",
            "worker 3",
            "warning",
        ),
        (
            {"engine": EngineState(is_reachable=True, skew_seconds=90.0)},
            "clock_skewed",
            "engine",
            "critical",
        ),
        (
            {"certificates": (CertificateEnd("apqa", "CN=hub", T0 + timedelta(days=20)),)},
            "certificate_ending",
            "apqa",
            "warning",
        ),
        (
            {"certificates": (CertificateEnd("apqa", "CN=hub", T0 - timedelta(days=1)),)},
            "certificate_ending",
            "apqa",
            "critical",
        ),
        ({"stuck": replace(NOBODY, due_soon={"apqa": 10})}, "deadlines_threatened", "apqa", "warning"),
        ({"stuck": replace(NOBODY, expired={"apqa": 1})}, "deadlines_passed", "apqa", "warning"),
        (
            {"refused_files": (RefusedFile("agencies/apqa.yaml", T0, "line 3: ...", 2),)},
            "configuration_refused",
            "agencies/apqa.yaml",
            "warning",
        ),
        ({"duplicates": Duplicates({"KR-1": 60}, {})}, "duplicate_storm", "KR-1", "warning"),
        ({"disagreements": {"workflow_lost": 2}}, "disagreement", "workflow_lost", "critical"),
    ],
)
def test_what_is_wrong_is_found(changed: dict[str, object], kind: str, subject: str, severity: str) -> None:
    vitals = replace(QUIET, **changed)  # type: ignore[arg-type]
    findings = found(vitals)
    assert (IncidentKind(kind), subject) in findings
    assert findings[IncidentKind(kind), subject].severity is Severity(severity)
    others = {one for one, _ in findings} - {IncidentKind(kind)}
    assert others <= {IncidentKind.AGENCY_NOT_UNDERSTOOD}  # a poisoned feed may be that as well


def test_what_is_open_is_judged_by_a_lower_bar() -> None:
    """So that a figure that wavers about its threshold does not open and close."""
    nearly = replace(QUIET, engine=EngineState(is_reachable=True, waiting=timedelta(seconds=8)))
    assert found(nearly) == {}
    assert set(found(nearly, (IncidentKind.ENGINE_SLOW, ""))) == {(IncidentKind.ENGINE_SLOW, "")}


@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_a_figure_that_stays_between_the_bars_changes_nothing(seconds: list[float]) -> None:
    """Once open it stays open above seven tenths of the threshold, once over it stays over below it."""
    open_before: set[tuple[IncidentKind, str]] = set()
    for each in seconds:
        engine = EngineState(is_reachable=True, waiting=timedelta(seconds=each))
        now = set(found(replace(QUIET, engine=engine), *open_before))
        if 7.0 < each < 10.0:
            assert now == open_before
        open_before = now


def test_an_agency_is_judged_by_its_newest_requests() -> None:
    """What went well a quarter of an hour ago does not hide what fails now."""
    failing = [calls(CallResult.ANSWERED, 500, ago=5), calls(CallResult.UNAVAILABLE, 4)]
    assert kinds(replace(QUIET, calls={"apqa": failing})) == {IncidentKind.AGENCY_FAILING}
    well_again = [calls(CallResult.UNAVAILABLE, 50, ago=2), calls(CallResult.ANSWERED, 4)]
    assert kinds(replace(QUIET, calls={"apqa": well_again})) == set()


def test_an_agency_that_is_tried_seldom_stays_failing_until_it_answers() -> None:
    key = (IncidentKind.AGENCY_FAILING, "apqa")
    one = replace(QUIET, calls={"apqa": [calls(CallResult.UNAVAILABLE, 1, ago=4)]})
    assert found(one) == {}
    assert set(found(one, key)) == {key}
    answered = replace(
        QUIET,
        calls={"apqa": [calls(CallResult.UNAVAILABLE, 1, ago=4), calls(CallResult.ANSWERED, 1)]},
    )
    assert found(answered, key) == {}


def test_one_that_has_always_been_slow_is_not_slower_than_usual() -> None:
    slow = [calls(CallResult.ANSWERED, 10, ms=4000)]
    assert kinds(replace(QUIET, calls={"apqa": slow}, usual_p90_ms={"apqa": 3900.0})) == set()


def test_processes_that_have_just_started_let_the_others_start() -> None:
    young = (Beat("api 2", "api", "1", 10, 2, 0.0),)
    assert kinds(replace(QUIET, beats=young)) == set()


@pytest.mark.parametrize(("seconds", "is_seen"), [(0, True), (50, True), (65, True), (75, False)])
def test_calls_are_seen_for_a_time_that_is_shorter_than_the_minute_they_are_counted_in(
    seconds: int, is_seen: bool
) -> None:
    """Of ten seconds, the minutes that hold any of them."""
    vitals = replace(
        QUIET, at=T0 + timedelta(seconds=seconds), calls={"apqa": [calls(CallResult.NOT_UNDERSTOOD, 3)]}
    )
    thresholds = replace(Thresholds(), not_understood_within=timedelta(seconds=10))
    findings = judge(vitals, thresholds, Standing()).findings
    assert [one.kind for one in findings] == [IncidentKind.AGENCY_NOT_UNDERSTOOD] * is_seen
