"""The durable engine: Temporal, as intake, relays and the worker reach it."""

from __future__ import annotations

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
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
from temporalio.service import RPCError, RPCStatusCode

from hub.activities.messages import ClearanceOrder, brief_case
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.intake import Acceptance
from hub.domain.referral import Decision
from hub.ports import EngineUnavailable
from hub.settings import EngineSettings
from hub.workflows.clearance import DUE_AT, OUTCOME, PENDING_AGENCIES

_RPC_TIMEOUT = timedelta(seconds=1)
"""For one attempt of a call."""
_PATIENCE = 1.5
"""Seconds for a call with its retries: whoever lodges a declaration waits for this."""
_PAUSE = 5.0
"""Seconds for which an engine that did not answer is not asked again: intake must not wait each time."""

SEARCH_ATTRIBUTES = {
    names.SEARCH_OUTCOME: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD,
    names.SEARCH_PENDING_AGENCIES: IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD_LIST,
    names.SEARCH_DUE_AT: IndexedValueType.INDEXED_VALUE_TYPE_DATETIME,
}
"""What operations can search for with the engine's own tools."""

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
        runtime=_runtime(None if lazy else settings.metrics_address),
    )


@functools.cache
def _runtime(metrics_address: str | None) -> Runtime:
    """
    The runtime of the native client, one for all clients of a process. Its log goes where ours goes, in our
    form; with an address it shows its metrics for Prometheus: tasks, slots, latencies.
    """
    return Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(
                filter=TelemetryFilter(core_level="WARN", other_level="ERROR"),
                forwarding=LogForwardingConfig(
                    logger=logging.getLogger("temporalio.core"), prepend_target_on_message=False
                ),
            ),
            metrics=PrometheusConfig(bind_address=metrics_address) if metrics_address else None,
        )
    )


class TemporalEngine:
    """`hub.ports.Engine` on a Temporal client."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._silent_until = 0.0

    async def start_clearance(self, acceptance: Acceptance) -> None:
        """Start the declaration's workflow; starting it again is no error. Raises EngineUnavailable."""
        case = brief_case(acceptance.case)
        agencies = sorted({referral.terms.agency for referral in case.referrals})
        attributes: list[SearchAttributePair[Any]] = [
            SearchAttributePair(OUTCOME, Outcome.IN_PROGRESS),
            SearchAttributePair(PENDING_AGENCIES, agencies),
        ]
        if case.referrals:
            due_at = min(referral.terms.due_at for referral in case.referrals)
            attributes.append(SearchAttributePair(DUE_AT, due_at))
        try:
            async with self._call():
                await self._client.start_workflow(
                    names.CLEARANCE_WORKFLOW,
                    ClearanceOrder(case=case),
                    id=names.workflow_id(acceptance.mrn),
                    task_queue=names.TASK_QUEUE,
                    task_timeout=TASK_TIMEOUT,
                    id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                    id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
                    search_attributes=TypedSearchAttributes(attributes),
                    static_summary=f"{acceptance.declaration.declarant.id} {acceptance.declaration.lrn}",
                    rpc_timeout=_RPC_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return

    async def tell_decisions(self, mrn: str, decisions: Sequence[Decision]) -> bool:
        """Signal decisions. False when the workflow has ended. Raises EngineUnavailable."""
        return await self._tell(mrn, names.SIGNAL_DECISIONS_RECEIVED, [[d.brief() for d in decisions]])

    async def tell_news(self, mrn: str) -> bool:
        """Signal that there is news. False when the workflow has ended. Raises EngineUnavailable."""
        return await self._tell(mrn, names.SIGNAL_NEWS_RECORDED, [])

    async def _tell(self, mrn: str, signal: str, said: Sequence[Any]) -> bool:
        handle = self._client.get_workflow_handle(names.workflow_id(mrn))
        async with self._call():
            try:
                await handle.signal(signal, args=said, rpc_timeout=_RPC_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                # Not running: it has ended, or intake has not been able to start it yet.
                description = await handle.describe(rpc_timeout=_RPC_TIMEOUT)
                return description.status is WorkflowExecutionStatus.RUNNING
        return True

    async def is_reachable(self) -> bool:
        """Whether the engine answers now."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._client.service_client.check_health(timeout=_RPC_TIMEOUT)
        except (RPCError, RuntimeError, TimeoutError):
            return False

    @asynccontextmanager
    async def _call(self) -> AsyncIterator[None]:
        """
        One call of the engine, not longer than our patience; an engine that does not answer is left alone for
        a while. The client's own retries outlast the time-out of a single attempt. Raises EngineUnavailable.
        """
        if time.monotonic() < self._silent_until:
            raise EngineUnavailable("the engine did not answer a moment ago")
        try:
            async with asyncio.timeout(_PATIENCE):
                yield
        except TimeoutError as error:
            self._silent_until = time.monotonic() + _PAUSE
            raise EngineUnavailable(f"the engine did not answer within {_PATIENCE} s") from error
        except RuntimeError as error:  # of a lazy client that has never connected
            self._silent_until = time.monotonic() + _PAUSE
            raise EngineUnavailable(str(error)) from error
        except RPCError as error:
            if error.status in (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED):
                self._silent_until = time.monotonic() + _PAUSE
            raise EngineUnavailable(f"{error.status.name}: {error.message}") from error


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
