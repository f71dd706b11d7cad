"""
What a call to an agency costs the hub in processor time, beside the same bytes by requests alone.

    python -m benchmarks.adapters [--calls 10] [--rounds 60] [--stages]

Golden exchanges, answered by a server in a process of its own. A call through the gateway is all of it:
limits, mapping, writing, the contract's schemas, signing, sending, reading, judging, scrubbing, the recorded
exchange. Requests alone is one kept session that posts the very bytes the hub has sent and reads the answer.
Both take short turns, and medians are told. What counts is the processor time of this process; on a busy
machine that grows too, by what others push out of its caches, so look at the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socketserver
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import requests

from hub import process
from hub.adapters.channel import Contracts
from hub.adapters.context import dossier_context
from hub.adapters.gateway import Gateway
from hub.adapters.line import Line
from hub.adapters.reading import Kind
from hub.adapters.recording import Recording
from hub.adapters.wire import WireRequest
from hub.clock import utc_now
from hub.config.loader import Configuration, load
from hub.config.models import AgencyFile
from hub.domain.exchange import Dossier
from hub.domain.referral import Via
from hub.expressions import Values
from hub.workbench.golden.case import AnswerFile, read_base, read_case
from hub.workbench.golden.played import as_played, played_environment
from hub.workbench.golden.running import dossier_of

_FOLDER = Path(__file__).parents[1] / "adapters_config"
_CASES = {
    "SOAP": ("apqa", "takes-a-request"),
    "SOAP, WS-Security": ("dapa", "opens-a-case"),
    "REST": ("mfds", "gives-a-ticket"),
    "REST, decided at once": ("mfds", "decides-at-once"),
}
_MICRO = 1e6


@dataclass(frozen=True)
class Asked:
    """One golden submission, at an address of its own."""

    name: str
    file: AgencyFile
    dossier: Dossier
    gateway: Gateway
    line: Line
    sent: WireRequest
    """The bytes as the hub has written them."""


# --- the agencies' side -----------------------------------------------------------------------------------


class _Handler(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True

    def handle(self) -> None:
        while (line := self.rfile.readline()).strip():
            length = 0
            while (header := self.rfile.readline()).strip():
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            self.rfile.read(length)
            place = int(line.split()[1].split(b"/")[1])
            assert isinstance(self.server, _Server)
            self.wfile.write(self.server.answers[place])


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    answers: Sequence[bytes] = ()


def _serve(answers: Sequence[bytes], pipe: Connection) -> None:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        server.answers = answers
        pipe.send(server.server_address[1])
        server.serve_forever()


@contextmanager
def _agencies(answers: Sequence[bytes]) -> Iterator[str]:
    """A server in another process, which answers `/0/...` with the first of these, and so on."""
    spawning = multiprocessing.get_context("spawn")
    here, there = spawning.Pipe()
    process = spawning.Process(target=_serve, args=(answers, there), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{here.recv()}"
    finally:
        process.terminate()
        process.join()


def _raw(answer: AnswerFile) -> bytes:
    body = answer.body.encode()
    head = [f"HTTP/1.1 {answer.status} -", *(f"{name}: {value}" for name, value in answer.headers.items())]
    return "\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body


# --- the hub's side ---------------------------------------------------------------------------------------


def _prepared(name: str, place: int, url: str, configuration: Configuration) -> Asked:
    agency, case_name = _CASES[name]
    case = read_case(_FOLDER / "golden" / agency / f"{case_name}.yaml").file
    file = as_played(configuration.agencies[agency], url, f"/{place}")
    environment, zone = played_environment(file), configuration.calendars[agency].zone
    dossier = dossier_of(file, case, read_base(_FOLDER))
    dossier = dossier.model_copy(update={"terms": dossier.terms.model_copy(update={"config_version": "v1"})})
    gateway = Gateway({agency: file}, {agency: "v1"}, _FOLDER, environment, {agency: zone}, utc_now)
    line = Line(file, "v1", Contracts(_FOLDER), environment, zone, utc_now)
    now, channel = utc_now(), line.channel()
    context = {**dossier_context(dossier, file), "secret": channel.secrets}
    sent = channel.proof.complete(channel.submit.call.write(context, now), now)
    return Asked(name, file, dossier, gateway, line, sent)


async def _measured(calls: int, call: Callable[[], Awaitable[object]]) -> float:
    """Microseconds of processor time for one call, on average of so many."""
    before = time.process_time()
    for _ in range(calls):
        await call()
    return (time.process_time() - before) / calls * _MICRO


def _timed(calls: int, call: Callable[[], object]) -> float:
    before = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - before) / calls * _MICRO


async def _by_hub(asked: Asked) -> None:
    submission = await asked.gateway.submit(asked.dossier)
    assert len(submission.exchanges) == 1


def _by_requests(session: requests.Session, sent: WireRequest) -> None:
    answer = session.post(sent.url, data=sent.body, headers=dict(sent.headers))
    assert answer.ok
    assert answer.content


async def _compare(asked: Sequence[Asked], calls: int, rounds: int) -> None:
    hub: dict[str, list[float]] = {one.name: [] for one in asked}
    alone: dict[str, list[float]] = {one.name: [] for one in asked}
    with requests.Session() as session:
        for turn in range(rounds + 1):  # the first one warms up
            if turn == 1:
                process.settle()  # as every process of the hub does once it has what it keeps
            for one in asked:
                through = await _measured(calls, lambda one=one: _by_hub(one))  # type: ignore[misc]
                bare = _timed(calls, lambda one=one: _by_requests(session, one.sent))  # type: ignore[misc]
                if turn:
                    hub[one.name].append(through)
                    alone[one.name].append(bare)
    print(f"{'':24}{'the hub':>12}{'requests':>12}{'ratio':>8}   microseconds of processor time a call")
    for one in asked:
        ratios = [a / b for a, b in zip(hub[one.name], alone[one.name], strict=True)]
        print(
            f"{one.name:24}{statistics.median(hub[one.name]):12.0f}{statistics.median(alone[one.name]):12.0f}"
            f"{statistics.median(ratios):8.2f}   (half of the turns: {_middle(ratios)})"
        )


def _middle(figures: Sequence[float]) -> str:
    lower, _, upper = statistics.quantiles(figures, n=4)
    return f"{lower:.2f} to {upper:.2f}"


def _stages(asked: Sequence[Asked], calls: int, rounds: int) -> None:
    """What the parts of a call cost, each alone."""
    found: dict[str, dict[str, list[float]]] = {}
    for _ in range(rounds):
        for one in asked:
            for stage, call in _parts(one).items():
                found.setdefault(stage, {}).setdefault(one.name, []).append(_timed(calls, call))
    print(f"\n{'':24}" + "".join(f"{one.name:>24}" for one in asked))
    for stage, by_case in found.items():
        print(f"{stage:24}" + "".join(f"{statistics.median(by_case[one.name]):24.0f}" for one in asked))


def _parts(one: Asked) -> dict[str, Callable[[], object]]:
    line, channel = one.line, one.line.channel()
    operation, now = channel.submit, utc_now()
    context = {**dossier_context(one.dossier, one.file), "secret": dict(channel.secrets)}
    written = operation.call.write(context, now)
    reply, _ = line.sender.send(one.sent)
    heard = operation.call.read(reply)
    told = Values(
        {
            **context,
            "reply": heard.reply,
            "status": heard.status,
            "headers": heard.headers,
            "header": heard.header,
            "fault": "",
        }
    )
    terms = one.dossier.terms

    def receipt() -> object:
        return operation.receipt.reference(told), operation.receipt.values(told)

    def decision() -> object:
        if operation.decision is None:
            return None
        return operation.decision.read(
            told,
            referral=terms.id,
            key=terms.id,
            referred=terms.items,
            via=Via.REPLY,
            received_at=now,
            evidence=None,
        )

    def recorded() -> object:
        recording = Recording(
            agency=one.file.agency,
            kind=Kind.SUBMIT,
            mrn=terms.mrn,
            service=terms.service,
            started_at=now,
            config_version="v1",
            scrubber=line.scrubber,
            request=one.sent,
        )
        recording.ended(reply, 1)
        return recording.exchange("receipt")

    return {
        "context": lambda: dossier_context(one.dossier, one.file),
        "mapping": lambda: operation.call.arguments(context),
        "mapping and writing": lambda: operation.call.write(context, now),
        "proof": lambda: channel.proof.complete(written, now),
        "sending": lambda: line.sender.send(one.sent),
        "reading": lambda: operation.call.read(reply),
        "errors": lambda: [rule.matches(told) for rule in operation.errors],
        "receipt": receipt,
        "decision": decision,
        "recording": recorded,
    }


async def _run(calls: int, rounds: int, *, stages: bool) -> None:
    configuration = load(_FOLDER, development=True)
    cases = [read_case(_FOLDER / "golden" / agency / f"{case}.yaml").file for agency, case in _CASES.values()]
    with _agencies([_raw(case.answered[0]) for case in cases]) as url:
        asked = [_prepared(name, place, url, configuration) for place, name in enumerate(_CASES)]
        try:
            await _compare(asked, calls, rounds)
            if stages:
                _stages(asked, calls, rounds)
        finally:
            for one in asked:
                one.line.close()
                await one.gateway.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--calls", type=int, default=10, help="calls in a row before the other's turn")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--stages", action="store_true", help="what the parts of a call cost, too")
    given = parser.parse_args()
    asyncio.run(_run(given.calls, given.rounds, stages=given.stages))
