"""The hub itself: all the parts that API and worker have in common, joined."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client

from hub import journal, process
from hub.adapters.alerts import AlertPost
from hub.adapters.cargo import CargoClient
from hub.adapters.controlled import ControlledGateway
from hub.adapters.gate import LiveGate
from hub.adapters.gateway import Gateway
from hub.adapters.shelf import Shelf
from hub.bootstrap.configuration import live_configuration, put_in_force
from hub.clock import utc_now
from hub.config.certificates import expiring
from hub.config.live import LiveConfiguration, follow
from hub.config.loader import Configuration
from hub.config.models import AgencyFile
from hub.distant import DistantGateway
from hub.domain.deadlines import parse_duration
from hub.engine import TemporalEngine, connect, measure_natively
from hub.engine_watch import TemporalWatch
from hub.measuring import Measures
from hub.operations.doctor import Doctor
from hub.operations.watch.gathering import Gatherer
from hub.operations.watch.keeper import Keeper, Tally
from hub.operations.watch.memory import Memory
from hub.operations.watch.pace import Pace
from hub.operations.watch.rounds import Watch
from hub.operations.watch.teller import Teller
from hub.ports import Call, CertificateEnd, Clock, IncidentKind, RefusedFile, WatchPolicy
from hub.relays.calls import CallTally
from hub.settings import Settings
from hub.store import Store, create_store
from hub.store.vitals import is_away, is_full
from hub.version import hub_version

_FIRST_POLL = "30s"
"""Nobody has decided in the moment in which he is told, and those who decide by themselves do it soon."""
_POLL_EVERY = "5m"
"""For polls of an earlier version with an agency whose newest file does not poll any more."""


@dataclass(frozen=True)
class Hub:
    """All the parts, joined."""

    settings: Settings
    live: LiveConfiguration
    shelf: Shelf
    store: Store
    near: Gateway
    """Speaks to the agencies from here, and reads what they call back."""
    gateway: DistantGateway
    """The same, for whoever speaks to an agency: by the agency's own worker where it has one."""
    gate: LiveGate
    """Which agencies are not to be asked now."""
    asking: ControlledGateway
    """The gateway behind that gate, for whoever asks by himself: activities and relays."""
    cargo: CargoClient
    engine: TemporalEngine
    clock: Clock
    tally: CallTally
    """What this process has asked of agencies' systems since that was last written down."""
    watch: Watch
    """Goes the rounds of the early warning."""
    keeper: Keeper
    """What this process does for the early warning beside them."""
    doctor: Doctor
    measures: Measures
    """What this process has counted, for Prometheus."""
    native_metrics: str | None
    """Where the engine's native client shows what it has counted."""

    @property
    def pace(self) -> Pace:
        """How often the early warning looks."""
        return Pace(self.settings.watch_scale)

    @property
    def configuration(self) -> Configuration:
        """What is in force now."""
        return self.live.current

    def poll_every(self, agency: str) -> timedelta:
        """How long to wait between two polls of one referral of an agency."""
        known = self.near.file_of(agency)
        poll = known.channel.poll if known else None
        return self._scaled(poll.every if poll else _POLL_EVERY)

    def left_alone(self, agency: str) -> timedelta:
        """How long an agency that has just been given a referral is not asked about it."""
        return min(self.poll_every(agency), self._scaled(_FIRST_POLL))

    def feeds(self) -> dict[str, timedelta]:
        """
        The agencies whose feed is pulled, and how often; also one that has left and still owes an answer.

        Blocking.
        """
        files: dict[str, AgencyFile | None] = dict(self.configuration.agencies)
        for agency in self.store.agencies_left():
            files.setdefault(agency, self.near.file_kept_of(agency))
        return {
            slug: self._scaled(file.channel.feed.every)
            for slug, file in files.items()
            if file is not None and file.channel.feed is not None
        }

    async def follow(self, stop: asyncio.Event) -> None:
        """Take changes of the configuration folder, until told to stop."""
        await follow(self.live, self.put_in_force, stop)

    def put_in_force(self) -> None:
        """Speak to the agencies as the configuration in force says."""
        put_in_force(self.configuration, self.near, self.store, self.shelf)

    def _scaled(self, every: str) -> timedelta:
        return parse_duration(every) * self.settings.poll_scale

    async def close(self) -> None:
        """Let go of connections."""
        await self.gateway.close()
        await asyncio.to_thread(self.cargo.close)
        await asyncio.to_thread(self.store.close)
        await asyncio.to_thread(self.shelf.close)


async def build(settings: Settings, role: str = "hub") -> Hub:
    """Join the parts. Raises ConfigurationFaults; needs neither engine nor agencies to be there."""
    store = create_store(settings.database_url, sync=settings.sqlite_sync)
    tally, measures = CallTally(), Measures(role)
    store.measure(measures.transaction)
    store.announce(journal.tell)

    def meter(call: Call) -> None:
        tally(call)
        measures.call(call)

    # An API shows what it counts itself, and has little to do with the engine.
    native = measure_natively() if settings.metrics_address and role == "worker" else None
    shelf, client = Shelf(), await connect(settings)
    near = Gateway.without_agencies(utc_now, meter)

    async def file_of(agency: str) -> AgencyFile | None:
        return near.file_of(agency) or await asyncio.to_thread(near.file_kept_of, agency)

    gateway = DistantGateway(near, client, file_of, utc_now, meter)
    gate = LiveGate(store, utc_now, near.file_of, gateway.forgive)
    live = live_configuration(settings, store, shelf, role)
    engine = TemporalEngine(client)
    doctor = Doctor(
        *(store, store, engine, engine, utc_now, store.note_audit),
        keeps=(lambda: live.current.retention_policy.after) if settings.archive_folder else None,
    )
    watch, keeper = _early_warning(settings, live, store, engine, client, role, doctor)
    hub = Hub(
        settings=settings,
        live=live,
        shelf=shelf,
        store=store,
        near=near,
        gateway=gateway,
        gate=gate,
        asking=ControlledGateway(gateway, gate),
        cargo=CargoClient(settings.cargo_url, settings.cargo_token.get_secret_value(), utc_now),
        engine=engine,
        clock=utc_now,
        tally=tally,
        watch=watch,
        keeper=keeper,
        doctor=doctor,
        measures=measures,
        native_metrics=native,
    )
    hub.put_in_force()
    return hub


def _early_warning(
    settings: Settings,
    live: LiveConfiguration,
    store: Store,
    engine: TemporalEngine,
    client: Client,
    role: str,
    doctor: Doctor,
) -> tuple[Watch, Keeper]:
    """What measures, judges and tells."""
    this, pace = process.name(role), Pace(settings.watch_scale)

    def policy() -> WatchPolicy:
        return live.current.watch_policy

    gatherer = Gatherer(
        store=store,
        histories=store,
        controls=store,
        attention=store,
        engine=TemporalWatch(client),
        certificates=lambda: _ending(live.current),
        refused_files=lambda: _refused_files(live),
        quick_look=doctor.quick,
        clock=utc_now,
        pace=pace,
    )
    smtp = settings.smtp_url
    sender = AlertPost(None if smtp is None else smtp.get_secret_value(), settings.alert_from, utc_now)
    watch = Watch(gatherer, store, policy, utc_now, this, pace)
    console = None if settings.public_url is None else f"{settings.public_url.rstrip('/')}/console/incidents"
    keeper = Keeper(
        watch,
        Teller(store, sender, policy, utc_now, console_url=console, runbook_url=settings.runbook_url),
        Memory(store, sender, policy, utc_now, _kind_of_trouble, runbook_url=settings.runbook_url),
        Tally(),
        store,
        utc_now,
        process=this,
        role=role,
        version=hub_version(),
        pace=pace,
    )
    return watch, keeper


def _kind_of_trouble(error: BaseException) -> IncidentKind | None:
    if is_full(error):
        return IncidentKind.DISK_FULL
    return IncidentKind.DATABASE_UNREACHABLE if is_away(error) else None


def _ending(configuration: Configuration) -> list[CertificateEnd]:
    """The certificates of the agencies' files that end soon, or have ended. Blocking."""
    environment = configuration.environment or {}
    return [
        CertificateEnd(slug, one.subject, one.ends)
        for slug, file in configuration.agencies.items()
        for one in expiring(file, environment, utc_now(), configuration.folder)
    ]


def _refused_files(live: LiveConfiguration) -> list[RefusedFile]:
    return [
        RefusedFile(file=name, since=one.at, fault=str(one.faults[0]), faults=len(one.faults))
        for name, one in live.refusals().items()
        if one.faults
    ]
