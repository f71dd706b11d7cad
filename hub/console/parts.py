"""What the console is built from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, tzinfo
from pathlib import Path
from typing import Annotated, Protocol
from zoneinfo import ZoneInfo

from fastapi import Depends, Request

from hub.console.provider import Provider
from hub.domain.model import Text
from hub.domain.stuck import Judging
from hub.operations.desk import Desk
from hub.operations.doctor import Doctor
from hub.operations.progress import ProgressTeller
from hub.operations.tracking import Tracking
from hub.ports import (
    AgencyCard,
    Audited,
    CertifiedAgency,
    Clock,
    Controls,
    Histories,
    Overview,
    QueryStore,
    Users,
    VersionStore,
)
from hub.ports.actions import ActionStore
from hub.ports.attention import Attention
from hub.ports.finding import Finding
from hub.ports.incidents import Incident, IncidentStore


class Audits(Protocol):
    """Where it is written down what users did. Blocking."""

    def note_audit(self, line: Audited) -> Audited: ...


@dataclass(frozen=True)
class ConsoleParts:
    """
    Everything the console needs from outside; `bootstrap` builds it.

    Stores are blocking and are called in threads, see `shell.in_thread`.
    """

    clock: Clock
    users: Users
    audit: Audits
    is_ready: Callable[[], bool]
    """Whether the store answers; may raise what a store raises when it is gone. Blocking."""
    overview: Overview
    histories: Histories
    controls: Controls
    versions: VersionStore
    queries: QueryStore
    finding: Finding
    attention: Attention
    incidents: IncidentStore
    actions: ActionStore
    desk: Desk
    """What operations do."""
    progress: ProgressTeller
    """How far declarations have got, for those who wait for them."""
    tracking: Tracking
    judging: Callable[[], Judging]
    """By what stuck work is judged at this moment. Blocking."""
    doctor: Doctor | None = None
    """Compares store and engine; None where there is no engine that can be looked at."""
    agencies: Callable[[], Sequence[AgencyCard]] = tuple
    """Those in force, as their files say."""
    certified: Callable[[str], CertifiedAgency | None] = lambda agency: None
    """The last run of the conformance kit whose report the hub has. Blocking."""
    agency_names: Callable[[], Mapping[str, Text]] = dict
    """Of the agencies in force, by slug."""
    secure: bool = True
    """Cookies go over TLS only. False in development, on a machine of one's own."""
    public_url: str | None = None
    """Where people find the console, as `https://hub.example`; None: where their browser says it asks."""
    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Asia/Seoul"))
    """In which times are shown."""
    open_incidents: Callable[[], Sequence[Incident]] = tuple
    """As they were a few seconds ago, without asking the store: for the banner on every page."""
    runbook: Path | None = None
    """The document with what to do about each kind of incident."""
    temporal_ui_url: str | None = None
    """URL of the workflow list in Temporal's UI, as `http://127.0.0.1:8233/namespaces/default/workflows`."""
    provider: Provider | None = None
    """The OpenID Connect provider, where one is configured."""
    session_idle: timedelta = timedelta(hours=1)
    """A session ends when its person has done nothing for so long."""
    session_lasts: timedelta = timedelta(hours=12)
    """A session ends after this at the latest: one shift."""


def parts_of(request: Request) -> ConsoleParts:
    """The parts this console was made from."""
    parts: ConsoleParts = request.app.state.parts
    return parts


async def _parts(request: Request) -> ConsoleParts:
    # As in `hub.api.parts`: what is no coroutine is run in a thread.
    return parts_of(request)


Parts = Annotated[ConsoleParts, Depends(_parts)]
