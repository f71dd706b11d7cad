"""
The doctor: compares store, engine, inbox and outbox, lists what disagrees, and mends it.

The world moves while it is looked at: what store and engine seem to disagree about is looked at twice, with a
pause between. What is wrong within the store is found in one transaction, which sees one state of it. All of
it is looked at once more right before anything is done about it.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from hub.domain.model import Model
from hub.ports import Audited, CaseStore, Clock, Engine, EngineBusy, EngineUnavailable, UserRole
from hub.ports.doctor import (
    REPAIRS,
    EngineView,
    Examination,
    Finding,
    FindingKind,
    OpenDeclaration,
    Place,
    Records,
    Repair,
    Resumption,
    WorkflowStanding,
    WorkflowStatus,
)

SHOWN = 100
"""Places of one kind that are told; all are counted, and all are mended."""
LEAST_ROLE = UserRole.SUPERVISOR
"""Who may have it mend anything."""
_PAUSE = 1.0
"""Seconds between the two looks at what seems to disagree."""
_GRACE = timedelta(seconds=10)
"""What was accepted less long ago may be on its way into the engine."""
_PAGE = 1000
_AT_ONCE = 16
"""Looks at single workflows under way at once."""
_ASKED_AGAIN = 10
"""Times, with a pause between two: as long as an engine takes that starts, or is told very much at once."""
_NEWEST = 200
"""Cases that are gone through without being asked to look deep."""
_SAMPLE = 50
"""Of the oldest and of the newest."""
_QUICK_SAMPLE = 20
"""Of the newest, and of all others in turn, in the quick look: each costs the engine a request."""
_ATTEMPTS = 3
"""A worker that dies has one task tried again, and not that often."""
_SAME = 3
"""So many quick looks in a row that count differently make it worth comparing everything."""
_SHARE = 100
"""
At most one part in so many of the time goes into comparing everything for the quick look: where very much is
open, the engine's index is late all the time, and both sides hardly ever count the same.
"""

_WITHIN_STORE = (
    FindingKind.NOT_STARTED,
    FindingKind.DECISIONS_UNTOLD,
    FindingKind.NEWS_UNTOLD,
    FindingKind.NOTICES_UNSENT,
    FindingKind.MESSAGES_UNMATCHED,
    FindingKind.MESSAGES_LEFT,
    FindingKind.POLL_MISSING,
    FindingKind.POLL_LEFT,
    FindingKind.POLL_FAR,
    FindingKind.POLLS_OVERDUE,
    FindingKind.FEED_FAR,
    FindingKind.FEED_OVERDUE,
    FindingKind.QUEUE_LEFT,
    FindingKind.LEDGER_DIFFERS,
)
_CHEAP = (
    FindingKind.NOT_STARTED,
    FindingKind.DECISIONS_UNTOLD,
    FindingKind.NEWS_UNTOLD,
    FindingKind.NOTICES_UNSENT,
    FindingKind.POLLS_OVERDUE,
    FindingKind.FEED_OVERDUE,
)
"""Each is answered by an index of what is left over."""
_AGAINST_ENGINE = frozenset(
    {
        FindingKind.WORKFLOW_LOST,
        FindingKind.WORKFLOW_ENDED,
        FindingKind.WORKFLOW_STRAY,
        FindingKind.WORKFLOW_LEFT,
    }
)

log = structlog.get_logger(__name__)


class Repaired(Model):
    """What came of mending one kind of disagreement."""

    kind: FindingKind
    done: int
    over: int = 0
    """It was not so any more."""
    failed: int = 0
    reason: str | None = None
    """Why the first of those that failed did."""


@dataclass
class _Compared:
    declarations: int = 0
    workflows: int = 0
    seconds: float = 0.0
    """What going through everything took."""
    places: defaultdict[FindingKind, list[Place]] = field(default_factory=lambda: defaultdict(list))


class Doctor:
    """Blocking stores are called in threads; the engine is asked a page at a time, and a few at once."""

    def __init__(
        self,
        records: Records,
        cases: CaseStore,
        engine: Engine,
        view: EngineView,
        clock: Clock,
        audit: Callable[[Audited], object],
        *,
        keeps: Callable[[], timedelta] | None = None,
        pause: float = _PAUSE,
    ) -> None:
        """`audit` writes a line down. `keeps`: how long the store keeps what is closed; None: for good."""
        self._records = records
        self._cases = cases
        self._engine = engine
        self._view = view
        self._clock = clock
        self._audit = audit
        self._keeps = keeps
        self._pause = pause
        self._at_once = asyncio.Semaphore(_AT_ONCE)
        self._differed = 0
        self._after: OpenDeclaration | None = None
        """Up to where the quick look has sampled what is open."""
        self._compare_at = 0.0
        """Before that, as `time.monotonic` tells it, the quick look does not compare everything."""
        self._wrong = _Compared()
        """What the quick look found last."""
        self._task: asyncio.Task[None] | None = None
        self.repaired: Sequence[Repaired] = ()
        """What came of the repair that was begun last."""
        self.trouble: str | None = None
        """Why what was begun last came to nothing."""

    # --- beside a page ----------------------------------------------------------------------------------

    @property
    def is_busy(self) -> bool:
        """Whether something that was begun here is under way."""
        return self._task is not None and not self._task.done()

    def begin_examination(self, by: str) -> bool:
        """Examine beside whatever else is done. False while something is under way: then nothing is begun."""

        async def examine() -> None:
            await self.examine(by)

        return self._begin(examine)

    def begin_repair(self, kinds: Iterable[FindingKind], by: str, role: UserRole, reason: str) -> bool:
        """Mend, and examine afterwards. False as above."""
        wanted = list(kinds)

        async def mend() -> None:
            self.repaired = await self.repair(wanted, by, role, reason)
            await self.examine(by)

        return self._begin(mend)

    def _begin(self, work: Callable[[], Awaitable[None]]) -> bool:
        if self.is_busy:
            return False

        async def run() -> None:
            try:
                await work()
            except EngineUnavailable as error:
                self.trouble = str(error)
            except Exception as error:
                self.trouble = type(error).__name__
                log.exception("doctor.failed")

        self.repaired, self.trouble = (), None
        self._task = asyncio.create_task(run())
        return True

    # --- looking ----------------------------------------------------------------------------------------

    async def examine(self, by: str, *, deep: bool = False) -> Examination:
        """
        Look at everything, and keep what was found. `deep`: at the events and the case of every declaration
        there is, which takes minutes; else of the newest.
        """
        began_at = self._clock()
        findings = [finding async for finding in self._within_store(_WITHIN_STORE)]
        compared, unreachable = _Compared(), None
        try:
            compared = await self._compare()
            compared.places[FindingKind.WORKFLOW_FAILING] = await self._failing(await self._sample())
            compared.places[FindingKind.RETENTION_DIFFERS] = await self._retention()
        except EngineUnavailable as error:
            unreachable = Place(detail=str(error))
            compared.places.clear()
            compared.places[FindingKind.ENGINE_UNREACHABLE] = [unreachable]
        findings += [_finding(kind, places) for kind, places in compared.places.items() if places]
        findings += await self._cases_that_differ(deep)
        order = list(FindingKind)
        examination = Examination(
            began_at=began_at,
            ended_at=self._clock(),
            by=by,
            deep=deep,
            declarations=compared.declarations,
            workflows=compared.workflows,
            findings=tuple(sorted(findings, key=lambda finding: order.index(finding.kind))),
        )
        await asyncio.to_thread(self._records.note_examination, examination)
        log.info(
            "doctor.examined",
            by=by,
            deep=deep,
            declarations=examination.declarations,
            workflows=examination.workflows,
            findings={finding.kind.value: finding.count for finding in examination.findings},
        )
        return examination

    async def last(self) -> Examination | None:
        """What was found last, by whichever process."""
        return await asyncio.to_thread(self._records.last_examination)

    async def quick(self) -> tuple[Finding, ...]:
        """
        A look that is cheap enough for every minute: what is left over in the store, a sample of workflows,
        what was wrong the last time, and whether both sides count the same. Everything is compared only when
        that gives a reason to, and not too often.
        """
        findings = [finding async for finding in self._within_store(_CHEAP)]
        try:
            declarations = await self._next_sample()
            sample = await self._standings(list(declarations))
            compared = await self._suspected(
                {
                    mrn: declarations[mrn]
                    for mrn, one in sample.items()
                    if one.status is not WorkflowStatus.RUNNING
                }
            )
            self._wrong = compared
            failing = await self._failing(sample)
        except EngineUnavailable as error:
            places = [Place(detail=str(error))]
            return (*findings, _finding(FindingKind.ENGINE_UNREACHABLE, places))
        found = {**compared.places, FindingKind.WORKFLOW_FAILING: failing}
        return (*findings, *(_finding(kind, places) for kind, places in found.items() if places))

    async def _suspected(self, gone: Mapping[str, datetime]) -> _Compared:
        """Everything compared, or what seems wrong looked at once more: `gone`, and what was wrong before."""
        if (await self._counts_differ() or gone) and time.monotonic() >= self._compare_at:
            compared = await self._compare()
            self._compare_at = time.monotonic() + compared.seconds * _SHARE
            return compared
        compared = _Compared()
        if gone:
            await asyncio.sleep(self._pause)
        before = self._wrong.places
        ended = (*before[FindingKind.WORKFLOW_LOST][:SHOWN], *before[FindingKind.WORKFLOW_ENDED][:SHOWN])
        left = (*before[FindingKind.WORKFLOW_STRAY][:SHOWN], *before[FindingKind.WORKFLOW_LEFT][:SHOWN])
        since = {place.mrn: place.since for place in ended if place.mrn and place.since}
        await self._look_again_at_workflows([place.mrn for place in left if place.mrn], compared)
        await self._look_again_at_declarations({**since, **gone}, compared)
        return compared

    async def _within_store(self, kinds: Iterable[FindingKind]) -> AsyncIterator[Finding]:
        now = self._clock()
        for kind in kinds:
            places = await asyncio.to_thread(self._records.disagreements, kind, now, None, SHOWN)
            if not places:
                continue
            count = len(places)
            if count == SHOWN:
                count = await asyncio.to_thread(self._records.count_disagreements, kind, now)
            yield Finding(kind=kind, count=max(count, len(places)), places=tuple(places))

    async def _cases_that_differ(self, deep: bool) -> list[Finding]:
        found: defaultdict[FindingKind, list[Place]] = defaultdict(list)
        before: OpenDeclaration | None = None
        while page := await asyncio.to_thread(self._records.newest, _NEWEST, before):
            before = page[-1]
            wrong = await asyncio.to_thread(self._records.examine_cases, [one.mrn for one in page])
            for kind, place in wrong:
                found[kind].append(place)
            if not deep:
                break
        return [_finding(kind, places) for kind, places in found.items()]

    async def _counts_differ(self) -> bool:
        """
        Whether both sides count differently, and have for a while: the engine's index is a little late, and
        declarations begin and end meanwhile.
        """
        running = await self._view.count_running()
        declarations = await asyncio.to_thread(self._records.count_open)
        self._differed = self._differed + 1 if running != declarations else 0
        if self._differed < _SAME:
            return False
        self._differed = 0
        return True

    async def _sample(self) -> dict[str, WorkflowStanding]:
        """How the workflows of the oldest and of the newest open declarations stand."""
        oldest = await asyncio.to_thread(self._records.list_open, None, _SAMPLE)
        return await self._standings(list(await self._open_of(oldest, _SAMPLE)))

    async def _next_sample(self) -> dict[str, datetime]:
        """The newest open declarations, and the next of all, with when they were accepted."""
        following = await asyncio.to_thread(self._records.list_open, self._after, _QUICK_SAMPLE)
        self._after = following[-1] if len(following) == _QUICK_SAMPLE else None
        return await self._open_of(following, _QUICK_SAMPLE)

    async def _open_of(self, some: Sequence[OpenDeclaration], newest: int) -> dict[str, datetime]:
        """Some declarations and so many of the newest, as far as the engine must have their workflows."""
        latest = await asyncio.to_thread(self._records.newest, newest, None)
        is_open = await asyncio.to_thread(self._records.are_open, [one.mrn for one in latest])
        before = self._clock() - _GRACE
        return {
            one.mrn: one.accepted_at
            for one in (*some, *latest)
            if one.started and one.accepted_at < before and is_open.get(one.mrn, True)
        }

    async def _failing(self, sample: Mapping[str, WorkflowStanding]) -> list[Place]:
        """Those that the engine has marked, which takes it minutes, and those of the sample."""
        found = {place.mrn: place for place in await self._view.failing(SHOWN)}
        for mrn, one in sample.items():
            if one.status is WorkflowStatus.RUNNING and one.attempt >= _ATTEMPTS:
                found.setdefault(mrn, Place(mrn=mrn, detail=f"task tried {one.attempt} times"))
        return list(found.values())

    async def _retention(self) -> list[Place]:
        """
        An engine that keeps what has ended for longer than the store would show workflows of declarations
        that nobody can look up here any more, with what was said about them.
        """
        if self._keeps is None:
            return []
        engine, store = await self._view.keeps_ended_for(), self._keeps()
        if engine <= store:
            return []
        return [Place(subject="retention", detail=f"Temporal: {engine.days} d, the database: {store.days} d")]

    # --- comparing --------------------------------------------------------------------------------------

    async def _compare(self) -> _Compared:
        """Every open declaration against every running workflow. Raises EngineUnavailable."""
        compared = _Compared()
        began = time.monotonic()
        before = self._clock() - _GRACE
        running: set[str] = set()
        nobodys: list[str] = []
        async for page in self._view.running():
            running.update(page)
            is_open = await asyncio.to_thread(self._records.are_open, page)
            nobodys += [mrn for mrn in page if not is_open.get(mrn, False)]
        compared.workflows = len(running)
        missing: list[OpenDeclaration] = []
        after: OpenDeclaration | None = None
        while found := await asyncio.to_thread(self._records.list_open, after, _PAGE):
            after = found[-1]
            compared.declarations += len(found)
            missing += [one for one in found if self._is_missing(one, running, before)]
        compared.seconds = time.monotonic() - began
        if nobodys or missing:
            await asyncio.sleep(self._pause)
            await self._look_again_at_workflows(nobodys, compared)
            await self._look_again_at_declarations({one.mrn: one.accepted_at for one in missing}, compared)
        return compared

    def _is_missing(self, one: OpenDeclaration, running: set[str], before: datetime) -> bool:
        return one.started and one.accepted_at < before and one.mrn not in running

    async def _look_again_at_workflows(self, mrns: Sequence[str], compared: _Compared) -> None:
        is_open = await asyncio.to_thread(self._records.are_open, mrns)
        suspects = [mrn for mrn in mrns if not is_open.get(mrn, False)]
        for mrn, one in (await self._standings(suspects)).items():
            if one.status is WorkflowStatus.RUNNING:
                kind = FindingKind.WORKFLOW_LEFT if mrn in is_open else FindingKind.WORKFLOW_STRAY
                compared.places[kind].append(Place(mrn=mrn))

    async def _look_again_at_declarations(
        self, suspects: Mapping[str, datetime], compared: _Compared
    ) -> None:
        is_open = await asyncio.to_thread(self._records.are_open, list(suspects))
        since = {mrn: at for mrn, at in suspects.items() if is_open.get(mrn, False)}
        for mrn, one in (await self._standings(list(since))).items():
            if one.status is not WorkflowStatus.RUNNING:
                is_unknown = one.status is WorkflowStatus.UNKNOWN
                kind = FindingKind.WORKFLOW_LOST if is_unknown else FindingKind.WORKFLOW_ENDED
                compared.places[kind].append(Place(mrn=mrn, since=since[mrn], detail=one.status.value))

    async def _standings(self, mrns: Sequence[str]) -> dict[str, WorkflowStanding]:
        async def look(mrn: str) -> WorkflowStanding:
            async with self._at_once:
                return await self._view.standing(mrn)

        found: dict[str, WorkflowStanding] = {}
        for start in range(0, len(mrns), _PAGE):
            some = mrns[start : start + _PAGE]
            found |= dict(zip(some, await asyncio.gather(*map(look, some)), strict=True))
        return found

    # --- mending ----------------------------------------------------------------------------------------

    async def repair(
        self, kinds: Iterable[FindingKind], by: str, role: UserRole, reason: str
    ) -> list[Repaired]:
        """
        Mend all there is of these kinds, workflows first: what is told needs somebody to be told. Each place
        is looked at once more right before, and what fails does not keep the others waiting. With a line in
        the audit for each kind. Raises EngineUnavailable when what is to be mended cannot be found out.
        """
        wanted = set(kinds)
        against = wanted & _AGAINST_ENGINE
        compared = await self._compare() if against else _Compared()
        results = []
        for kind in (kind for kind in REPAIRS if kind in wanted):
            if kind in _AGAINST_ENGINE:
                result = await self._repair_all(kind, compared.places[kind])
            else:
                result = await self._repair_found(kind)
            if result.done or result.failed:
                results.append(result)
                await asyncio.to_thread(self._audit, self._line(result, by, role, reason))
                log.info("doctor.repaired", by=by, **result.model_dump(mode="json"))
        return results

    async def begin_anew(self, by: str, role: UserRole, reason: str) -> tuple[int, int]:
        """
        Every open declaration gets a new workflow, which takes it up from how it stands; whatever ran for it
        is ended. For a database that was brought back from a backup: what its engine has is of another time.
        Returns how many were begun, and how many were ended before. Where workers are at work, no more is
        begun than they come to. An engine that does not answer is asked again, a few times; raises
        EngineUnavailable when it stays away: then it is begun once more.
        """
        begun = ended = 0

        async def begin(mrn: str) -> tuple[bool, bool]:
            async with self._at_once:
                resumption = await asyncio.to_thread(self._records.resumption, mrn)
                was_running = await self._asked_again(lambda: self._view.terminate(mrn, reason))
                if resumption is None:
                    return False, was_running
                return await self._asked_again(lambda: self._resume(resumption)), was_running

        after: OpenDeclaration | None = None
        while page := await asyncio.to_thread(self._records.list_open, after, _PAGE):
            after = page[-1]
            for is_begun, was_running in await asyncio.gather(*(begin(one.mrn) for one in page)):
                begun, ended = begun + is_begun, ended + was_running
        line = Audited(
            at=self._clock(),
            user=by,
            role=role,
            action="doctor.began_anew",
            reason=reason,
            result=f"{begun} workflows begun, {ended} ended",
        )
        await asyncio.to_thread(self._audit, line)
        log.info("doctor.began_anew", by=by, begun=begun, ended=ended)
        return begun, ended

    async def _asked_again(self, ask: Callable[[], Awaitable[bool]]) -> bool:
        """Ask the engine; a few times, where it does not answer. Raises EngineUnavailable."""
        for _ in range(_ASKED_AGAIN):
            try:
                return await ask()
            except EngineUnavailable as error:
                log.warning("engine.unavailable", reason=str(error))
                await asyncio.sleep(self._pause)
        return await ask()

    async def _resume(self, resumption: Resumption) -> bool:
        """
        As the engine's, but waits until workers come to it, however long that is: what is lodged goes first.
        """
        while True:
            try:
                return await self._view.resume(resumption)
            except EngineBusy:
                await asyncio.sleep(self._pause)

    def _line(self, result: Repaired, by: str, role: UserRole, reason: str) -> Audited:
        return Audited(
            at=self._clock(),
            user=by,
            role=role,
            action="doctor.repaired",
            reason=reason,
            result=f"{result.done} done" + (f", {result.failed} failed" if result.failed else ""),
            data={name: str(value) for name, value in result.model_dump(exclude_none=True).items()},
        )

    async def _repair_found(self, kind: FindingKind) -> Repaired:
        """All there is of a kind that the store alone can tell, page by page."""
        now = self._clock()
        total = Repaired(kind=kind, done=0)
        after: Place | None = None
        while page := await asyncio.to_thread(self._records.disagreements, kind, now, after, _PAGE):
            after = page[-1]
            some = await self._repair_all(kind, page)
            total = Repaired(
                kind=kind,
                done=total.done + some.done,
                over=total.over + some.over,
                failed=total.failed + some.failed,
                reason=total.reason or some.reason,
            )
        return total

    async def _repair_all(self, kind: FindingKind, places: Sequence[Place]) -> Repaired:
        mend = self._mender(kind)
        reasons: list[str] = []

        async def one(place: Place) -> bool:
            async with self._at_once:
                try:
                    return await mend(place)
                except Exception as error:
                    # One that cannot be mended is told, and must not keep the others from it.
                    reasons.append(f"{place.mrn or place.subject or place.agency}: {error}")
                    log.warning("doctor.not_repaired", finding=kind, mrn=place.mrn, reason=str(error))
                    return False

        done = sum(await asyncio.gather(*map(one, places)))
        failed = len(reasons)
        return Repaired(
            kind=kind,
            done=done,
            over=len(places) - done - failed,
            failed=failed,
            reason=reasons[0] if reasons else None,
        )

    def _mender(self, kind: FindingKind) -> Callable[[Place], Awaitable[bool]]:
        match REPAIRS[kind]:
            case Repair.START:
                return self._start
            case Repair.TERMINATE:
                return self._terminate
            case Repair.TELL:
                return self._tell

        async def mend(place: Place) -> bool:
            return await asyncio.to_thread(self._records.mend, kind, place, self._clock())

        return mend

    async def _start(self, place: Place) -> bool:
        assert place.mrn is not None
        resumption = await asyncio.to_thread(self._records.resumption, place.mrn)
        if resumption is None:
            return False
        was_started = resumption.view.engine_started
        is_new = await self._resume(resumption)
        if not was_started:
            await asyncio.to_thread(self._cases.mark_started, place.mrn)
        return is_new

    async def _terminate(self, place: Place) -> bool:
        assert place.mrn is not None
        is_open = await asyncio.to_thread(self._records.are_open, [place.mrn])
        if is_open.get(place.mrn, False):
            return False
        return await self._view.terminate(place.mrn, "hub doctor: no open declaration")

    async def _tell(self, place: Place) -> bool:
        """That there is news; it reads them, and decisions with them, from the store."""
        assert place.mrn is not None
        if await self._engine.tell_news(place.mrn):
            return True
        is_open = await asyncio.to_thread(self._records.are_open, [place.mrn])
        if is_open.get(place.mrn, False):
            return False
        # It has ended, so there is nobody left to tell; its decisions the relay notes as late.
        await asyncio.to_thread(self._cases.drop_news, place.mrn)
        return True


def _finding(kind: FindingKind, places: Sequence[Place]) -> Finding:
    return Finding(kind=kind, count=len(places), places=tuple(places[:SHOWN]))
