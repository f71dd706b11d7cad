"""How long effects may take, and how often they are tried."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from temporalio.common import RetryPolicy
from temporalio.workflow import ActivityCancellationType

# Short effects run inside the workflow task. The store being away is waited for, not an error.
SHORT: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=10),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=10)
    ),
}
# Reaching an agency may take days; a dead worker is noticed by its missing heartbeat. What is not wanted any
# more finds so in the store by itself: a request that is under way could not be taken back anyhow.
LONG: dict[str, Any] = {
    "cancellation_type": ActivityCancellationType.ABANDON,
    "start_to_close_timeout": timedelta(seconds=90),
    "heartbeat_timeout": timedelta(seconds=5),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=5)
    ),
}
# Several agencies in turn, each of which may take as long as one.
LONG_FOR_SEVERAL: dict[str, Any] = {**LONG, "start_to_close_timeout": timedelta(hours=1)}
TELL: dict[str, Any] = {
    "start_to_close_timeout": timedelta(seconds=30),
    "retry_policy": RetryPolicy(
        initial_interval=timedelta(seconds=1), backoff_coefficient=2, maximum_interval=timedelta(minutes=1)
    ),
}
