"""What every test shares."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from hub import process

pytest_plugins = ["tests.plugins.databases"]

# The same examples in every run, and none refused for being slow to make on a busy machine.
settings.register_profile(
    "quick", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=200)

_STACKS = ("tests/chaos/", "tests/drills/", "tests/flows/")
"""Folders whose tests share a stack of processes: one process of the tests runs all of such a folder."""

_status = 0


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Tests are given out one by one, but for those that share a stack.

    Marks cannot say so: xdist 3.8 writes a mark's group into a member of a test that pytest 9.2 no longer
    reads, and every process would start stacks of its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class BesideStacks(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((folder for folder in _STACKS if nodeid.startswith(folder)), nodeid)

    return BesideStacks(config, log)


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
