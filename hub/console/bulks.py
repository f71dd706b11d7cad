"""Pages for bulk actions: the count first, then how far it has come, with a button that stops it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import ValidationError

from hub.console import acting
from hub.console.acting import Looking, field_faults, local_moment, problem_of, refusal_words
from hub.console.i18n import _
from hub.console.links import bulk_url, stuck_url
from hub.console.parts import ConsoleParts, Parts
from hub.console.problems import PageProblem, forbidden, not_found
from hub.console.security import CheckedForm, Form
from hub.console.shell import Operating, Supervising, actor_of, go, in_thread, page
from hub.domain.steps import StepRefused
from hub.operations.bulk import MOST, USUAL_RATE, Pick
from hub.operations.by_hand import new_request
from hub.operations.permission import ActionForbidden
from hub.ports import (
    ActionKind,
    BadCursor,
    BulkItem,
    BulkState,
    ChangedMeanwhile,
    ItemState,
    StuckFilter,
    User,
)

router = APIRouter(prefix="/console/bulks")

FILTERS: Mapping[str, str] = {
    "agency": _("Agency"),
    "service": _("Service"),
    "kind": _("Why it is stuck"),
    "older_than": _("Stuck for longer than"),
    "declarant": _("Declarant"),
    "chapter": _("HS chapter"),
    "office": _("Customs office"),
    "text": _("Reference"),
}
"""The fields of the filter of the stuck work, as its page has them in its address."""
_SHOWN = 100


@router.get("")
async def bulks(request: Request, parts: Parts, user: Looking, cursor: str | None = None) -> Response:
    """The newest first."""
    try:
        found = await parts.desk.bulks.bulks(cursor)
    except BadCursor:
        raise not_found() from None
    return page(
        request,
        "acting/bulks.html",
        found=found,
        KINDS=acting.KINDS,
        BULKS=acting.BULKS,
        BULK_STYLES=acting.BULK_STYLES,
    )


@router.get("/new")
async def new_bulk_page(
    request: Request,
    parts: Parts,
    user: Supervising,
    action: str = "",
    pick: Annotated[list[str] | None, Query()] = None,
) -> Response:
    """The count first, and the form to begin it with."""
    kind = _kind(action)
    filter = {name: value for name in FILTERS if (value := request.query_params.get(name, ""))}
    return await _preview(request, parts, user, kind, filter, pick or [])


@router.post("/new")
async def begin(request: Request, parts: Parts, user: Supervising, form: CheckedForm) -> Response:
    """Begin it, once however often the form is sent."""
    kind, picks = _kind(form.text("action")), form.texts("pick")
    filter = {name: value for name in FILTERS if (value := form.text(name))}
    count = form.text("count")
    faults: dict[str, str] = {}
    rate, due_at = USUAL_RATE, None
    try:
        rate = float(form.text("rate").replace(",", "."))
    except ValueError:
        faults["rate"] = acting.FIELD_FAULTS["rate"]
    try:
        due_at = local_moment(form.text("due_at"), parts.zone)
    except ValueError:
        faults["due_at"] = acting.FIELD_FAULTS["due_at"]
    if faults:
        return await _preview(request, parts, user, kind, filter, picks, status=422, form=form, faults=faults)
    try:
        bulk = await parts.desk.bulks.begin(
            actor_of(user),
            kind,
            _pick(filter, picks),
            form.text("reason"),
            form.text("request"),
            count=int(count) if count.isascii() and count.isdigit() else 0,
            rate=rate,
            due_at=due_at,
            picked=filter,
        )
    except ActionForbidden:
        raise forbidden() from None
    except ChangedMeanwhile:
        note = _("There are more by now than were counted: look at the count again before you begin.")
        return await _preview(request, parts, user, kind, filter, picks, status=409, form=form, note=note)
    except StepRefused as refused:
        at_fault = field_faults(refused)
        status, note = (422, "") if at_fault else (409, refusal_words(refused))
        return await _preview(
            request,
            parts,
            user,
            kind,
            filter,
            picks,
            status=status,
            form=form,
            faults=at_fault,
            note=note,
        )
    return go(bulk_url(bulk.id))


@router.get("/{id}")
async def bulk_page(
    request: Request, parts: Parts, user: Looking, id: str, state: str = "", after: int = 0
) -> Response:
    """How far it has come, and what has become of each item."""
    bulk = await parts.desk.bulks.bulk(id)
    if bulk is None:
        raise not_found(_("There is no such bulk action"))
    wanted = ItemState(state) if state in list(ItemState) else None
    items = await parts.desk.bulks.items(id, wanted, max(after, 0), _SHOWN + 1)
    shown = items[:_SHOWN]
    waits_for = 0
    if bulk.state is BulkState.RUNNING:
        running = await in_thread(parts.actions.running_bulks)
        for other in running:
            if other.id == id:
                break
            waits_for += other.counts.get(ItemState.WAITING, 0)
    return page(
        request,
        "acting/bulk.html",
        bulk=bulk,
        items=shown,
        more=shown[-1].place if len(items) > _SHOWN else None,
        why=_why(shown),
        state=wanted,
        waits_for=waits_for,
        # The same however often the page refreshes itself: it is stopped once.
        stop_request=f"stop-{id}",
        KINDS=acting.KINDS,
        BULKS=acting.BULKS,
        BULK_STYLES=acting.BULK_STYLES,
        ITEMS=acting.ITEMS,
        ITEM_STYLES=acting.ITEM_STYLES,
    )


@router.post("/{id}/stop")
async def stop(parts: Parts, user: Operating, id: str, form: CheckedForm) -> Response:
    """Nothing more of it is begun."""
    try:
        await parts.desk.bulks.stop(actor_of(user), id, form.text("request"))
    except ActionForbidden:
        raise forbidden() from None
    except StepRefused as refused:
        raise problem_of(refused) from refused
    return go(bulk_url(id))


def _kind(action: str) -> ActionKind:
    """Raises PageProblem (404)."""
    if action not in list(ActionKind):
        raise not_found()
    return ActionKind(action)


def _pick(filter: Mapping[str, str], picks: Sequence[str]) -> Pick:
    """Raises PageProblem (422)."""
    if picks:
        return Pick(these=tuple((mrn, service) for mrn, _slash, service in (p.partition("/") for p in picks)))
    try:
        return Pick(which=StuckFilter.model_validate(filter))
    except ValidationError as error:
        fields = ", ".join(sorted({str(fault["loc"][0]) for fault in error.errors()}))
        raise PageProblem(
            422,
            _("Something in the address or the form does not fit: %(fields)s"),
            _("Go back, correct it, and try again."),
            fields=fields,
        ) from error


def _why(items: Sequence[BulkItem]) -> dict[int, str]:
    """Why items were not done, in words, by their place."""
    said = {}
    for item in items:
        if item.state is ItemState.REFUSED:
            code, _colon, detail = item.result.partition(": ")
            said[item.place] = acting.REFUSALS.get(code, detail or code)
    return said


async def _preview(
    request: Request,
    parts: ConsoleParts,
    user: User,
    kind: ActionKind,
    filter: Mapping[str, str],
    picks: Sequence[str],
    *,
    status: int = 200,
    form: Form | None = None,
    faults: dict[str, str] | None = None,
    note: str = "",
) -> Response:
    try:
        preview = await parts.desk.bulks.preview(actor_of(user), kind, _pick(filter, picks))
    except ActionForbidden:
        raise forbidden() from None
    except StepRefused as refused:
        raise problem_of(refused) from refused
    values = {"rate": f"{USUAL_RATE:g}", "reason": "", "due_at": ""}
    if form is not None:
        values = {name: form.text(name) for name in values}
    return page(
        request,
        "acting/new_bulk.html",
        status=status,
        kind=kind,
        preview=preview,
        filter=filter,
        picks=picks,
        back=stuck_url(**filter),
        note=note,
        faults=faults or {},
        values=values,
        request_id=form.text("request") if form is not None and faults else new_request(),
        most=MOST,
        usual_rate=USUAL_RATE,
        names=parts.agency_names(),
        zone=str(parts.zone),
        FILTERS=FILTERS,
        KINDS=acting.KINDS,
    )
