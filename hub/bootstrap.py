"""The only module that knows concrete classes: settings in, a hub of working parts out."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from hub.adapters.cargo import CargoClient
from hub.adapters.channel import Contracts
from hub.adapters.check import check_channels
from hub.adapters.gateway import Gateway
from hub.api.parts import AgencyInfo, ApiParts, ChannelInfo, ServiceInfo
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.domain.deadlines import parse_duration
from hub.engine import TemporalEngine, connect
from hub.ports import Clock
from hub.settings import Settings
from hub.simulator.environment import environment as simulated_environment
from hub.store import Store, create_store

_POLL_EVERY = "5m"
"""For polls that an earlier configuration opened with an agency that has since left it."""


@dataclass(frozen=True)
class Hub:
    """All the parts, joined."""

    settings: Settings
    configuration: Configuration
    store: Store
    gateway: Gateway
    cargo: CargoClient
    engine: TemporalEngine
    clock: Clock

    def poll_every(self, agency: str) -> timedelta:
        """How long to wait between two polls of one referral of an agency."""
        known = self.configuration.agencies.get(agency)
        poll = known.channel.poll if known else None
        return self._scaled(poll.every if poll else _POLL_EVERY)

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


def environment_of(settings: Settings) -> dict[str, str]:
    """What `env:` names of the configuration mean; in development also by the simulator's values."""
    if not settings.simulator_url:
        return dict(os.environ)
    agencies = load(settings.config_folder, development=True).agencies
    seed = settings.simulator_seed.get_secret_value()
    return {**simulated_environment(agencies, settings.simulator_url, seed), **os.environ}


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


def api_parts(hub: Hub) -> ApiParts:
    """What the API is made of."""
    rulebook = hub.configuration.rulebook()
    agencies = [_agency_info(hub.configuration, slug) for slug in hub.configuration.agencies]
    ui = hub.settings.temporal_ui_url
    return ApiParts(
        cases=hub.store,
        queries=hub.store,
        engine=hub.engine,
        gateway=hub.gateway,
        rulebook=lambda: rulebook,
        clock=hub.clock,
        agencies=lambda: agencies,
        temporal_ui_url=f"{ui}/namespaces/{hub.settings.temporal_namespace}/workflows" if ui else None,
    )


def _agency_info(configuration: Configuration, slug: str) -> AgencyInfo:
    agency = configuration.agencies[slug]
    return AgencyInfo(
        agency=slug,
        name=agency.name,
        contact=agency.contact,
        config_version=configuration.versions[slug],
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


async def build(settings: Settings) -> Hub:
    """Join the parts. Raises ConfigurationFaults; needs neither engine nor agencies to be there."""
    environment = environment_of(settings)
    configuration = load_configuration(settings, environment)
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
        engine=TemporalEngine(await connect(settings)),
        clock=utc_now,
    )
