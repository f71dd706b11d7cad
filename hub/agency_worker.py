"""An agency's own worker: carries out the exchanges with its agency, from inside the agency's network."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from hub.activities.agency_calls import AgencyCalls
from hub.activities.heartbeats import HEARTBEAT
from hub.adapters.gateway import Gateway
from hub.adapters.shelf import Shelf
from hub.bootstrap.configuration import live_configuration, put_in_force
from hub.clock import utc_now
from hub.config.live import LiveConfiguration, follow
from hub.config.loader import Configuration
from hub.config.models import AgencyFile
from hub.domain import names
from hub.domain.deadlines import parse_duration
from hub.engine import LOOPBACK, connect, measure_natively
from hub.measuring import Measures, nothing_shown, show
from hub.ports import AgencyChange, AgencyFiles, InForce, Served, ToldFault
from hub.settings import AgencyWorkerSettings
from hub.workbench.finding import find
from hub.workbench.unready import Unready
from hub.workbench.variables import require

_LONGEST_GRACE = timedelta(seconds=25)
"""How long an exchange under way may take to end when the worker is told to stop, at most."""

log = structlog.get_logger(__name__)


@dataclass
class SeenVersions:
    """
    Implements `hub.ports.VersionStore` in memory: the versions that this process itself has had in force.

    The hub keeps all versions in its database, which is not within reach here. A referral that was accepted
    under a version this process has never had is served by the newest file, and the exchange says by which.
    """

    _files: dict[tuple[str, str], AgencyFiles] = field(default_factory=dict)
    _in_force: dict[str, InForce] = field(default_factory=dict)

    def version_files(self, agency: str, version: str) -> AgencyFiles | None:
        return self._files.get((agency, version))

    def last_version(self, agency: str) -> str | None:
        known = self._in_force.get(agency)
        return None if known is None else known.version

    def record_applied(self, versions: Sequence[AgencyFiles], at: datetime, process: str) -> None:
        for one in versions:
            self._files[one.agency, one.version] = one
            known = self._in_force.get(one.agency)
            if known is None or known.version != one.version:
                self._in_force[one.agency] = InForce(agency=one.agency, version=one.version, since=at)

    def record_mended(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """Told in the log."""

    def record_removed(self, agencies: Sequence[str], at: datetime, process: str) -> None:
        """What was in force last goes on serving."""

    def record_refused(
        self, agency: str, version: str | None, faults: Sequence[ToldFault], at: datetime, process: str
    ) -> None:
        """Told in the log."""

    def in_force(self) -> dict[str, InForce]:
        return dict(self._in_force)

    def agency_changes(self, agency: str | None, limit: int) -> list[AgencyChange]:
        return []

    def served(self, agency: str) -> dict[str, Served]:
        return {}

    def agencies_left(self) -> set[str]:
        return set()


class AgencyWorker:
    """
    Serves the task queue of one agency.

    It needs the engine, the agency's file with its contract and the files that all agencies share, and the
    agency's credentials. It needs no database and knows no other agency.
    """

    def __init__(self, settings: AgencyWorkerSettings, agency: str) -> None:
        """
        Raises ConfigurationFaults for what is wrong with its files, Unready when there is no such agency or
        a variable that it needs is not set.
        """
        find(settings.config_folder, agency)
        self._settings = settings
        self._agency = agency
        self._versions = SeenVersions()
        self._shelf = Shelf()
        self._live: LiveConfiguration = live_configuration(
            settings, self._versions, self._shelf, "agency worker", only=agency
        )
        self._measures = Measures(f"worker-{agency}")
        self._gateway = Gateway.without_agencies(utc_now, self._measures.call)
        try:
            require(self._file, self._configuration.environment or {})
        except Unready as wrong:
            raise Unready(wrong.what, f"set them where `hub worker --agency {agency}` runs") from wrong
        self._put_in_force()

    @property
    def _configuration(self) -> Configuration:
        return self._live.current

    @property
    def _file(self) -> AgencyFile:
        return self._configuration.agencies[self._agency]

    async def work(self, stop: asyncio.Event) -> None:
        """Work until told to stop; wait for the engine if it is not there yet."""
        hide, address = nothing_shown, self._settings.metrics_address
        if address:
            hide = show(self._measures, address, measure_natively())
        following = asyncio.create_task(follow(self._live, self._put_in_force, stop))
        try:
            client = await self._connected(stop)
            if client is not None:
                async with self._temporal_worker(client):
                    log.info(
                        "agency_worker.ready",
                        agency=self._agency,
                        task_queue=names.agency_queue(self._agency),
                        version=self._configuration.versions[self._agency],
                    )
                    await stop.wait()
        finally:
            stop.set()
            await following
            await asyncio.to_thread(hide)
            await self._gateway.close()
            await asyncio.to_thread(self._shelf.close)

    def _temporal_worker(self, client: Client) -> Worker:
        timeout = parse_duration(self._file.channel.limits.timeout)
        return Worker(
            client,
            task_queue=names.agency_queue(self._agency),
            activities=AgencyCalls(self._agency, self._gateway).all(),
            max_concurrent_activities=self._settings.max_concurrent_activities,
            # That it died is noticed by a sign of life that is missing: so none is held back.
            max_heartbeat_throttle_interval=HEARTBEAT,
            default_heartbeat_throttle_interval=HEARTBEAT,
            graceful_shutdown_timeout=min(timeout + HEARTBEAT, _LONGEST_GRACE),
        )

    def _put_in_force(self) -> None:
        put_in_force(self._configuration, self._gateway, self._versions, self._shelf)
        if not self._file.channel.own_worker:
            log.warning(
                "agency_worker.not_asked",
                agency=self._agency,
                reason="its file does not say own_worker: true",
            )

    async def _connected(self, stop: asyncio.Event) -> Client | None:
        address = self._settings.temporal_address
        is_near = address.rpartition(":")[0] in LOOPBACK
        if not (is_near or self._settings.temporal_tls or self._settings.development):
            log.warning("engine.not_encrypted", address=address, cure="HUB_TEMPORAL_TLS=true")
        while not stop.is_set():
            try:
                return await connect(self._settings, lazy=False)
            except RuntimeError as wrong:
                log.warning("engine.unavailable", address=address, reason=str(wrong))
            try:
                await asyncio.wait_for(stop.wait(), 1.0)
            except TimeoutError:
                continue
        return None
