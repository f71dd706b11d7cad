"""Agencies and an engine that say what a test tells them to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from hub.domain.exchange import Answer, Dossier, Exchange, Feed, FeedPage, LookUp
from hub.domain.referral import Decision
from hub.ports import NONE_REFUSED, AgencyControl, EngineUnavailable, Pace


@dataclass
class ToldGateway:
    """Of the gateway what relays use: each call gets the next of the script, an error is raised."""

    script: list[Any] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    pulled: list[FeedPage | None] = field(default_factory=list)
    looked_up: list[str] = field(default_factory=list)

    async def look_up(self, dossier: Dossier, sent_at: datetime) -> LookUp:
        self.looked_up.append(dossier.terms.id)
        found: LookUp = self._next()
        return found

    async def poll(self, dossier: Dossier) -> Answer:
        answer: Answer = self._next()
        return answer

    async def pull_feed(self, agency: str, page: FeedPage | None = None) -> Feed:
        self.pulled.append(page)
        feed: Feed = self._next()
        return feed

    async def acknowledge_feed(
        self, agency: str, message_ids: Sequence[str], refused: Mapping[str, str] = NONE_REFUSED
    ) -> tuple[Exchange, ...]:
        self.acknowledged += message_ids
        self.refused |= refused
        exchanges: tuple[Exchange, ...] = self._next()
        return exchanges

    def _next(self) -> Any:
        said = self.script.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


@dataclass
class ToldEngine:
    """An engine whose workflows have ended, or have not."""

    ended: bool = False
    told: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    nudged: list[str] = field(default_factory=list)
    away: bool = False
    let_go: list[str] = field(default_factory=list)
    """Declarations that were told to go on."""

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        self.told.append((mrn, tuple(decision.id for decision in decisions)))
        return not self.ended

    async def tell_news(self, mrn: str) -> bool:
        self.nudged.append(mrn)
        return not self.ended

    async def tell_to_go_on(self, mrn: str, services: Sequence[str]) -> bool:
        if self.away:
            raise EngineUnavailable("away")
        self.let_go.append(mrn)
        return not self.ended


@dataclass
class ToldGate:
    """A gate that stands as it is told."""

    most: dict[str, int] = field(default_factory=dict)
    paces: Pace = field(default_factory=Pace)

    def control(self, agency: str) -> AgencyControl | None:
        return None

    def shut(self) -> dict[str, int]:
        return self.most

    def pace(self, agency: str) -> Pace:
        return self.paces
