"""The engine, as the early warning looks at it: how it does, what it is to schedule, and what fails in it."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import structlog
from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)
from temporalio.service import RPCError

from hub.domain import names
from hub.ports import EngineState
from hub.workflows.watch import ROUND_WITHIN

_PATIENCE = 1.5
_RPC_TIMEOUT = timedelta(seconds=1)
_TYPES = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)
_FAILED = re.compile(r"Failed activation on workflow \S+ with ID (\S+) and run ID ")
_LOGGERS = ("temporalio.core", "temporalio.worker._workflow_instance")
_RUN = "run:"
"""Begins what is known by the run only, and not by the workflow's id."""

log = structlog.get_logger(__name__)


class TemporalWatch:
    """`hub.operations.watch.gathering.EngineWatch` on a Temporal client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def state(self) -> EngineState:
        """How it does. One that does not answer in time, or with an error, is not reachable."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(_PATIENCE):
                if not await self._client.service_client.check_health(timeout=_RPC_TIMEOUT):
                    return EngineState(is_reachable=False)
                seconds = time.perf_counter() - began
                waits = [await self._waits(each) for each in _TYPES]
        except (RPCError, RuntimeError, TimeoutError):
            return EngineState(is_reachable=False)
        ages = [age for age, _ in waits]
        return EngineState(
            is_reachable=True,
            seconds=seconds,
            waiting=max(ages, default=timedelta()),
            backlog=sum(count for _, count in waits),
        )

    async def _waits(self, kind: TaskQueueType.ValueType) -> tuple[timedelta, int]:
        """How long the oldest of what waits for our workers has waited, and how much waits."""
        told = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace,
                task_queue=TaskQueue(name=names.TASK_QUEUE),
                task_queue_type=kind,
                report_stats=True,
            ),
            timeout=_RPC_TIMEOUT,
        )
        # A server that counts nothing says nothing: then the wait of the round itself has to do.
        return told.stats.approximate_backlog_age.ToTimedelta(), told.stats.approximate_backlog_count

    async def still_failing(self, runs: Sequence[str]) -> list[str]:
        """
        Those of these workflows whose newest task has failed: it is being tried again.

        Raises RPCError, RuntimeError or TimeoutError when the engine does not answer.
        """
        async with asyncio.timeout(10 * _PATIENCE):
            found = [await self._failing(run) for run in runs]
        return [one for one in found if one is not None]

    async def _failing(self, run: str) -> str | None:
        id = run
        if run.startswith(_RUN):
            query = f'RunId = "{run.removeprefix(_RUN)}"'
            id = ""
            async for one in self._client.list_workflows(query, page_size=1):
                id = one.id
            if not id:
                return None
        with suppress(RPCError):  # one that is gone does not fail
            told = await self._client.get_workflow_handle(id).describe(rpc_timeout=_RPC_TIMEOUT)
            if told.raw_description.pending_workflow_task.attempt > 1:
                return id.removeprefix("declaration/")
        return None


class FailedTasks(logging.Handler):
    """
    Hears what the worker logs when a workflow's task fails, and counts it by workflow.

    The engine itself tells of such workflows only after several failures.
    """

    def __init__(self, count: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._count = count

    def emit(self, record: logging.LogRecord) -> None:
        """One line of the log."""
        message = record.getMessage()
        if told := _FAILED.match(message):
            self._count(told[1])
        elif "Failing workflow task" in message:
            fields = getattr(getattr(record, "temporal_log", None), "fields", {})
            run = fields.get("run_id")
            if run:
                self._count(f"{_RUN}{run}")

    def __enter__(self) -> FailedTasks:
        for name in _LOGGERS:
            logging.getLogger(name).addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        for name in _LOGGERS:
            logging.getLogger(name).removeHandler(self)


async def schedule_watch(client: Client, every: timedelta) -> None:
    """
    Have the engine schedule the rounds; a schedule that is there already is made to be this one.

    It counts in whole seconds, from one upwards.

    An engine that does not let us leaves the rounds to whoever stands in; that is logged.
    """
    whole = timedelta(seconds=max(1, round(every.total_seconds())))
    schedule = Schedule(
        action=ScheduleActionStartWorkflow(
            names.WATCH_WORKFLOW,
            id=names.WATCH_SCHEDULE,
            task_queue=names.TASK_QUEUE,
            execution_timeout=ROUND_WITHIN,
            task_timeout=timedelta(seconds=5),
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=whole)]),
        # What was missed while nobody was there is of no use any more.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(seconds=10)),
    )

    async def same(_: ScheduleUpdateInput) -> ScheduleUpdate:
        return ScheduleUpdate(schedule)

    try:
        try:
            await client.create_schedule(names.WATCH_SCHEDULE, schedule)
        except ScheduleAlreadyRunningError:
            await client.get_schedule_handle(names.WATCH_SCHEDULE).update(same)
    except RPCError as error:
        log.warning("watch.not_scheduled", reason=f"{error.status.name}: {error.message}")
