"""A workflow that takes up a declaration in the middle of its life, in the place of one that was lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from opentelemetry.sdk.trace import TracerProvider
from temporalio.contrib.opentelemetry import TracingInterceptor
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.errors import AgencyUnavailable
from hub.domain.intake import Acceptance
from hub.domain.referral import Verdict
from hub.engine import TemporalEngine
from hub.workflows.agency_call import AgencyCall
from hub.workflows.clearance import ClearanceWorkflow
from tests.workflows.conftest import HISTORIES
from tests.workflows.support import Bench, acceptance, decision, raises, takes
from tests.workflows.test_replay import history_of


async def resumed(bench: Bench, accepted: Acceptance) -> None:
    """Its workflow is lost, and the doctor starts another."""
    handle = bench.client.get_workflow_handle(names.workflow_id(accepted.mrn))
    await handle.terminate()
    resumption = await asyncio.to_thread(bench.store.resumption, accepted.mrn)
    assert resumption is not None
    assert await TemporalEngine(bench.client).resume(resumption)
    bench.started.append(bench.client.get_workflow_handle_for(ClearanceWorkflow.run, handle.id))


async def test_a_hold_that_was_taken_up_is_lifted_and_nothing_is_told_twice(bench: Bench) -> None:
    """The notices go on with the next number."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.sleep(timedelta(hours=49))
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        await resumed(bench, accepted)
        await bench.sleep(timedelta(hours=1))
        await bench.receive(decision(f"{accepted.mrn}/plant-import", at=bench.now()))
        assert await bench.started[-1].result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]
    assert [notice.number for notice in bench.cargo.notices.values()] == [1, 2]


async def test_a_refusal_that_was_taken_up_stays_open_for_what_is_left_of_its_time(bench: Bench) -> None:
    """Thirty days from when it was refused, not from when it was taken up."""
    accepted = acceptance("010101", refusal_open_for="30d")
    bench.agencies.scripts = {"plant-import": [takes]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delivered:plant-import" in told)
        await bench.receive(decision(f"{accepted.mrn}/plant-import", Verdict.REFUSED, at=bench.now()))
        await bench.until(accepted.mrn, lambda told: "cargo.refused" in told)
        await bench.sleep(timedelta(days=10))
        await resumed(bench, accepted)
        await bench.sleep(timedelta(days=19))
        open_still = await asyncio.to_thread(bench.store.are_open, [accepted.mrn])
        assert open_still == {accepted.mrn: True}
        await bench.sleep(timedelta(days=2))
        async with asyncio.timeout(20):
            while (await asyncio.to_thread(bench.store.are_open, [accepted.mrn]))[accepted.mrn]:
                await asyncio.sleep(0.02)
    assert bench.cargo.outcomes == [Outcome.REFUSAL]


async def test_what_was_never_reached_goes_on_being_tried_though_its_time_has_passed(bench: Bench) -> None:
    """That it expired does not end the attempts; a new workflow must not forget them."""
    accepted = acceptance("010101")
    bench.agencies.scripts = {"plant-import": [raises(AgencyUnavailable("connection refused"))]}
    async with bench.working():
        await bench.start(accepted)
        await bench.until(accepted.mrn, lambda told: "referral.delayed:plant-import" in told)
        await bench.sleep(timedelta(hours=49))
        await bench.until(accepted.mrn, lambda told: "cargo.held" in told)
        bench.agencies.scripts = {}
        await resumed(bench, accepted)
        assert await bench.started[-1].result() is Outcome.RELEASE
    assert bench.cargo.outcomes == [Outcome.HOLD, Outcome.RELEASE]


@pytest.mark.parametrize("path", sorted(HISTORIES.glob("*.json"))[::6], ids=lambda path: path.stem)
async def test_a_recorded_history_replays_while_traces_are_taken(path: object) -> None:
    """What carries traces gives no commands of its own."""
    tracer = TracerProvider().get_tracer("test")
    replayer = Replayer(
        workflows=[ClearanceWorkflow, AgencyCall],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
        interceptors=[TracingInterceptor(tracer)],
    )
    await replayer.replay_workflow(history_of(path))  # type: ignore[arg-type]
