"""A hub and an agency's worker in one process, with a real engine between them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from hub.activities.agency_calls import AgencyCalls
from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from hub.distant import DistantGateway
from hub.domain import names
from hub.ports import AgencyGateway, Call
from hub.workflows.agency_call import AgencyCall
from tests.adapters.support import changed, gateway_to

NOWHERE = "http://127.0.0.1:1"
"""Where the hub's own gateway finds nobody: what is answered all the same came by the agency's worker."""


def now() -> datetime:
    return datetime.now(UTC)


def own(file: AgencyFile, **limits: object) -> AgencyFile:
    """The same agency with a worker of its own, and limits that a test can reach."""
    return changed(
        file,
        own_worker=True,
        limits={"timeout": "2s", "attempts": 1, "per_second": None, "breaker_pause": "1s", **limits},
    )


def in_force(files: Mapping[str, AgencyFile]) -> Callable[[str], Awaitable[AgencyFile | None]]:
    """The files that count now, as the gateway asks for them."""

    async def file_of(agency: str) -> AgencyFile | None:
        return files.get(agency)

    return file_of


@dataclass
class Two:
    """The hub's side, and what it takes to be the agency's file."""

    gateway: DistantGateway
    near: Gateway
    client: Client
    files: dict[str, AgencyFile] = field(default_factory=dict)
    counted: list[Call] = field(default_factory=list)
    """The requests of agencies' own workers, as the hub's side has been told of them."""

    @asynccontextmanager
    async def agency_works(self, slug: str, gateway: AgencyGateway) -> AsyncIterator[None]:
        """The agency's own worker, for as long as the context lasts."""
        async with Worker(
            self.client,
            task_queue=names.agency_queue(slug),
            activities=AgencyCalls(slug, gateway).all(),
        ):
            yield


@asynccontextmanager
async def two_sides(client: Client, *files: AgencyFile) -> AsyncIterator[Two]:
    """The hub's side, with its worker for calls."""
    known = {file.agency: file for file in files}
    async with (
        gateway_to(NOWHERE, *files, clock=now) as near,
        Worker(
            client,
            task_queue=names.CALLS_QUEUE,
            workflows=[AgencyCall],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        counted: list[Call] = []
        distant = DistantGateway(near, client, in_force(known), now, counted.append)
        yield Two(distant, near, client, known, counted)


@asynccontextmanager
async def both_sides(client: Client, url: str, *files: AgencyFile) -> AsyncIterator[Two]:
    """The hub's side, and a worker for the first agency, whose system is at `url`."""
    async with (
        two_sides(client, *files) as two,
        gateway_to(url, files[0], clock=now) as there,
        two.agency_works(files[0].agency, there),
    ):
        yield two
