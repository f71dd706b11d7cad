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

_TOGETHER = (
    "tests/drills/",
    "tests/flows/",
    "tests/chaos/",
    "tests/workbench/",
    "tests/store/",
    "tests/console/",
    "tests/adapters/",
    "tests/workflows/",
    "tests/api/",
    "tests/simulator/",
    "tests/distant/",
    "tests/cli/",
)
"""
Folders of which one process runs all, those that take longest first: their tests share what is dear to make,
a stack of processes, a browser, a database server, the agencies' files as read.
"""

_status = 0


def _unit(nodeid: str) -> str:
    """What is given to one process as a whole: a folder, or else a file."""
    return next((folder for folder in _TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """
    Units are given out one by one, in the order in which they were collected.

    Marks cannot say what belongs together: xdist 3.8 writes a mark's group into a member of a test that
    pytest 9.2 no longer reads, and every process would start stacks of its own.
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByUnit(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return _unit(nodeid)

    config.option.loadscopereorder = False
    return ByUnit(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest is begun first where several processes run the tests."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        place = {folder: number for number, folder in enumerate(_TOGETHER)}
        items.sort(key=lambda item: place.get(_unit(item.nodeid), len(place)))


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
