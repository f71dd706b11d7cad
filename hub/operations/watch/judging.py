"""
Whether what was measured is wrong, and how badly. Pure.

Nothing here remembers: how long something must be well before an incident is over is `course`'s. What is
open already is judged by a lower bar, so that a figure that wavers about a threshold does not open and close.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.domain import latency
from hub.operations.watch.figures import instant, share, size, span
from hub.operations.watch.vitals import Vitals
from hub.ports import CallCount, CallResult, ControlState, Finding, IncidentKind, Severity, Thresholds

_EASED = 0.7
"""A figure must fall to this part of a threshold before what is open counts as well again."""
_BEFORE_USUAL = 20
"""Referrals that an agency must have open before a share of them says anything."""
_SLOWLY = 10
"""What is so many times beyond a threshold is critical."""
_STARTING = 1.5
"""
A process that has just started lets the others start too: for so many times as long as one may be silent.
"""

_MINUTE = timedelta(minutes=1)
"""In which calls are counted."""

_FAILED = (CallResult.UNAVAILABLE, CallResult.IN_DOUBT)


@dataclass(frozen=True)
class Standing:
    """What is open, by kind and subject."""

    open: frozenset[tuple[IncidentKind, str]] = frozenset()

    def bar(self, threshold: float, kind: IncidentKind, subject: str) -> float:
        """From where on it is wrong: lower for what is open already."""
        return threshold * _EASED if (kind, subject) in self.open else threshold


@dataclass(frozen=True)
class Judgement:
    """What is wrong, and about which kinds anything can be said at all."""

    findings: tuple[Finding, ...]
    judged: frozenset[IncidentKind] = field(default_factory=frozenset)


_Judge = Callable[[Vitals, Thresholds, Standing], Iterable[Finding]]


def judge(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Judgement:
    """Everything that is wrong. One finding for each kind and subject."""
    findings: dict[tuple[IncidentKind, str], Finding] = {}
    judged: set[IncidentKind] = set()
    for needs, kinds, judging in _JUDGES:
        if any(getattr(vitals, part) is None for part in needs):
            continue
        judged |= kinds
        for found in judging(vitals, thresholds, standing):
            known = findings.get((found.kind, found.subject))
            if known is None or known.severity.rank < found.severity.rank:
                findings[found.kind, found.subject] = found
    return Judgement(tuple(findings.values()), frozenset(judged))


# --- agencies -------------------------------------------------------------------------------------------


def _failing(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Its system is not reached, or does not say whether it took what it was sent."""
    for agency, control in (vitals.controls or {}).items():
        if control.state is ControlState.FAILING:
            evidence = {"since": instant(control.since), "queued": str(control.queued)}
            if control.reason:
                evidence["reason"] = control.reason
            if control.next_probe_at is not None:
                evidence["next_probe"] = instant(control.next_probe_at)
            yield _finding(IncidentKind.AGENCY_FAILING, agency, Severity.CRITICAL, evidence)
    for agency, calls in (vitals.calls or {}).items():
        # One that is open is tried seldom: then a single request that failed says that it still fails.
        is_open = (IncidentKind.AGENCY_FAILING, agency) in standing.open
        least = 1 if is_open else thresholds.agency_failing_calls
        recent = _newest(calls, least)
        count = sum(one.count for one in recent)
        failed = sum(one.count for one in recent if one.result in _FAILED)
        bar = standing.bar(thresholds.agency_failing_share, IncidentKind.AGENCY_FAILING, agency)
        if count >= least and failed / count >= bar:
            evidence = {"failed": f"{failed} / {count} ({share(failed / count)})"}
            yield _finding(IncidentKind.AGENCY_FAILING, agency, Severity.WARNING, evidence)


def _slow(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Its system answers, and much more slowly than it used to."""
    kind = IncidentKind.AGENCY_SLOW
    since = vitals.at - thresholds.agency_slow_within
    for agency, calls in (vitals.calls or {}).items():
        recent = [one for one in calls if _is_of(one, since) and one.result == CallResult.ANSWERED]
        count = sum(one.count for one in recent)
        if count < thresholds.agency_slow_calls:
            continue
        slowest = max(one.slowest_ms for one in recent)
        p90 = latency.percentile(latency.together(one.ladder for one in recent), 0.9, slowest) or 0
        usual = (vitals.usual_p90_ms or {}).get(agency)
        threshold = max(
            thresholds.agency_slow_least.total_seconds() * 1000,
            0.0 if usual is None else usual * thresholds.agency_slow_times,
        )
        if p90 >= standing.bar(threshold, kind, agency):
            evidence = {"p90": span(p90 / 1000), "requests": str(count)}
            if usual is not None:
                evidence["usually"] = span(usual / 1000)
            yield _finding(kind, agency, Severity.WARNING, evidence)


def _slow_to_decide(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Its people decide much later than they used to."""
    assert vitals.stuck is not None
    kind = IncidentKind.AGENCY_SLOW
    for agency, slow in vitals.stuck.slow.items():
        awaited = max((vitals.awaited or {}).get(agency, 0), slow)
        least = standing.bar(thresholds.agency_slow_referrals, kind, agency)
        part = standing.bar(thresholds.agency_slow_share, kind, agency)
        if slow >= least and slow / awaited >= part:
            evidence = {"slow_referrals": f"{slow} / {awaited}"}
            yield _finding(kind, agency, Severity.WARNING, evidence)


def _paused(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Somebody has paused it; after hours somebody may have forgotten."""
    for agency, control in (vitals.controls or {}).items():
        if control.state is not ControlState.PAUSED:
            continue
        paused_for = vitals.at - control.since
        evidence = {"since": instant(control.since), "queued": str(control.queued)}
        if control.by:
            evidence["by"] = control.by
        if control.reason:
            evidence["reason"] = control.reason
        is_long = paused_for >= thresholds.agency_paused_for
        severity = Severity.WARNING if is_long else Severity.INFO
        yield _finding(IncidentKind.AGENCY_PAUSED, agency, severity, evidence)


def _not_understood(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """It answers, or sends, what cannot be read."""
    kind = IncidentKind.AGENCY_NOT_UNDERSTOOD
    since = vitals.at - thresholds.not_understood_within
    counts: dict[str, int] = dict(vitals.doors.not_understood) if vitals.doors else {}
    for agency, calls in (vitals.calls or {}).items():
        unread = sum(
            one.count for one in calls if _is_of(one, since) and one.result == CallResult.NOT_UNDERSTOOD
        )
        counts[agency] = counts.get(agency, 0) + unread
    for agency, count in counts.items():
        if count and count >= standing.bar(thresholds.not_understood, kind, agency):
            yield _finding(
                kind,
                agency,
                Severity.WARNING,
                {"not_understood": str(count), "within": span(thresholds.not_understood_within)},
            )


def _refusing(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """It turns down what it is asked."""
    kind = IncidentKind.AGENCY_REFUSING
    for agency, calls in (vitals.calls or {}).items():
        recent = _newest(calls, thresholds.agency_failing_calls)
        count = sum(one.count for one in recent)
        refused = sum(one.count for one in recent if one.result == CallResult.REFUSED)
        bar = standing.bar(thresholds.agency_failing_share, kind, agency)
        if count >= thresholds.agency_failing_calls and refused / count >= bar:
            evidence = {"refused": f"{refused} / {count} ({share(refused / count)})"}
            yield _finding(kind, agency, Severity.WARNING, evidence)
    for agency, count in (vitals.stuck.undeliverable if vitals.stuck else {}).items():
        if count and (kind, agency) in standing.open:
            # They wait for a person, whatever the newest requests say.
            yield _finding(kind, agency, Severity.WARNING, {"undeliverable": str(count)})


def _forged(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Somebody sends callbacks in its name that do not prove who sent them."""
    for agency, count in (vitals.forged or {}).items():
        if count >= standing.bar(thresholds.refused_callbacks, IncidentKind.CALLBACKS_FORGED, agency):
            yield _finding(
                IncidentKind.CALLBACKS_FORGED,
                agency,
                Severity.WARNING,
                {"refused_callbacks": str(count), "within": span(thresholds.refused_callbacks_within)},
            )


def _poisoned(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """Its feed brings what cannot be read: whole pages, or single messages."""
    since = vitals.at - thresholds.not_understood_within
    counts: dict[str, int] = dict(vitals.doors.poisoned) if vitals.doors else {}
    for agency, calls in (vitals.calls or {}).items():
        pages = sum(
            one.count
            for one in calls
            if one.operation == "pull" and _is_of(one, since) and one.result == CallResult.NOT_UNDERSTOOD
        )
        counts[agency] = counts.get(agency, 0) + pages
    for agency, count in counts.items():
        if count:
            evidence = {"not_understood": str(count), "within": span(thresholds.not_understood_within)}
            yield _finding(IncidentKind.FEED_POISONED, agency, Severity.WARNING, evidence)


def _backlog(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """More and more waits for it, against the last hours."""
    kind = IncidentKind.BACKLOG_GROWING
    before = vitals.awaited_before or {}
    for agency, now in (vitals.awaited or {}).items():
        earlier = sorted(before.get(agency, ()))
        if not earlier:
            continue
        usual = earlier[len(earlier) // 2]
        bar = max(thresholds.backlog_least, usual * thresholds.backlog_times)
        if now >= standing.bar(bar, kind, agency):
            evidence = {"awaited": str(now), "usually": f"{usual:.0f}"}
            yield _finding(kind, agency, Severity.WARNING, evidence)


def _deadlines(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """The time that the law gives it is nearly over for many, or has passed."""
    assert vitals.stuck is not None
    for kind, counts, threshold in (
        (IncidentKind.DEADLINES_THREATENED, vitals.stuck.due_soon, thresholds.deadlines_threatened),
        (IncidentKind.DEADLINES_PASSED, vitals.stuck.expired, thresholds.deadlines_passed),
    ):
        for agency, count in counts.items():
            if count and count >= standing.bar(threshold, kind, agency):
                yield _finding(kind, agency, Severity.WARNING, {"referrals": str(count)})


def _certificates(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """One of the certificates that its file names ends soon."""
    for one in vitals.certificates or ():
        left = one.ends - vitals.at
        if left > thresholds.certificate_warning:
            continue
        severity = Severity.CRITICAL if left <= thresholds.certificate_critical else Severity.WARNING
        yield _finding(
            IncidentKind.CERTIFICATE_ENDING,
            one.agency,
            severity,
            {"certificate": one.subject, "ends": instant(one.ends), "left": span(left)},
        )


# --- the hub itself -------------------------------------------------------------------------------------


def _outboxes(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """The oldest of what is unsent or untold has waited for too long."""
    outboxes = vitals.outboxes
    assert outboxes is not None
    kind = IncidentKind.OUTBOX_LAGGING
    for subject, oldest, threshold in (
        ("starts", outboxes.not_started, thresholds.outbox_oldest),
        ("decisions", outboxes.untold_decision, thresholds.outbox_oldest),
        ("news", outboxes.untold_news, thresholds.outbox_oldest),
        ("messages", outboxes.unmatched_message, thresholds.unmatched_oldest),
    ):
        if oldest is None:
            continue
        waits = vitals.at - oldest
        if waits.total_seconds() >= standing.bar(threshold.total_seconds(), kind, subject):
            # A message that nobody knows holds up one referral; the others, declarations.
            is_long = waits >= _SLOWLY * threshold and subject != "messages"
            yield _finding(
                kind, subject, Severity.CRITICAL if is_long else Severity.WARNING, {"oldest": span(waits)}
            )


def _cargo(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """The cargo system does not take what it is told: cargo that may go stands still."""
    outboxes = vitals.outboxes
    if outboxes is None or outboxes.unsent_notice is None:
        return
    waits = vitals.at - outboxes.unsent_notice
    threshold = standing.bar(thresholds.cargo_oldest.total_seconds(), IncidentKind.CARGO_UNREACHABLE, "")
    if waits.total_seconds() >= threshold:
        evidence = {"oldest": span(waits)}
        if outboxes.unsent_notice_trouble:
            evidence["reason"] = outboxes.unsent_notice_trouble
        yield _finding(IncidentKind.CARGO_UNREACHABLE, "", Severity.CRITICAL, evidence)


def _engine(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    engine = vitals.engine
    assert engine is not None
    if not engine.is_reachable:
        yield _finding(IncidentKind.ENGINE_UNREACHABLE, "", Severity.CRITICAL, {})


def _engine_slow(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    engine = vitals.engine
    if engine is None or engine.waiting is None:
        return
    threshold = thresholds.engine_waiting
    if engine.waiting.total_seconds() >= standing.bar(
        threshold.total_seconds(), IncidentKind.ENGINE_SLOW, ""
    ):
        evidence = {"waiting": span(engine.waiting)}
        if engine.backlog is not None:
            evidence["backlog"] = str(engine.backlog)
        severity = Severity.CRITICAL if engine.waiting >= _SLOWLY * threshold else Severity.WARNING
        yield _finding(IncidentKind.ENGINE_SLOW, "", severity, evidence)


def _processes(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """There must be a worker and an API; each is missed by the other."""
    silent = thresholds.process_silent.total_seconds()
    alive = [one for one in vitals.beats or () if one.age_seconds < silent]
    for role, kind in (("worker", IncidentKind.WORKER_MISSING), ("api", IncidentKind.API_MISSING)):
        if any(one.role == role for one in alive):
            continue
        others = [one for one in alive if one.started_seconds_ago >= _STARTING * silent]
        if others:
            seen = [one.age_seconds for one in vitals.beats or () if one.role == role]
            evidence = {"last_seen": span(min(seen))} if seen else {}
            yield _finding(kind, "", Severity.CRITICAL, evidence)


def _workflows(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    failing = vitals.failing_workflows or ()
    if failing:
        evidence = {"declarations": str(len(failing)), "for_example": ", ".join(failing[:3])}
        yield _finding(IncidentKind.WORKFLOW_FAILING, "", Severity.CRITICAL, evidence)


def _database(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    database = vitals.database
    assert database is not None
    threshold = thresholds.database_seconds.total_seconds()
    if database.seconds >= standing.bar(threshold, IncidentKind.DATABASE_SLOW, ""):
        evidence = {"read_and_write": span(database.seconds)}
        if database.size_bytes is not None:
            evidence["size"] = size(database.size_bytes)
        yield _finding(IncidentKind.DATABASE_SLOW, "", Severity.WARNING, evidence)


def _disk(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    database = vitals.database
    if database is None or database.free_bytes is None:
        return
    # Freed by a little, it is full again soon: what is open is over with a third more than the threshold.
    slack = 1 / standing.bar(1.0, IncidentKind.DISK_FULL, "database")
    for megabytes, severity in (
        (thresholds.disk_free_critical_mb, Severity.CRITICAL),
        (thresholds.disk_free_warning_mb, Severity.WARNING),
    ):
        if database.free_bytes < megabytes * 1_000_000 * slack:
            evidence = {"free": size(database.free_bytes)}
            if database.disk_bytes:
                evidence["of"] = size(database.disk_bytes)
            yield _finding(IncidentKind.DISK_FULL, "database", severity, evidence)
            return


def _clocks(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    """A process's clock against the database's; ours against the engine's."""
    lately = _STARTING * thresholds.process_silent.total_seconds()
    skews = {one.process: one.skew_seconds for one in vitals.beats or () if one.age_seconds < lately}
    if vitals.engine is not None and vitals.engine.skew_seconds is not None:
        skews["engine"] = -vitals.engine.skew_seconds
    for subject, skew in skews.items():
        threshold = thresholds.clock_skew.total_seconds()
        if abs(skew) >= standing.bar(threshold, IncidentKind.CLOCK_SKEWED, subject):
            is_far = abs(skew) >= thresholds.clock_skew_critical.total_seconds()
            yield _finding(
                IncidentKind.CLOCK_SKEWED,
                subject,
                Severity.CRITICAL if is_far else Severity.WARNING,
                {"ahead" if skew > 0 else "behind": span(abs(skew))},
            )


def _configuration(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    for one in vitals.refused_files or ():
        yield _finding(
            IncidentKind.CONFIGURATION_REFUSED,
            one.file,
            Severity.WARNING,
            {"fault": one.fault, "faults": str(one.faults), "since": instant(one.since)},
        )


def _duplicates(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    assert vitals.duplicates is not None
    kind = IncidentKind.DUPLICATE_STORM
    for what, counts in (
        ("declarations", vitals.duplicates.declarations),
        ("messages", vitals.duplicates.messages),
    ):
        for subject, count in counts.items():
            if count >= standing.bar(thresholds.duplicates, kind, subject):
                yield _finding(kind, subject, Severity.WARNING, {f"{what}_again": str(count)})


def _disagreements(vitals: Vitals, thresholds: Thresholds, standing: Standing) -> Iterator[Finding]:
    for what, count in (vitals.disagreements or {}).items():
        if count:
            yield _finding(IncidentKind.DISAGREEMENT, what, Severity.CRITICAL, {"found": str(count)})


def _is_of(one: CallCount, since: datetime) -> bool:
    """Whether any of that minute lies after: a time that is shorter than a minute misses nothing."""
    return one.minute > since - _MINUTE


def _newest(calls: Iterable[CallCount], least: int) -> list[CallCount]:
    """The newest minutes that hold so many requests together, or all there are."""
    recent: list[CallCount] = []
    count = 0
    minute = None
    for one in sorted(calls, key=lambda call: call.minute, reverse=True):
        if count >= least and one.minute != minute:
            break
        recent.append(one)
        count += one.count
        minute = one.minute
    return recent


def _finding(kind: IncidentKind, subject: str, severity: Severity, evidence: dict[str, str]) -> Finding:
    return Finding(kind=kind, subject=subject, severity=severity, evidence=evidence)


_JUDGES: tuple[tuple[tuple[str, ...], frozenset[IncidentKind], _Judge], ...] = (
    (("calls", "controls"), frozenset({IncidentKind.AGENCY_FAILING}), _failing),
    (("calls", "usual_p90_ms", "stuck"), frozenset({IncidentKind.AGENCY_SLOW}), _slow),
    (("calls", "usual_p90_ms", "stuck"), frozenset({IncidentKind.AGENCY_SLOW}), _slow_to_decide),
    (("controls",), frozenset({IncidentKind.AGENCY_PAUSED}), _paused),
    (("doors", "calls"), frozenset({IncidentKind.AGENCY_NOT_UNDERSTOOD}), _not_understood),
    (("calls", "stuck"), frozenset({IncidentKind.AGENCY_REFUSING}), _refusing),
    (("forged",), frozenset({IncidentKind.CALLBACKS_FORGED}), _forged),
    (("doors", "calls"), frozenset({IncidentKind.FEED_POISONED}), _poisoned),
    (("awaited", "awaited_before"), frozenset({IncidentKind.BACKLOG_GROWING}), _backlog),
    (
        ("stuck",),
        frozenset({IncidentKind.DEADLINES_THREATENED, IncidentKind.DEADLINES_PASSED}),
        _deadlines,
    ),
    (("certificates",), frozenset({IncidentKind.CERTIFICATE_ENDING}), _certificates),
    (("outboxes",), frozenset({IncidentKind.OUTBOX_LAGGING}), _outboxes),
    (("outboxes",), frozenset({IncidentKind.CARGO_UNREACHABLE}), _cargo),
    (("engine",), frozenset({IncidentKind.ENGINE_UNREACHABLE}), _engine),
    (("engine",), frozenset({IncidentKind.ENGINE_SLOW}), _engine_slow),
    (("beats",), frozenset({IncidentKind.WORKER_MISSING, IncidentKind.API_MISSING}), _processes),
    (("failing_workflows",), frozenset({IncidentKind.WORKFLOW_FAILING}), _workflows),
    # What could be asked for this round is there, and has room to write.
    (
        ("database",),
        frozenset({IncidentKind.DATABASE_SLOW, IncidentKind.DATABASE_UNREACHABLE}),
        _database,
    ),
    (("database",), frozenset({IncidentKind.DISK_FULL}), _disk),
    (("beats",), frozenset({IncidentKind.CLOCK_SKEWED}), _clocks),
    (("refused_files",), frozenset({IncidentKind.CONFIGURATION_REFUSED}), _configuration),
    (("duplicates",), frozenset({IncidentKind.DUPLICATE_STORM}), _duplicates),
    (("disagreements",), frozenset({IncidentKind.DISAGREEMENT}), _disagreements),
)
"""What each needs to be measured, the kinds it decides about, and how."""
