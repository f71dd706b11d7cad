"""One exchange with an agency whose worker stands in its own network."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, TimeoutError, TimeoutType

from hub.activities.agency_calls import AgencyCalls
from hub.activities.agency_messages import AgencyAnswer, AgencyOrder, CallEnd
from hub.domain import names

HEARTBEAT_TIMEOUT = timedelta(seconds=5)
"""A worker that was not heard of for so long is dead, or cut off."""


@workflow.defn(name=names.AGENCY_CALL_WORKFLOW)
class AgencyCall:
    """
    Put one request to an agency's worker, once, and say how that ended.

    It never fails and never repeats anything: whoever asked knows what to do next.
    """

    @workflow.run
    async def run(self, order: AgencyOrder) -> AgencyAnswer:
        request = order.request
        if workflow.now() > request.begin_by:
            return AgencyAnswer(end=CallEnd.NOT_BEGUN, why="the engine came to it too late")
        try:
            return await workflow.execute_activity_method(
                AgencyCalls.call_agency,
                request,
                task_queue=names.agency_queue(request.agency),
                activity_id=request.kind,
                schedule_to_start_timeout=order.worker_within,
                start_to_close_timeout=order.answer_within,
                heartbeat_timeout=HEARTBEAT_TIMEOUT,
                retry_policy=RetryPolicy(maximum_attempts=1),
            )
        except ActivityError as lost:
            return _how_it_ended(request.agency, lost.cause)


def _how_it_ended(agency: str, cause: BaseException | None) -> AgencyAnswer:
    if isinstance(cause, TimeoutError):
        if cause.type is TimeoutType.SCHEDULE_TO_START:
            return AgencyAnswer(end=CallEnd.NOT_BEGUN, why=f"no worker of {agency} is at work")
        if cause.type is TimeoutType.HEARTBEAT:
            return AgencyAnswer(end=CallEnd.LOST, why=f"the worker of {agency} died, or was cut off")
        return AgencyAnswer(end=CallEnd.LOST, why=f"the worker of {agency} did not come to an end")
    words = cause.message if isinstance(cause, ApplicationError) else "it was stopped"
    return AgencyAnswer(end=CallEnd.LOST, why=f"the worker of {agency} failed: {words}")
