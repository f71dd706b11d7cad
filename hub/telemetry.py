"""Where traces are sent: to an OpenTelemetry collector over OTLP/HTTP, when the settings name one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from hub import tracing
from hub.domain import names
from hub.settings import EngineSettings
from hub.version import hub_version

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_EXPORT_WITHIN = 5.0
"""Seconds for one export: a collector that hangs must not have spans pile up."""
_FLUSH_WITHIN = 3.0
"""Seconds that a process which ends waits for what it has not sent."""

log = structlog.get_logger(__name__)


class Telemetry:
    """The traces of one process. Spans wait in memory, 2048 at most, and are sent beside the work."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider

    def close(self) -> None:
        """Send what waits, for no longer than a moment. Blocking."""
        if self._provider is None:
            return
        # The exporter's own retries would outlast a supervisor's patience: then what waits is lost.
        closing = threading.Thread(target=self._provider.shutdown, name="telemetry", daemon=True)
        closing.start()
        closing.join(_FLUSH_WITHIN)
        if closing.is_alive():
            log.warning("telemetry.not_flushed", within_s=_FLUSH_WITHIN)


def start(settings: EngineSettings, role: str) -> Telemetry:
    """Send this process's traces as `hub-{role}`; nothing without HUB_OTLP_ENDPOINT. Call it once, first."""
    if not settings.otlp_endpoint:
        return Telemetry(None)
    # Loaded here only: a hub that sends no traces need not pay for it.
    from opentelemetry import trace
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import Span, SpanProcessor, TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

    class NamesDeclarations(SpanProcessor):
        """The engine's spans name workflows; ours are to be found by declaration."""

        def on_start(self, span: Span, parent_context: Context | None = None) -> None:
            workflow = str((span.attributes or {}).get("temporalWorkflowID", ""))
            mrn = names.mrn_of(workflow)
            if mrn != workflow:
                span.set_attribute(tracing.MRN, mrn)

    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": f"hub-{role.replace(' ', '-')}", "service.version": hub_version()}
        ),
        sampler=ParentBased(TraceIdRatioBased(settings.otlp_ratio)),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(NamesDeclarations())
    exporter = OTLPSpanExporter(
        endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_WITHIN
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    tracing.switch_on()
    return Telemetry(provider)
