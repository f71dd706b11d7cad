"""A hop to a thread costs more than most of what a request needs: only what waits for the store makes one."""

from typing import NoReturn

import pytest

from hub.ports import Role
from tests.api.support import Api


async def test_nothing_that_a_route_depends_on_is_run_in_a_thread(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FastAPI does so with every dependency that is no coroutine."""

    async def told(call: object, *_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError(f"{call} is no coroutine")

    monkeypatch.setattr("fastapi.dependencies.utils.run_in_threadpool", told)
    monkeypatch.setattr("fastapi.routing.run_in_threadpool", told)
    receipt = await api.lodge()
    for link in ("self", "progress", "events", "casefile"):
        shown = await api.http.get(receipt["links"][link], headers=api.key(Role.CUSTOMS))
        assert shown.status_code == 200, shown.text
