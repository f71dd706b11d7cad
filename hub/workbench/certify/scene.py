"""
One scene: the hub's own parts joined around one agency, without an engine.

Gateway, hand-overs with their doubts, polls and feed are the very code of production; only the engine, which
repeats attempts and carries decisions to a workflow, is played.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from hub.activities.messages import SubmitReferral
from hub.activities.referrals import ReferralActivities
from hub.clock import utc_now
from hub.config.models import AgencyFile
from hub.domain.case import Case, CasePolicy, Referral
from hub.domain.exchange import Dossier, Exchange
from hub.domain.intake import Acceptance
from hub.domain.referral import Answers, Decision, Receipt, ReferralState
from hub.domain.routing import Routing
from hub.domain.settling import settle
from hub.ports import AgencyGateway, ReferralView
from hub.relays.feeds import FeedRelay
from hub.relays.polls import PollRelay
from hub.workbench.certify.proxy import Proxy

if TYPE_CHECKING:
    from hub.workbench.certify.stage import Stage

_TURN = 0.02
"""Seconds between two looks at a condition."""
_RETRY = timedelta(milliseconds=100)
"""Between two attempts where nobody asks for more; the engine begins with a second."""
_EVERY = {True: timedelta(milliseconds=100), False: timedelta(seconds=1)}
"""Between two polls, of a simulated agency and of a real one; the channel's own pause is minutes."""


@dataclass(frozen=True)
class Attempt:
    """What one attempt to hand a referral over came to."""

    state: ReferralState
    trouble: str | None = None
    retry_in: timedelta | None = None
    receipt: Receipt | None = None

    @property
    def words(self) -> str:
        """In one line."""
        wait = f", to be tried again in {self.retry_in.total_seconds():g} s" if self.retry_in else ""
        if self.trouble:
            return f"{self.state.value}: {self.trouble}{wait}"
        receipt = self.receipt.reference if self.receipt is not None else None
        return f"{self.state.value}" + (f", receipt {receipt}" if receipt else "") + wait


class PlayedEngine:
    """Implements `hub.ports.Engine`: there is no workflow, and it is told everything."""

    async def start_clearance(self, acceptance: Acceptance, *, in_turn: bool = False) -> None:
        return None

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        return True

    async def tell_news(self, mrn: str) -> bool:
        return True

    async def tell_to_go_on(self, mrn: str, services: Sequence[str]) -> bool:
        return True

    async def is_reachable(self) -> bool:
        return True


class Scene:
    """A hub around one agency for as long as one behaviour takes."""

    def __init__(self, stage: Stage, gateway: AgencyGateway, proxies: list[Proxy], file: AgencyFile) -> None:
        self.stage = stage
        self.gateway = gateway
        self.file = file
        self._proxies = proxies
        self._lodged: list[Dossier] = []
        self._activities = ReferralActivities(stage.store, gateway, utc_now)
        engine, every = PlayedEngine(), _EVERY[stage.simulator is not None]
        self._polls = PollRelay(stage.store, gateway, engine, utc_now, lambda _: every)
        self._feed = (
            FeedRelay(file.agency, stage.store, gateway, engine, utc_now, every)
            if file.channel.feed is not None
            else None
        )

    def lodge(self, outcome: str = "approve", service: str | None = None) -> Dossier:
        """Accept a declaration that needs this one service, and nothing else. Raises NotPlayed."""
        dossier = self.stage.dossier(outcome, service)
        self.stage.store.lodge(accepted(dossier))
        self._lodged.append(dossier)
        return dossier

    async def hand_over(self, dossier: Dossier) -> Attempt:
        """One attempt, as the engine would make it."""
        order = SubmitReferral(mrn=dossier.terms.mrn, service=dossier.terms.service)
        try:
            done = await ActivityEnvironment().run(self._activities.submit_referral, order)
        except ApplicationError as delayed:
            return Attempt(ReferralState.PENDING, delayed.message, delayed.next_retry_delay)
        return Attempt(done.state, done.trouble, None, done.receipt)

    async def hand_over_at_last(self, dossier: Dossier, within: float | None = None) -> Attempt:
        """Attempts one after the other, with the pauses asked for, until it is no longer pending."""
        ends = time.monotonic() + (self.stage.patience if within is None else within)
        while True:
            attempt = await self.hand_over(dossier)
            pause = (attempt.retry_in or _RETRY).total_seconds()
            if attempt.state is not ReferralState.PENDING or time.monotonic() + pause > ends:
                return attempt
            # The pause that the hub itself asks for, as the engine would keep it.
            await asyncio.sleep(pause)

    async def answered(self, dossier: Dossier, *, unless: Callable[[], bool] = lambda: False) -> ReferralView:
        """
        The referral once the agency has spoken, or has been misunderstood: polls and feed go round meanwhile,
        and callbacks come in. As it stands when time is up, or when there is nothing left to wait for
        (`unless`).
        """
        await self.until(lambda: self._has_answer(dossier) or unless(), meanwhile=self.go_round)
        return self.view(dossier)

    async def go_round(self) -> None:
        """One round of what production does again and again."""
        ways = {dossier.terms.answers for dossier in self._lodged}
        if Answers.POLL in ways:
            await self._polls.go_round()
            await self._polls.finish()
        if self._feed is not None:
            await self._feed.go_round()

    async def until(
        self,
        holds: Callable[[], object],
        within: float | None = None,
        meanwhile: Callable[[], Awaitable[None]] | None = None,
    ) -> bool:
        """Whether it holds before time is up."""
        ends = time.monotonic() + (self.stage.patience if within is None else within)
        while not await asyncio.to_thread(holds):
            if time.monotonic() > ends:
                return False
            if meanwhile is not None:
                await meanwhile()
            await asyncio.sleep(_TURN)
        return True

    def view(self, dossier: Dossier) -> ReferralView:
        """How the referral stands."""
        found = self.stage.store.view(dossier.terms.mrn)
        assert found is not None
        [referral] = found.referrals
        return referral

    def exchanges(self, dossier: Dossier) -> list[Exchange]:
        """What was recorded about it."""
        return self.stage.store.exchanges(dossier.terms.mrn)

    def events(self, dossier: Dossier) -> list[str]:
        """The types of its events."""
        return [event.type for event in self.stage.store.events(dossier.terms.mrn, 0, 1000)]

    @contextmanager
    def nobody_there(self) -> Iterator[None]:
        """The agency cannot be reached, while this lasts."""
        with ExitStack() as stack:
            for proxy in self._proxies:
                stack.enter_context(proxy.away())
            yield

    async def end(self) -> None:
        """Nothing more is awaited: polls end, and what comes later is late."""
        await self._polls.finish()
        for dossier in self._lodged:
            if dossier.terms.answers is Answers.CALLBACK:
                continue  # nobody asks about it; its callbacks may be played again
            await asyncio.to_thread(self.stage.store.close_case, dossier.terms.mrn, utc_now())

    def _has_answer(self, dossier: Dossier) -> bool:
        view = self.view(dossier)
        return bool(view.decisions) or view.trouble is not None


def accepted(dossier: Dossier) -> Acceptance:
    """What intake would write down for a declaration that needs one service."""
    terms = dossier.terms
    case = Case(
        mrn=terms.mrn,
        policy=CasePolicy(version="certify", refusal_open_for="30d"),
        referrals=(Referral(terms=terms),),
    )
    return Acceptance(
        mrn=terms.mrn,
        client="certify",
        declaration=dossier.declaration,
        content_hash=dossier.declaration.content_hash,
        accepted_at=dossier.accepted_at,
        routing=Routing(
            required=(),
            ruled_out=(),
            prohibited=(),
            catalogue_version="certify",
            day=dossier.accepted_at.date(),
        ),
        case=case,
        clearance=settle(case),
        due_at=terms.due_at,
    )
