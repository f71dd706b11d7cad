"""What the API and the console are made of."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from pathlib import Path

from hub.api.parts import (
    AgencyInfo,
    ApiParts,
    ChannelInfo,
    ConfigurationFault,
    ConfigurationInfo,
    RefusedConfiguration,
    ServiceInfo,
)
from hub.api.problems import ApiProblem
from hub.bootstrap.joined import Hub
from hub.bootstrap.operating import desk, judges, progress_teller, scanner, tracking
from hub.config.directory import agency_card, certified
from hub.config.live import LiveConfiguration
from hub.console.parts import ConsoleParts
from hub.console.provider import OidcSettings, Provider
from hub.domain.intake import Rulebook
from hub.operations.gauges import Gauges
from hub.operations.watch.sight import Sight
from hub.ports import Clock
from hub.settings import Settings
from hub.store.vitals import store_trouble

_RUNBOOK = Path(__file__).parent.parent.parent / "docs" / "operations.md"
"""Beside the package in a checkout and in an image; elsewhere the console only names its sections."""


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
        progress=progress_teller(hub),
        tracking=tracking(hub),
        incidents=Sight(hub.store, hub.keeper.memory.incidents),
        count=hub.keeper.tally,
        doctor=hub.doctor,
        gauges=Gauges(hub.store, hub.store, hub.store, hub.store, hub.store, hub.clock).read,
        registry=hub.measures.registry,
        store_trouble=store_trouble,
        scanner=scanner(hub.settings),
        public_url=hub.settings.public_url,
        temporal_ui_url=_workflow_list(hub.settings),
    )


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
        progress=progress_teller(hub),
        tracking=tracking(hub),
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
