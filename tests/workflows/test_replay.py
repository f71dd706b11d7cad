"""Declarations that are open for thirty days meet newer code: recorded histories must replay."""

from __future__ import annotations

from collections.abc import Callable, Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from hub.activities.messages import ClearanceOrder
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.errands import Errand
from hub.workflows.agency_call import AgencyCall
from hub.workflows.clearance import ClearanceWorkflow
from hub.workflows.errands import Errands
from tests.workflows.conftest import HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))
CLEARED = "a-decision-by-callback-settles-what-waits.json"
AMENDED = "without-an-operation-it-is-withdrawn-and-submitted-anew.json"
WITHDRAWN = "a-withdrawal-is-told-to-everybody-however-long-one-is-away.json"
ASKED = "a-question-stops-the-clock-and-the-answer-lets-it-go-on.json"
QUEUED = "a-paused-agency-is-asked-when-it-is-resumed-and-others-meanwhile.json"
INSPECTED = "an-inspection-that-is-called-for-is-offered.json"


def replayer(code: type = ClearanceWorkflow) -> Replayer:
    return Replayer(
        workflows=[code, AgencyCall],
        workflow_runner=UnsandboxedWorkflowRunner(),
        data_converter=pydantic_data_converter,
    )


def history_of(path: Path) -> WorkflowHistory:
    return WorkflowHistory.from_json(path.stem, path.read_text())


def test_there_are_recorded_histories() -> None:
    """A replay of nothing proves nothing."""
    assert len(RECORDED) >= 50


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_history_replays(path: Path) -> None:
    """Today's workflow code gives the commands that the history holds."""
    await replayer().replay_workflow(history_of(path))


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class SleepsFirst:
    """The order of commands changed without a patch."""

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        await workflow.sleep(1)
        return Outcome.RELEASE


async def test_a_change_of_command_order_without_a_patch_is_found() -> None:
    """The check can fail: code that gives other commands does not replay what was recorded."""
    with pytest.raises(workflow.NondeterminismError):
        await replayer(SleepsFirst).replay_workflow(history_of(HISTORIES / CLEARED))


class _SleepsBeforeItTells(Errands):
    """Errands that wait a little before they begin."""

    def _begin(
        self,
        name: str,
        new: Sequence[Errand],
        work: Callable[[str], Coroutine[Any, Any, Collection[str]]],
    ) -> None:
        async def after_a_while(task: str) -> Collection[str]:
            await workflow.sleep(1)
            return await work(task)

        super()._begin(name, new, after_a_while)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class SleepsBeforeErrands(ClearanceWorkflow):
    """A timer in the way of every errand."""

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        super().__init__(order)
        self._errands = _SleepsBeforeItTells(self._tasks, self._handed_over, self._has_news)

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        return await super().run(order)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class SettlesBeforeItReads(ClearanceWorkflow):
    """What is on record is read after the outcome is recorded, not before."""

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        super().__init__(order)

    async def _read_news(self) -> None:
        if self._concluded is not None:
            await super()._read_news()

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        return await super().run(order)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class ForgetsTheClock(ClearanceWorkflow):
    """A deadline that is nearer than the one waited for is not waited for."""

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        super().__init__(order)
        self._deadlines.watch = lambda: None  # type: ignore[method-assign]

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        return await super().run(order)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class ArrangesNothing(ClearanceWorkflow):
    """The patch is there, and what it leads to is not."""

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        super().__init__(order)

    async def _arrange_inspections(self) -> None:
        workflow.patched("inspections-are-arranged")

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        return await super().run(order)


@workflow.defn(name=names.CLEARANCE_WORKFLOW)
class WaitsInNoQueue(ClearanceWorkflow):
    """What stands in a queue is begun again whenever anything happens."""

    @workflow.init
    def __init__(self, order: ClearanceOrder) -> None:
        super().__init__(order)
        self._errands.put_off = lambda errand: None  # type: ignore[method-assign]

    @workflow.run
    async def run(self, order: ClearanceOrder) -> Outcome:
        return await super().run(order)


@pytest.mark.parametrize(
    ("code", "history"),
    [
        (SleepsBeforeErrands, AMENDED),
        (SleepsBeforeErrands, WITHDRAWN),
        (SettlesBeforeItReads, WITHDRAWN),
        (ForgetsTheClock, ASKED),
        (ArrangesNothing, INSPECTED),
        (WaitsInNoQueue, QUEUED),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else value.partition(".")[0],
)
async def test_a_change_of_order_in_the_life_of_a_declaration_is_found(code: type, history: str) -> None:
    """Each part of it that gives commands: errands, reading, the clock, appointments."""
    with pytest.raises(workflow.NondeterminismError):
        await replayer(code).replay_workflow(history_of(HISTORIES / history))
