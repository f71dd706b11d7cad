"""One call of an agency's worker through the engine: begun, waited for, and tidied away."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from typing import Any

import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.service import RPCError, RPCStatusCode

from hub.activities.agency_messages import AgencyAnswer, AgencyOrder, CallEnd
from hub.domain import names
from hub.workflows.agency_call import AgencyCall

BEGIN_WITHIN = timedelta(seconds=10)
"""After which a call that has not begun is not begun any more, whatever held it up."""
_ENGINE_SLOW = timedelta(seconds=15)
"""How much longer than all its parts a call is waited for before the engine itself counts as lost."""
_RPC_TIMEOUT = timedelta(seconds=5)
_TASK_TIMEOUT = timedelta(seconds=5)
"""How soon another worker of the hub takes a call over whose worker has died."""
_PAUSE = 0.5

_NOT_TAKEN = frozenset(
    {
        RPCStatusCode.INVALID_ARGUMENT,
        RPCStatusCode.NOT_FOUND,
        RPCStatusCode.PERMISSION_DENIED,
        RPCStatusCode.UNAUTHENTICATED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.FAILED_PRECONDITION,
        RPCStatusCode.UNIMPLEMENTED,
    }
)
"""Answers by which the engine says that it has not taken a call."""

_Handle = WorkflowHandle[AgencyCall, AgencyAnswer]
log = structlog.get_logger(__name__)


class EngineCalls:
    """Puts calls to the engine, and says how each ended. Never raises for what goes wrong there."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._tidying: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Wait for what is being tidied away."""
        await asyncio.gather(*self._tidying)

    async def end_of(self, order: AgencyOrder) -> AgencyAnswer:
        """
        Begin a call and wait for its end.

        Where the engine does not say whether it took the call, the call counts as lost: it may yet be
        carried out, though not after its `begin_by`.
        """
        words = f"the engine, by which the worker of {order.request.agency} is reached, does not answer"
        longest = BEGIN_WITHIN + order.answer_within + _ENGINE_SLOW
        try:
            async with asyncio.timeout(BEGIN_WITHIN.total_seconds()):
                handle = await self._begin(order, longest)
        except RuntimeError:  # a lazy client that has never connected
            return AgencyAnswer(end=CallEnd.NOT_BEGUN, why=words)
        except TimeoutError:
            return AgencyAnswer(end=CallEnd.LOST, why=words)
        except RPCError as wrong:
            if wrong.status in _NOT_TAKEN:
                return AgencyAnswer(
                    end=CallEnd.NOT_BEGUN, why=f"the engine did not take the call: {wrong.message}"
                )
            return AgencyAnswer(end=CallEnd.LOST, why=words)
        return await self._end(handle, longest)

    async def _begin(self, order: AgencyOrder, longest: timedelta) -> _Handle:
        request = order.request
        return await self._client.start_workflow(
            AgencyCall.run,
            order,
            id=names.call_id(request.agency, request.kind),
            task_queue=names.CALLS_QUEUE,
            task_timeout=_TASK_TIMEOUT,
            execution_timeout=longest,
            static_summary=request.about,
            rpc_timeout=_RPC_TIMEOUT,
        )

    async def _end(self, handle: _Handle, longest: timedelta) -> AgencyAnswer:
        try:
            async with asyncio.timeout(longest.total_seconds()):
                answer = await _result(handle)
        except TimeoutError:
            self._tidy(_terminate(handle, "no end within its time"))
            return AgencyAnswer(end=CallEnd.LOST, why="the engine did not tell how the call ended")
        except WorkflowFailureError as wrong:
            return AgencyAnswer(end=CallEnd.LOST, why=f"the call was ended in the engine: {wrong.cause}")
        except asyncio.CancelledError:
            self._tidy(_terminate(handle, "whoever asked has gone"))
            raise
        if answer.end is CallEnd.ANSWERED:
            # It holds a declaration, and is recorded where exchanges are: the engine need not keep it.
            self._tidy(self._delete(handle))
        return answer

    async def _delete(self, handle: _Handle) -> None:
        execution = WorkflowExecution(workflow_id=handle.id, run_id=handle.first_execution_run_id or "")
        request = DeleteWorkflowExecutionRequest(
            namespace=self._client.namespace, workflow_execution=execution
        )
        try:
            await self._client.workflow_service.delete_workflow_execution(request, timeout=_RPC_TIMEOUT)
        except RPCError as wrong:
            # It goes when the namespace's retention ends.
            log.debug("agency_call.not_deleted", call=handle.id, reason=wrong.message)

    def _tidy(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)


async def _result(handle: _Handle) -> AgencyAnswer:
    """The end of a call; an engine that is away for a moment is waited for."""
    while True:
        try:
            return await handle.result()
        except RPCError as wrong:
            if wrong.status is RPCStatusCode.NOT_FOUND:
                return AgencyAnswer(end=CallEnd.LOST, why="the engine does not know the call any more")
            await asyncio.sleep(_PAUSE)


async def _terminate(handle: _Handle, why: str) -> None:
    """A call that was not begun will not be; one that was begun ends unheard."""
    try:
        await handle.terminate(why, rpc_timeout=_RPC_TIMEOUT)
    except RPCError as wrong:
        log.info("agency_call.not_terminated", call=handle.id, reason=wrong.message)
