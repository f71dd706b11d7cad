"""
What each step of a declaration costs the store: `python -m benchmarks.store [URL] [--against TREE]`.

Walks declarations of four referrals through the store as the hub does: two agencies decide in their reply,
one by callback, one when it is polled; then the release and its notice. Prints the processor time of each
step, and how many statements the database is given. No engine, no network.

With `--against`, this file of another working tree is run in turn with this one, and the table shows both.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, event

from hub import journal
from hub.clock import utc_now
from hub.config.loader import load
from hub.domain.clearance import Notice
from hub.domain.declaration import Declaration
from hub.domain.exchange import Exchange, Message
from hub.domain.intake import Acceptance, Rulebook, accept
from hub.domain.names import new_mrn, notice_key
from hub.domain.referral import Decision, Receipt, ReferralState, ReferralTerms, Verdict, Via
from hub.domain.settling import settle
from hub.logs import configure
from hub.ports import Acknowledgement, CaseOnRecord, HandOver, Polled, Settled
from hub.store import Store, create_store, upgrade

_TREE = Path(__file__).parent.parent
_SECOND = timedelta(seconds=1)
_TOTAL = "all steps"

_GOODS = [
    {"hs_code": "0809290000", "attributes": {"intended_use": "food"}},
    {"hs_code": "8518220000", "attributes": {"radio_equipment": True}},
    {"hs_code": "3304991000", "attributes": {"regulated_as": "cosmetic"}},
]
"""What four services of the shipped configuration must consent to."""
_SERVICES = 4

_numbers = itertools.count(1)

Costs = dict[str, list[float]]
"""By step: processor milliseconds and statements, for one declaration on average."""


class Meter:
    """Processor seconds and statements by step, in the order of the steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.statements: dict[str, int] = {}
        self._executed = 0
        event.listen(Engine, "connect", self._listen)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what is done within, of this thread."""
        executed, began = self._executed, time.thread_time()
        yield
        took = time.thread_time() - began
        self.seconds[name] = self.seconds.get(name, 0.0) + took
        self.statements[name] = self.statements.get(name, 0) + self._executed - executed

    def _listen(self, connection: Any, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.set_trace_callback(self._count)

    def _count(self, _: str) -> None:
        self._executed += 1


class Walk:
    """One declaration, from lodging to the end."""

    def __init__(self, store: Store, accepted: Acceptance, meter: Meter) -> None:
        self._store = store
        self._accepted = accepted
        self._meter = meter
        self._mrn = accepted.mrn
        self._clock = accepted.accepted_at

    def go(self) -> None:
        """Take it through all steps."""
        store, meter, mrn = self._store, self._meter, self._mrn
        declaration = self._accepted.declaration
        terms = [referral.terms for referral in self._accepted.case.referrals]
        with meter.step("look whether lodged before"):
            store.lodged(declaration.declarant.id, declaration.lrn)
        with meter.step("lodge"):
            store.lodge(self._accepted)
        with meter.step("mark as started"):
            store.mark_started(mrn)
        with meter.step("begin hand-overs"):
            store.begin_hand_over(mrn, [one.service for one in terms], self._later())
        handed_over = [self._handed_over(one, decided=place < 2) for place, one in enumerate(terms)]
        with meter.step("record hand-overs"):
            store.record_hand_overs(mrn, handed_over, self._later())
        for one, via in ((terms[2], Via.CALLBACK), (terms[3], Via.POLL)):
            message = self._message(one, via)
            if via is Via.POLL:
                polled = Polled(
                    referral=one.id,
                    next_at=self._later() + 60 * _SECOND,
                    messages=(message,),
                    exchanges=(self._exchange(one, "poll"),),
                )
                with meter.step("finish a poll"):
                    store.finish_polls(mrn, [polled])
            else:
                with meter.step("take in a message"):
                    store.receive(message)
            with meter.step("mark as told"):
                store.mark_told(mrn, [decision.id for decision in message.decisions])
        heard, outcome = len(store.events(mrn, 0, 100)), self._settled
        with meter.step("settle and record the outcome"):
            [notice] = store.conclude(mrn, outcome, self._later(), heard).unsent
        told = Acknowledgement(reference=f"ACK-{mrn}", at=self._later())
        exchanges = (self._exchange(None, "notice"),)
        with meter.step("record the notice as sent"):
            store.record_notice_sent(notice, told, exchanges)
        with meter.step("close the case"):
            store.close_case(mrn, self._later(), heard + 2)

    def _later(self) -> datetime:
        self._clock += _SECOND
        return self._clock

    def _handed_over(self, terms: ReferralTerms, *, decided: bool) -> HandOver:
        at = self._later()
        exchange = self._exchange(terms, "submit")
        return HandOver(
            referral=terms.id,
            state=ReferralState.DECIDED if decided else ReferralState.DELIVERED,
            receipt=Receipt(reference=f"R-{terms.id}", received_at=at),
            decisions=(self._decision(terms, Via.REPLY, exchange.id),) if decided else (),
            exchanges=(exchange,),
        )

    def _message(self, terms: ReferralTerms, via: Via) -> Message:
        number = f"M-{terms.id}"
        return Message(
            agency=terms.agency,
            message_id=number,
            referral=terms.id,
            decisions=(self._decision(terms, via, number),),
            raw="" if via is Via.POLL else json.dumps({"number": number, "verdict": "approved"}),
            via=via,
            received_at=self._later(),
        )

    def _decision(self, terms: ReferralTerms, via: Via, source: str) -> Decision:
        at = self._later()
        return Decision(
            id=f"D-{terms.id}",
            referral=terms.id,
            verdict=Verdict.APPROVED,
            word="approved",
            reference=f"CERT-{terms.id}",
            remarks="See the certificate.",
            decided_at=at,
            received_at=at,
            via=via,
            exchange=source,
        )

    def _exchange(self, terms: ReferralTerms | None, kind: str) -> Exchange:
        body = json.dumps({"reference": terms.id if terms else self._mrn, "text": "x" * 1500})
        return Exchange(
            id=f"{kind}-{terms.id if terms else self._mrn}",
            agency=terms.agency if terms else "cargo",
            kind=kind,
            mrn=self._mrn,
            service=terms.service if terms else None,
            started_at=self._later(),
            milliseconds=12,
            request={"method": "POST", "url": "http://agency.invalid/", "headers": {}, "body": body},
            reply={"status": 200, "headers": {}, "body": json.dumps({"number": f"R-{self._mrn}"})},
            reading="receipt",
        )

    def _settled(self, on_record: CaseOnRecord) -> Settled:
        clearance = settle(on_record.case)
        notice = Notice(
            key=notice_key(self._mrn, 1),
            number=1,
            mrn=self._mrn,
            ucr=on_record.ucr,
            cargo_management_number=on_record.cargo_management_number,
            outcome=clearance.outcome,
            reasons=clearance.reasons,
            issued_at=self._clock,
        )
        return Settled(clearance=clearance, notice=notice, pending_agencies=())


def measure(url: str | None, declarations: int) -> Costs:
    """What each step costs, in the order of the steps."""
    with tempfile.TemporaryDirectory() as scratch:
        url = url or f"sqlite:///{scratch}/store.sqlite"
        upgrade(url)
        meter = Meter()
        store = create_store(url)
        # As in the hub's processes: a log line for each event is part of what it costs.
        store.announce(journal.tell)
        rulebook = load(_TREE / "adapters_config", development=True).rulebook()
        for accepted in [_acceptance(rulebook) for _ in range(10)]:
            Walk(store, accepted, meter).go()
        meter.seconds, meter.statements = {}, {}
        for accepted in [_acceptance(rulebook) for _ in range(declarations)]:
            Walk(store, accepted, meter).go()
        store.close()
    each = {
        step: [seconds * 1000 / declarations, meter.statements[step] / declarations]
        for step, seconds in meter.seconds.items()
    }
    return each | {_TOTAL: [sum(column) for column in zip(*each.values(), strict=True)]}


def _acceptance(rulebook: Rulebook) -> Acceptance:
    number, at = f"{os.getpid()}-{next(_numbers)}", utc_now()
    declaration = Declaration.model_validate(
        {
            "lrn": f"STORE-{number}",
            "procedure": "import",
            "declarant": {"id": "KR-BROKER-1", "name": "Hanbit Customs Brokers"},
            "consignment": {"ucr": f"6KRSTORE{number}"},
            "items": [
                {
                    "number": place,
                    "origin": "US",
                    "description": "Goods",
                    "net_mass_kg": "1200.5",
                    "value": {"amount": "12000", "currency": "USD"},
                    **goods,
                }
                for place, goods in enumerate(_GOODS, 1)
            ],
        }
    )
    accepted = accept(declaration, rulebook, mrn=new_mrn(rulebook.country, at), client="customs", at=at)
    asked = [referral.terms.service for referral in accepted.case.referrals]
    assert len(asked) == _SERVICES, asked
    return accepted


def _rounds(trees: Sequence[Path], rounds: int, rest: Sequence[str]) -> list[list[Costs]]:
    """Of each tree what each round measured; the trees in turn, each round in a process of its own."""
    measured: list[list[Costs]] = [[] for _ in trees]
    for _round in range(rounds):
        for tree, into in zip(trees, measured, strict=True):
            done = subprocess.run(  # noqa: S603 - our own file
                [sys.executable, tree / "benchmarks" / "store.py", "--once", *rest],
                env={**os.environ, "PYTHONPATH": str(tree)},
                stdout=subprocess.PIPE,
                check=True,
            )
            into.append(json.loads(done.stdout))
    return measured


def _print(measured: Sequence[list[Costs]]) -> None:
    table = Table()
    table.add_column("step", no_wrap=True)
    for name in ("before", "now") if len(measured) > 1 else ("now",):
        table.add_column(f"{name} ms", justify="right")
        table.add_column("SQL", justify="right")
    if len(measured) > 1:
        table.add_column("now : before", justify="right")
    for step in measured[-1][0]:
        milliseconds = [statistics.median(one[step][0] for one in rounds) for rounds in measured]
        cells = [
            cell
            for rounds, time_ in zip(measured, milliseconds, strict=True)
            for cell in (f"{time_:.2f}", f"{rounds[0][step][1]:.0f}")
        ]
        ratio = [f"{milliseconds[1] / milliseconds[0]:.2f}"] if len(measured) > 1 else []
        table.add_row(step, *cells, *ratio, end_section=step == list(measured[-1][0])[-2])
    Console().print(table)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("url", nargs="?", help="a database of its own; a new SQLite file if not given")
    parser.add_argument("--against", type=Path, help="another working tree, to compare with")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--declarations", type=int, default=60, help="in each round")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    said = parser.parse_args()
    if said.once:
        configure("json")
        json.dump(measure(said.url, said.declarations), sys.stdout)
        return
    rest = ["--declarations", str(said.declarations), *([said.url] if said.url else [])]
    trees = [_TREE] if said.against is None else [said.against.resolve(), _TREE]
    _print(_rounds(trees, said.rounds, rest))


if __name__ == "__main__":
    main()
