"""Decisions by hand, with evidence: proposed by one person, confirmed by another."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import TypeVar

from hub.domain.events import NewEvent
from hub.domain.exchange import Message
from hub.domain.information import Scan
from hub.domain.model import Model, UtcDatetime
from hub.domain.referral import Decision, Verdict
from hub.domain.steps import StepRefused
from hub.domain.steps.controlling import decision_by_hand
from hub.domain.steps.proposing import (
    declined,
    open_to_proposals,
    proposed,
    refuse_if_out_of_date,
)
from hub.domain.steps.standing import said
from hub.operations.permission import (
    Recorder,
    checked_reason,
    checked_request,
    refuse_if_changed,
    refuse_unless_may,
)
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    Actor,
    Audited,
    CaseStore,
    DeclarationView,
    DoneBefore,
    Engine,
    EvidenceDocument,
    Proposal,
    ProposalOver,
    ProposalPage,
    ProposalState,
    QueryStore,
    Scanner,
    ScannerUnavailable,
)

LARGEST_DOCUMENT = 5 * 1024 * 1024
"""Bytes."""
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png", "text/plain", "message/rfc822")
"""Of documents that bear a decision out: letters, scans, mails."""
_LONGEST = 4000
_LONGEST_REFERENCE = 70
"""Characters."""
_LEAST = LEAST_ROLE[ActionKind.DECIDE]

Result = TypeVar("Result")


class DecisionProposal(Model):
    """What an agency has decided, as the one says who proposes it."""

    mrn: str
    service: str
    verdict: Verdict
    items: tuple[int, ...] | None = None
    remarks: str | None = None
    reference: str | None = None
    decided_at: UtcDatetime | None = None
    """When the agency decided; None: now."""
    evidence: str
    """Who said so, when, and where that is kept: it is the reason in the audit."""


class Document(Model):
    """A document that bears it out, as it was handed in."""

    name: str
    media_type: str
    content: bytes


class ByHand:
    """Proposals from their making to their end."""

    def __init__(self, recorder: Recorder, cases: CaseStore, queries: QueryStore, scanner: Scanner) -> None:
        self._recorder = recorder
        self._cases = cases
        self._queries = queries
        self._scanner = scanner

    async def open_to(self, actor: Actor, mrn: str, service: str) -> DeclarationView:
        """
        The declaration, if one may propose now what this service has decided. Raises ActionForbidden,
        StepRefused.
        """
        refuse_unless_may(actor, _LEAST)
        view = await self._view(mrn)
        open_to_proposals(view, service)
        return view

    async def propose(
        self,
        actor: Actor,
        wanted: DecisionProposal,
        request: str,
        *,
        document: Document | None = None,
        seen: int | None = None,
    ) -> Proposal:
        """
        Propose a decision; it counts for nothing before a second person has confirmed it. Done before by the
        same request, it is the proposal of then. Raises ActionForbidden, StepRefused, ChangedMeanwhile.
        """
        refuse_unless_may(actor, _LEAST)
        evidence, request = checked_reason(wanted.evidence, "/evidence", _LONGEST), checked_request(request)
        _refuse_long(wanted)
        view = await self._view(wanted.mrn)
        at = self._recorder.clock()
        referral = next((r for r in view.case.referrals if r.terms.service == wanted.service), None)
        if referral is None:
            words = f"{wanted.service} is not asked about declaration {wanted.mrn}"
            raise StepRefused("not-found", words, "/service")
        _refuse_time(wanted, view, at)
        proposal = Proposal(
            # By the request: whoever asks twice is told of the same proposal.
            id=hashlib.sha256(f"{actor.name}\n{request}".encode()).hexdigest()[:24],
            mrn=view.acceptance.mrn,
            service=wanted.service,
            agency=referral.terms.agency,
            revision=referral.terms.revision,
            heard=len(referral.decisions),
            verdict=wanted.verdict,
            items=None if wanted.items is None else tuple(sorted(set(wanted.items))),
            remarks=wanted.remarks or None,
            reference=wanted.reference or None,
            decided_at=wanted.decided_at or at,
            evidence=evidence,
            document=await self._evidence(document),
            by=actor.name,
            at=at,
        )
        line = _line(actor, "decide", proposal, evidence, "proposed", at)

        def step(now: DeclarationView) -> Sequence[NewEvent]:
            refuse_if_changed(seen, now.last_seq)
            stands = now.case.referral(wanted.service)
            if (stands.terms.revision, len(stands.decisions)) != (proposal.revision, proposal.heard):
                raise StepRefused("amended-meanwhile", "the referral has changed this moment; look again")
            return proposed(
                now,
                proposal.service,
                id=proposal.id,
                verdict=proposal.verdict,
                items=proposal.items,
                reference=proposal.reference,
                by=actor.name,
                at=at,
            )

        write = partial(
            self._recorder.store.propose,
            proposal,
            step,
            line,
            request,
            None if document is None else document.content,
        )
        try:
            await self._recorder.once(line, request, write)
        except DoneBefore:
            before = await self.proposal(proposal.id)
            if before is None:
                raise StepRefused(
                    "request-already-used", f"{request} was used for something else", "/request"
                ) from None
            return before
        return proposal

    async def proposal(self, id: str) -> Proposal | None:
        """As it stands."""
        return await asyncio.to_thread(self._recorder.store.proposal, id)

    async def proposals(
        self, *, open: bool, mrn: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> ProposalPage:
        """Those that wait, the oldest first; or those that have ended, the last first. Raises BadCursor."""
        find = partial(self._recorder.store.proposals, open=open, mrn=mrn, cursor=cursor, limit=limit)
        return await asyncio.to_thread(find)

    async def why_not(self, actor: Actor, proposal: Proposal) -> StepRefused | None:
        """Why this person could not confirm it as things stand; None: he could. Raises ActionForbidden."""
        refuse_unless_may(actor, _LEAST)
        view = await self._view(proposal.mrn)
        try:
            _refuse_over(proposal)
            _refuse_own(actor, proposal)
            _refuse_out_of_date(view, proposal)
        except StepRefused as refused:
            return refused
        return None

    async def confirm(self, actor: Actor, id: str, reason: str, request: str) -> Proposal:
        """
        The second person has looked at the evidence: the decision goes in as any other, at the hub's door,
        with both names. Raises ActionForbidden, StepRefused: not-found, own-proposal, proposal-over,
        amended-meanwhile, decided-meanwhile, and those of `refuse_if_over`.
        """
        refuse_unless_may(actor, _LEAST)
        reason, request = checked_reason(reason), checked_request(request)
        proposal = await self._known(id)
        line = _line(actor, "decide.confirmed", proposal, reason, "done", self._recorder.clock())
        try:
            _refuse_own(actor, proposal)
        except StepRefused as refused:
            await self._recorder.refused(line, refused)
            raise
        write = partial(self._recorder.store.confirm, id, partial(_decided, actor, line.at), line, request)
        try:
            decisions: tuple[Decision, ...] = await self._recorder.once(line, request, _told(write))
        except DoneBefore:
            return await self._known(id)
        if decisions:
            await self._tell(proposal.mrn, decisions)
        return await self._known(id)

    async def decline(self, actor: Actor, id: str, reason: str, request: str) -> Proposal:
        """
        It counts for nothing for good: declined by the second person, or taken back by whoever proposed it.
        Raises ActionForbidden, StepRefused: not-found, proposal-over.
        """
        refuse_unless_may(actor, _LEAST)
        reason, request = checked_reason(reason), checked_request(request)
        proposal = await self._known(id)
        own = _is_own(actor, proposal)
        state = ProposalState.TAKEN_BACK if own else ProposalState.DECLINED
        line = _line(actor, f"decide.{state.value}", proposal, reason, "done", self._recorder.clock())

        def step(now: DeclarationView) -> Sequence[NewEvent]:
            return declined(proposal.service, id=id, by=actor.name, reason=reason, at=line.at)

        write = partial(self._recorder.store.decline, id, state, step, line, request)
        with suppress(DoneBefore):
            await self._recorder.once(line, request, _told(write))
        return await self._known(id)

    async def document(self, proposal: Proposal) -> bytes | None:
        """The content of its document."""
        if proposal.document is None:
            return None
        return await asyncio.to_thread(self._cases.document, proposal.mrn, proposal.document.sha256)

    # --- parts ------------------------------------------------------------------------------------------

    async def _view(self, mrn: str) -> DeclarationView:
        view = await asyncio.to_thread(self._queries.view, mrn) if "\x00" not in mrn else None
        if view is None:
            raise StepRefused("not-found", f"there is no declaration {mrn[:35]}", "/mrn")
        return view

    async def _known(self, id: str) -> Proposal:
        proposal = await self.proposal(id) if "\x00" not in id else None
        if proposal is None:
            raise StepRefused("not-found", "there is no such proposal")
        return proposal

    async def _evidence(self, document: Document | None) -> EvidenceDocument | None:
        """The document as the proposal names it. Raises StepRefused."""
        if document is None:
            return None
        if not document.content:
            raise StepRefused("invalid-request", "is empty", "/document")
        if len(document.content) > LARGEST_DOCUMENT:
            most = LARGEST_DOCUMENT // 1024 // 1024
            raise StepRefused("invalid-request", f"must have at most {most} MiB", "/document")
        if document.media_type not in MEDIA_TYPES:
            raise StepRefused("invalid-request", f"must be one of {', '.join(MEDIA_TYPES)}", "/document")
        try:
            scan = await asyncio.to_thread(self._scanner.scan, document.name, document.content)
        except ScannerUnavailable as error:
            raise StepRefused("scanner-unavailable", f"documents cannot be scanned now: {error}") from error
        if scan is Scan.INFECTED:
            raise StepRefused("infected-document", "the virus scanner has found something", "/document")
        return EvidenceDocument(
            name=document.name[:200],
            media_type=document.media_type,
            size=len(document.content),
            sha256=hashlib.sha256(document.content).hexdigest(),
        )

    async def _tell(self, mrn: str, decisions: tuple[Decision, ...]) -> None:
        ids = [decision.id for decision in decisions]

        async def telling(engine: Engine) -> None:
            told = await engine.tell_decisions(mrn, decisions)
            await asyncio.to_thread(partial(self._cases.mark_told, mrn, ids, late=not told))

        await self._recorder.tell(mrn, telling)


def new_request() -> str:
    """The id of something that a form will ask for, once."""
    return secrets.token_hex(16)


def _decided(actor: Actor, at: UtcDatetime, view: DeclarationView, proposal: Proposal) -> Message:
    """The decision, as it goes into the inbox."""
    _refuse_out_of_date(view, proposal)
    decision = decision_by_hand(
        view,
        proposal.service,
        id=f"hand/{proposal.id}",
        verdict=proposal.verdict,
        items=proposal.items,
        remarks=proposal.remarks,
        reference=proposal.reference,
        decided_at=proposal.decided_at,
        revision=proposal.revision,
        by=f"{proposal.by}, confirmed by {actor.name}",
        at=at,
    )
    return Message(
        agency=proposal.agency,
        message_id=decision.id,
        referral=decision.referral,
        decisions=(decision,),
        raw=proposal.model_dump_json(exclude_none=True),
        via=decision.via,
        received_at=at,
    )


def _is_own(actor: Actor, proposal: Proposal) -> bool:
    return actor.name.casefold() == proposal.by.casefold()


def _refuse_own(actor: Actor, proposal: Proposal) -> None:
    if _is_own(actor, proposal):
        raise StepRefused("own-proposal", f"{actor.name} has proposed it: a second person confirms")


def _refuse_over(proposal: Proposal) -> None:
    if proposal.state is not ProposalState.OPEN:
        raise StepRefused("proposal-over", str(ProposalOver(proposal)))


def _refuse_out_of_date(view: DeclarationView, proposal: Proposal) -> None:
    refuse_if_out_of_date(
        view,
        proposal.service,
        items=proposal.items,
        revision=proposal.revision,
        heard=proposal.heard,
    )


def _refuse_long(wanted: DecisionProposal) -> None:
    if len(wanted.remarks or "") > _LONGEST:
        raise StepRefused("invalid-request", f"must have at most {_LONGEST} characters", "/remarks")
    if len(wanted.reference or "") > _LONGEST_REFERENCE:
        raise StepRefused(
            "invalid-request", f"must have at most {_LONGEST_REFERENCE} characters", "/reference"
        )
    if wanted.items is not None and not wanted.items:
        raise StepRefused("invalid-request", "must name a goods item, or be left out for all", "/items")


def _refuse_time(wanted: DecisionProposal, view: DeclarationView, at: datetime) -> None:
    if wanted.decided_at is None:
        return
    if wanted.decided_at > at:
        raise StepRefused("invalid-request", f"lies in the future: here it is {said(at)}", "/decided_at")
    accepted_at = view.acceptance.accepted_at
    if wanted.decided_at < accepted_at:
        words = f"lies before the declaration, of {said(accepted_at)}"
        raise StepRefused("invalid-request", words, "/decided_at")


def _told(write: Callable[[], Result]) -> Callable[[], Result]:
    """The same, with what the store knows of the proposal as reasons for people."""

    def written() -> Result:
        try:
            return write()
        except ProposalOver as over:
            raise StepRefused("proposal-over", str(over)) from over

    return written


def _line(actor: Actor, action: str, proposal: Proposal, reason: str, result: str, at: datetime) -> Audited:
    return Audited(
        at=at,
        user=actor.name,
        role=actor.role,
        action=action,
        mrn=proposal.mrn,
        service=proposal.service,
        agency=proposal.agency,
        reason=reason,
        result=result,
        data={"proposal": proposal.id, "verdict": proposal.verdict.value, "by": proposal.by},
    )
