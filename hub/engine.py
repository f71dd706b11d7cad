"""The durable engine: Temporal, as intake, relays and the worker reach it."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from temporalio.api.enums.v1 import IndexedValueType, TaskQueueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
)
from temporalio.client import Client, Interceptor, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)
from temporalio.service import GrpcCompression, RPCError, RPCStatusCode

from hub import tracing
from hub.activities.messages import ClearanceOrder, Resumed, brief_case
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.declaration import Declaration
from hub.domain.intake import Acceptance
from hub.domain.referral import Decision
from hub.engine_admission import Admission
from hub.engine_reach import RPC_TIMEOUT, Reach
from hub.loopback import free_port
from hub.ports import EngineBusy, EngineUnavailable
from hub.ports.doctor import Place, Resumption, WorkflowStanding, WorkflowStatus
from hub.settings import EngineSettings
from hub.workflows.clearance import DUE_AT, OUTCOME, PENDING_AGENCIES

_PROBE_TIMEOUT = timedelta(seconds=1)
_PROBE_PATIENCE = 1.5
"""Seconds for a look whether it answers at all."""

_OUT_OF_TURN = 0.5
"""The share of the room for what is started without regard to what was accepted before it."""

_LISTING = timedelta(seconds=10)
"""For one page of a list, or one look at a workflow: nobody waits for it who lodges anything."""
_PAGE = 1000
_RUNNING = f"WorkflowType = '{names.CLEARANCE_WORKFLOW}' AND ExecutionStatus = 'Running'"
_PROBLEMS = SearchAttributeKey.for_keyword_list("TemporalReportedProblems")
"""Set by the engine itself after several failed tasks in a row, and taken away with the next success."""
_FAILING = (
    f"{_RUNNING} AND {_PROBLEMS.name} IN ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')"
)

SEARCH_ATTRIBUTES = {
    names.SEARCH_OUTCOME: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    names.SEARCH_PENDING_AGENCIES: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    names.SEARCH_DUE_AT: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}
"""What operations can search for with the engine's own tools."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")

TASK_TIMEOUT = timedelta(seconds=5)
"""How soon another worker takes over a workflow task whose worker has died."""


async def connect(settings: EngineSettings, *, lazy: bool = True) -> Client:
    """
    A client of the engine; a lazy one connects when first used, so that processes start while it is away.

    A worker needs one that has connected. Raises RuntimeError when that cannot be done.
    """
    return await Client.connect(
        settings.temporal_address,
        namespace=settings.temporal_namespace,
        data_converter=pydantic_data_converter,
        tls=settings.temporal_tls,
        api_key=settings.temporal_api_key.get_secret_value() if settings.temporal_api_key else None,
        lazy=lazy,
        interceptors=_tracing(settings),
        runtime=_runtime(),
        grpc_compression=GrpcCompression.NONE if _is_near(settings) else GrpcCompression.GZIP,
    )


def _is_near(settings: EngineSettings) -> bool:
    """Whether the engine is on this machine, where compressing costs more time than it saves."""
    return settings.temporal_address.rpartition(":")[0] in LOOPBACK


def _tracing(settings: EngineSettings) -> list[Interceptor]:
    """What carries traces through the engine, in headers that are no part of what is replayed."""
    if not settings.otlp_endpoint:
        return []
    # Loaded here only: a hub that sends no traces need not pay for it.
    from temporalio.contrib.opentelemetry import TracingInterceptor

    return [TracingInterceptor()]


@dataclass
class _Native:
    """What is settled before the native client is loaded, which it is once."""

    address: str | None = None


_native = _Native()


def measure_natively() -> str:
    """
    Have the native client measure tasks, slots and latencies; the URL, on loopback, where it shows them to
    whoever shows them to Prometheus. Call it before the first `connect` of the process.
    """
    if _runtime.cache_info().currsize:
        raise RuntimeError("the native client is loaded already")
    _native.address = f"127.0.0.1:{free_port()}"
    return f"http://{_native.address}/metrics"


@functools.cache
def _runtime() -> Runtime:
    """
    The runtime of the native client, one for all clients of a process. Its log goes where ours goes, in our
    form.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(
                    logger=logging.getLogger("temporalio.core"), prepend_target_on_message=False
                ),
            ),
            # Named as Prometheus' conventions ask: seconds, and totals that say so.
            metrics=PrometheusConfig(
                bind_address=_native.address,
                counters_total_suffix=True,
                unit_suffix=True,
                durations_as_seconds=True,
            )
            if _native.address
            else None,
        )
    )


log = structlog.get_logger(__name__)


class TemporalEngine:
    """`hub.ports.Engine`, and `hub.ports.doctor.EngineView`, on a Temporal client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._admission = Admission(self._queue_waits)
        self._reach = Reach()

    async def start_clearance(self, acceptance: Acceptance, *, in_turn: bool = False) -> None:
        """
        Start the declaration's workflow; starting it again is no error. Raises EngineUnavailable, EngineBusy.

        While there is anything to be started in its turn, that takes up all the room there is.
        """
        async with self._reach.call():
            if not await self._admission.has_room(1.0 if in_turn else _OUT_OF_TURN):
                raise EngineBusy("its workers have not begun yet with what was started before")
        order = ClearanceOrder(case=brief_case(acceptance.case))
        with suppress(WorkflowAlreadyStartedError):
            await self._start(
                order,
                acceptance,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )

    async def _queue_waits(self) -> timedelta:
        """How long the first of what waits for our workers has waited, where the engine tells that."""
        stats = (await self._queue()).stats
        return stats.approximate_backlog_age.ToTimedelta() if stats.approximate_backlog_count else timedelta()

    async def _queue(self) -> DescribeTaskQueueResponse:
        """What waits for our workers, and who they are; nothing where the engine tells none of it."""
        try:
            return await self._client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=self._client.namespace,
                    task_queue=TaskQueue(name=names.TASK_QUEUE),
                    task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
                    report_stats=True,
                ),
                timeout=RPC_TIMEOUT,
            )
        except RPCError as error:
            if error.status is not RPCStatusCode.UNIMPLEMENTED:
                raise
            return DescribeTaskQueueResponse()

    async def _start(self, order: ClearanceOrder, acceptance: Acceptance, **policies: Any) -> None:
        case, declaration = order.case, acceptance.declaration
        agencies = sorted({referral.terms.agency for referral in case.referrals})
        attributes: list[SearchAttributePair[Any]] = [
            SearchAttributePair(OUTCOME, Outcome.IN_PROGRESS),
            SearchAttributePair(PENDING_AGENCIES, agencies),
        ]
        if case.referrals:
            due_at = min(referral.terms.due_at for referral in case.referrals)
            attributes.append(SearchAttributePair(DUE_AT, due_at))
        # Whoever lodges is not kept waiting; whoever mends has as much patience as whoever looks.
        patience = RPC_TIMEOUT if order.resumed is None else _LISTING
        asking = self._reach.call() if order.resumed is None else self._look()
        with tracing.continuing(acceptance.trace):
            async with asking:
                await self._start_workflow(
                    order,
                    TypedSearchAttributes(attributes),
                    declaration,
                    {**policies, "rpc_timeout": patience},
                )

    async def _start_workflow(
        self,
        order: ClearanceOrder,
        attributes: TypedSearchAttributes,
        declaration: Declaration,
        policies: Mapping[str, Any],
    ) -> None:
        start = functools.partial(
            self._client.start_workflow,
            names.CLEARANCE_WORKFLOW,
            order,
            id=names.workflow_id(order.case.mrn),
            task_queue=names.TASK_QUEUE,
            task_timeout=TASK_TIMEOUT,
            search_attributes=attributes,
            static_summary=f"{declaration.declarant.id} {declaration.lrn}",
            **policies,
        )
        try:
            await start()
        except RPCError as error:
            if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                raise
            # An engine that has been set up anew does not know the search attributes any more.
            await register_search_attributes(self._client)
            await start()

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        """Signal decisions. False when the workflow has ended. Raises EngineUnavailable."""
        return await self._tell(mrn, names.SIGNAL_DECISIONS_RECEIVED, [[d.brief() for d in decisions]])

    async def tell_news(self, mrn: str) -> bool:
        """Signal that there is news. False when the workflow has ended. Raises EngineUnavailable."""
        return await self._tell(mrn, names.SIGNAL_NEWS_RECORDED, [])

    async def tell_to_go_on(self, mrn: str, services: Sequence[str]) -> bool:
        """
        Signal that what waited for the agencies of these services may go on. False when the workflow has
        ended. Raises EngineUnavailable.
        """
        return await self._tell(mrn, names.SIGNAL_GO_ON, [list(services)])

    async def _tell(self, mrn: str, signal: str, said: Sequence[Any]) -> bool:
        handle = self._client.get_workflow_handle(names.workflow_id(mrn))
        async with self._reach.call():
            try:
                await handle.signal(signal, args=said, rpc_timeout=RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                # Not running: it has ended, or intake has not been able to start it yet.
                description = await handle.describe(rpc_timeout=RPC_TIMEOUT)
                if description.status is WorkflowExecutionStatus.COMPLETED:
                    return False
                if description.status is not WorkflowExecutionStatus.RUNNING:
                    # Nothing is late for a declaration that is open: the doctor starts it once more.
                    raise EngineUnavailable(f"the workflow was {_status(description.status)}") from error
        return True

    # --- EngineView -------------------------------------------------------------------------------------

    async def running(self) -> AsyncIterator[Sequence[str]]:
        """The mrn of every running clearance, page by page, as the engine's index has them."""
        found = self._client.list_workflows(_RUNNING, page_size=_PAGE, rpc_timeout=_LISTING)
        while True:
            async with self._look():
                await found.fetch_next_page()
            yield [names.mrn_of(one.id) for one in found.current_page or ()]
            if not found.next_page_token:
                return

    async def count_running(self) -> int:
        """How many there are, as the index has it."""
        async with self._look():
            return (await self._client.count_workflows(_RUNNING, rpc_timeout=_LISTING)).count

    async def standing(self, mrn: str) -> WorkflowStanding:
        """How the workflow of one declaration stands now."""
        handle = self._client.get_workflow_handle(names.workflow_id(mrn))
        async with self._look():
            try:
                description = await handle.describe(rpc_timeout=_LISTING)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return WorkflowStanding(status=WorkflowStatus.UNKNOWN)
                raise
        task = description.raw_description.pending_workflow_task
        return WorkflowStanding(status=_status(description.status), attempt=task.attempt)

    async def failing(self, limit: int) -> Sequence[Place]:
        """
        Workflows whose tasks fail again and again, with the reason. An engine that does not mark them
        (before server 1.30) tells of none.
        """
        found = self._client.list_workflows(_FAILING, page_size=limit, limit=limit, rpc_timeout=_LISTING)
        places = []
        async with self._look():
            try:
                async for one in found:
                    problems = one.typed_search_attributes.get(_PROBLEMS) or ()
                    detail = ", ".join(problem.rpartition("=")[2] for problem in problems)
                    places.append(Place(mrn=names.mrn_of(one.id), detail=detail, since=one.start_time))
            except RPCError as error:
                if error.status is not RPCStatusCode.INVALID_ARGUMENT:
                    raise
                log.info("engine.marks_no_problems", reason=error.message)
        return places

    async def keeps_ended_for(self) -> timedelta:
        """The retention of the namespace."""
        async with self._look():
            told = await self._client.workflow_service.describe_namespace(
                DescribeNamespaceRequest(namespace=self._client.namespace), timeout=_LISTING
            )
        return told.config.workflow_execution_retention_ttl.ToTimedelta()

    async def resume(self, resumption: Resumption) -> bool:
        """
        Start the workflow of a declaration from how it stands. False when one is running already.

        Raises EngineBusy while workers have not begun with what was started before. Where no worker is, none
        can be overrun, and nothing that is lodged could have its turn: then everything is started at once.
        """
        async with self._look():
            if not await self._admission.has_room(_OUT_OF_TURN) and (await self._queue()).pollers:
                raise EngineBusy("its workers have not begun yet with what was started before")
        view, notice = resumption.view, resumption.notice
        resumed = Resumed(
            notices=max(0 if notice is None else notice.number, resumption.notices_from),
            noticed=None if notice is None else (notice.outcome, notice.released_items),
            unsent=resumption.unsent,
            refused_at=view.settled_at if view.clearance.outcome is Outcome.REFUSAL else None,
        )
        order = ClearanceOrder(case=brief_case(view.case), resumed=resumed)
        try:
            await self._start(
                order,
                view.acceptance,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
            )
        except WorkflowAlreadyStartedError:
            return False
        return True

    async def terminate(self, mrn: str, reason: str) -> bool:
        """End a running workflow. False when none was running."""
        handle = self._client.get_workflow_handle(names.workflow_id(mrn))
        async with self._look():
            try:
                await handle.terminate(reason=reason, rpc_timeout=_LISTING)
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
        return True

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[None]:
        """One look, with more patience than intake has. Raises EngineUnavailable."""
        try:
            async with asyncio.timeout(_LISTING.total_seconds() + 1):
                yield
            # It is back: what is to be mended by what was seen is not put off.
            self._reach.answered()
        except (TimeoutError, RuntimeError) as error:
            raise EngineUnavailable(str(error) or "the engine did not answer") from error
        except RPCError as error:
            raise EngineUnavailable(f"{error.status.name}: {error.message}") from error

    async def is_reachable(self) -> bool:
        """Whether the engine answers now."""
        try:
            async with asyncio.timeout(_PROBE_PATIENCE):
                return await self._client.service_client.check_health(timeout=_PROBE_TIMEOUT)
        except (RPCError, RuntimeError, TimeoutError):
            return False


def _status(status: WorkflowExecutionStatus | None) -> WorkflowStatus:
    """In our words; one that goes on as a new run, which ours do not, counts as running."""
    if status is None:
        return WorkflowStatus.UNKNOWN
    return _STATUSES.get(status, WorkflowStatus.RUNNING)


_STATUSES = {
    WorkflowExecutionStatus.COMPLETED: WorkflowStatus.COMPLETED,
    WorkflowExecutionStatus.FAILED: WorkflowStatus.FAILED,
    WorkflowExecutionStatus.CANCELED: WorkflowStatus.CANCELED,
    WorkflowExecutionStatus.TERMINATED: WorkflowStatus.TERMINATED,
    WorkflowExecutionStatus.TIMED_OUT: WorkflowStatus.TIMED_OUT,
}


async def register_search_attributes(client: Client) -> None:
    """
    Make the search attributes known to the engine; those it knows already are left alone.

    An engine that lets nobody add them through its API (Temporal Cloud) has them added by its administrator;
    `docs/operations.md` names them.
    """
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = {name: kind for name, kind in SEARCH_ATTRIBUTES.items() if name not in known.custom_attributes}
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
