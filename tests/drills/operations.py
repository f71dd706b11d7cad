"""People who operate the hub, at its public doors: the console over HTTP, and the list of incidents."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import requests
from lxml import html

from hub.clock import utc_now
from hub.console import passwords
from hub.embedded import Stack
from hub.ports import User, UserRole
from hub.store import create_store

SEEN_WITHIN = 60.0
"""Seconds from when a failure is caused until operations see it, at most."""


class Desk:
    """One person who has signed in to the console. Pages are read and forms are sent as a browser would."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": "en", "Origin": url})
        answer = self._send(self._form("/console/sign-in", "password"), name=name, password=password)
        assert "/sign-in" not in answer.url, answer.text

    def page(self, path: str) -> str:
        """The words of a page, without its marks."""
        return " ".join(html.fromstring(self._get(path).content).text_content().split())

    def act(self, kind: str, reason: str, **where: str) -> str:
        """An action of the console: its preview, and its form, with a reason. Says what came of it."""
        path = requests.Request("GET", f"{self._url}/console/act/{kind}", params=where).prepare().url
        assert path is not None
        return self.fill(path.removeprefix(self._url), "reason", reason=reason)

    def fill(self, path: str, field: str, **values: str) -> str:
        """Fill in the form of a page that has this field, and send it; the words of the page that follows."""
        answer = self._send(self._form(path, field), **values)
        return " ".join(html.fromstring(answer.content).text_content().split())

    def _get(self, path: str) -> requests.Response:
        answer = self._session.get(self._url + path, timeout=30)
        assert answer.ok, f"{path}: {answer.status_code}\n{answer.text}"
        return answer

    def _form(self, path: str, field: str) -> Any:
        page = self._get(path)
        forms = [
            form
            for form in html.fromstring(page.content, base_url=page.url).forms
            if form.method == "POST" and field in form.fields
        ]
        assert forms, f"{path} has no form with {field}:\n{page.text}"
        return forms[0]

    def _send(self, form: Any, **values: str) -> requests.Response:
        sent = {**dict(form.form_values()), **values}
        target = urljoin(form.base_url, form.action or "")
        answer = self._session.post(target, data=sent, timeout=30)
        assert answer.ok, f"{target}: {answer.status_code}\n{answer.text}"
        return answer


class Operations:
    """Whoever operates one stack."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._desks: dict[UserRole, Desk] = {}

    def desk(self, role: UserRole = UserRole.SUPERVISOR) -> Desk:
        """A person of this role; the same one each time. Blocking."""
        if role not in self._desks:
            name, password = f"{role.value}-{secrets.token_hex(3)}", passwords.new_password()
            store = create_store(self.stack.environment["HUB_DATABASE_URL"])
            user = User(name=name, display=name, role=role, created_at=utc_now())
            store.add_user(user, passwords.hash_of(password), None)
            store.close()
            self._desks[role] = Desk(self.stack.api_url, name, password)
        return self._desks[role]

    async def page(self, path: str) -> str:
        return await asyncio.to_thread(lambda: self.desk().page(path))

    async def act(self, kind: str, reason: str, **where: str) -> str:
        return await asyncio.to_thread(lambda: self.desk().act(kind, reason, **where))

    async def fill(self, path: str, field: str, **values: str) -> str:
        return await asyncio.to_thread(lambda: self.desk().fill(path, field, **values))

    async def incidents(self, **query: str) -> list[dict[str, Any]]:
        """What is wrong, as the API tells it."""

        def ask() -> list[dict[str, Any]]:
            answer = requests.get(
                f"{self.stack.api_url}/v1/incidents",
                params=query,
                headers={"Authorization": f"Bearer {self.stack.api_key}"},
                timeout=10,
            )
            answer.raise_for_status()
            found: list[dict[str, Any]] = answer.json()["incidents"]
            return found

        return await asyncio.to_thread(ask)

    async def found(self, kind: str, subject: str | None = None) -> dict[str, Any]:
        """Wait until an incident is open; fails when it is not seen in time."""

        def fits(one: dict[str, Any]) -> bool:
            return one["kind"] == kind and subject in (None, one["subject"])

        return await self._until(lambda found: next(filter(fits, found), None), f"{kind} {subject or ''}")

    async def over(self, kind: str, subject: str | None = None) -> None:
        """Wait until no such incident is open."""

        def none_left(found: list[dict[str, Any]]) -> bool:
            return not any(one["kind"] == kind and subject in (None, one["subject"]) for one in found)

        await self._until(none_left, f"{kind} {subject or ''} to be over")

    async def _until(self, found: Callable[[list[dict[str, Any]]], Any], what: str) -> Any:
        deadline = time.monotonic() + SEEN_WITHIN
        seen: list[dict[str, Any]] = []
        while True:
            try:
                seen = await self.incidents(open="true")
                if result := found(seen):
                    return result
            except requests.RequestException:
                if time.monotonic() > deadline:
                    raise
            assert time.monotonic() < deadline, f"not seen: {what}; open are {seen}"
            await asyncio.sleep(0.2)
