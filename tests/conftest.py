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
    "quick", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=200)

_status = 0


def pytest_configure(config: pytest.Config) -> None:
    """Laws are tried on more examples where the slow tests run too."""
    settings.load_profile("quick" if config.option.markexpr == "not slow" else "thorough")


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
