"""One simulator for all tests of a process; what it received is forgotten before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.config.loader import Configuration, load
from tests.simulator.support import FOLDER, FakeHub, Simulator, fake_hub, running


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    return load(FOLDER, development=True)


@pytest.fixture(scope="session")
def hub() -> Iterator[FakeHub]:
    with fake_hub() as taking:
        yield taking


@pytest.fixture(scope="session")
def one_simulator(configuration: Configuration, hub: FakeHub) -> Iterator[Simulator]:
    with running(configuration, hub) as simulator:
        yield simulator


@pytest.fixture
def simulator(one_simulator: Simulator) -> Simulator:
    one_simulator.reset()
    return one_simulator
