"""Actions on one referral, declaration or agency: what one would do, and doing it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from pydantic import Field

from hub.domain.case import Case, Change, Referral
from hub.domain.certificates import ClaimState
from hub.domain.clearance import Outcome
from hub.domain.deadlines import WorkingCalendar
from hub.domain.errors import ChannelError
from hub.domain.events import Event, NewEvent
from hub.domain.exchange import Asked
from hub.domain.intake import Rulebook
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Answers, ReferralState
from hub.domain.settling import is_live
from hub.domain.steps import StepRefused, reviving
from hub.domain.steps.controlling import moved_deadline, withdrawn_by_hand
from hub.domain.steps.withdrawing import withdraw
from hub.domain.withdrawal import Withdrawal
from hub.operations.permission import (
    ActionForbidden,
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
    AgencyControl,
    AgencyGateway,
    Audited,
    Controls,
    ControlState,
    DeclarationView,
    DoneBefore,
    QueryStore,
    Step,
    UserRole,
)

OF_AGENCIES = frozenset(
    {ActionKind.PAUSE, ActionKind.RESUME, ActionKind.OPEN_BREAKER, ActionKind.CLOSE_BREAKER}
)
OF_DECLARATIONS = frozenset({ActionKind.WITHDRAW})
OF_REFERRALS = frozenset(ActionKind) - OF_AGENCIES - OF_DECLARATIONS

_CONTROL = {
    ActionKind.PAUSE: ControlState.PAUSED,
    ActionKind.RESUME: ControlState.OPEN,
    ActionKind.OPEN_BREAKER: ControlState.FAILING,
    ActionKind.CLOSE_BREAKER: ControlState.OPEN,
}


class Action(Model):
    """What is to be done, and to what."""

    kind: ActionKind
    mrn: str | None = None
    service: str | None = None
    agency: str | None = None
    due_at: UtcDatetime | None = None
    """Of an extension: the deadline."""
    code: str | None = None
    """Of a withdrawal: the code of the reason."""


class Consequence(Model):
    """Something that will happen, or is to be known before, as a code; the words are the console's."""

    code: str
    words: dict[str, str] = Field(default_factory=dict)


class Refusal(Model):
    """Why it may not be done, as things stand; as `StepRefused`."""

    code: str
    detail: str
    pointer: str | None = None


class Preview(Model):
    """What an action would do, as things stand."""

    action: Action
    refusal: Refusal | None
    """None: it may be done."""
    will: tuple[Consequence, ...] = ()
    last_seq: int | None = None
    """Of the declaration, as it was seen: done after that has changed, it is not done."""
    agency: str | None = None
    outcome: Outcome | None = None
    referral: Referral | None = None
    control: AgencyControl | None = None
    """None while the agency is asked as usual."""


class Done(Model):
    """It is done, and in the audit."""

    line: Audited
    before: bool = False
    """The same request did it before; it was not done twice."""
    told: bool = True
    """False: the engine was away; a relay tells the workflow when it is back."""


class Newest(Model):
    """How the newest version of an agency's file serves a service."""

    version: str
    answers: Answers


class Rules:
    """What actions read of the configuration in force."""

    def __init__(self, rulebook: Callable[[], Rulebook], calendar: Callable[[str], WorkingCalendar]) -> None:
        """Both are called for each action: an edited configuration is seen without a restart."""
        self._rulebook = rulebook
        self.calendar = calendar
        """When an agency works; for customs the administration's own."""

    def withdrawal_reasons(self) -> Mapping[str, Text]:
        """Why a declaration may be withdrawn, by code."""
        return self._rulebook().withdrawal_reasons

    def agencies(self) -> Mapping[str, Text]:
        """Names of the agencies, by slug."""
        return self._rulebook().catalogue.agencies

    def newest(self, agency: str, service: str) -> Newest | None:
        """None: the agency's file has no such service any more."""
        rules = self._rulebook()
        version = rules.versions.get(agency)
        for known in rules.catalogue.services:
            if version is not None and (known.agency, known.code) == (agency, service):
                return Newest(version=version, answers=known.answers)
        return None


@dataclass(frozen=True)
class _Seen:
    """What a preview is made from."""

    view: DeclarationView
    referral: Referral | None
    control: AgencyControl | None


class Actions:
    """Every action that is done by one person alone; decisions by hand need two, see `by_hand`."""

    def __init__(
        self,
        recorder: Recorder,
        queries: QueryStore,
        controls: Controls,
        gateway: AgencyGateway,
        rules: Rules,
    ) -> None:
        self._recorder = recorder
        self._queries = queries
        self._controls = controls
        self._gateway = gateway
        self._rules = rules

    async def preview(self, actor: Actor, action: Action) -> Preview:
        """
        What it would do. Raises StepRefused (not-found, invalid-request) when there is nothing that it could
        be done to, and ActionForbidden for who may do nothing at all.
        """
        refuse_unless_may(actor, UserRole.OPERATOR)
        self._refuse_another_subject(action)
        if action.kind in OF_AGENCIES:
            return await self._preview_of_agency(actor, action)
        seen = await self._seen(action)
        refusal = _forbidden(actor, action.kind)
        will: Sequence[Consequence] = ()
        if refusal is None:
            try:
                step = await self._step(actor, self._exemplary(action, seen), "-", seen.view)
                will = _consequences(action, seen, step(seen.view))
            except StepRefused as refused:
                refusal = Refusal(code=refused.code, detail=refused.detail, pointer=refused.pointer)
        return Preview(
            action=action,
            refusal=refusal,
            will=tuple(will),
            last_seq=seen.view.last_seq,
            agency=None if seen.referral is None else seen.referral.terms.agency,
            outcome=seen.view.clearance.outcome,
            referral=seen.referral,
            control=seen.control,
        )

    async def carry_out(
        self,
        actor: Actor,
        action: Action,
        reason: str,
        request: str,
        *,
        seen: int | None = None,
        place: tuple[str, int] | None = None,
    ) -> Done:
        """
        Do it, once for each `request`, with its line in the audit, and tell the workflow.

        `seen` is the last event that whoever asks has seen of the declaration; `place`, the bulk action and
        the place in it that this is done for. Raises ActionForbidden, StepRefused, ChangedMeanwhile,
        BulkOver. What is refused leaves a line, too; of a bulk action that is for whoever carries it out.
        """
        refuse_unless_may(actor, LEAST_ROLE[action.kind])
        self._refuse_another_subject(action)
        reason, request = checked_reason(reason), checked_request(request)
        if action.kind in OF_AGENCIES:
            return await self._control(actor, action, reason, request)
        view = await self._view(action)
        line = self._line(actor, action, reason, view, place)
        try:
            step = await self._step(actor, action, reason, view)
        except StepRefused as refused:
            if place is None:
                await self._recorder.refused(line, refused)
            raise
        mrn = view.acceptance.mrn

        def checked(now: DeclarationView) -> Sequence[NewEvent]:
            refuse_if_changed(seen, now.last_seq)
            return step(now)

        act = partial(self._recorder.store.act, mrn, checked, line, request, place=place)
        try:
            events: list[Event] = await self._recorder.once(line, request, act, refusals=place is None)
        except DoneBefore as before:
            return Done(line=before.line, before=True)
        told = not events or await self._recorder.tell(mrn, lambda engine: engine.tell_news(mrn))
        return Done(line=line, told=told)

    # --- declarations -----------------------------------------------------------------------------------

    async def _view(self, action: Action) -> DeclarationView:
        mrn = action.mrn or ""
        view = await asyncio.to_thread(self._queries.view, mrn) if "\x00" not in mrn else None
        if view is None:
            raise StepRefused("not-found", f"there is no declaration {mrn[:35]}", "/mrn")
        return view

    async def _seen(self, action: Action) -> _Seen:
        view = await self._view(action)
        referral = _referral(view.case, action.service) if action.kind in OF_REFERRALS else None
        if action.kind in OF_REFERRALS and referral is None:
            raise StepRefused(
                "not-found", f"{action.service} is not asked about declaration {action.mrn}", "/service"
            )
        control = None
        if referral is not None:
            controls = await asyncio.to_thread(self._controls.controls)
            control = controls.get(referral.terms.agency)
        return _Seen(view, referral, control)

    def _exemplary(self, action: Action, seen: _Seen) -> Action:
        """With something for what is not filled in yet: whether it may be done does not hang on that."""
        if action.kind is ActionKind.EXTEND and action.due_at is None and seen.referral is not None:
            deadline = seen.referral.deadline or self._recorder.clock()
            later = max(deadline, self._recorder.clock()) + timedelta(days=1)
            return action.model_copy(update={"due_at": later})
        if action.kind is ActionKind.WITHDRAW and action.code is None:
            code = next(iter(sorted(self._rules.withdrawal_reasons())), None)
            return action.model_copy(update={"code": code})
        return action

    async def _step(self, actor: Actor, action: Action, reason: str, view: DeclarationView) -> Step:
        """The step that an action is. Raises StepRefused for what no declaration need be locked to know."""
        at, by, service = self._recorder.clock(), actor.name, action.service or ""
        match action.kind:
            case ActionKind.RETRY:
                return lambda now: reviving.retry(now, service, by=by, reason=reason, at=at)
            case ActionKind.LOOK_UP:
                return lambda now: reviving.look_up(now, service, by=by, reason=reason, at=at)
            case ActionKind.RESEND:
                return self._resend(view.case, service, by, reason, at)
            case ActionKind.EXTEND:
                return self._extend(view.case, service, action.due_at, by, reason, at)
            case ActionKind.WITHDRAWN:
                return await self._withdrawn(view.case, service, by, reason, at)
            case ActionKind.WITHDRAW:
                withdrawal = self._withdrawal(action.code, by, reason, at)
                return lambda now: withdraw(now, withdrawal)
            case _:
                raise ValueError(f"{action.kind} is no step of one person")

    def _resend(self, case: Case, service: str, by: str, reason: str, at: datetime) -> Step:
        referral = _referral(case, service)
        if referral is None:
            raise StepRefused("not-found", f"{service} is not asked about this declaration", "/service")
        agency = referral.terms.agency
        newest = self._rules.newest(agency, service)
        if newest is None and referral.terms.answers is not Answers.DOOR:
            raise StepRefused("no-such-service", f"the file of {agency} has no service {service} any more")
        return lambda now: reviving.resend(
            now,
            service,
            version=newest.version if newest else referral.terms.config_version,
            answers=newest.answers if newest else None,
            by=by,
            reason=reason,
            at=at,
        )

    def _extend(
        self, case: Case, service: str, due_at: datetime | None, by: str, reason: str, at: datetime
    ) -> Step:
        if due_at is None:
            raise StepRefused("invalid-request", "is required: until when the agency has time", "/due_at")
        referral = _referral(case, service)
        if referral is None:
            raise StepRefused("not-found", f"{service} is not asked about this declaration", "/service")
        calendar = self._rules.calendar(referral.terms.agency)
        return lambda now: moved_deadline(
            now, service, due_at=due_at, calendar=calendar, reason=reason, by=by, at=at
        )

    async def _withdrawn(self, case: Case, service: str, by: str, reason: str, at: datetime) -> Step:
        referral = _referral(case, service)
        if referral is None:
            raise StepRefused("not-found", f"{service} is not asked about this declaration", "/service")
        try:
            abilities = await self._gateway.abilities(referral.terms.agency, referral.terms.config_version)
        except ChannelError as error:
            raise StepRefused(
                "agency-unavailable", f"what its channel can do is not known now: {error}"
            ) from error
        return lambda now: withdrawn_by_hand(
            now,
            service,
            remarks=reason,
            channel_withdraws=Asked.WITHDRAW in abilities,
            by=by,
            at=at,
        )

    def _withdrawal(self, code: str | None, by: str, reason: str, at: datetime) -> Withdrawal:
        reasons = self._rules.withdrawal_reasons()
        if code is None or code not in reasons:
            there = ", ".join(sorted(reasons))
            raise StepRefused("invalid-request", f"must be one of {there}", "/code")
        return Withdrawal(reason=code, remarks=reason, requested_at=at, by=by)

    # --- agencies ---------------------------------------------------------------------------------------

    async def _preview_of_agency(self, actor: Actor, action: Action) -> Preview:
        agency = action.agency or ""
        controls = await asyncio.to_thread(self._controls.controls)
        waiting = await asyncio.to_thread(self._queries.open_referrals)
        control = controls.get(agency)
        refusal = _forbidden(actor, action.kind)
        will: list[Consequence] = []
        if refusal is None:
            try:
                _refuse_control(action.kind, control)
                will = _control_consequences(action.kind, control, waiting.get(agency, 0))
            except StepRefused as refused:
                refusal = Refusal(code=refused.code, detail=refused.detail)
        return Preview(action=action, refusal=refusal, will=tuple(will), agency=agency, control=control)

    async def _control(self, actor: Actor, action: Action, reason: str, request: str) -> Done:
        agency = action.agency or ""
        line = Audited(
            at=self._recorder.clock(),
            user=actor.name,
            role=actor.role,
            action=action.kind.value,
            agency=agency,
            reason=reason,
            result="done",
        )
        state = _CONTROL[action.kind]

        def checked(control: AgencyControl | None) -> None:
            _refuse_control(action.kind, control)

        do = partial(self._recorder.store.set_control, agency, state, checked, line, request)
        try:
            await self._recorder.once(line, request, do)
        except DoneBefore as before:
            return Done(line=before.line, before=True)
        return Done(line=line)

    # --- parts ------------------------------------------------------------------------------------------

    def _refuse_another_subject(self, action: Action) -> None:
        """Raises StepRefused where there is nothing of the kind that it could be done to."""
        if action.kind is ActionKind.DECIDE:
            raise StepRefused("invalid-request", "a decision by hand is proposed, and confirmed", "/kind")
        if action.kind in OF_AGENCIES:
            if action.agency not in self._rules.agencies():
                raise StepRefused("not-found", f"there is no agency {str(action.agency)[:64]}", "/agency")
            return
        if not action.mrn:
            raise StepRefused("invalid-request", "is required", "/mrn")
        if action.kind in OF_REFERRALS and not action.service:
            raise StepRefused("invalid-request", "is required", "/service")

    def _line(
        self,
        actor: Actor,
        action: Action,
        reason: str,
        view: DeclarationView,
        place: tuple[str, int] | None,
    ) -> Audited:
        referral = _referral(view.case, action.service)
        data: dict[str, str] = {}
        if action.due_at is not None:
            data["due_at"] = action.due_at.isoformat()
        if action.code is not None:
            data["code"] = action.code
        if place is not None:
            data["bulk"] = place[0]
        return Audited(
            at=self._recorder.clock(),
            user=actor.name,
            role=actor.role,
            action=action.kind.value,
            mrn=view.acceptance.mrn,
            service=action.service if action.kind in OF_REFERRALS else None,
            agency=None if referral is None else referral.terms.agency,
            reason=reason,
            result="done",
            data=data,
        )


def _forbidden(actor: Actor, kind: ActionKind) -> Refusal | None:
    try:
        refuse_unless_may(actor, LEAST_ROLE[kind])
    except ActionForbidden as forbidden:
        return Refusal(code="role", detail=str(forbidden))
    return None


def _referral(case: Case, service: str | None) -> Referral | None:
    return next((r for r in case.referrals if r.terms.service == service), None)


def _refuse_control(kind: ActionKind, control: AgencyControl | None) -> None:
    """Raises StepRefused (not-paused, already-paused, ...) where there is nothing to do."""
    state = ControlState.OPEN if control is None else control.state
    if kind is ActionKind.PAUSE and state is ControlState.PAUSED:
        raise StepRefused("already-paused", "it is paused already")
    if kind is ActionKind.RESUME and state is not ControlState.PAUSED:
        raise StepRefused("not-paused", "it is not paused")
    if kind is ActionKind.OPEN_BREAKER and state is not ControlState.OPEN:
        raise StepRefused("not-open", f"it is {state.value}, not asked as usual")
    if kind is ActionKind.CLOSE_BREAKER and state is not ControlState.FAILING:
        raise StepRefused("not-failing", "its breaker is not open")


def _control_consequences(kind: ActionKind, control: AgencyControl | None, waiting: int) -> list[Consequence]:
    queued = str(control.queued if control else 0)
    match kind:
        case ActionKind.PAUSE:
            return [
                Consequence(code="not_asked"),
                Consequence(code="waits", words={"number": str(waiting)}),
                Consequence(code="still_heard"),
                Consequence(code="deadlines_go_on"),
            ]
        case ActionKind.OPEN_BREAKER:
            return [
                Consequence(code="not_asked_but_probed"),
                Consequence(code="waits", words={"number": str(waiting)}),
                Consequence(code="deadlines_go_on"),
            ]
        case _:
            return [Consequence(code="drains", words={"number": queued})]


def _consequences(action: Action, seen: _Seen, events: Sequence[NewEvent]) -> list[Consequence]:
    """What follows of what the step says would happen now."""
    if not events:
        return [Consequence(code="nothing")]
    will: list[Consequence] = []
    referral = seen.referral
    match action.kind:
        case ActionKind.RETRY:
            will = [Consequence(code="tried_now")]
        case ActionKind.LOOK_UP:
            will = [Consequence(code="looked_up")]
        case ActionKind.RESEND:
            will = [Consequence(code="submitted_anew"), Consequence(code="looked_up_first")]
        case ActionKind.EXTEND:
            will = [Consequence(code="deadline_moved")]
            if referral is not None and referral.state is ReferralState.EXPIRED:
                will.append(Consequence(code="awaited_again"))
        case ActionKind.WITHDRAWN:
            resubmitted = referral is not None and referral.change is Change.RESUBMIT
            will = [Consequence(code="told_and_submitted_anew" if resubmitted else "told")]
        case ActionKind.WITHDRAW:
            live = [r for r in seen.view.case.referrals if is_live(r)]
            will = [
                Consequence(code="nothing_released"),
                Consequence(code="agencies_told", words={"number": str(len(live))}),
            ]
            if any(claim.state is ClaimState.RESERVED for claim in seen.view.case.claims):
                will.append(Consequence(code="given_back"))
            will.append(Consequence(code="final"))
        case _:
            pass
    if seen.control is not None and action.kind in (
        ActionKind.RETRY,
        ActionKind.LOOK_UP,
        ActionKind.RESEND,
    ):
        # Nothing is tried now, whatever is asked for now.
        will = [one for one in will if one.code not in ("tried_now", "looked_up")]
        will.append(Consequence(code="agency_not_asked", words={"state": seen.control.state.value}))
    return will
