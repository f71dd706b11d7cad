"""What people who operate the hub do and are told, by the parts of a hub."""

from __future__ import annotations

import shlex
from datetime import timedelta

from hub import process
from hub.adapters.scanner import CommandScanner
from hub.bootstrap.joined import Hub
from hub.domain.intake import Rulebook
from hub.domain.steps import StepRefused
from hub.operations.desk import Desk, desk_of
from hub.operations.judging import Judges
from hub.operations.progress import ProgressTeller
from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import ArchiveFolder
from hub.operations.tracking import Tracking
from hub.ports import NotScanning, Scanner
from hub.relays.retention import RetentionRelay
from hub.settings import Settings


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
        scanner(hub.settings),
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
        hub.store, ArchiveFolder(folder), hub.clock, process.name("worker"), hub.store.note_audit
    )
    return [RetentionRelay(archiver, lambda: hub.configuration.retention_policy, hub.clock)]


def judges(hub: Hub) -> Judges:
    """By what stuck work is judged at this moment."""

    def agencies() -> dict[str, str]:
        files = hub.configuration.agencies
        return {service: slug for slug, file in files.items() for service in file.services}

    return Judges(hub.store, hub.store, agencies, hub.clock)


def progress_teller(hub: Hub) -> ProgressTeller:
    return ProgressTeller(
        cargo=hub.store,
        histories=hub.store,
        agencies=lambda: hub.configuration.catalogue.agencies,
        calendar=lambda agency: hub.configuration.calendar_of(agency),
        clock=hub.clock,
    )


def tracking(hub: Hub) -> Tracking:
    return Tracking(hub.store, hub.store, hub.clock, timedelta(days=hub.settings.tracking_days))


def scanner(settings: Settings) -> Scanner:
    """The virus scanner, if there is one."""
    if not settings.scan_command:
        return NotScanning()
    return CommandScanner(shlex.split(settings.scan_command), timedelta(seconds=settings.scan_seconds))
