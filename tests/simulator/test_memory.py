"""The ledger, and what a killed simulator knows when it starts again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from hub.config.loader import Configuration
from tests.simulator import support
from tests.simulator.support import (
    FOLDER,
    FakeHub,
    Simulator,
    new_mrn,
    rest_session,
    running,
    soap_service,
    until,
)

_SERVE = """
import asyncio, sys
from pathlib import Path
from hub.config.loader import load
from hub.simulator.environment import environment
from hub.simulator.server import serve

configuration = load(Path(sys.argv[1]), development=True)
asyncio.run(serve(
    configuration, host="127.0.0.1", port=0, hub_url=sys.argv[2], data_folder=Path(sys.argv[3]),
    environment=environment(configuration.agencies, "http://unused", "seed"),
    listening=lambda port: print(port, flush=True),
))
"""


def test_the_ledger_counts_by_our_reference(simulator: Simulator) -> None:
    """Submissions, effects, look-ups and polls of each application; filtered by agency and mrn."""
    mrn, other = new_mrn(), new_mrn()
    service = soap_service(simulator, "apqa", "soap11-wrapped")
    receipt = service.RequestConfirmation(**support.wrapped(mrn)).ReceiptNo
    service.RequestConfirmation(**support.wrapped(other, "apqa-animal-import"))
    service.GetResult(ReceiptNo=receipt)
    service.GetResult(ReceiptNo=receipt)
    service.FindByRequestNo(RequestNo=f"{mrn}/apqa-plant-import")
    entry = simulator.entry("apqa", mrn)
    counted = {name: entry[name] for name in ("submits", "effects", "lookups", "polls", "receipts")}
    assert counted == {"submits": 1, "effects": 1, "lookups": 1, "polls": 2, "receipts": [receipt]}
    assert simulator.ledger(agency="rra")["applications"] == []
    summary = simulator.ledger()["summary"]
    assert (summary["applications"], summary["effects"], summary["effects_over_one"]) == (2, 2, [])


def test_each_submission_is_an_effect_where_the_contract_says_so(simulator: Simulator) -> None:
    """A contract without a key counts every call: what the hub must never do shows in the summary."""
    mrn = new_mrn()
    service = soap_service(simulator, "reo", "soap11-bare")
    first = service.Apply(**support.bare(mrn)).permitReceipt
    second = service.Apply(**support.bare(mrn)).permitReceipt
    assert first != second
    assert service.Search(applicationKey=f"{mrn}/reo-hazchem").permitReceipt == first
    assert simulator.ledger()["summary"]["effects_over_one"] == [f"{mrn}/reo-hazchem"]


def test_a_killed_simulator_knows_its_ledger_and_goes_on_telling(
    configuration: Configuration, tmp_path: Path
) -> None:
    """Killed with -9 before its callback was taken, it knows the application and tells it once more."""
    with support.fake_hub() as hub:
        hub.status = 503
        killed = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(FOLDER), hub.url, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=FOLDER.parent,
        )
        try:
            assert killed.stdout is not None
            port = killed.stdout.readline().strip()
            values = support.environment(configuration.agencies, "http://unused", "seed")
            before = Simulator(f"http://127.0.0.1:{port}", values, hub)
            mrn = new_mrn()
            url = before.of("kmdia") + "/submissions"
            receipt = rest_session(before, "kmdia").post(url, json=support.box(mrn), timeout=5).json()
            until(lambda: hub.about(mrn))
        finally:
            os.kill(killed.pid, signal.SIGKILL)
            killed.communicate()
        hub.status = 202
        hub.received.clear()
        with running(configuration, hub, data_folder=tmp_path) as after:
            (told,) = until(lambda: hub.about(mrn))
            assert receipt["receiptNo"].encode() in told.body
            url = after.of("kmdia") + "/submissions"
            again = rest_session(after, "kmdia").post(url, json=support.box(mrn), timeout=5)
            assert again.status_code == 409
            assert again.json()["receiptNo"] == receipt["receiptNo"]
            entry = after.entry("kmdia", mrn)
            assert (entry["submits"], entry["effects"]) == (2, 1)


def test_a_feed_outlives_a_restart(configuration: Configuration, hub: FakeHub, tmp_path: Path) -> None:
    """What was not acknowledged is shown again by the next run, and only that."""
    mrns = [new_mrn(), new_mrn()]
    with running(configuration, hub, data_folder=tmp_path) as before:
        before.timings(callback=0)
        session = rest_session(before, "niwdc")
        for mrn in mrns:
            session.post(f"{before.of('niwdc')}/requests", json=support.register(mrn), timeout=5)
        page = session.get(f"{before.of('niwdc')}/outbox", timeout=5).json()
        done = {"entryIds": [page["entries"][0]["entryId"]]}
        session.post(f"{before.of('niwdc')}/outbox/acknowledgements", json=done, timeout=5)
    with running(configuration, hub, data_folder=tmp_path) as after:
        page = rest_session(after, "niwdc").get(f"{after.of('niwdc')}/outbox", timeout=5).json()
        assert [entry["requestReference"] for entry in page["entries"]] == [
            f"{mrns[1]}/niwdc-wildlife-quarantine"
        ]
        assert after.ledger()["summary"]["effects"] == 2
