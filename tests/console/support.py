"""What the tests of the console share: the application on a real store, and users who have signed in."""

from __future__ import annotations

import itertools
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import httpx
import uvicorn
from fastapi import FastAPI

from hub.console.app import Pages, create_console
from hub.console.parts import ConsoleParts
from hub.console.security import csrf_token, new_token, token_hash
from hub.operations.desk import Desk, desk_of
from hub.operations.judging import Judges
from hub.operations.progress import ProgressTeller
from hub.operations.tracking import Tracking
from hub.ports import AgencyGateway, NotScanning, User, UserRole
from hub.store import Store
from tests.api.support import CALENDAR, EngineFake, GatewayFake, rulebook

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


@dataclass
class TestClock:
    """A clock that stands still until it is moved."""

    __test__ = False
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, by: timedelta) -> None:
        self.now += by


def console_parts(store: Store, clock: TestClock, **changes: Any) -> ConsoleParts:
    """The parts of a console on this store; of an area's own, what its tests say."""
    given: dict[str, Any] = {
        "clock": clock,
        "users": store,
        "audit": store,
        "is_ready": store.is_ready,
        "overview": store,
        "histories": store,
        "controls": store,
        "versions": store,
        "queries": store,
        "finding": store,
        "attention": store,
        "judging": Judges(store, store, dict, clock),
        "incidents": store,
        "actions": store,
        "desk": desk_on(store, clock),
        "progress": progress_of(store, clock),
        "tracking": Tracking(store, store, clock),
        "secure": False,
        "temporal_ui_url": "http://127.0.0.1:8233/namespaces/default/workflows",
    }
    return ConsoleParts(**{**given, **changes})


def progress_of(store: Store, clock: TestClock) -> ProgressTeller:
    """What declarants are told, with agencies that all have one calendar."""
    return ProgressTeller(
        cargo=store,
        histories=store,
        agencies=lambda: rulebook().catalogue.agencies,
        calendar=lambda agency: CALENDAR,
        clock=clock,
    )


def desk_on(store: Store, clock: TestClock, engine: EngineFake | None = None) -> Desk:
    """What operations do, with agencies and an engine that say what a test tells them to."""
    rules = rulebook()
    return desk_of(
        store,
        engine or EngineFake(),
        cast(AgencyGateway, GatewayFake()),
        NotScanning(),
        clock,
        rulebook=lambda: rules,
        calendar=lambda agency: CALENDAR,
    )


def site_of(parts: ConsoleParts) -> FastAPI:
    """An application with nothing but the console in it."""
    app = FastAPI(openapi_url=None)
    app.router.routes.append(Pages(create_console(parts)))
    return app


class Visitor:
    """A browser without a screen: keeps cookies, sends forms as pages of the console do."""

    def __init__(self, app: FastAPI, url: str = "http://hub", token: str | None = None) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app, raise_app_exceptions=False),
            base_url=url,
            headers={"Origin": url, "Accept-Language": "en"},
        )
        self.token = token
        if token is not None:
            self.http.cookies.set("hub-session", token)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        return await self.http.get(path, **more)

    async def post(self, path: str, data: Mapping[str, Any] | None = None, **more: Any) -> httpx.Response:
        """A form, with the token of the session in it."""
        csrf = {"csrf": csrf_token(self.token)} if self.token is not None else {}
        return await self.http.post(path, data={**csrf, **(data or {})}, **more)

    async def follow(self, response: httpx.Response) -> httpx.Response:
        """The page a form led to."""
        assert response.status_code == 303, f"{response.status_code}: {words_in(response.text)}"
        return await self.get(response.headers["location"])


@dataclass
class Console:
    """The console of one test."""

    app: FastAPI
    store: Store
    clock: TestClock
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def visitor(self) -> Visitor:
        """Somebody who has not signed in."""
        return Visitor(self.app)

    def signed_in(
        self,
        role: UserRole = UserRole.VIEWER,
        agency: str | None = None,
        *,
        name: str | None = None,
        language: str | None = None,
    ) -> Visitor:
        """A new user of this role, who has signed in."""
        return Visitor(self.app, token=self.session(role, agency, name=name, language=language))

    def session(
        self,
        role: UserRole = UserRole.VIEWER,
        agency: str | None = None,
        *,
        name: str | None = None,
        language: str | None = None,
    ) -> str:
        """The token of a new user's session."""
        name = name or f"{role}-{next(self._numbers)}"
        user = User(
            name=name,
            display=name.title(),
            role=role,
            agency=agency,
            language=language,
            created_at=self.clock(),
        )
        self.store.add_user(user, None, None)
        return self.session_of(name)

    def session_of(self, name: str) -> str:
        """The token of another session of a user there is."""
        token = new_token()
        self.store.open_session(token_hash(token), name, self.clock(), None)
        return token


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The application on a real socket, in a thread of its own; its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            # The socket listens once the server has begun; a browser's connection waits for it until then.
            listener.listen()
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(10)


def words_in(html: str) -> str:
    """What a page says, without markup, blanks as one."""
    main = re.search(r"<main.*?</main>", html, re.S)
    text = re.sub(r"<[^>]+>", " ", main.group(0) if main else html)
    return re.sub(r"\s+", " ", text).strip()
