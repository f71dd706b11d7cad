"""What Prometheus reads of one process: calls of agencies, rounds of relays, transactions, and what it is."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests
import structlog
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

from hub.ports import Call
from hub.version import hub_version

_CALL_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
_TRANSACTION_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 10)
_ROUND_SECONDS = (0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60)
_SCRAPE_WITHIN = 5.0

log = structlog.get_logger(__name__)


class Measures:
    """
    Counters and histograms of this process. Labels come from closed sets, as agencies, operations and relays:
    nobody outside can make them grow.
    """

    def __init__(self, role: str) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        Gauge(
            "hub_build_info",
            "What this process is; always 1.",
            ["version", "role"],
            registry=self.registry,
        ).labels(hub_version(), role).set(1)
        self._calls = Counter(
            "hub_agency_requests",
            "Requests to agencies' systems, by what came of them.",
            ["agency", "operation", "result"],
            registry=self.registry,
        )
        self._call_seconds = Histogram(
            "hub_agency_request_duration_seconds",
            "Time from a request to an agency's system to the end of its answer.",
            ["agency", "operation"],
            buckets=_CALL_SECONDS,
            registry=self.registry,
        )
        self._transactions = Histogram(
            "hub_database_transaction_duration_seconds",
            "Time of a transaction, from waiting for its turn to its commit.",
            ["kind"],
            buckets=_TRANSACTION_SECONDS,
            registry=self.registry,
        )
        self._failed_transactions = Counter(
            "hub_database_transactions_failed",
            "Transactions that were rolled back, whatever for.",
            ["kind"],
            registry=self.registry,
        )
        self._rounds = Histogram(
            "hub_relay_round_duration_seconds",
            "Time of one round of a relay.",
            ["relay"],
            buckets=_ROUND_SECONDS,
            registry=self.registry,
        )
        self._failed_rounds = Counter(
            "hub_relay_rounds_failed", "Rounds of a relay that failed.", ["relay"], registry=self.registry
        )
        self._last_round = Gauge(
            "hub_relay_last_success_timestamp_seconds",
            "When a relay last finished a round, in Unix time.",
            ["relay"],
            registry=self.registry,
        )

    def call(self, call: Call) -> None:
        """Implements `hub.ports.CallMeter`."""
        self._calls.labels(call.agency, call.operation, call.result.value).inc()
        self._call_seconds.labels(call.agency, call.operation).observe(call.milliseconds / 1000)

    def transaction(self, kind: str, seconds: float, committed: bool) -> None:
        """A transaction has ended: a `read` or a `write`."""
        self._transactions.labels(kind).observe(seconds)
        if not committed:
            self._failed_transactions.labels(kind).inc()

    def round(self, relay: str, seconds: float, failed: bool) -> None:
        """A relay has gone round."""
        self._rounds.labels(relay).observe(seconds)
        if failed:
            self._failed_rounds.labels(relay).inc()
        else:
            self._last_round.labels(relay).set(time.time())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """A scrape is nothing to tell."""


def nothing_shown() -> None:
    """Ends nothing, where nothing is shown."""


def show(measures: Measures, address: str, native: str | None) -> Callable[[], None]:
    """
    Serve a worker's metrics at `host:port`, with those of the engine's native client, which shows them at the
    URL `native`. Returns what ends it. Raises OSError when the address cannot be listened at.
    """
    host, _, port = address.rpartition(":")

    def answer(environ: Any, respond: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/metrics":
            respond("404 Not Found", [("Content-Type", "text/plain")])
            return [b"see /metrics\n"]
        respond("200 OK", [("Content-Type", CONTENT_TYPE_LATEST)])
        return [generate_latest(measures.registry), _native(native)]

    server = make_server(host.strip("[]"), int(port), answer, _Server, _Quiet)
    serving = threading.Thread(target=server.serve_forever, name="metrics", daemon=True)
    serving.start()

    def end() -> None:
        if serving.is_alive():
            server.shutdown()
            serving.join()
            server.server_close()

    return end


def _native(url: str | None) -> bytes:
    if url is None:
        return b""
    try:
        answer = requests.get(url, timeout=_SCRAPE_WITHIN)
        answer.raise_for_status()
    except requests.RequestException as error:
        # What is ours is shown all the same.
        log.warning("metrics.native_away", reason=str(error))
        return b""
    return answer.content
