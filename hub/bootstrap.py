"""The only module that knows concrete classes: settings in, a hub of working parts out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.client import Client

from hub.adapters.cargo import CargoClient
from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.config.loader import Configuration, ConfigurationFaults, Fault, load
from hub.domain.deadlines import parse_duration
from hub.engine import TemporalEngine, connect
from hub.ports import Clock
from hub.settings import Settings
from hub.store import Store, create_store


def utc_now() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Hub:
    """All the parts, joined."""

    settings: Settings
    configuration: Configuration
    store: Store
    gateway: Gateway
    cargo: CargoClient
    client: Client
    engine: TemporalEngine
    clock: Clock

    def poll_every(self, agency: str) -> timedelta:
        """How long to wait between two polls of one referral of an agency."""
        poll = self.configuration.agencies[agency].channel.poll
        return self._scaled(poll.every if poll else "5m")

    def feeds(self) -> dict[str, timedelta]:
        """The agencies that have a feed, and how often each is pulled."""
        return {
            slug: self._scaled(agency.channel.feed.every)
            for slug, agency in self.configuration.agencies.items()
            if agency.channel.feed
        }

    def _scaled(self, every: str) -> timedelta:
        return parse_duration(every) * self.settings.poll_scale

    async def close(self) -> None:
        """Let go of connections."""
        await self.gateway.close()
        await asyncio.to_thread(self.cargo.close)
        await asyncio.to_thread(self.store.close)


def load_configuration(settings: Settings, environment: Mapping[str, str] | None = None) -> Configuration:
    """
    The configuration folder, checked whole: the files, and each channel against its contract.

    Raises ConfigurationFaults with every fault of every file.
    """
    environment = os.environ if environment is None else environment
    configuration = load(
        settings.config_folder, development=settings.development, environment=environment
    )
    faults = [
        Fault(
            file=f"agencies/{fault.agency}.yaml",
            line=configuration.line_of(fault.agency, fault.key),
            key=".".join(map(str, fault.key)),
            what=fault.what,
            cure=fault.cure,
        )
        for fault in check_channels(configuration.agencies, configuration.folder, environment)
    ]
    if faults:
        raise ConfigurationFaults(faults)
    return configuration


async def build(settings: Settings, environment: Mapping[str, str] | None = None) -> Hub:
    """Join the parts. Raises ConfigurationFaults; needs neither engine nor agencies to be there."""
    environment = dict(os.environ if environment is None else environment)
    configuration = load_configuration(settings, environment)
    client = await connect(settings)
    return Hub(
        settings=settings,
        configuration=configuration,
        store=create_store(settings.database_url, sync=settings.sqlite_sync),
        gateway=Gateway(
            configuration.agencies,
            configuration.versions,
            configuration.folder,
            environment,
            {slug: calendar.zone for slug, calendar in configuration.calendars.items()},
            utc_now,
        ),
        cargo=CargoClient(settings.cargo_url, settings.cargo_token.get_secret_value(), utc_now),
        client=client,
        engine=TemporalEngine(client),
        clock=utc_now,
    )
