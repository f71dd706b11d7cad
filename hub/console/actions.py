"""Pages on which one action is looked at first, and then done."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from hub.console import acting
from hub.console.acting import (
    field_faults,
    for_input,
    local_moment,
    problem_of,
    refusal_words,
)
from hub.console.board import OUTCOME_WORDS
from hub.console.i18n import _
from hub.console.links import acted_url, agency_url, approval_url, declaration_url
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import forbidden, not_found
from hub.console.security import CheckedForm, Form, local_path
from hub.console.shell import Operating, actor_of, go, in_thread, page
from hub.domain.referral import Verdict
from hub.domain.steps import StepRefused
from hub.operations.actions import OF_AGENCIES, Action, Preview
from hub.operations.by_hand import LARGEST_DOCUMENT, DecisionProposal, Document, new_request
from hub.operations.permission import ActionForbidden
from hub.ports import ActionKind, ChangedMeanwhile, DeclarationView, User

router = APIRouter(prefix="/console")

_CHANGED = _("It has changed since you looked: this is how it stands now. Look again before you do it.")


@router.get("/act/{kind}")
async def preview_page(
    request: Request,
    parts: Parts,
    user: Operating,
    kind: str,
    mrn: str = "",
    service: str = "",
    agency: str = "",
    back: str = "",
) -> Response:
    """What an action would do, and the form to do it with."""
    action = _action(kind, mrn, service, agency)
    back = _back(action, back)
    if action.kind is ActionKind.DECIDE:
        return await _decide_page(request, parts, user, mrn, service, back)
    return await _preview(request, parts, user, action, back)


@router.post("/act/{kind}")
async def act(request: Request, parts: Parts, user: Operating, kind: str, form: CheckedForm) -> Response:
    """Do it, once however often the form is sent, and show what came of it."""
    action = _action(kind, form.text("mrn"), form.text("service"), form.text("agency"))
    back = _back(action, form.text("back"))
    if action.kind is ActionKind.DECIDE:
        return await _propose(request, parts, user, action, form, back)
    try:
        due_at = local_moment(form.text("due_at"), parts.zone)
    except ValueError:
        faults = {"due_at": acting.FIELD_FAULTS["due_at"]}
        return await _preview(request, parts, user, action, back, status=422, form=form, faults=faults)
    action = action.model_copy(update={"due_at": due_at, "code": form.text("code") or None})
    seen = form.text("seen")
    try:
        await parts.desk.actions.carry_out(
            actor_of(user),
            action,
            form.text("reason"),
            form.text("request"),
            seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        )
    except ActionForbidden:
        raise forbidden() from None
    except ChangedMeanwhile:
        return await _preview(request, parts, user, action, back, status=409, form=form, note=_CHANGED)
    except StepRefused as refused:
        faults = field_faults(refused)
        status, note = (422, "") if faults else (409, refusal_words(refused))
        return await _preview(
            request, parts, user, action, back, status=status, form=form, faults=faults, note=note
        )
    return go(acted_url(form.text("request"), back))


@router.get("/acted")
async def acted_page(request: Request, parts: Parts, user: Operating, back: str = "") -> Response:
    """What an action came to."""
    line = await in_thread(parts.actions.audit_line, request.query_params.get("request", ""))
    if line is None:
        raise not_found(_("Nothing was done under this number"))
    otherwise = agency_url(line.agency) if line.mrn is None and line.agency else "/console"
    back = local_path(back, declaration_url(line.mrn) if line.mrn else otherwise)
    return page(
        request, "acting/acted.html", line=line, back=back, ACTIONS=acting.ACTIONS, names=parts.agency_names()
    )


# --- what is filled in on the way ---------------------------------------------------------------------


def _action(kind: str, mrn: str, service: str, agency: str) -> Action:
    """Raises PageProblem (404)."""
    if kind not in list(ActionKind):
        raise not_found()
    return Action(kind=ActionKind(kind), mrn=mrn or None, service=service or None, agency=agency or None)


def _back(action: Action, back: str) -> str:
    if action.kind in OF_AGENCIES:
        return local_path(back, agency_url(action.agency or ""))
    return local_path(back, declaration_url(action.mrn or ""))


async def _preview(
    request: Request,
    parts: ConsoleParts,
    user: User,
    action: Action,
    back: str,
    *,
    status: int = 200,
    form: Form | None = None,
    faults: dict[str, str] | None = None,
    note: str = "",
) -> Response:
    try:
        preview = await parts.desk.actions.preview(
            actor_of(user), action.model_copy(update={"due_at": None, "code": None})
        )
    except ActionForbidden:
        raise forbidden() from None
    except StepRefused as refused:
        raise problem_of(refused) from refused
    return page(
        request,
        "acting/preview.html",
        status=status,
        preview=preview,
        action=action,
        back=back,
        note=note,
        faults=faults or {},
        refusal=_refusal(preview),
        values=_values(parts, preview, form),
        # A form that was at fault is sent again under its own id: nothing was done under it.
        request_id=form.text("request") if form is not None and faults else new_request(),
        reasons=parts.desk.rules.withdrawal_reasons() if action.kind is ActionKind.WITHDRAW else {},
        names=parts.agency_names(),
        zone=str(parts.zone),
        KINDS=acting.KINDS,
        CONSEQUENCES=acting.CONSEQUENCES,
        CONTROLS=acting.CONTROLS,
        OUTCOMES=OUTCOME_WORDS,
        OF_AGENCIES=OF_AGENCIES,
    )


def _refusal(preview: Preview) -> str:
    refusal = preview.refusal
    return "" if refusal is None else acting.REFUSALS.get(refusal.code, refusal.detail)


def _values(parts: ConsoleParts, preview: Preview, form: Form | None) -> dict[str, str]:
    if form is not None:
        return {name: form.text(name) for name in ("reason", "due_at", "code")}
    deadline = None if preview.referral is None else preview.referral.deadline
    return {"reason": "", "due_at": for_input(deadline, parts.zone), "code": ""}


# --- decisions by hand --------------------------------------------------------------------------------

_DECISION_FIELDS = ("verdict", "items", "remarks", "reference", "decided_at", "evidence")


async def _decide_page(
    request: Request,
    parts: ConsoleParts,
    user: User,
    mrn: str,
    service: str,
    back: str,
    *,
    status: int = 200,
    form: Form | None = None,
    faults: dict[str, str] | None = None,
    note: str = "",
) -> Response:
    refusal = ""
    view: DeclarationView | None = None
    try:
        view = await parts.desk.by_hand.open_to(actor_of(user), mrn, service)
    except ActionForbidden:
        raise forbidden() from None
    except StepRefused as refused:
        if refused.code == "not-found":
            raise problem_of(refused) from refused
        refusal = refusal_words(refused)
    values = {name: form.text(name) if form else "" for name in _DECISION_FIELDS}
    return page(
        request,
        "acting/decide.html",
        status=status,
        mrn=mrn,
        service=service,
        view=view,
        referral=None if view is None else view.case.referral(service),
        back=back,
        note=note,
        faults=faults or {},
        refusal=refusal,
        values=values,
        request_id=form.text("request") if form is not None and faults else new_request(),
        names=parts.agency_names(),
        zone=str(parts.zone),
        VERDICTS=acting.VERDICTS,
    )


async def _propose(
    request: Request, parts: ConsoleParts, user: User, action: Action, form: Form, back: str
) -> Response:
    mrn, service = action.mrn or "", action.service or ""

    async def again(status: int, *, faults: dict[str, str] | None = None, note: str = "") -> Response:
        return await _decide_page(
            request, parts, user, mrn, service, back, status=status, form=form, faults=faults, note=note
        )

    faults: dict[str, str] = {}
    decided_at, items = None, None
    try:
        decided_at = local_moment(form.text("decided_at"), parts.zone)
    except ValueError:
        faults["decided_at"] = acting.FIELD_FAULTS["decided_at"]
    try:
        items = _items(form.text("items"))
    except ValueError:
        faults["items"] = acting.FIELD_FAULTS["items"]
    if form.text("verdict") not in list(Verdict):
        faults["verdict"] = acting.FIELD_FAULTS["verdict"]
    if faults:
        return await again(422, faults=faults)
    seen = form.text("seen")
    wanted = DecisionProposal(
        mrn=mrn,
        service=service,
        verdict=Verdict(form.text("verdict")),
        items=items,
        remarks=form.text("remarks") or None,
        reference=form.text("reference") or None,
        decided_at=decided_at,
        evidence=form.text("evidence"),
    )
    try:
        proposal = await parts.desk.by_hand.propose(
            actor_of(user),
            wanted,
            form.text("request"),
            document=await _document(form),
            seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        )
    except ActionForbidden:
        raise forbidden() from None
    except ChangedMeanwhile:
        return await again(409, note=_CHANGED)
    except StepRefused as refused:
        if refused.code == "not-found":
            raise problem_of(refused) from refused
        at_fault = field_faults(refused)
        if at_fault:
            return await again(422, faults=at_fault)
        return await again(409, note=refusal_words(refused))
    return go(approval_url(proposal.id))


def _items(text: str) -> tuple[int, ...] | None:
    """Numbers as `1, 2 3`; none for all. Raises ValueError."""
    words = text.replace(",", " ").split()
    if any(not word.isascii() or not word.isdigit() or len(word) > 4 for word in words):
        raise ValueError(f"not numbers of goods items: {text!r}")
    return tuple(int(word) for word in words) or None


async def _document(form: Form) -> Document | None:
    upload = form.file("document")
    if upload is None:
        return None
    # One byte more than may be: what is larger is told so, and is not read.
    content = await upload.read(LARGEST_DOCUMENT + 1)
    return Document(
        name=upload.filename or "document",
        media_type=(upload.content_type or "application/octet-stream").partition(";")[0].strip().lower(),
        content=content,
    )
