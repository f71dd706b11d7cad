"""The only module that knows concrete classes: settings in, a hub of working parts out."""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from temporalio.client import Client

from hub import journal
from hub.adapters.alerts import AlertPost
from hub.adapters.archive import Archive, Edition
from hub.adapters.cargo import CargoClient
from hub.adapters.channel import Contracts
from hub.adapters.check import ChannelFault, check_channels
from hub.adapters.controlled import ControlledGateway
from hub.adapters.gate import LiveGate
from hub.adapters.gateway import Gateway
from hub.adapters.scanner import CommandScanner
from hub.adapters.shelf import Shelf
from hub.api.parts import (
    AgencyInfo,
    ApiParts,
    ChannelInfo,
    ConfigurationFault,
    ConfigurationInfo,
    NotScanning,
    RefusedConfiguration,
    ServiceInfo,
)
from hub.api.problems import ApiProblem
from hub.clock import utc_now
from hub.config.certificates import expiring
from hub.config.checking import Checker, Environment
from hub.config.directory import agency_card, certified
from hub.config.folder import Folder
from hub.config.live import LiveConfiguration, follow
from hub.config.loader import Configuration, load
from hub.config.models import AgencyFile
from hub.config.sources import agency_file
from hub.console.parts import ConsoleParts
from hub.console.provider import OidcSettings, Provider
from hub.distant import DistantGateway
from hub.domain.deadlines import parse_duration
from hub.domain.intake import Rulebook
from hub.domain.steps import StepRefused
from hub.engine import TemporalEngine, connect, measure_natively
from hub.engine_watch import TemporalWatch
from hub.measuring import Measures
from hub.operations.desk import Desk, desk_of
from hub.operations.doctor import Doctor
from hub.operations.gauges import Gauges
from hub.operations.judging import Judges
from hub.operations.progress import ProgressTeller
from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.operations.tracking import Tracking
from hub.operations.watch.gathering import Gatherer
from hub.operations.watch.keeper import Keeper, Tally
from hub.operations.watch.memory import Memory
from hub.operations.watch.pace import Pace
from hub.operations.watch.rounds import Watch
from hub.operations.watch.sight import Sight
from hub.operations.watch.teller import Teller
from hub.ports import (
    Call,
    CertificateEnd,
    Clock,
    IncidentKind,
    RefusedFile,
    Scanner,
    VersionArchive,
    VersionStore,
    WatchPolicy,
)
from hub.relays.calls import CallTally
from hub.relays.retention import RetentionRelay
from hub.settings import EngineSettings, Settings
from hub.simulator.environment import environment as simulated_environment
from hub.store import Store, create_store
from hub.store.vitals import is_away, is_full, store_trouble
from hub.variables import Variables
from hub.version import hub_version

_RUNBOOK = Path(__file__).parent.parent / "docs" / "operations.md"
"""Beside the package in a checkout and in an image; elsewhere the console only names its sections."""
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


def put_in_force(
    configuration: Configuration, gateway: Gateway, versions: VersionArchive, shelf: Shelf
) -> None:
    """Have a gateway speak to the agencies as a configuration says, and as earlier versions said."""
    support = {slug: configuration.sources[agency_file(slug)].support for slug in configuration.agencies}
    gateway.change(
        {
            slug: Edition(
                file,
                configuration.versions[slug],
                shelf.contracts(support[slug]),
                configuration.calendars[slug].zone,
                support[slug],
            )
            for slug, file in configuration.agencies.items()
        },
        configuration.environment or {},
        Archive(versions, shelf, configuration.zones),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """What `env:` names of the configuration mean; in development also by the simulator's values."""
    return dict(environment_for(settings)(load(settings.config_folder, development=True).agencies) or {})


def environment_for(settings: EngineSettings) -> Environment:
    """The same, for whichever agencies there are."""
    variables = Variables(settings.secrets_folder)

    def environment(agencies: Mapping[str, AgencyFile]) -> Mapping[str, str]:
        if not settings.simulator_url:
            return variables.read()
        seed = settings.simulator_seed.get_secret_value()
        return {**simulated_environment(agencies, settings.simulator_url, seed), **variables.read()}

    return environment


def load_configuration(settings: Settings, environment: Mapping[str, str]) -> Configuration:
    """
    The configuration folder, checked whole: the files, and each channel against its contract.

    Raises ConfigurationFaults with every fault of every file.
    """
    folder = settings.config_folder
    contracts = Contracts(folder)
    return load(
        folder,
        development=settings.development,
        environment=environment,
        check=lambda agencies: check_channels(agencies, folder, environment, contracts),
    )


def live_configuration(
    settings: EngineSettings, versions: VersionStore, shelf: Shelf, role: str, *, only: str | None = None
) -> LiveConfiguration:
    """
    The configuration folder, checked in the same way, and followed; for an agency's own worker, `only` that
    agency's file. Raises ConfigurationFaults.

    `role` tells the processes of this machine apart where they write down what they did.
    """

    def check(
        name: str, file: AgencyFile, support: Mapping[str, bytes], environment: Mapping[str, str]
    ) -> list[ChannelFault]:
        contracts = shelf.contracts(support)
        return check_channels({name: file}, contracts.folder, environment, contracts)

    checker = Checker(
        settings.config_folder,
        development=settings.development,
        environment=environment_for(settings),
        check=check,
        folder_of=lambda source: shelf.folder(source.support),
        is_agencys=only is not None,
    )
    folder = Folder(settings.config_folder, checker.documents.plain, only)
    process = process_name(role)
    secrets = Variables(settings.secrets_folder)
    live = LiveConfiguration(
        folder, checker, versions, utc_now, process, alone=only is not None, beside=secrets.state
    )
    live.start()
    return live


def process_name(role: str) -> str:
    """What this process is called where it writes down that it did something, or lives."""
    return f"{role} {os.getpid()} on {socket.gethostname()}"


def api_parts(hub: Hub) -> ApiParts:
    """What the API is made of."""
    return ApiParts(
        cases=hub.store,
        queries=hub.store,
        engine=hub.engine,
        gateway=hub.gateway,
        certificates=hub.store,
        cargo=hub.store,
        rulebook=lambda: _rulebook(hub.live),
        calendar=lambda agency: hub.configuration.calendar_of(agency),
        clock=hub.clock,
        agencies=lambda: [_agency_info(hub.live, slug) for slug in hub.configuration.agencies],
        refused=lambda agency: _refused(hub.live, agency),
        desk=desk(hub),
        progress=_progress_teller(hub),
        tracking=_tracking(hub),
        incidents=Sight(hub.store, hub.keeper.memory.incidents),
        count=hub.keeper.tally,
        doctor=hub.doctor,
        gauges=Gauges(hub.store, hub.store, hub.store, hub.store, hub.store, hub.clock).read,
        registry=hub.measures.registry,
        store_trouble=store_trouble,
        scanner=_scanner(hub.settings),
        public_url=hub.settings.public_url,
        temporal_ui_url=_workflow_list(hub.settings),
    )


def judges(hub: Hub) -> Judges:
    """By what stuck work is judged at this moment."""

    def agencies() -> dict[str, str]:
        files = hub.configuration.agencies
        return {service: slug for slug, file in files.items() for service in file.services}

    return Judges(hub.store, hub.store, agencies, hub.clock)


def console_parts(hub: Hub) -> ConsoleParts:
    """What the console is made of."""
    settings = hub.settings
    return ConsoleParts(
        clock=hub.clock,
        users=hub.store,
        audit=hub.store,
        is_ready=hub.store.is_ready,
        overview=hub.store,
        histories=hub.store,
        controls=hub.store,
        versions=hub.store,
        queries=hub.store,
        finding=hub.store,
        attention=hub.store,
        judging=judges(hub),
        incidents=Sight(hub.store, hub.keeper.memory.incidents),
        open_incidents=hub.keeper.open_incidents,
        runbook=_RUNBOOK if _RUNBOOK.exists() else None,
        actions=hub.store,
        doctor=hub.doctor,
        desk=desk(hub),
        progress=_progress_teller(hub),
        tracking=_tracking(hub),
        agencies=lambda: [agency_card(hub.live, slug) for slug in hub.configuration.agencies],
        certified=partial(certified, settings.certification_folder),
        agency_names=lambda: {slug: file.name for slug, file in hub.configuration.agencies.items()},
        secure=not settings.development,
        public_url=settings.public_url,
        zone=hub.configuration.default_calendar.zone,
        temporal_ui_url=_workflow_list(settings),
        provider=_provider(settings, hub.clock),
        session_idle=timedelta(minutes=settings.session_idle_minutes),
        session_lasts=timedelta(hours=settings.session_hours),
    )


def desk(hub: Hub) -> Desk:
    """What operations do, for console, API and worker alike."""

    def rulebook() -> Rulebook:
        if not hub.live.is_written_down:
            raise StepRefused("not-ready", "the versions of the agencies' files cannot be written down yet")
        return hub.configuration.rulebook()

    return desk_of(
        hub.store,
        hub.engine,
        hub.gateway,
        _scanner(hub.settings),
        hub.clock,
        rulebook=rulebook,
        calendar=lambda agency: hub.configuration.calendar_of(agency),
    )


def retention(hub: Hub) -> list[RetentionRelay]:
    """What archives, where it is said where to."""
    folder = hub.settings.archive_folder
    if folder is None:
        return []
    archiver = Archiver(
        hub.store, ArchiveFolder(folder), hub.clock, process_name("worker"), hub.store.note_audit
    )
    return [RetentionRelay(archiver, lambda: hub.configuration.retention_policy, hub.clock)]


def _progress_teller(hub: Hub) -> ProgressTeller:
    return ProgressTeller(
        cargo=hub.store,
        histories=hub.store,
        agencies=lambda: hub.configuration.catalogue.agencies,
        calendar=lambda agency: hub.configuration.calendar_of(agency),
        clock=hub.clock,
    )


def _tracking(hub: Hub) -> Tracking:
    return Tracking(hub.store, hub.store, hub.clock, timedelta(days=hub.settings.tracking_days))


def _provider(settings: Settings, clock: Clock) -> Provider | None:
    if not settings.oidc_issuer:
        return None
    return Provider(
        OidcSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=settings.oidc_client_secret.get_secret_value(),
            scope=settings.oidc_scope,
            role_claim=settings.oidc_role_claim,
            roles=settings.oidc_roles,
            agency_claim=settings.oidc_agency_claim,
        ),
        clock,
    )


def _workflow_list(settings: Settings) -> str | None:
    ui = settings.temporal_ui_url
    return f"{ui}/namespaces/{settings.temporal_namespace}/workflows" if ui else None


def _scanner(settings: Settings) -> Scanner:
    """The virus scanner, if there is one."""
    if not settings.scan_command:
        return NotScanning()
    return CommandScanner(shlex.split(settings.scan_command), timedelta(seconds=settings.scan_seconds))


def _rulebook(live: LiveConfiguration) -> Rulebook:
    """What declarations are accepted by. Raises ApiProblem (503) while its versions are not in the store."""
    if not live.is_written_down:
        raise ApiProblem("not-ready", "the versions of the agencies' files cannot be written down yet")
    return live.current.rulebook()


def _configuration_info(live: LiveConfiguration, slug: str) -> ConfigurationInfo:
    return ConfigurationInfo(
        version=live.current.versions[slug], applied_at=live.since(slug), refused=_refused(live, slug)
    )


def _refused(live: LiveConfiguration, slug: str) -> RefusedConfiguration | None:
    refusal = live.refusal(slug)
    if refusal is None:
        return None
    return RefusedConfiguration(
        at=refusal.at,
        faults=tuple(
            ConfigurationFault(file=f.file, line=f.line, key=f.key, what=f.what, cure=f.cure)
            for f in refusal.faults
        ),
    )


def _agency_info(live: LiveConfiguration, slug: str) -> AgencyInfo:
    configuration = live.current
    agency = configuration.agencies[slug]
    return AgencyInfo(
        agency=slug,
        name=agency.name,
        contact=agency.contact,
        config_version=configuration.versions[slug],
        configuration=_configuration_info(live, slug),
        channel=ChannelInfo(
            adapter=agency.channel.adapter,
            contract=agency.channel.contract,
            takes_callbacks=agency.channel.callback is not None,
        ),
        services=tuple(
            ServiceInfo(
                service=code,
                name=service.name,
                law=service.law,
                law_code=service.law_code,
                procedures=tuple(service.procedure),
                document=service.document,
                document_types=tuple(service.document_types),
                answers=service.answers,
                answer_within=service.answer_within,
                on_expiry=service.on_expiry,
                alternative_group=service.alternative_group,
                confidence=service.confidence,
            )
            for code, service in agency.services.items()
        ),
    )


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
    process, pace = process_name(role), Pace(settings.watch_scale)

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
    watch = Watch(gatherer, store, policy, utc_now, process, pace)
    console = None if settings.public_url is None else f"{settings.public_url.rstrip('/')}/console/incidents"
    keeper = Keeper(
        watch,
        Teller(store, sender, policy, utc_now, console_url=console, runbook_url=settings.runbook_url),
        Memory(store, sender, policy, utc_now, _kind_of_trouble, runbook_url=settings.runbook_url),
        Tally(),
        store,
        utc_now,
        process=process,
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
