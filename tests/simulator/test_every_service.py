"""Every service, through the hub's own gateway: mapping, contract and verdict table fit together."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from hub.adapters.gateway import Gateway
from hub.config.loader import Configuration
from hub.domain.exchange import Dossier, Submission
from hub.domain.referral import Answers, Decision, Verdict
from tests.simulator.support import Simulator, dossier_for, gateway_to


def now() -> datetime:
    return datetime.now(UTC)


@pytest_asyncio.fixture
async def gateway(simulator: Simulator, configuration: Configuration) -> AsyncIterator[Gateway]:
    gateway = gateway_to(simulator, configuration)
    yield gateway
    await gateway.close()


async def _decisions(gateway: Gateway, simulator: Simulator, dossier: Dossier) -> list[Decision]:
    """What the agency decides, in the way in which this service answers."""
    submission = await gateway.submit(dossier)
    deadline = time.monotonic() + 10
    while True:
        if dossier.terms.answers is Answers.REPLY:
            found = list(submission.decisions)
        else:
            found = await _told(gateway, simulator, dossier, submission)
        if found:
            return found
        assert time.monotonic() < deadline


async def _told(
    gateway: Gateway, simulator: Simulator, dossier: Dossier, submission: Submission
) -> list[Decision]:
    """What it has told by now, asked or of its own accord."""
    answers, mine = dossier.terms.answers, dossier.terms.id
    if answers is Answers.POLL:
        asking = dossier.model_copy(update={"receipt": submission.receipt})
        return list((await gateway.poll(asking)).decisions)
    if answers is Answers.FEED:
        messages = (await gateway.pull_feed(dossier.terms.agency)).messages
    else:
        messages = tuple(
            gateway.read_callback(one.agency, dict(one.headers), one.body, now())
            for one in simulator.hub.about(mine)
        )
    assert not [message.trouble for message in messages if message.trouble]
    return [d for message in messages for d in message.decisions if message.referral == mine]


async def test_every_service_understands_and_is_understood(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """A full and a bare application to each: accepted by the contract, and the approval read back."""
    simulator.timings(callback=0, poll=0)
    for agency in configuration.agencies.values():
        for code in agency.services:
            for full in (True, False):
                dossier = dossier_for(configuration, code, full=full)
                (decision,) = await _decisions(gateway, simulator, dossier)
                assert decision.verdict is Verdict.APPROVED, code
                assert decision.reference, code
                assert decision.referral == dossier.terms.id
                assert decision.items in (None, dossier.terms.items), code
                assert abs(decision.decided_at - now()) < timedelta(minutes=1), code
    summary = simulator.ledger()["summary"]
    assert summary["effects"] == 2 * sum(len(agency.services) for agency in configuration.agencies.values())
    assert summary["effects_over_one"] == []


@pytest.mark.parametrize(
    ("behaviour", "verdict"),
    [
        ("CONDITIONS", Verdict.APPROVED_WITH_CONDITIONS),
        ("REFUSE", Verdict.REFUSED),
        ("INFO", Verdict.INFORMATION_REQUIRED),
        ("INSPECT", Verdict.INSPECTION_REQUIRED),
    ],
)
@pytest.mark.slow
async def test_every_agency_has_a_word_for_every_verdict(
    simulator: Simulator,
    configuration: Configuration,
    gateway: Gateway,
    behaviour: str,
    verdict: Verdict,
) -> None:
    """Each verdict of each agency is told in its own words and read back by its own table."""
    simulator.timings(callback=0, poll=0)
    for agency in configuration.agencies.values():
        code = next(iter(agency.services))
        dossier = dossier_for(configuration, code, full=True, ucr=f"X-SIM-{behaviour}")
        (decision,) = await _decisions(gateway, simulator, dossier)
        assert decision.verdict is verdict, agency.agency
        assert decision.remarks, agency.agency


async def test_every_agency_judges_items_one_by_one(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """ITEMWISE: odd items approved, even ones refused, each told on the way the service answers."""
    simulator.timings(callback=0, poll=0)
    for agency in configuration.agencies.values():
        for code in agency.services:
            whole = dossier_for(configuration, code, ucr="X-SIM-ITEMWISE")
            numbers = (1, 2)
            items = tuple(
                whole.declaration.items[0].model_copy(update={"number": number}) for number in numbers
            )
            dossier = whole.model_copy(
                update={
                    "declaration": whole.declaration.model_copy(update={"items": items}),
                    "terms": whole.terms.model_copy(update={"items": numbers}),
                }
            )
            told: dict[int, Verdict] = {}
            submitted = await gateway.submit(dossier)
            for decision in submitted.decisions:
                told |= dict.fromkeys(decision.items or numbers, decision.verdict)
            if agency.services[code].answers is Answers.REPLY and agency.channel.callback is None:
                assert told == dict.fromkeys(numbers, Verdict.REFUSED), code
                continue
            deadline = time.monotonic() + 10
            while len(told) < 2:
                assert time.monotonic() < deadline, (code, told)
                for decision in await _told(gateway, simulator, dossier, submitted):
                    told |= dict.fromkeys(decision.items or (), decision.verdict)
            assert told == {1: Verdict.APPROVED, 2: Verdict.REFUSED}, code


async def test_every_contract_that_counts_submissions_can_be_looked_up(
    simulator: Simulator, configuration: Configuration, gateway: Gateway
) -> None:
    """Where a second submission would be a second case, our reference finds the first one."""
    simulator.timings(poll=0)
    for agency in configuration.agencies.values():
        if agency.channel.look_up is None:
            continue
        dossier = dossier_for(configuration, next(iter(agency.services)), full=True)
        assert (await gateway.look_up(dossier, now())).submission is None
        submission = await gateway.submit(dossier)
        found = (await gateway.look_up(dossier, now())).submission
        assert found is not None, agency.agency
        assert found.receipt.reference == submission.receipt.reference
        assert [d.verdict for d in found.decisions] == [Verdict.APPROVED]
