"""The first page: how everything stands, and what needs a person."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from hub.console import axes, board, links, pictures
from hub.console.board import AGES, OLDER, OUTCOME_WORDS, board_of
from hub.console.findings import FINDINGS
from hub.console.i18n import Words
from hub.console.kinds import SEVERITY_NAMES, SEVERITY_STYLES, STUCK_NAMES, incident_names
from hub.console.parts import ConsoleParts, Parts
from hub.console.shell import SignedIn, in_thread, page, words_of
from hub.domain.clearance import Outcome
from hub.ports import ClosedDay, Proposal, User, UserRole
from hub.ports.attention import StuckFilter, StuckOrder

router = APIRouter(prefix="/console")

_ROWS = 10
_CLOSED_DAYS = 14


@router.get("")
async def now_page(request: Request, parts: Parts, user: SignedIn) -> Response:
    """Everything; for users that are bound to an agency, what is their agency's."""
    everything = await board_of(request)
    now, words = parts.clock(), words_of(request)
    which = StuckFilter(agency=user.agency)
    urgent = await in_thread(parts.attention.stuck, which, StuckOrder.CARGO, None, _ROWS, now)
    if user.agency is not None:
        return page(
            request,
            "now/agency.html",
            tile=everything.tile(user.agency),
            ages=[*(label for label, _age in AGES), OLDER],
            by_age=await in_thread(parts.overview.open_by_age, user.agency, board.ages_since(now)),
            stuck=await in_thread(parts.attention.stuck_counts, which, now),
            urgent=urgent.rows,
            **_names(parts, words),
        )
    closed = await in_thread(parts.overview.closed_declarations, _first_day(now).date())
    return page(
        request,
        "now/now.html",
        board=everything,
        ages=[*(label for label, _age in AGES), OLDER],
        outcomes=OUTCOME_WORDS,
        closed=_closed(closed, now, words),
        urgent=urgent.rows,
        approvals=await _approvals(parts, user),
        severities=SEVERITY_NAMES,
        severity_styles=SEVERITY_STYLES,
        incident_kinds=incident_names(words),
        incident_url=links.incident_url,
        incidents_url=links.incidents_url,
        approvals_url=links.approvals_url,
        **_names(parts, words),
    )


def _names(parts: ConsoleParts, words: Words) -> dict[str, Any]:
    return {
        "kinds": STUCK_NAMES,
        "names": {kind.value: words.gettext(said) for kind, said in FINDINGS.items()}
        | {slug: words.text_of(name) for slug, name in parts.agency_names().items()},
        "declaration_url": links.declaration_url,
        "stuck_url": links.stuck_url,
        "agency_url": links.agency_url,
        "agencies_url": links.agencies_url,
    }


@dataclass(frozen=True)
class Closed:
    """What was closed in the last days."""

    picture: pictures.Bars
    kinds: tuple[tuple[str, str], ...]
    """Outcome and its words, in the order in which the bars are built."""
    days: tuple[tuple[datetime, Mapping[str, int]], ...]
    """The same in figures, the latest first."""
    today: int


def _first_day(now: datetime) -> datetime:
    return now - timedelta(days=_CLOSED_DAYS - 1)


def _closed(found: list[ClosedDay], now: datetime, words: Words) -> Closed:
    by_day: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for each in found:
        by_day[each.day.isoformat()][each.outcome] = each.count
    days = [(_first_day(now) + timedelta(days=number)) for number in range(_CLOSED_DAYS)]
    counts = [by_day[day.date().isoformat()] for day in days]
    outcomes = [outcome for outcome in Outcome if any(outcome in count for count in counts)]
    return Closed(
        picture=pictures.bars(
            days,
            [(outcome, [count.get(outcome, 0) for count in counts]) for outcome in outcomes],
            time_label=axes.of_days(words),
            value_label=words.number,
        ),
        kinds=tuple((outcome, words.gettext(OUTCOME_WORDS[outcome])) for outcome in outcomes),
        days=tuple(reversed(list(zip(days, counts, strict=True)))),
        today=sum(counts[-1].values()),
    )


async def _approvals(parts: ConsoleParts, user: User) -> list[Proposal]:
    """Decisions by hand that wait for somebody else than this user, the oldest first."""
    if not user.role.may(UserRole.OPERATOR):
        return []
    waiting = await in_thread(parts.actions.proposals, open=True, limit=_ROWS)
    return [proposal for proposal in waiting.proposals if proposal.by != user.name]
