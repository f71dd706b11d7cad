"""One round of the early warning, as the engine schedules it."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy

from hub.activities.watch import WatchActivities
from hub.domain import names

ROUND_WITHIN = timedelta(seconds=60)
"""Longer than a round ever needs; a round that is lost with its worker is not gone again: the next one is."""


@workflow.defn(name=names.WATCH_WORKFLOW)
class WatchWorkflow:
    """Goes one round. What it finds is in the store; the history of this is of no use to anybody."""

    @workflow.run
    async def run(self) -> None:
        await workflow.execute_activity_method(
            WatchActivities.go_watch_round,
            schedule_to_close_timeout=ROUND_WITHIN,
            retry_policy=RetryPolicy(maximum_attempts=1),
        )
