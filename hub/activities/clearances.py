"""Recording outcomes and telling the cargo system."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from hub.activities.messages import CloseCase, Closed, Concluded, Conclusion, TellCargo
from hub.domain.case import Case
from hub.domain.clearance import Clearance, Notice
from hub.domain.errors import ChannelError
from hub.domain.events import EventType, NewEvent
from hub.domain.names import notice_key, split_referral_id
from hub.domain.settling import settle
from hub.ports import CargoSystem, CaseOnRecord, CaseStore, Clock, QueryStore, Settled, Unheard


class ClearanceActivities:
    """Record what was settled, and see that the cargo's keeper hears of it."""

    def __init__(self, store: CaseStore, queries: QueryStore, cargo: CargoSystem, clock: Clock) -> None:
        self._store = store
        self._queries = queries
        self._cargo = cargo
        self._clock = clock

    def all(self) -> list[Callable[..., Any]]:
        """What a worker registers."""
        return [self.conclude, self.tell_cargo, self.close_case]

    @activity.defn
    async def conclude(self, conclusion: Conclusion) -> Concluded:
        """
        Record an outcome with its reasons, write the notice down, try once to hand it over, and close the
        case where that is the end of it.

        The outcome is settled again here from the store, on exactly the decisions the workflow weighed: the
        history stays small, and an outcome that cannot be reproduced from the record is refused.
        """
        try:
            recorded = await asyncio.to_thread(
                self._store.conclude,
                conclusion.mrn,
                partial(_settled_again, conclusion),
                conclusion.issued_at,
                conclusion.through,
            )
        except KeyError:
            if await asyncio.to_thread(self._queries.view, conclusion.mrn) is not None:
                raise
            raise ApplicationError(f"no declaration {conclusion.mrn}", non_retryable=True) from None
        except Unheard:
            return Concluded(told=False, unheard=True)
        except _NotReproduced as otherwise:
            if await self._holds_more(conclusion):
                return Concluded(told=False, unheard=True)
            raise ApplicationError(str(otherwise), type="OutcomeNotReproduced") from None
        told = conclusion.tell and await self._all_told(recorded.unsent)
        closes = told and conclusion.closes
        return Concluded(
            told=told,
            closed=closes and await self._closed(conclusion.mrn, conclusion.through),
            notice_number=recorded.number if recorded.number != conclusion.notice_number else None,
        )

    @activity.defn
    async def tell_cargo(self, order: TellCargo) -> None:
        """Hand over every notice not acknowledged yet, in order. Raises a retryable ApplicationError."""
        while notice := await asyncio.to_thread(self._store.unsent_notice, order.mrn):
            trouble = await self._told(notice)
            if trouble is not None:
                raise ApplicationError(
                    trouble, type="CargoSystemUnavailable", category=ApplicationErrorCategory.BENIGN
                )

    @activity.defn
    async def close_case(self, order: CloseCase) -> Closed | None:
        """
        End what is still open, and flag decisions that came too late to count. None, as it was recorded
        before anything could be unheard, stands for closed.
        """
        for decision in order.late:
            event = NewEvent(
                at=self._clock(),
                type=EventType.DECISION_LATE,
                service=split_referral_id(decision.referral)[1],
                data={"decision": decision.id, "verdict": decision.verdict},
            )
            await asyncio.to_thread(self._store.append_event, order.mrn, event)
        return Closed(unheard=not await self._closed(order.mrn, order.through))

    async def _closed(self, mrn: str, through: int | None) -> bool:
        """Close the case; False when more is on record than the workflow has heard of."""
        try:
            await asyncio.to_thread(self._store.close_case, mrn, self._clock(), through)
        except Unheard:
            return False
        return True

    async def _holds_more(self, conclusion: Conclusion) -> bool:
        """Whether more is on record than the workflow has heard of."""
        if conclusion.through is None:
            return False
        return bool(await asyncio.to_thread(self._queries.events, conclusion.mrn, conclusion.through, 1))

    async def _all_told(self, notices: Sequence[Notice]) -> bool:
        """Try each once, in order; whether all are acknowledged."""
        for notice in notices:
            if await self._told(notice) is not None:
                return False
        return True

    async def _told(self, notice: Notice) -> str | None:
        """Try once; None when acknowledged, else the trouble in words."""
        try:
            acknowledgement = await self._cargo.tell(notice)
        except ChannelError as error:
            await asyncio.to_thread(
                self._store.record_notice_delayed, notice, str(error), self._clock(), error.exchanges
            )
            return str(error)
        await asyncio.to_thread(
            self._store.record_notice_sent, notice, acknowledgement, acknowledgement.exchanges
        )
        return None


class _NotReproduced(Exception):
    """The store makes another outcome of what the workflow weighed."""


def _settled_again(conclusion: Conclusion, on_record: CaseOnRecord) -> Settled:
    """The outcome that the store comes to. Raises _NotReproduced."""
    weighed = _as_weighed(on_record.case, conclusion)
    clearance = None if weighed is None else settle(weighed)
    if clearance is None or not _is_reproduced(clearance, conclusion):
        came_out = "otherwise" if clearance is None else f"as {clearance.outcome}"
        raise _NotReproduced(f"settled as {conclusion.outcome} by the workflow, {came_out} from the store")
    pending = dict.fromkeys(r.agency for r in clearance.reasons if r.agency and r.verdict is None)
    return Settled(
        clearance=clearance,
        notice=_notice(on_record, clearance, conclusion),
        pending_agencies=tuple(pending),
        weighed=tuple((s.service, decision) for s in conclusion.standings for decision in s.decisions),
    )


def _as_weighed(case: Case, conclusion: Conclusion) -> Case | None:
    """
    The case as the workflow has weighed it; None when it does not know all referrals and decisions, where it
    is to know them.
    """
    standings = {standing.service: standing for standing in conclusion.standings}
    if standings.keys() != {known.terms.service for known in case.referrals}:
        return None
    referrals = []
    for known in case.referrals:
        standing = standings[known.terms.service]
        unknown = {decision.id for decision in known.decisions} - {*standing.decisions}
        if unknown and conclusion.through is not None:
            return None
        weighed = {
            "state": standing.state,
            "receipt": standing.receipt,
            "decisions": tuple(d for d in known.decisions if d.id in standing.decisions),
        }
        referrals.append(known.model_copy(update=weighed))
    return case.model_copy(update={"referrals": tuple(referrals)})


def _is_reproduced(clearance: Clearance, conclusion: Conclusion) -> bool:
    if clearance.outcome is not conclusion.outcome:
        return False
    return conclusion.through is None or clearance.released_items == conclusion.released_items


def _notice(on_record: CaseOnRecord, clearance: Clearance, conclusion: Conclusion) -> Notice | None:
    number = conclusion.notice_number
    if number is None:
        return None
    return Notice(
        key=notice_key(conclusion.mrn, number),
        number=number,
        mrn=conclusion.mrn,
        ucr=on_record.ucr,
        cargo_management_number=on_record.cargo_management_number,
        outcome=clearance.outcome,
        reasons=clearance.reasons,
        issued_at=conclusion.issued_at,
        released_items=clearance.released_items,
    )
