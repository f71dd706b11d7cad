"""One trace from the customs system's request to the agency's call, as a real collector is sent it."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from hub.embedded import Ports, Stack
from tests.flows.doors import Doors, complete

ROOT = Path(__file__).parent.parent.parent
TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = f"00-{TRACE}-b7ad6b7169203331-01"
CHERRIES = json.loads((ROOT / "hub" / "demo" / "cherries.json").read_text())


class Collector:
    """Takes spans over OTLP/HTTP; stands before the simulator for one agency, and remembers its headers."""

    def __init__(self) -> None:
        self.spans: list[tuple[str, Span]] = []
        """With the name of the service that sent it."""
        self.agency_headers: list[dict[str, str]] = []
        self.simulator = ""

    def named(self, begins: str) -> list[Span]:
        return [span for _, span in list(self.spans) if span.name.startswith(begins)]

    @contextmanager
    def listening(self) -> Iterator[str]:
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path != "/v1/traces":
                    collector.agency_headers.append({k.lower(): v for k, v in self.headers.items()})
                    answer = requests.post(
                        collector.simulator + self.path, data=body, headers=dict(self.headers), timeout=30
                    )
                    self.answer(answer.status_code, answer.content, answer.headers["Content-Type"])
                    return
                if self.headers.get("Content-Encoding") == "gzip":
                    import gzip

                    body = gzip.decompress(body)
                for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                    names = {a.key: a.value.string_value for a in resource.resource.attributes}
                    for scope in resource.scope_spans:
                        collector.spans += [(names["service.name"], span) for span in scope.spans]
                self.answer(200, b"", "application/x-protobuf")

            def answer(self, status: int, body: bytes, kind: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing."""

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()


def attributes(span: Span) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value") or "string_value") for a in span.attributes}


@pytest.fixture
async def traced(tmp_path: Path) -> AsyncIterator[tuple[Doors, Collector]]:
    collector, ports = Collector(), Ports.free()
    collector.simulator = f"http://127.0.0.1:{ports.simulator}"
    with collector.listening() as url:
        stack = Stack(
            tmp_path,
            ports,
            ROOT / "adapters_config",
            overrides={
                "HUB_OTLP_ENDPOINT": url,
                "OTEL_BSP_SCHEDULE_DELAY": "200",
                "APQA_ENDPOINT": f"{url}/apqa",
            },
        )
        try:
            await stack.start()
            yield Doors(stack), collector
        finally:
            await stack.stop()


async def lodged(doors: Doors) -> str:
    """As a customs system does that traces its own requests."""
    answer = await asyncio.to_thread(
        requests.post,
        f"{doors.stack.api_url}/v1/declarations",
        json=complete(CHERRIES),
        headers={"Authorization": f"Bearer {doors.stack.api_key}", "traceparent": CALLER},
        timeout=30,
    )
    assert answer.status_code == 202, answer.text
    return str(answer.json()["mrn"])


@pytest.mark.slow
async def test_one_trace_leads_from_the_request_to_the_agency_and_back(
    traced: tuple[Doors, Collector],
) -> None:
    """
    Request, workflow, activity, call: each the child of the one before, whoever did it. The agency and the
    cargo system are told. What a callback brings is linked. Log lines say the trace.
    """
    doors, collector = traced
    mrn = await lodged(doors)
    await doors.until(mrn, lambda view: view["outcome"] == "release")
    async with asyncio.timeout(20):
        while not all(
            map(collector.named, ("notice cargo", "submit apqa", "HandleSignal", "SignalWorkflow"))
        ):
            await asyncio.sleep(0.05)
    [served] = collector.named("POST /v1/declarations")
    assert served.trace_id.hex() == TRACE
    assert served.parent_span_id.hex() == "b7ad6b7169203331"
    assert attributes(served)["hub.mrn"] == mrn
    assert attributes(served)["http.response.status_code"] == 202
    by_id = {span.span_id: (service, span) for service, span in collector.spans}
    [call] = collector.named("submit apqa")
    way, span = [], call
    while span.span_id != served.span_id:
        way.append((by_id[span.span_id][0], span.name.partition(":")[0]))
        assert span.trace_id.hex() == TRACE
        span = by_id[span.parent_span_id][1]
    assert [service for service, _ in way] == ["hub-worker"] * (len(way) - 1) + ["hub-api"]
    assert [name for _, name in way] == ["submit apqa", "RunActivity", "StartActivity", "StartWorkflow"]
    said = attributes(call)
    assert (said["hub.mrn"], said["hub.agency"]) == (mrn, "apqa")
    assert said["http.response.status_code"] == 200
    sent = [headers["traceparent"] for headers in collector.agency_headers if "traceparent" in headers]
    assert f"00-{TRACE}-{call.span_id.hex()}-01" in sent
    told = {attributes(span).get("hub.mrn") for span in collector.named("notice cargo")}
    assert told == {mrn}
    # A decision that was called in, or fetched, is a trace of its own, which the workflow's is linked to.
    links = {link.trace_id.hex() for span in collector.named("HandleSignal") for link in span.links}
    assert links
    assert links <= {span.trace_id.hex() for span in collector.named("SignalWorkflow")}
    for _, span in collector.spans:
        assert "0809" not in str(span)  # of the goods nothing is told
    lines = [
        json.loads(line) for line in (doors.stack.folder / "logs" / "worker.log").read_text().splitlines()
    ]
    of_trace = {line["event"] for line in lines if line.get("trace_id") == TRACE}
    assert {"referral.delivered", "clearance.settled", "cargo.released"} <= of_trace


@pytest.mark.slow
async def test_a_trace_outlives_an_engine_that_is_away(traced: tuple[Doors, Collector]) -> None:
    """What the relay starts later is part of the trace of the request that lodged it."""
    doors, collector = traced
    doors.stack.kill_child("temporal")
    mrn = await lodged(doors)
    await doors.stack.restart_child("temporal")
    await doors.until(mrn, lambda view: view["outcome"] == "release")
    async with asyncio.timeout(20):
        while not (runs := collector.named("RunWorkflow")):
            await asyncio.sleep(0.05)
    assert {span.trace_id.hex() for span in runs} == {TRACE}
    starts = [service for service, span in collector.spans if span.name.startswith("StartWorkflow")]
    assert "hub-worker" in starts
