"""Agencies: all of them as a table, and one with its answer times, errors, control and configuration."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Request, Response

from hub.console import axes, links, pictures
from hub.console.board import HEALTH_WORDS, Tile, board_of, percentiles_of
from hub.console.caching import Briefly
from hub.console.i18n import Words, _
from hub.console.kinds import STUCK_NAMES, incident_names
from hub.console.measured import measured
from hub.console.parts import ConsoleParts, Parts, parts_of
from hub.console.problems import not_found
from hub.console.shell import SignedIn, in_thread, may, page, words_of
from hub.domain.history import Usual
from hub.domain.referral import OnExpiry, ReferralState
from hub.ports import (
    LEAST_ROLE,
    ActionKind,
    CallCount,
    CallResult,
    ChangeKind,
    ControlState,
    DayOfAnswers,
    User,
)
from hub.ports.attention import StuckFilter, StuckOrder

router = APIRouter(prefix="/console/agencies")

RESULT_WORDS: Mapping[CallResult, str] = {
    CallResult.ANSWERED: _("answered"),
    CallResult.UNAVAILABLE: _("unavailable"),
    CallResult.IN_DOUBT: _("in doubt"),
    CallResult.REFUSED: _("turned down"),
    CallResult.NOT_UNDERSTOOD: _("not understood"),
}
STATE_WORDS: Mapping[ReferralState, str] = {
    ReferralState.PENDING: _("not handed over"),
    ReferralState.DELIVERED: _("with the agency"),
    ReferralState.UNDELIVERABLE: _("undeliverable"),
    ReferralState.DECIDED: _("decided"),
    ReferralState.EXPIRED: _("time over"),
    ReferralState.WITHDRAWN: _("withdrawn"),
}
EXPIRY_WORDS: Mapping[OnExpiry, str] = {
    OnExpiry.HOLD: _("held"),
    OnExpiry.ESCALATE: _("escalated"),
    OnExpiry.DEEMED_APPROVED: _("deemed approved"),
    OnExpiry.DEEMED_REFUSED: _("deemed refused"),
}
CHANGE_WORDS: Mapping[ChangeKind, str] = {
    ChangeKind.APPLIED: _("in force"),
    ChangeKind.REFUSED: _("refused"),
    ChangeKind.MENDED: _("mended"),
    ChangeKind.REMOVED: _("removed"),
}
CONTROL_WORDS: Mapping[ControlState, str] = {
    ControlState.OPEN: _("Asked as usual"),
    ControlState.PAUSED: _("Paused by a person"),
    ControlState.FAILING: _("Not asked, because its system fails; a probe tries it now and then"),
    ControlState.DRAINING: _("Answers again; its queue goes out at a safe rate"),
}
PERIODS: Mapping[int, str] = {
    1: _("24 hours"),
    7: _("7 days"),
    30: _("30 days"),
    90: _("90 days"),
}
_BY_THE_HOUR = 2
"""Up to so many days a plot has a point for each hour; beyond, for each day."""
_SHARES = (0.5, 0.9, 0.99)
_ROWS = 10
_FRESH = 5.0
_STALE = 30.0
"""Seconds: as in `board`."""
_CHANGES = 15


@router.get("")
async def agencies_page(request: Request, user: SignedIn, state: str = "", text: str = "") -> Response:
    """All of them, or those of one state or name."""
    if user.agency is not None:
        raise not_found()
    words = words_of(request)
    everything = await board_of(request)
    chosen = [
        tile
        for tile in everything.tiles
        if (not state or tile.health == state)
        and text.strip().lower() in f"{tile.card.agency} {' '.join(tile.card.name.values())}".lower()
    ]
    chosen.sort(key=lambda tile: words.text_of(tile.card.name))
    return page(
        request,
        "agencies/list.html",
        tiles=chosen,
        count=len(everything.tiles),
        states=HEALTH_WORDS,
        values={"state": state, "text": text},
        agency_url=links.agency_url,
        stuck_url=links.stuck_url,
    )


@router.get("/{agency}")
async def agency_page(
    request: Request, parts: Parts, user: SignedIn, agency: str, days: int = 7, service: str = ""
) -> Response:
    """One agency. Its own users see it too, without what is the hub's own affair."""
    everything = await board_of(request)
    tile = everything.tile(agency) if user.agency in (None, agency) else None
    if tile is None:
        raise not_found(_("There is no such agency"))
    days = days if days in PERIODS else 7
    queues = await _queues(request, agency)
    words = words_of(request)
    figures = await in_thread(_figures, parts, tile, queues, days, service, words)
    return page(
        request,
        "agencies/agency.html",
        tile=tile,
        figures=figures,
        days=days,
        service=service,
        periods=PERIODS,
        actions=_actions(tile, user),
        incidents=[incident for incident in everything.incidents if incident.subject == agency],
        states=STATE_WORDS,
        results=RESULT_WORDS,
        expiries=EXPIRY_WORDS,
        changes=CHANGE_WORDS,
        control_words=CONTROL_WORDS,
        kinds=STUCK_NAMES,
        incident_kinds=incident_names(words),
        measured=lambda evidence: measured(evidence, words),
        links=links,
        is_staff=user.agency is None,
    )


async def _queues(request: Request, agency: str) -> Mapping[str, Mapping[ReferralState, int]]:
    """
    What waits for an agency, by service and state, as it was some seconds ago: of one with a hundred thousand
    open referrals it takes a tenth of a second to count.
    """
    state, parts = request.app.state, parts_of(request)
    if not hasattr(state, "queues"):
        state.queues = {}
    kept: dict[str, Briefly[Mapping[str, Mapping[ReferralState, int]]]] = state.queues

    def count() -> Mapping[str, Mapping[ReferralState, int]]:
        queues: defaultdict[str, dict[ReferralState, int]] = defaultdict(dict)
        for queue in parts.overview.open_by_service(agency):
            queues[queue.service][queue.state] = queue.count
        return queues

    if agency not in kept:
        kept[agency] = Briefly(partial(in_thread, count), _FRESH, _STALE)
    return await kept[agency].get()


@dataclass(frozen=True)
class Figures:
    """What the page of one agency shows beside its tile."""

    times: pictures.Plot
    times_rows: tuple[tuple[str, Sequence[float | None]], ...]
    """Of each point: when, and the seconds of each line."""
    results: pictures.Bars
    result_rows: tuple[tuple[str, Sequence[int]], ...]
    result_kinds: tuple[CallResult, ...]
    operations: tuple[tuple[Any, ...], ...]
    """Operation, requests, of these without a usable answer, seconds of half of them and of 9 in 10."""
    answers: pictures.Plot
    answer_rows: tuple[tuple[str, int, Usual], ...]
    usual: Mapping[str, Usual]
    queues: Mapping[str, Mapping[ReferralState, int]]
    waiting: Sequence[Any]
    stuck: Any
    stuck_rows: Sequence[Any]
    changes: Sequence[Any]
    certified: Any


def _figures(
    parts: ConsoleParts,
    tile: Tile,
    queues: Mapping[str, Mapping[ReferralState, int]],
    days: int,
    service: str,
    words: Words,
) -> Figures:
    now, agency = parts.clock(), tile.card.agency
    services = [each.service for each in tile.card.services]
    since = now - timedelta(days=days)
    by_hour = days <= _BY_THE_HOUR
    places = _places(since, now, by_hour)
    of = parts.histories.calls_by_hour if by_hour else parts.histories.calls_by_day
    calls = of(agency, places[0])
    at_place = _at_places(calls, by_hour)
    levels = list(zip(*(percentiles_of(at_place[at], _SHARES) for at in places), strict=True))
    label = axes.of_hours(words, parts.zone) if by_hour else axes.of_days(words)
    counts = {
        result: [sum(call.count for call in at_place[at] if call.result == result) for at in places]
        for result in CallResult
    }
    there = tuple(result for result in CallResult if any(counts[result]))
    chosen = [service] if service in services else services
    answers = parts.histories.answers(chosen, since.date())
    which = StuckFilter(agency=agency)
    return Figures(
        times=pictures.plot(
            places,
            [
                (words.gettext(name), line)
                for name, line in zip((_("half"), _("9 in 10"), _("99 in 100")), levels, strict=True)
            ],
            time_label=label,
            value_label=axes.of_seconds(words),
        ),
        times_rows=tuple(
            (label(at), line)
            for at, *line in zip(places, *levels, strict=True)
            if any(value is not None for value in line)
        ),
        results=pictures.bars(
            places,
            [(result, counts[result]) for result in there],
            time_label=label,
            value_label=words.number,
        ),
        result_rows=tuple(
            (label(at), row)
            for at, *row in zip(places, *(counts[result] for result in there), strict=True)
            if any(row)
        ),
        result_kinds=there,
        operations=_operations(calls),
        answers=_answers_plot(answers, since, now, words),
        answer_rows=tuple((each.day.isoformat(), each.usual.count, each.usual) for each in reversed(answers))
        if len(chosen) == 1
        else (),
        usual={code: usual for code, usual in parts.histories.usual(now).items() if code in services},
        queues=queues,
        waiting=parts.overview.waiting_longest(agency, _ROWS),
        stuck=parts.attention.stuck_counts(which, now),
        stuck_rows=parts.attention.stuck(which, StuckOrder.CARGO, None, _ROWS, now).rows,
        changes=parts.versions.agency_changes(agency, _CHANGES),
        certified=parts.certified(agency),
    )


def _places(since: datetime, now: datetime, by_hour: bool) -> list[datetime]:
    """The hours, or the days (UTC), from then to now."""
    step = timedelta(hours=1) if by_hour else timedelta(days=1)
    at = _place_of(since, by_hour) + step
    places = []
    while at <= now:
        places.append(at)
        at += step
    return places


def _place_of(at: datetime, by_hour: bool) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    return hour if by_hour else hour.replace(hour=0)


def _at_places(calls: Sequence[CallCount], by_hour: bool) -> defaultdict[datetime, list[CallCount]]:
    found: defaultdict[datetime, list[CallCount]] = defaultdict(list)
    for call in calls:
        found[_place_of(call.minute, by_hour)].append(call)
    return found


def _operations(calls: Sequence[CallCount]) -> tuple[tuple[Any, ...], ...]:
    by_operation: defaultdict[str, list[CallCount]] = defaultdict(list)
    for call in calls:
        by_operation[call.operation].append(call)
    return tuple(
        (
            operation,
            sum(call.count for call in made),
            sum(call.count for call in made if call.result != CallResult.ANSWERED),
            *percentiles_of(made, (0.5, 0.9)),
        )
        for operation, made in sorted(by_operation.items())
    )


def _answers_plot(
    answers: Sequence[DayOfAnswers], since: datetime, now: datetime, words: Words
) -> pictures.Plot:
    """By day: for each service what 9 in 10 took no longer than; of one service alone, three lines."""
    places = _places(since, now, by_hour=False)
    by_service: defaultdict[str, dict[str, Usual]] = defaultdict(dict)
    for each in answers:
        by_service[each.service][each.day.isoformat()] = each.usual
    lines: list[tuple[str, list[float | None]]] = []
    for code, days in sorted(by_service.items()):
        found = [days.get(at.date().isoformat()) for at in places]
        nine = [None if usual is None else usual.nine_in_ten.total_seconds() for usual in found]
        if len(by_service) > 1:
            lines.append((code, nine))
            continue
        half = [None if usual is None else usual.half.total_seconds() for usual in found]
        nearly_all = [None if usual is None else usual.nearly_all.total_seconds() for usual in found]
        lines = [
            (words.gettext(_("half")), half),
            (words.gettext(_("9 in 10")), nine),
            (words.gettext(_("99 in 100")), nearly_all),
        ]
    return pictures.plot(places, lines, time_label=axes.of_days(words), value_label=axes.of_seconds(words))


def _actions(tile: Tile, user: User) -> list[tuple[str, str]]:
    """Where this user may do something about it now: address and words."""
    back = links.agency_url(tile.card.agency)
    state = ControlState.OPEN if tile.control is None else tile.control.state
    fitting = {
        ControlState.OPEN: (ActionKind.PAUSE, ActionKind.OPEN_BREAKER),
        ControlState.PAUSED: (ActionKind.RESUME,),
        ControlState.FAILING: (ActionKind.CLOSE_BREAKER, ActionKind.PAUSE),
        ControlState.DRAINING: (ActionKind.PAUSE, ActionKind.OPEN_BREAKER),
    }
    return [
        (links.act_url(kind, agency=tile.card.agency, back=back), _ACTION_WORDS[kind])
        for kind in fitting[state]
        if may(user, LEAST_ROLE[kind])
    ]


_ACTION_WORDS: Mapping[ActionKind, str] = {
    ActionKind.PAUSE: _("Pause it"),
    ActionKind.RESUME: _("Resume it"),
    ActionKind.OPEN_BREAKER: _("Open its breaker"),
    ActionKind.CLOSE_BREAKER: _("Close its breaker"),
}
