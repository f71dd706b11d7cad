"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hub.operations.gauges import Measured

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Metrics:
    """Counters of this process. Labels come from closed sets, so that no caller can grow them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._requests = Counter(
            "hub_http_requests",
            "HTTP requests answered, by route template.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "hub_http_request_seconds",
            "Time from request to the end of its answer; event streams are left out.",
            ["method", "route"],
            registry=registry,
        )
        self._lodged = Counter(
            "hub_declarations_lodged",
            "Declarations accepted, by outcome at acceptance; `replayed` are repetitions.",
            ["outcome"],
            registry=registry,
        )
        self._callbacks = Counter(
            "hub_callbacks",
            "Callbacks of agencies, by result.",
            ["agency", "result"],
            registry=registry,
        )

    def answered(self, method: str, route: str | None, status: int, seconds: float, *, stream: bool) -> None:
        """A request has been answered; `route` None matched nothing."""
        verb = method if method in _METHODS else "OTHER"
        template = route or "unmatched"
        self._requests.labels(verb, template, str(status)).inc()
        if not stream:
            self._seconds.labels(verb, template).observe(seconds)

    def lodged(self, outcome: str) -> None:
        self._lodged.labels(outcome).inc()

    def called_back(self, agency: str | None, result: str) -> None:
        """A callback; `agency` None is not one of ours."""
        self._callbacks.labels(agency or "unknown", result).inc()

    def exposition(self, gauges: Iterable[Measured], *, store_up: bool = True) -> bytes:
        """Everything in Prometheus' text format, with what the store counts just now."""
        now = CollectorRegistry()
        now.register(_StoreGauges(gauges, store_up=store_up))
        return generate_latest(self._registry) + generate_latest(now)


class _StoreGauges(Collector):
    def __init__(self, gauges: Iterable[Measured], *, store_up: bool) -> None:
        self._gauges = gauges
        self._store_up = store_up

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield GaugeMetricFamily(
            "hub_database_up", "Whether the database has answered this very scrape.", value=self._store_up
        )
        for one in self._gauges:
            family = GaugeMetricFamily(one.name, one.words, labels=one.labels)
            for labels, value in sorted(one.values.items()):
                family.add_metric(labels, value)
            yield family
