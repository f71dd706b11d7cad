"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from hub import process

pytest_plugins = ["tests.plugins.databases"]

# The same examples in every run, and none refused for being slow to make on a busy machine.
settings.register_profile(
    "hub", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("hub")

_status = 0


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    global _status
    _status = int(exitstatus)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End as every process of ours ends, so that the status of a test run never lies."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        process.end(_status)


@pytest.fixture
def root() -> Path:
    """The project's folder."""
    return Path(__file__).parent.parent
