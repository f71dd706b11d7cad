"""What the overview knows of every agency: its health, its times and what waits for it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import Request

from hub.console.caching import Briefly
from hub.console.i18n import _
from hub.console.parts import ConsoleParts, parts_of
from hub.console.pictures import Spark, spark
from hub.console.shell import in_thread
from hub.domain import latency
from hub.domain.clearance import Outcome
from hub.operations.health import Health, health_of
from hub.ports import AgencyCard, AgencyControl, CallCount, CallResult, Incident, OpenDeclarations
from hub.ports.attention import StuckCounts, StuckFilter

HEALTH_WORDS: Mapping[Health, str] = {
    Health.HEALTHY: _("healthy"),
    Health.SLOW: _("slow"),
    Health.FAILING: _("failing"),
    Health.PAUSED: _("paused"),
    Health.DRAINING: _("catching up"),
    Health.QUIET: _("not asked lately"),
}
HEALTH_STYLE: Mapping[Health, str] = {
    Health.HEALTHY: "go",
    Health.SLOW: "wait",
    Health.FAILING: "stop",
    Health.PAUSED: "paused",
    Health.DRAINING: "wait",
    Health.QUIET: "quiet",
}
"""Classes of a `.state`."""

OUTCOME_WORDS: Mapping[Outcome, str] = {
    Outcome.IN_PROGRESS: _("in progress"),
    Outcome.HOLD: _("hold"),
    Outcome.PARTIAL_RELEASE: _("partial release"),
    Outcome.RELEASE: _("release"),
    Outcome.REFUSAL: _("refusal"),
    Outcome.WITHDRAWN: _("withdrawn"),
}

AGES: tuple[tuple[str, timedelta], ...] = (
    (_("under an hour"), timedelta(hours=1)),
    (_("under a day"), timedelta(days=1)),
    (_("under three days"), timedelta(days=3)),
    (_("under a week"), timedelta(days=7)),
    (_("under a month"), timedelta(days=30)),
)
OLDER = _("older")

_RECENTLY = timedelta(minutes=15)
_HOURS = 24
_FRESH = 2.0
"""Seconds for which figures are kept."""
_STALE = 15.0
"""Seconds up to which they are shown while they are worked out anew; the page says as of when they are."""
_SELDOM = 30.0
"""The same for figures by the hour."""


def ages_since(now: datetime) -> list[datetime]:
    """The times that part the ages, as `Overview` takes them."""
    return [now - age for _label, age in AGES]


@dataclass(frozen=True)
class Tile:
    """One agency at a glance."""

    card: AgencyCard
    health: Health
    control: AgencyControl | None
    spark: Spark
    p90: timedelta | None
    """Of the answers of the last quarter of an hour; of the last 24 hours where there was none."""
    slowest_hour: timedelta | None
    """The highest of the hours in the picture."""
    asked: int
    """Requests of the last 24 hours."""
    failed: int
    """Of these, without a usable answer."""
    open: int
    oldest: datetime | None
    stuck: int

    @property
    def is_calm(self) -> bool:
        """Nothing about it needs a look: it answers, or nobody asks, and nothing is stuck."""
        return self.health in (Health.HEALTHY, Health.QUIET) and not self.stuck

    @property
    def word(self) -> str:
        return HEALTH_WORDS[self.health]

    @property
    def style(self) -> str:
        return HEALTH_STYLE[self.health]


@dataclass(frozen=True)
class Board:
    """Everything at one moment."""

    at: datetime
    tiles: tuple[Tile, ...]
    """Those that need a look first, then by what waits for them."""
    declarations: tuple[OpenDeclarations, ...]
    stuck: StuckCounts
    incidents: tuple[Incident, ...]

    def tile(self, agency: str) -> Tile | None:
        return next((tile for tile in self.tiles if tile.card.agency == agency), None)


async def board_of(request: Request) -> Board:
    """The board as it was a second or two ago."""
    state = request.app.state
    if not hasattr(state, "board"):
        parts = parts_of(request)
        hours = Briefly(lambda: in_thread(_hours, parts), _SELDOM, 2 * _SELDOM)

        async def work_out() -> Board:
            by_hour = await hours.get()
            return await in_thread(_board, parts, by_hour)

        state.board = Briefly(work_out, _FRESH, _STALE)
    board: Briefly[Board] = state.board
    return await board.get()


def _hours(parts: ConsoleParts) -> dict[str, list[CallCount]]:
    now = parts.clock()
    since = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=_HOURS - 1)
    return _by_agency(parts.histories.calls_by_hour(None, since))


def _board(parts: ConsoleParts, hours: Mapping[str, list[CallCount]]) -> Board:
    now = parts.clock()
    recent = _by_agency(parts.histories.calls(None, now - _RECENTLY))
    controls = parts.controls.controls()
    waiting = parts.overview.open_by_agency()
    stuck = parts.attention.stuck_counts(StuckFilter(), now)
    incidents = parts.incidents.open_incidents()
    concerned: defaultdict[str, list[Incident]] = defaultdict(list)
    for incident in incidents:
        concerned[incident.subject].append(incident)
    tiles = []
    for card in parts.agencies():
        slug = card.agency
        control = controls.get(slug)
        known = waiting.get(slug)
        by_hour = hours.get(slug, [])
        levels = [percentile_of(each, 0.9) for each in _in_hours(by_hour, now)]
        lately = percentile_of(recent.get(slug, []), 0.9)
        usual = percentile_of(by_hour, 0.9) if lately is None else lately
        tiles.append(
            Tile(
                card=card,
                health=health_of(control, concerned[slug], recent.get(slug, [])),
                control=control,
                spark=spark(levels),
                p90=None if usual is None else timedelta(seconds=usual),
                slowest_hour=max(
                    (timedelta(seconds=level) for level in levels if level is not None), default=None
                ),
                asked=sum(call.count for call in by_hour),
                failed=sum(call.count for call in by_hour if call.result != CallResult.ANSWERED),
                open=known.count if known else 0,
                oldest=known.oldest if known else None,
                stuck=stuck.by_agency.get(slug, 0),
            )
        )
    ranks = list(Health)

    def urgency(tile: Tile) -> tuple[object, ...]:
        rank = ranks.index(tile.health)
        return tile.is_calm, min(rank, 4), -tile.stuck, -tile.open, rank, tile.card.agency

    tiles.sort(key=urgency)
    return Board(
        at=now,
        tiles=tuple(tiles),
        declarations=tuple(parts.overview.open_declarations(ages_since(now))),
        stuck=stuck,
        incidents=tuple(incidents),
    )


def percentile_of(calls: Iterable[CallCount], share: float) -> float | None:
    """Seconds within which this share of the requests was answered; those without an answer are left out."""
    return percentiles_of(calls, (share,))[0]


def percentiles_of(calls: Iterable[CallCount], shares: Sequence[float]) -> list[float | None]:
    """The same for several shares; none where nothing was answered."""
    answered = [call for call in calls if call.result == CallResult.ANSWERED]
    if not answered:
        return [None] * len(shares)
    ladder = latency.together(call.ladder for call in answered)
    slowest = max(call.slowest_ms for call in answered)
    found = [latency.percentile(ladder, share, slowest) for share in shares]
    return [None if each is None else each / 1000 for each in found]


def _by_agency(calls: Iterable[CallCount]) -> dict[str, list[CallCount]]:
    found: defaultdict[str, list[CallCount]] = defaultdict(list)
    for call in calls:
        found[call.agency].append(call)
    return dict(found)


def _in_hours(calls: Sequence[CallCount], now: datetime) -> list[list[CallCount]]:
    """By hour, the last 24; this one is the last."""
    this = now.replace(minute=0, second=0, microsecond=0)
    found: list[list[CallCount]] = [[] for _hour in range(_HOURS)]
    for call in calls:
        place = _HOURS - 1 - int((this - call.minute) / timedelta(hours=1))
        if 0 <= place < _HOURS:
            found[place].append(call)
    return found
