"""
Traces: from the customs system's request through workflow and activity to the agency's call.

Here is what the rooms say of what they do; nothing is made of it, and nothing sent, until `hub.telemetry` is
told where to (HUB_OTLP_ENDPOINT). Attributes name declarations, agencies and services; never goods, people or
secrets.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from opentelemetry import context, trace
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

MRN, AGENCY, SERVICE = "hub.mrn", "hub.agency", "hub.service"

_tracer = trace.get_tracer("hub")
_W3C = TraceContextTextMapPropagator()
_TRACEPARENT = "traceparent"
_on = False
"""Whether traces are sent anywhere: else none is gone on with either, and nobody is told of one."""


def switch_on() -> None:
    """From now on there are traces. `hub.telemetry` calls it."""
    global _on
    _on = True


@contextmanager
def serving(method: str, headers: Mapping[str, str]) -> Iterator[Span]:
    """A request to the hub; it goes on with the trace of whoever asks, if that one sends a `traceparent`."""
    if not _on:
        yield INVALID_SPAN
        return
    parent = _W3C.extract(headers)
    with _tracer.start_as_current_span(
        method, parent, SpanKind.SERVER, attributes={"http.request.method": method}
    ) as span:
        yield span


def served(span: Span, route: str | None, path: str, status: int) -> None:
    """How a request to the hub ended."""
    if not span.is_recording():
        return
    method = getattr(span, "name", "")
    span.update_name(f"{method} {route or 'unmatched'}")
    span.set_attribute("url.path", path)
    if route:
        span.set_attribute("http.route", route)
    if status:
        span.set_attribute("http.response.status_code", status)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


@contextmanager
def calling(
    agency: str, operation: str, mrn: str | None, service: str | None, method: str, url: str, *, tells: bool
) -> Iterator[Call]:
    """
    A request to an agency, or to the cargo system, as a part of what is being done. What nobody asked for, as
    a poll that is due, is no trace of its own. `tells`: the other side is told which trace it is part of.
    """
    if not trace.get_current_span().get_span_context().is_valid:
        yield Call(None, {})
        return
    attributes: dict[str, str | int] = {
        AGENCY: agency,
        "hub.operation": operation,
        "http.request.method": method,
    }
    place = urlsplit(url)
    attributes |= {"server.address": place.hostname or ""}
    if place.port:
        attributes["server.port"] = place.port
    about(attributes, mrn, service)
    with _tracer.start_as_current_span(
        f"{operation} {agency}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        # What went wrong is told in words that may hold what the agency said.
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        carrier: dict[str, str] = {}
        if tells:
            _W3C.inject(carrier)
        try:
            yield Call(span, carrier)
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


class Call:
    """A request under way."""

    def __init__(self, span: Span | None, headers: Mapping[str, str]) -> None:
        self._span = span
        self.headers = headers
        """To be sent with it, beside what the contract says: never signed, never recorded."""

    def answered(self, status: int, attempts: int) -> None:
        """How it was answered."""
        if self._span is None:
            return
        self._span.set_attribute("http.response.status_code", status)
        if attempts > 1:
            self._span.set_attribute("http.request.resend_count", attempts - 1)
        if status >= 400:
            self._span.set_status(Status(StatusCode.ERROR))


def about(attributes: MutableMapping[str, Any], mrn: str | None, service: str | None = None) -> None:
    """Which declaration it is about, and which service."""
    if mrn is not None:
        attributes[MRN] = mrn
    if service is not None:
        attributes[SERVICE] = service


def name_declaration(mrn: str) -> None:
    """What is being done is about this declaration."""
    trace.get_current_span().set_attribute(MRN, mrn)


def current() -> str | None:
    """The W3C `traceparent` of what is being done, to be kept; None where nothing is traced."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get(_TRACEPARENT)


@contextmanager
def continuing(traceparent: str | None) -> Iterator[None]:
    """Go on with a trace that was kept, unless what is being done is part of one already."""
    if not _on or traceparent is None or trace.get_current_span().get_span_context().is_valid:
        yield
        return
    token = context.attach(_W3C.extract({_TRACEPARENT: traceparent}))
    try:
        yield
    finally:
        context.detach(token)


def into_log(logger: object, method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """A processor of log lines: which trace a line is part of."""
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"] = trace.format_trace_id(span.trace_id)
        line["span_id"] = trace.format_span_id(span.span_id)
    return line
