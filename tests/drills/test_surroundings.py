"""Drills with what stands around the hub: the cargo system, and certificates."""

from __future__ import annotations

import asyncio
import json
import ssl
from datetime import timedelta
from pathlib import Path

import pytest

from hub.cli.client import ApiProblem
from hub.clock import utc_now
from hub.embedded import Stack
from tests.adapters.proof.certificates import Identity, issue
from tests.adapters.proof.tls_system import tls_system
from tests.adapters.system import answer
from tests.drills.operations import Operations
from tests.drills.outcomes import lodge, released
from tests.flows.doors import Doors

pytestmark = [pytest.mark.asyncio(loop_scope="session")]

SHIP = {"items": [{"hs_code": "8901100000"}]}
"""harbour, the agency below."""
HARBOUR = """\
agency: harbour
name: {en: Harbour Office}
contact: desk@harbour.example
services:
  harbour-import:
    name: {en: Ship's licence}
    law: {en: Harbour Act}
    law_code: "04"
    procedure: [import]
    hs: ["8901"]
    document: Licence
    answer_within: 2wd
    on_expiry: hold
    answers: reply
    confidence: assumed
channel:
  adapter: rest
  contract: contracts/harbour.json
  endpoint: URL
  trust: certificates/harbour.pem
  limits: {timeout: 5s, attempts: 1, breaker_failures: 3, breaker_pause: 1s}
  submit:
    method: POST
    path: /cases
    request: {number: =referral.id}
    receipt: {reference: =reply.case}
    decision: {word: =reply.word}
verdicts: {fine: approved}
"""


async def test_a_cargo_system_that_is_down(doors: Doors, operations: Operations) -> None:
    """Runbook: cargo-unreachable. What is settled waits, and is told once when it is back."""
    await doors.cargo_behaves("DOWN")
    drill = operations.drill("a cargo system that is down")
    [mrn] = await lodge(doors, 1)
    incident = await drill.seen("cargo_unreachable")
    assert incident["severity"] == "critical"
    await doors.until(mrn, lambda view: view["outcome"] == "release")
    await operations.until_page(f"/console/incidents/{incident['id']}", "does not take notices")
    await doors.cargo_behaves("TAKE")
    drill.mended()
    await released(doors, [mrn])
    await drill.over("cargo_unreachable")


@pytest.mark.slow
async def test_a_certificate_that_has_expired(
    doors: Doors, stack: Stack, operations: Operations, tmp_path: Path
) -> None:
    """Runbook: certificate-ending. Nothing is sent to whom cannot prove who he is; a new one mends it."""
    old = issue("harbour", end=utc_now() - timedelta(days=1))
    new = issue("harbour", start=utc_now() - timedelta(days=1), end=utc_now() + timedelta(days=365))
    trusted = stack.config_folder / "certificates" / "harbour.pem"
    trusted.parent.mkdir()
    trusted.write_bytes(old.pem)
    (stack.config_folder / "contracts" / "harbour.json").write_text(contract())
    fine = answer(200, json.dumps({"case": "H-1", "word": "fine"}))
    with tls_system(fine, tmp_path, old) as system:
        file = stack.config_folder / "agencies" / "harbour.yaml"
        file.write_text(HARBOUR.replace("URL", system.url))
        drill = operations.drill("a certificate that has expired")
        try:
            await until_known(doors, "harbour")
            lodged = await lodge(doors, 3, SHIP)
            incident = await drill.seen("certificate_ending", "harbour")
            assert incident["severity"] == "critical"
            await operations.until_page("/console/stuck?agency=harbour", *lodged, "expired")
            assert system.heard == []
            system.context = shown(new, tmp_path)
            trusted.write_bytes(new.pem)
            await operations.close_breaker("harbour", "their new certificate is in place")
            drill.mended()
            for mrn in lodged:
                await doors.until_told(mrn, "release")
                await doors.verified(mrn)
            assert sorted(json.loads(one.body)["number"] for one in system.heard) == sorted(
                f"{mrn}/harbour-import" for mrn in lodged
            )
            await drill.over("certificate_ending", "harbour")
            while await operations.incidents(open="true", kind="agency_failing", subject="harbour"):
                await lodge(
                    doors, 4, SHIP
                )  # it is no more than what fails that tells of it, until others do not
        finally:
            file.unlink()


def shown(identity: Identity, folder: Path) -> ssl.SSLContext:
    """What a system shows from its next connection on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity.put(folder, "new"))
    return context


async def until_known(doors: Doors, agency: str) -> None:
    """Wait until its file is in force."""
    async with asyncio.timeout(30):
        while True:
            try:
                await asyncio.to_thread(doors.api.get, f"/v1/agencies/{agency}")
                return
            except ApiProblem:
                await asyncio.sleep(0.1)


def contract() -> str:
    text = {"type": "string"}
    schema = {"type": "object", "properties": {"case": text, "word": text}, "required": ["case", "word"]}
    done = {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}}
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {"title": "Harbour", "version": "1"},
            "paths": {"/cases": {"post": {**done, "requestBody": body}}},
        }
    )
