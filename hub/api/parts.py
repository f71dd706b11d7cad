"""What the API is built from, and what it tells of an agency."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from hub.api.refusals import RefusalLimit
from hub.domain.deadlines import WorkingCalendar
from hub.domain.declaration import Procedure
from hub.domain.intake import Rulebook
from hub.domain.model import Model, Text, UtcDatetime
from hub.domain.referral import Answers, OnExpiry
from hub.operations.desk import Desk
from hub.operations.doctor import Doctor
from hub.operations.gauges import Measured
from hub.operations.progress import ProgressTeller
from hub.operations.tracking import Tracking
from hub.ports import (
    AgencyGateway,
    CargoStore,
    CaseStore,
    CertificateStore,
    Clock,
    CountOne,
    Engine,
    IncidentStore,
    NotScanning,
    QueryStore,
    Scanner,
    uncounted,
)


class ServiceInfo(Model):
    """One approval an agency gives, as published."""

    service: str
    name: Text
    law: Text
    law_code: str
    """The two digits by which exemption claims name the law."""
    procedures: tuple[Procedure, ...]
    document: str
    document_types: tuple[str, ...] = ()
    """LPCO types the service issues."""
    answers: Answers
    answer_within: str
    """`3wd` is three working days of the agency's calendar; `48h`, `30d` are plain lengths of time."""
    on_expiry: OnExpiry
    alternative_group: str | None = None
    confidence: str
    """verified, likely or assumed: how well the catalogue's sources support this row."""


class ChannelInfo(Model):
    """How the hub reaches an agency; no endpoint and no credential."""

    adapter: str
    contract: str
    """Path of the WSDL or OpenAPI document below the configuration folder."""
    takes_callbacks: bool


class ConfigurationFault(Model):
    """One thing wrong with a file of the configuration folder."""

    file: str
    """Below the folder."""
    line: int
    key: str
    what: str
    cure: str


class RefusedConfiguration(Model):
    """What stands in the configuration folder for an agency and is not in force."""

    at: UtcDatetime
    """When it was refused."""
    faults: tuple[ConfigurationFault, ...]


class ConfigurationInfo(Model):
    """Which version of an agency's file this process works by."""

    version: str
    """Of the file and of everything it names; new declarations are accepted under it."""
    applied_at: UtcDatetime | None
    """Since when it has been in force; null while that is not written down."""
    refused: RefusedConfiguration | None = None
    """A change that has faults and is not in force; for staff and the agency itself."""


class AgencyInfo(Model):
    """An agency, as published."""

    agency: str
    name: Text
    contact: str
    config_version: str
    """Version of the agency's file in force now."""
    configuration: ConfigurationInfo
    channel: ChannelInfo
    services: tuple[ServiceInfo, ...]


@dataclass(frozen=True)
class ApiParts:
    """
    Everything the API needs from outside; `bootstrap` builds it.

    `rulebook`, `agencies` and `refused` are called for each request that needs them, so that an edited
    configuration is seen without a restart. Stores are blocking and are called in threads.
    """

    cases: CaseStore
    queries: QueryStore
    engine: Engine
    gateway: AgencyGateway
    certificates: CertificateStore
    cargo: CargoStore
    rulebook: Callable[[], Rulebook]
    calendar: Callable[[str], WorkingCalendar]
    """When an agency works, by its slug; for customs the administration's own."""
    clock: Clock
    agencies: Callable[[], list[AgencyInfo]]
    desk: Desk
    """What operations do."""
    progress: ProgressTeller
    tracking: Tracking
    refused: Callable[[str], RefusedConfiguration | None] = lambda agency: None
    """What stands in the folder for an agency and is not in force, also for one that never was."""
    incidents: IncidentStore | None = None
    """What the early warning has found; None where there is none, as in the workbench."""
    count: CountOne = uncounted
    """For the early warning."""
    store_trouble: Callable[[BaseException], str | None] = lambda error: None
    """Why the store could not do what was asked; None where an error is none of its doing."""
    scanner: Scanner = field(default_factory=NotScanning)
    """Of the documents that declarants hand in."""
    public_url: str | None = None
    """Where people's browsers find the hub, for links; None: where they say they ask."""
    temporal_ui_url: str | None = None
    """URL of the workflow list in Temporal's UI, as `http://127.0.0.1:8233/namespaces/default/workflows`."""
    doctor: Doctor | None = None
    """Compares store and engine; None where there is no engine that can be looked at."""
    gauges: Callable[[], Iterable[Measured]] = tuple
    """What is counted in the store, for Prometheus. Blocking."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    max_declaration_bytes: int = 8 * 1024 * 1024
    max_callback_bytes: int = 1024 * 1024
    declaration_within: timedelta = timedelta(seconds=20)
    """How long a declaration may take to come in, from its first byte to its last."""
    callback_within: timedelta = timedelta(seconds=10)
    max_answer_bytes: int = 32 * 1024 * 1024
    """Of an answer to an agency's question, with all its documents."""
    answer_within: timedelta = timedelta(seconds=60)
    """How long such an answer may take to come in."""
    refusals: RefusalLimit = field(default_factory=RefusalLimit)
    """How many refused callbacks are recorded."""
    engine_patience: timedelta = timedelta(seconds=2)
    """How long a request waits for the engine before it leaves the hand-over to the relay."""
    watch_every: timedelta = timedelta(seconds=0.5)
    """How often the store is asked for new events while somebody streams them."""
    heartbeat: timedelta = timedelta(seconds=15)
    """The longest silence on an event stream."""
    stream_for: timedelta = timedelta(minutes=30)
    """How long one event stream lasts; the client comes back with Last-Event-ID, and is authorised anew."""


def parts_of(request: Request) -> ApiParts:
    """The parts this application was made from."""
    parts: ApiParts = request.app.state.parts
    return parts


async def _parts(request: Request) -> ApiParts:
    # A dependency that is no coroutine is run in a thread, which takes longer than all that it does.
    return parts_of(request)


Parts = Annotated[ApiParts, Depends(_parts)]
