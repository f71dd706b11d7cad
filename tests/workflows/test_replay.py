"""Declarations that are open for thirty days meet newer code: recorded histories must replay."""

from __future__ import annotations

from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from hub.activities.messages import ClearanceOrder
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.workflows.agency_call import AgencyCall
from hub.workflows.clearance import ClearanceWorkflow
from tests.workflows.conftest import HISTORIES

RECORDED = sorted(HISTORIES.glob("*.json"))
CLEARED = "a-decision-by-callback-settles-what-waits.json"


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
    assert len(RECORDED) >= 20


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
