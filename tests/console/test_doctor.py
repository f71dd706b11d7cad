"""The doctor's page: who may look, who may have anything mended, and what stands on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from playwright.async_api import Browser

from hub.operations.doctor import Doctor
from hub.ports import AuditFilter, EngineUnavailable, UserRole
from hub.ports.doctor import Place, Resumption, WorkflowStanding, WorkflowStatus
from hub.store import Store
from tests.api.support import EngineFake
from tests.console.browser import window
from tests.console.support import Console, TestClock, console_parts, served, site_of, words_in
from tests.store.sample import PLANT, acceptance


@dataclass
class EngineSeen:
    """An engine that has what was started in it."""

    workflows: list[str] = field(default_factory=list)
    is_away: bool = False

    def _look(self) -> None:
        if self.is_away:
            raise EngineUnavailable("connection refused")

    async def running(self) -> AsyncIterator[Sequence[str]]:
        self._look()
        yield list(self.workflows)

    async def count_running(self) -> int:
        self._look()
        return len(self.workflows)

    async def standing(self, mrn: str) -> WorkflowStanding:
        self._look()
        runs = mrn in self.workflows
        return WorkflowStanding(status=WorkflowStatus.RUNNING if runs else WorkflowStatus.UNKNOWN)

    async def failing(self, limit: int) -> Sequence[Place]:
        return []

    async def keeps_ended_for(self) -> timedelta:
        return timedelta(days=1)

    async def resume(self, resumption: Resumption) -> bool:
        self._look()
        self.workflows.append(resumption.view.acceptance.mrn)
        return True

    async def terminate(self, mrn: str, reason: str) -> bool:
        return False


@pytest.fixture
def seen() -> EngineSeen:
    return EngineSeen()


@pytest.fixture
def doctor(store: Store, clock: TestClock, seen: EngineSeen) -> Doctor:
    return Doctor(store, store, EngineFake(), seen, clock, store.note_audit, pause=0)


@pytest.fixture
def console(store: Store, clock: TestClock, doctor: Doctor) -> Console:
    return Console(site_of(console_parts(store, clock, doctor=doctor)), store, clock)


def lost(store: Store, clock: TestClock) -> str:
    """A declaration whose workflow the engine has lost."""
    accepted = acceptance(PLANT, at=clock() - timedelta(hours=1))
    store.lodge(accepted)
    store.mark_started(accepted.mrn)
    return accepted.mrn


async def idle(doctor: Doctor) -> None:
    async with asyncio.timeout(20):
        while doctor.is_busy:
            await asyncio.sleep(0.01)


async def test_a_supervisor_finds_what_is_wrong_and_has_it_mended(
    console: Console, store: Store, clock: TestClock, seen: EngineSeen, doctor: Doctor
) -> None:
    """It is looked at beside the page, told in words, mended with a reason, and stands in the audit."""
    mrn = lost(store, clock)
    visitor = console.signed_in(UserRole.SUPERVISOR)
    assert "Nobody has looked yet." in words_in((await visitor.get("/console/doctor")).text)
    assert (await visitor.post("/console/doctor/examine")).status_code == 303
    await idle(doctor)
    page = await visitor.get("/console/doctor")
    said = words_in(page.text)
    assert "open, and Temporal knows no workflow of it 1" in said
    assert mrn in said
    unsaid = await visitor.post("/console/doctor/repair", {"workflow_lost": "yes"})
    assert unsaid.status_code == 422
    assert "Say why: it stands in the audit." in words_in(unsaid.text)
    unchosen = await visitor.post("/console/doctor/repair", {"reason": "restored a backup"})
    assert "Choose what is to be mended." in words_in(unchosen.text)
    mended = await visitor.post(
        "/console/doctor/repair", {"workflow_lost": "yes", "reason": "restored a backup"}
    )
    assert mended.status_code == 303
    await idle(doctor)
    assert seen.workflows == [mrn]
    said = words_in((await visitor.get("/console/doctor")).text)
    assert "Nothing disagrees." in said
    [line] = store.audit(AuditFilter(action="doctor.repaired"), None, 10).lines
    assert (line.reason, line.result) == ("restored a backup", "1 done")


@pytest.mark.parametrize(("role", "may_look"), [(UserRole.VIEWER, False), (UserRole.OPERATOR, True)])
async def test_others_see_it_and_mend_nothing(
    console: Console, store: Store, clock: TestClock, doctor: Doctor, role: UserRole, may_look: bool
) -> None:
    """A viewer sees what others have found; an operator may have it looked at."""
    lost(store, clock)
    await doctor.examine("somebody")
    visitor = console.signed_in(role)
    page = (await visitor.get("/console/doctor")).text
    assert "What mends it" in page
    assert ("/console/doctor/examine" in page) is may_look
    assert (await visitor.post("/console/doctor/examine")).status_code == (303 if may_look else 403)
    await idle(doctor)
    refused = await visitor.post("/console/doctor/repair", {"workflow_lost": "yes", "reason": "x"})
    assert refused.status_code == 403


async def test_an_agencys_user_does_not_see_it(console: Console) -> None:
    """It is about everybody's declarations."""
    visitor = console.signed_in(UserRole.VIEWER, agency="apqa")
    assert (await visitor.get("/console/doctor")).status_code in (403, 404)


async def test_what_came_to_nothing_says_why(
    console: Console, store: Store, clock: TestClock, seen: EngineSeen, doctor: Doctor
) -> None:
    """The engine went away in between."""
    lost(store, clock)
    visitor = console.signed_in(UserRole.SUPERVISOR)
    seen.is_away = True
    await visitor.post("/console/doctor/repair", {"workflow_lost": "yes", "reason": "x"})
    await idle(doctor)
    said = words_in((await visitor.get("/console/doctor")).text)
    assert "What was begun last came to nothing: connection refused" in said


async def test_the_page_is_readable_for_everybody(
    console: Console, store: Store, clock: TestClock, doctor: Doctor, browser: Browser
) -> None:
    """axe-core finds nothing serious, also in Korean and in the dark; at 360 pixels nothing sticks out."""
    for _ in range(3):
        lost(store, clock)
    await doctor.examine("somebody")
    token = console.session(UserRole.SUPERVISOR, language="ko")
    with served(console.app) as url:
        async with window(browser, url, token=token, width=360, scheme="dark") as page:
            await page.open("/console/doctor")
            assert "Temporal에 워크플로가 없음" in await page.text()
            assert await page.faults() == []
            assert await page.overflow() == 0
