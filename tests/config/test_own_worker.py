"""An agency with a worker of its own: which variables must be set where."""

from __future__ import annotations

import pytest

from hub.config.checking import Checker
from hub.config.folder import Folder as Reader
from tests.config.conftest import ENVIRONMENT

LABS = "agencies/labs.yaml"
AT_THE_HUB = {name: value for name, value in ENVIRONMENT.items() if name != "LABS_TOKEN"}
AT_THE_AGENCY = {"LABS_TOKEN": "t"}


def own(folder) -> None:
    folder.spoil(LABS, "  submit:\n", "  own_worker: true\n  submit:\n")


def test_the_hub_needs_nothing_that_proves_it_to_the_agency(folder) -> None:
    """Its worker has that, in the agency's network."""
    own(folder)
    assert folder.faults(environment=AT_THE_HUB) == ()


def test_the_hub_needs_what_proves_the_agency_to_it(folder) -> None:
    """Callbacks come to the hub's own door."""
    own(folder)
    [fault] = folder.faults(environment={**AT_THE_HUB, "LABS_SECRET": ""})
    assert fault.key == "channel.callback.auth.hmac.secret"


def test_without_a_worker_of_its_own_the_hub_needs_both(folder) -> None:
    """As before."""
    [fault] = folder.faults(environment=AT_THE_HUB)
    assert fault.key == "channel.auth.bearer"


@pytest.mark.parametrize(
    ("environment", "at_fault"), [(AT_THE_AGENCY, []), ({}, ["channel.auth.bearer"])], ids=["set", "not-set"]
)
def test_the_agency_s_worker_needs_what_requests_need(folder, environment, at_fault) -> None:
    """And not what callbacks are proved by, nor any other agency's file or secrets."""
    own(folder)
    folder.write("agencies/plants.yaml", "not: an agency\n")
    checker = Checker(folder.path, development=False, environment=lambda _: environment, is_agencys=True)
    sources = Reader(folder.path, checker.documents.plain, "labs").read()
    reading = checker.check(sources, alone=True)
    assert [fault.key for fault in reading.faults] == at_fault
