"""Stuck work: each with one sentence on why it is stuck, and one on what would unstick it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from hub.console import links
from hub.console.acting import KINDS
from hub.console.board import OUTCOME_WORDS
from hub.console.i18n import Words, _
from hub.console.kinds import STUCK_NAMES
from hub.console.parts import ConsoleParts, Parts
from hub.console.shell import SignedIn, in_thread, may, page, words_of
from hub.console.stuck_words import Said, said_of
from hub.domain.stuck import Judging, Stuck, StuckKind
from hub.operations.bulk import KINDS as BULK_KINDS
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    Attention,
    BadCursor,
    StuckFilter,
    StuckOrder,
    StuckPage,
    StuckPlace,
    StuckRow,
    User,
    UserRole,
)

router = APIRouter(prefix="/console")

_ROWS = 25
_FIELDS = ("agency", "service", "kind", "older_than", "declarant", "chapter", "office", "text")

AGES: Mapping[str, str] = {
    "PT15M": _("15 minutes"),
    "PT1H": _("1 hour"),
    "PT4H": _("4 hours"),
    "P1D": _("1 day"),
    "P3D": _("3 days"),
    "P7D": _("a week"),
}
"""By ISO 8601 duration."""
ORDERS: Mapping[StuckOrder, str] = {
    StuckOrder.CARGO: _("most cargo for the longest"),
    StuckOrder.OLDEST: _("stuck for the longest"),
    StuckOrder.NEWEST: _("stuck last"),
}
FAULTS: Mapping[str, str] = {
    "kind": _("Choose one of the reasons."),
    "older_than": _("Choose one of the ages."),
    "chapter": _("Two digits, as 08: the first two of the HS code."),
}


@dataclass(frozen=True)
class Line:
    """One row as it is shown."""

    row: StuckRow
    stuck: Stuck
    """As it stands this moment, which may be another kind than a moment ago."""
    said: Said

    @property
    def pick(self) -> str:
        """How a form names it."""
        return f"{self.stuck.mrn}/{self.stuck.service}"


@router.get("/stuck")
async def stuck_page(
    request: Request, parts: Parts, user: SignedIn, order: str = "", cursor: str | None = None
) -> Response:
    """What is stuck, as filtered; for users that are bound to an agency, what is their agency's."""
    given = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
    if user.agency is not None:
        given["agency"] = user.agency
    which, faults = _filter(given)
    in_order = StuckOrder(order) if order in set(StuckOrder) else StuckOrder.CARGO
    judging = await in_thread(parts.judging)
    found, lines = StuckPage(rows=(), cursor=None), []
    words, names = words_of(request), _agency_names(parts, words_of(request))
    if which is not None:
        found, cursor_known = await in_thread(_found, parts.attention, which, in_order, cursor, judging)
        if not cursor_known:
            cursor = None
        lines = await in_thread(_lines, parts.attention, found.rows, judging, words, names, user)
    of_agency = StuckFilter(agency=user.agency)
    all_counts = await in_thread(parts.attention.stuck_counts, of_agency, judging.now)
    counts = all_counts
    if which is not None and which != of_agency:
        counts = await in_thread(parts.attention.stuck_counts, which, judging.now)
    filter_ = {name: value for name, value in given.items() if value}
    return page(
        request,
        "stuck/stuck.html",
        lines=lines,
        given=given,
        filter=filter_,
        faults=faults,
        order=in_order,
        counts=counts,
        all_counts=all_counts,
        next=found.cursor,
        first=cursor is None,
        agencies=sorted(names.items(), key=lambda pair: pair[1]),
        names=names,
        kinds=STUCK_NAMES,
        ages=AGES,
        orders=ORDERS,
        outcomes=OUTCOME_WORDS,
        actions=KINDS,
        bulk_kinds=_bulk_kinds(lines) if may(user, UserRole.SUPERVISOR) else (),
        styles=STYLES,
        action_url=action_url,
        declaration_url=links.declaration_url,
        agency_url=links.agency_url,
    )


def _bulk_kinds(lines: Sequence[Line]) -> Sequence[ActionKind]:
    """What may be done in bulk; what unsticks the lines that are shown first, where they are of one kind."""
    if len({line.stuck.kind for line in lines}) != 1:
        return BULK_KINDS
    fitting = [kind for kind in lines[0].said.actions if kind in BULK_KINDS]
    return [*fitting, *(kind for kind in BULK_KINDS if kind not in fitting)]


def action_url(kind: ActionKind, stuck: Stuck, back: str) -> str:
    """The preview of an action on what is stuck, or on its agency."""
    if kind in (ActionKind.PAUSE, ActionKind.RESUME, ActionKind.OPEN_BREAKER, ActionKind.CLOSE_BREAKER):
        return links.act_url(kind, agency=stuck.agency, back=back)
    return links.act_url(kind, mrn=stuck.mrn, service=stuck.service, back=back)


def shown_to(stuck: Stuck, user: User) -> Stuck:
    """Why a request fails may name inner systems: an agency's users are not told."""
    if user.agency is None:
        return stuck
    words = {name: value for name, value in stuck.words.items() if name not in ("reason", "paused_by")}
    return stuck.model_copy(update={"trouble": None, "words": words})


def said_to(stuck: Stuck, words: Words, names: Mapping[str, str], user: User) -> Said:
    """The sentences, with the actions that this user may take."""
    said = said_of(stuck, words, names)
    allowed = tuple(kind for kind in said.actions if may(user, LEAST_ROLE[kind]))
    return Said(why=said.why, cure=said.cure, actions=allowed)


def _filter(given: Mapping[str, str]) -> tuple[StuckFilter | None, dict[str, str]]:
    """What is meant, or what is wrong with it by field."""
    wanted: dict[str, Any] = {name: value for name, value in given.items() if value}
    try:
        return StuckFilter.model_validate(wanted), {}
    except ValidationError as wrong:
        fields = {str(fault["loc"][0]) for fault in wrong.errors()}
        return None, {field: FAULTS[field] for field in fields}


def _found(
    attention: Attention, which: StuckFilter, order: StuckOrder, cursor: str | None, judging: Judging
) -> tuple[StuckPage, bool]:
    """A page of rows; the first one, and False, for a cursor that is none of this list."""
    try:
        return attention.stuck(which, order, cursor, _ROWS, judging.now), True
    except BadCursor:
        return attention.stuck(which, order, None, _ROWS, judging.now), False


def _lines(
    attention: Attention,
    rows: Sequence[StuckRow],
    judging: Judging,
    words: Words,
    names: Mapping[str, str],
    user: User,
) -> list[Line]:
    """Judged anew: what has just been mended is not shown."""
    places = {
        StuckPlace(mrn=row.stuck.mrn, service=row.stuck.service, agency=row.stuck.agency): row for row in rows
    }
    now = attention.judged(places, judging)
    lines = []
    for place, row in places.items():
        if place in now:
            stuck = shown_to(now[place], user)
            lines.append(Line(row, stuck, said_to(stuck, words, names, user)))
    return lines


def _agency_names(parts: ConsoleParts, words: Words) -> dict[str, str]:
    return {slug: words.text_of(name) for slug, name in parts.agency_names().items()}


STYLES: Mapping[StuckKind, str] = {
    StuckKind.NOT_STARTED: "wait",
    StuckKind.UNREACHABLE: "wait",
    StuckKind.PAUSED: "paused",
    StuckKind.IN_DOUBT: "stop",
    StuckKind.UNDELIVERABLE: "stop",
    StuckKind.NOT_UNDERSTOOD: "stop",
    StuckKind.SLOW: "wait",
    StuckKind.DUE_SOON: "wait",
    StuckKind.EXPIRED: "stop",
    StuckKind.CANNOT_BE_TOLD: "stop",
    StuckKind.NOTICE_UNSENT: "wait",
    StuckKind.UNTOLD: "wait",
}
"""Classes of a `.state`."""
