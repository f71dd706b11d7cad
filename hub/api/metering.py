"""What Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

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

    def exposition(self, counts: Mapping[str, int], open_referrals: Mapping[str, int]) -> bytes:
        """Everything in Prometheus' text format, with what the store counts just now."""
        now = CollectorRegistry()
        now.register(_StoreGauges(counts, open_referrals))
        return generate_latest(self._registry) + generate_latest(now)


class _StoreGauges(Collector):
    def __init__(self, counts: Mapping[str, int], open_referrals: Mapping[str, int]) -> None:
        self._counts = counts
        self._open_referrals = open_referrals

    def collect(self) -> Iterator[GaugeMetricFamily]:
        declarations = GaugeMetricFamily(
            "hub_declarations", "Declarations by outcome now.", labels=["outcome"]
        )
        for name, count in sorted(self._counts.items()):
            group, dot, member = name.partition(".")
            if dot and group == "declarations":
                declarations.add_metric([member], count)
            else:
                yield GaugeMetricFamily(
                    f"hub_{name.replace('.', '_')}", f"As the store counts: {name}.", value=count
                )
        yield declarations
        waiting = GaugeMetricFamily(
            "hub_open_referrals", "Referrals that wait for an agency.", labels=["agency"]
        )
        for agency, count in sorted(self._open_referrals.items()):
            waiting.add_metric([agency], count)
        yield waiting
