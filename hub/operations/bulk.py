"""One action on many referrals: the count first, a reason, a rate, and a stop button."""

from __future__ import annotations

import asyncio
import hashlib
from collections import Counter
from datetime import datetime
from functools import partial

from pydantic import Field

from hub.domain.model import Model, UtcDatetime
from hub.domain.steps import StepRefused
from hub.domain.steps.standing import said
from hub.operations.actions import Action, Actions
from hub.operations.permission import (
    Recorder,
    checked_reason,
    checked_request,
    refuse_unless_may,
)
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    Actor,
    Attention,
    Audited,
    Bulk,
    BulkItem,
    BulkPage,
    BulkState,
    BulkSubject,
    ChangedMeanwhile,
    DoneBefore,
    ItemState,
    StuckFilter,
    StuckPlace,
    UserRole,
)

KINDS = (ActionKind.RETRY, ActionKind.LOOK_UP, ActionKind.RESEND, ActionKind.EXTEND)
"""What may be done in bulk: nothing that ends a declaration, nothing that a person must weigh one by one."""
USUAL_RATE = 5.0
FASTEST = 50.0
SLOWEST = 0.1
"""Referrals a second."""
MOST = 20_000
"""Referrals of one bulk action: over an hour at the usual rate."""
_LEAST = UserRole.SUPERVISOR
_LEAST_TO_STOP = UserRole.OPERATOR
_AT_ONCE = 1000


class Pick(Model):
    """Which referrals: those that a filter of the stuck work finds, or these."""

    which: StuckFilter | None = None
    these: tuple[tuple[str, str], ...] | None = None
    """Each by mrn and service."""


class BulkPreview(Model):
    """What a bulk action would be about, as things stand."""

    kind: ActionKind
    count: int
    by_agency: dict[str, int] = Field(default_factory=dict)
    """The most first."""
    left_out: int = 0
    """Declarations that are stuck as a whole: the action is of referrals."""
    ahead: int = 0
    """Items of other bulk actions that come before it."""

    @property
    def too_many(self) -> bool:
        return self.count > MOST


class BulkActions:
    """From the count to the last item. Carried out by `hub.relays.bulk`, with `carry_out_one`."""

    def __init__(self, recorder: Recorder, actions: Actions, attention: Attention) -> None:
        self._recorder = recorder
        self._actions = actions
        self._attention = attention

    async def preview(self, actor: Actor, kind: ActionKind, pick: Pick) -> BulkPreview:
        """The count first. Raises ActionForbidden, StepRefused (invalid-request)."""
        refuse_unless_may(actor, _LEAST)
        _refuse_kind(kind)
        return await asyncio.to_thread(self._counted, kind, pick)

    async def begin(
        self,
        actor: Actor,
        kind: ActionKind,
        pick: Pick,
        reason: str,
        request: str,
        *,
        count: int,
        rate: float = USUAL_RATE,
        due_at: UtcDatetime | None = None,
        picked: dict[str, str] | None = None,
    ) -> Bulk:
        """
        Begin it, once for each `request`; what is done from then on stands in the store, with all its items.

        `count` is how many the preview told of; when there are more by now, nothing is begun. Raises
        ActionForbidden, ChangedMeanwhile, StepRefused: invalid-request, nothing-picked, too-many.
        """
        refuse_unless_may(actor, _LEAST)
        refuse_unless_may(actor, LEAST_ROLE[kind])
        _refuse_kind(kind)
        reason, request = checked_reason(reason), checked_request(request)
        if not SLOWEST <= rate <= FASTEST:
            words = f"must lie between {SLOWEST:g} and {FASTEST:g} a second"
            raise StepRefused("invalid-request", words, "/rate")
        at = self._recorder.clock()
        _refuse_deadline(kind, due_at, at)
        id = hashlib.sha256(f"{actor.name}\n{request}".encode()).hexdigest()[:24]
        before = await self.bulk(id)
        if before is not None:
            return before
        subjects = await asyncio.to_thread(self._picked, pick)
        if not subjects:
            raise StepRefused("nothing-picked", "nothing of the kind is stuck any more")
        if len(subjects) > MOST:
            raise StepRefused("too-many", f"{len(subjects)} are too many at once: at most {MOST}")
        if len(subjects) > count:
            raise ChangedMeanwhile(f"{count} were counted before; by now there are {len(subjects)}")
        bulk = Bulk(
            id=id,
            kind=kind,
            by=actor.name,
            role=actor.role,
            reason=reason,
            due_at=due_at,
            picked=picked or {},
            rate=rate,
            begun_at=at,
        )
        agencies = {subject.agency for subject in subjects}
        line = Audited(
            at=at,
            user=actor.name,
            role=actor.role,
            action="bulk.started",
            agency=agencies.pop() if len(agencies) == 1 else None,
            reason=reason,
            result="done",
            data={
                "bulk": id,
                "kind": kind.value,
                "count": str(len(subjects)),
                "rate": f"{rate:g}",
                **bulk.picked,
            },
        )
        write = partial(self._recorder.store.begin_bulk, bulk, subjects, line, request)
        try:
            await self._recorder.once(line, request, write)
        except DoneBefore as done:
            before = await self.bulk(done.line.data.get("bulk", id))
            if before is None:
                raise StepRefused(
                    "request-already-used", f"{request} was used for something else", "/request"
                ) from None
            return before
        begun = await self.bulk(id)
        assert begun is not None
        return begun

    async def stop(self, actor: Actor, id: str, request: str) -> Bulk:
        """
        Stop it: no further item is begun from the moment that this returns. Whoever operates may, and needs
        no reason. Stopping what has ended changes nothing. Raises ActionForbidden, StepRefused (not-found).
        """
        refuse_unless_may(actor, _LEAST_TO_STOP)
        request = checked_request(request)
        bulk = await self._known(id)
        if bulk.state is not BulkState.RUNNING:
            return bulk
        line = Audited(
            at=self._recorder.clock(),
            user=actor.name,
            role=actor.role,
            action="bulk.stopped",
            result="done",
            data={"bulk": id, "kind": bulk.kind.value},
        )
        write = partial(self._recorder.store.end_bulk, id, BulkState.STOPPED, line, request)
        try:
            await self._recorder.once(line, request, write)
        except DoneBefore:
            return await self._known(id)
        return await self._known(id)

    async def bulk(self, id: str) -> Bulk | None:
        """As it stands."""
        return await asyncio.to_thread(self._recorder.store.bulk, id) if "\x00" not in id else None

    async def bulks(self, cursor: str | None = None, limit: int = 25) -> BulkPage:
        """The newest first. Raises BadCursor."""
        return await asyncio.to_thread(self._recorder.store.bulks, cursor, limit)

    async def items(
        self, id: str, state: ItemState | None = None, after: int = 0, limit: int = 100
    ) -> list[BulkItem]:
        """In the order in which they are done."""
        return await asyncio.to_thread(self._recorder.store.bulk_items, id, state, after, limit)

    async def carry_out_one(self, bulk: Bulk, item: BulkItem) -> bool:
        """
        Do it for one item, and mark the item, in one transaction: whoever else is at it, and whenever a
        process dies, it is done once. False: the engine is away, and what is done has no effect yet. Raises
        BulkOver, also when the item does not wait any more.
        """
        actor = Actor(name=bulk.by, role=bulk.role)
        action = Action(kind=bulk.kind, mrn=item.mrn, service=item.service, due_at=bulk.due_at)
        request, place = f"bulk/{bulk.id}/{item.place}", (bulk.id, item.place)
        try:
            done = await self._actions.carry_out(actor, action, bulk.reason, request, place=place)
        except StepRefused as refused:
            line = Audited(
                at=self._recorder.clock(),
                user=bulk.by,
                role=bulk.role,
                action=bulk.kind.value,
                mrn=item.mrn,
                service=item.service,
                agency=item.agency,
                reason=bulk.reason,
                result=f"refused: {refused.detail}",
                data={"bulk": bulk.id, "refused": refused.code},
            )
            await asyncio.to_thread(self._recorder.store.refuse_item, bulk.id, item.place, line, request)
            return True
        return done.told

    # --- parts ------------------------------------------------------------------------------------------

    def _counted(self, kind: ActionKind, pick: Pick) -> BulkPreview:
        if pick.these is not None:
            subjects = self._recorder.store.subjects(pick.these)
            by_agency = Counter(subject.agency for subject in subjects)
            left_out = 0
        else:
            counts = self._attention.stuck_counts(_filter_of(pick), self._recorder.clock())
            by_agency = Counter(counts.by_agency)
            left_out = counts.all - by_agency.total()
        running = self._recorder.store.running_bulks()
        return BulkPreview(
            kind=kind,
            count=by_agency.total(),
            by_agency=dict(by_agency.most_common()),
            left_out=left_out,
            ahead=sum(bulk.counts.get(ItemState.WAITING, 0) for bulk in running),
        )

    def _picked(self, pick: Pick) -> list[BulkSubject]:
        """The referrals, in order. One more than MOST is enough."""
        if pick.these is not None:
            return self._recorder.store.subjects(pick.these)
        which, now = _filter_of(pick), self._recorder.clock()
        subjects: list[BulkSubject] = []
        after: StuckPlace | None = None
        while len(subjects) <= MOST:
            places = self._attention.stuck_places(which, now, after, _AT_ONCE)
            subjects += [
                BulkSubject(mrn=place.mrn, service=place.service, agency=place.agency)
                for place in places
                if place.service is not None and place.agency is not None
            ]
            if len(places) < _AT_ONCE:
                break
            after = places[-1]
        return subjects

    async def _known(self, id: str) -> Bulk:
        bulk = await self.bulk(id)
        if bulk is None:
            raise StepRefused("not-found", "there is no such bulk action")
        return bulk


def _filter_of(pick: Pick) -> StuckFilter:
    if pick.which is None:
        raise StepRefused("invalid-request", "is required: a filter, or referrals", "/filter")
    return pick.which


def _refuse_kind(kind: ActionKind) -> None:
    if kind not in KINDS:
        there = ", ".join(kind.value for kind in KINDS)
        raise StepRefused("invalid-request", f"cannot be done in bulk; {there} can", "/kind")


def _refuse_deadline(kind: ActionKind, due_at: datetime | None, at: datetime) -> None:
    if kind is not ActionKind.EXTEND:
        return
    if due_at is None:
        raise StepRefused("invalid-request", "is required: until when the agencies have time", "/due_at")
    if due_at <= at:
        raise StepRefused("invalid-request", f"has passed: here it is {said(at)}", "/due_at")
