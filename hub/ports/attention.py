"""What is stuck, kept so that it can be searched, sorted and counted while 100,000 declarations are open."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from pydantic import Field

from hub.domain.clearance import Outcome
from hub.domain.model import Model, UtcDatetime
from hub.domain.stuck import Cargo, Judging, Stuck, StuckKind


class StuckFilter(Model):
    """Which stuck work is meant; None does not filter. The fields are the parameters of "Stuck work"."""

    agency: str | None = None
    service: str | None = None
    kind: StuckKind | None = None
    older_than: timedelta | None = None
    """Stuck for longer than this."""
    declarant: str | None = None
    chapter: str | None = Field(default=None, pattern=r"^[0-9]{2}$")
    """The first two digits of the HS code of one of the goods items that it holds."""
    office: str | None = None
    text: str | None = None
    """An mrn, lrn, ucr or cargo management number, whole."""


class StuckOrder(StrEnum):
    CARGO = "cargo"
    """How much cargo it holds, times for how long: kilograms and hours."""
    OLDEST = "oldest"
    NEWEST = "newest"


class StuckRow(Model):
    """One thing that is stuck, with what a list shows of its declaration."""

    stuck: Stuck
    cargo: Cargo
    lrn: str
    ucr: str
    declarant: str
    office: str | None
    cargo_management_number: str | None
    outcome: Outcome
    accepted_at: UtcDatetime


class StuckPage(Model):
    """`cursor` continues after the last row; None at the end."""

    rows: tuple[StuckRow, ...]
    cursor: str | None


class StuckPlace(Model):
    """Where something is stuck; `service` None is the declaration as a whole."""

    mrn: str
    service: str | None
    agency: str | None


class StuckCounts(Model):
    """How much is stuck."""

    by_kind: Mapping[StuckKind, int]
    by_agency: Mapping[str, int]
    """Without what concerns a declaration as a whole."""
    kilograms: Decimal
    """Gross mass of the cargo held, as far as it was declared; cargo that two services hold counts twice."""

    @property
    def all(self) -> int:
        """All of it."""
        return sum(self.by_kind.values())


class Attention(Protocol):
    """Blocking, as the store is."""

    def stuck(
        self,
        which: StuckFilter,
        order: StuckOrder,
        cursor: str | None,
        limit: int,
        now: datetime,
    ) -> StuckPage:
        """
        What is stuck, as last judged; see `judged` for what has changed since. Raises BadCursor.

        Who goes from page to page sees each row once, in the order as it was at the first page.
        """

    def count_stuck(self, which: StuckFilter, now: datetime) -> int:
        """How many rows a filter has."""

    def stuck_counts(self, which: StuckFilter, now: datetime) -> StuckCounts:
        """The same by kind and by agency."""

    def stuck_places(
        self, which: StuckFilter, now: datetime, after: StuckPlace | None, limit: int
    ) -> Sequence[StuckPlace]:
        """
        The places of a filter, in order of mrn and service, `limit` at a time: those after `after`. Works on
        while rows come and go: none that stays is left out or given twice.
        """

    def judged(self, places: Iterable[StuckPlace], judging: Judging) -> dict[StuckPlace, Stuck]:
        """How these stand this moment: those that are still stuck. What has been mended is not there."""

    def stuck_in(self, mrn: str, judging: Judging) -> list[Stuck]:
        """What of one declaration is stuck this moment; nothing of one that is not known."""

    def judge_stuck(self, judging: Judging, limit: int, *, compare: bool = True) -> int:
        """
        Look at what may have become stuck, and, with `compare`, at what is stuck and has changed, which takes
        the longer the more is stuck; keep what comes of it. At most `limit` declarations; returns how many it
        looked at.
        """
