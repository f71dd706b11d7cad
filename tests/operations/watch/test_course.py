"""What becomes of incidents from round to round: laws, tried on whatever may be found and missed."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from hub.operations.watch.course import rounds_needed
from hub.ports import Incident, IncidentKind, IncidentStep, Severity, WatchPolicy
from tests.operations.watch.support import ROUND, T0, finding, go, judged

FOUND, CLEAR, UNKNOWN = "found", "clear", "unknown"
_rounds = st.lists(st.sampled_from([FOUND, CLEAR, UNKNOWN]), max_size=60)


def _judgement(seen: str, severity: Severity = Severity.WARNING) -> object:
    if seen == FOUND:
        return judged(finding(severity=severity))
    return judged(kinds=() if seen == UNKNOWN else IncidentKind)


@given(
    st.lists(
        st.sets(st.tuples(st.sampled_from(list(IncidentKind)), st.sampled_from(["", "a", "b"])), max_size=4),
        max_size=30,
    )
)
def test_one_is_open_for_each_kind_and_subject(rounds: list[set[tuple[IncidentKind, str]]]) -> None:
    known: list[Incident] = []
    for number, found in enumerate(rounds):
        findings = [finding(kind, subject) for kind, subject in sorted(found)]
        known, _ = go(known, judged(*findings), T0 + number * ROUND)
        is_open = [(one.kind, one.subject) for one in known if one.is_open]
        assert len(is_open) == len(set(is_open))
        assert found <= set(is_open)


@given(_rounds)
def test_it_is_over_only_after_so_many_rounds_in_a_row_that_looked_and_found_nothing(
    rounds: list[str],
) -> None:
    """A round that could not measure neither opens nor closes anything, and does not count."""
    policy = WatchPolicy()
    known: list[Incident] = []
    clear = 0
    for number, seen in enumerate(rounds):
        before = {one.id: one for one in known}
        known, advances = go(known, _judgement(seen), T0 + number * ROUND)  # type: ignore[arg-type]
        clear = {FOUND: 0, CLEAR: clear + 1, UNKNOWN: clear}[seen]
        for each in advances:
            if each.step is IncidentStep.CLOSED:
                assert seen == CLEAR
                assert clear >= rounds_needed(before[each.incident.id], policy) >= policy.clear_rounds
            if seen == UNKNOWN:
                assert each.step is None
        if seen == FOUND:
            assert any(one.is_open for one in known)


@given(st.integers(1, 8), st.integers(1, 8), st.integers(200, 400))
def test_what_comes_and_goes_is_told_of_ever_more_seldom(on: int, off: int, length: int) -> None:
    """However it wavers: within an hour of quarter-minutes it is told a handful of times, not hundreds."""
    known: list[Incident] = []
    told = 0
    for number in range(length):
        seen = FOUND if number % (on + off) < on else CLEAR
        known, advances = go(known, _judgement(seen), T0 + number * ROUND)  # type: ignore[arg-type]
        told += sum(each.step is not None for each in advances)
    # Each time it comes back it takes twice as long to be over: 4, 8, 16, 32 ... rounds.
    assert told <= 2 * 3
    assert len(known) == 1


@given(st.lists(st.sampled_from(list(Severity)), min_size=1, max_size=20))
def test_the_severity_rises_and_does_not_fall_while_it_is_open(severities: list[Severity]) -> None:
    known: list[Incident] = []
    for number, severity in enumerate(severities):
        known, advances = go(known, judged(finding(severity=severity)), T0 + number * ROUND)
        worst = max(severities[: number + 1], key=lambda one: one.rank)
        assert known[0].severity is worst
        is_worse = number > 0 and severity.rank > max(one.rank for one in severities[:number])
        assert any(each.step is IncidentStep.RAISED for each in advances) is is_worse


def test_evidence_follows_and_nothing_is_told_of_it() -> None:
    known, _ = go([], judged(finding(failed="3 / 4")), T0)
    known, advances = go(known, judged(finding(failed="9 / 9")), T0 + ROUND)
    assert known[0].evidence == {"failed": "9 / 9"}
    assert known[0].updated_at == T0 + ROUND
    assert [each.step for each in advances] == [None]
    _, advances = go(known, judged(finding(failed="9 / 9")), T0 + 2 * ROUND)
    assert advances == []


def test_what_comes_back_later_is_another_incident() -> None:
    known, _ = go([], judged(finding()), T0)
    for number in range(1, 5):
        known, _ = go(known, judged(), T0 + number * ROUND)
    assert not known[0].is_open
    known, advances = go(known, judged(finding()), T0 + timedelta(hours=1))
    assert [each.step for each in advances] == [IncidentStep.OPENED]
    assert len(known) == 2


def test_critical_ones_that_nobody_looks_after_are_told_again_every_hour() -> None:
    critical = judged(finding(severity=Severity.CRITICAL))
    known, _ = go([], critical, T0)
    steps = []
    for number in range(1, 4 * 60 * 3 + 1):
        known, advances = go(known, critical, T0 + number * ROUND)
        steps += [each.step for each in advances]
    assert steps == [IncidentStep.REMINDED] * 3
    looked_after = [known[0].model_copy(update={"acknowledged_by": "kim"})]
    assert go(looked_after, critical, T0 + timedelta(days=1))[1] == []
    snoozed = [known[0].model_copy(update={"snoozed_until": T0 + timedelta(hours=8)})]
    assert go(snoozed, critical, T0 + timedelta(hours=7))[1] == []
    assert [each.step for each in go(snoozed, critical, T0 + timedelta(hours=9))[1]] == [
        IncidentStep.REMINDED
    ]
