"""People who operate the hub, at its public doors: the console, the list of incidents, their mail."""

from __future__ import annotations

import asyncio
import logging
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
from tests.operations.watch.sinks import MailSink

SEEN_WITHIN = 60.0
"""Seconds from when a failure is caused until operations see it, at most."""
OVER_WITHIN = 60.0
"""Seconds from when it is mended until nothing of it is open, at most."""

log = logging.getLogger(__name__)


class Desk:
    """One person who has signed in to the console. Pages are read and forms are sent as a browser would."""

    def __init__(self, url: str, name: str, password: str) -> None:
        self.name = name
        self._url = url
        self._session = requests.Session()
        self._session.headers.update({"Accept-Language": "en", "Origin": url})
        answer = self._send(self._form("/console/sign-in", "password"), name=name, password=password)
        assert "/sign-in" not in answer.url, answer.text

    def page(self, path: str) -> str:
        """The words of a page, without its marks."""
        return _words(self._get(path))

    def act(self, kind: str, reason: str, *, also: dict[str, str] | None = None, **where: str) -> str:
        """
        An action of the console: its preview, and its form, with a reason. Says what came of it.

        `also` is what else is filled in, as the time to which a deadline is moved.
        """
        return self.fill(
            self.path(f"/console/act/{kind}", **where), "reason", **{**(also or {}), "reason": reason}
        )

    def fill(self, path: str, field: str, **values: str) -> str:
        """Fill in the form of a page that has this field, and send it; the words of the page that follows."""
        return _words(self._send(self._form(path, field), **values))

    def press(self, path: str, action: str) -> str:
        """Send the form of a page that does this and asks for nothing; the words of the page that follows."""
        page = self._get(path)
        forms = html.fromstring(page.content, base_url=page.url).forms
        target = urljoin(page.url, action)
        [form] = [form for form in forms if form.method == "POST" and form.action == target]
        return _words(self._send(form))

    def path(self, path: str, **query: str) -> str:
        """A path with a query, as a link has it."""
        url = requests.Request("GET", self._url + path, params=query).prepare().url
        assert url is not None
        return url.removeprefix(self._url)

    def links(self, path: str, below: str) -> list[str]:
        """Where the links of a page lead that begin with this path, each once."""
        page = html.fromstring(self._get(path).content)
        found = [str(a.get("href")) for a in page.iter("a")]
        return list(dict.fromkeys(target for target in found if target.startswith(below)))

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
        assert answer.ok, f"{target}: {answer.status_code}\n{_words(answer)}"
        return answer


class Operations:
    """Whoever operates one stack."""

    def __init__(self, stack: Stack, mails: MailSink) -> None:
        self.stack = stack
        self.mails = mails
        self._desks: dict[UserRole, Desk] = {}
        self.awaited: list[tuple[Drill, str, str]] = []
        """What is mended, and over only when the minutes in which it was counted have passed."""

    def awaits(self, drill: Drill, kind: str, subject: str) -> None:
        """See `awaited`."""
        self.awaited.append((drill, kind, subject))

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

    def drill(self, failure: str) -> Drill:
        """A failure that is caused now."""
        return Drill(self, failure)

    async def page(self, path: str, role: UserRole = UserRole.SUPERVISOR) -> str:
        """What a page says."""
        return await asyncio.to_thread(lambda: self.desk(role).page(path))

    async def act(
        self,
        kind: str,
        reason: str,
        *,
        role: UserRole = UserRole.SUPERVISOR,
        also: dict[str, str] | None = None,
        **where: str,
    ) -> str:
        """Do something by the console; what it says then. See `Desk.act`."""
        return await asyncio.to_thread(lambda: self.desk(role).act(kind, reason, also=also, **where))

    async def close_breaker(self, agency: str, reason: str) -> None:
        """Somebody knows that it is back. The hub's own probe may have found it out a moment before."""
        try:
            await self.act("close_breaker", reason, agency=agency)
        except AssertionError as refused:
            if "The breaker is not open" not in str(refused):
                raise

    async def fill(self, path: str, field: str, role: UserRole = UserRole.SUPERVISOR, **values: str) -> str:
        """Send a form; see `Desk.fill`."""
        return await asyncio.to_thread(lambda: self.desk(role).fill(path, field, **values))

    async def press(self, path: str, action: str, role: UserRole = UserRole.SUPERVISOR) -> str:
        """Press the button of a page; see `Desk.press`."""
        return await asyncio.to_thread(lambda: self.desk(role).press(path, action))

    async def until_page(self, path: str, *words: str) -> str:
        """Wait until a page says all of this."""
        deadline = time.monotonic() + SEEN_WITHIN
        while True:
            said = await self.page(path)
            if all(word in said for word in words):
                return said
            assert time.monotonic() < deadline, f"{path} does not say {words}: {said}"
            await asyncio.sleep(0.2)

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

    async def until_incidents(
        self, fit: Callable[[list[dict[str, Any]]], Any], what: str, until: float
    ) -> Any:
        """Wait, until a time of the monotonic clock, for what is open to fit; what `fit` made of it."""
        seen: list[dict[str, Any]] = []
        while True:
            try:
                seen = await self.incidents(open="true")
                if result := fit(seen):
                    return result
            except requests.RequestException:
                if time.monotonic() > until:
                    raise
            assert time.monotonic() < until, f"not in time: {what}; open are {seen}"
            await asyncio.sleep(0.2)

    async def until_told(self, *words: str) -> str:
        """Wait until a mail has come that says all of this; its text."""
        deadline = time.monotonic() + SEEN_WITHIN
        while True:
            for mail in list(self.mails.mails):
                text = mail.get_content()
                if all(word in text for word in words):
                    return str(text)
            assert time.monotonic() < deadline, f"no mail says {words}: {[str(m) for m in self.mails.mails]}"
            await asyncio.sleep(0.1)


class Drill:
    """One failure: caused when this is made, seen in time, mended, and over."""

    def __init__(self, operations: Operations, failure: str) -> None:
        self.failure = failure
        self._operations = operations
        self._caused = time.monotonic()
        self._seen: float | None = None
        self._mended: float | None = None

    async def seen(self, kind: str, subject: str | None = None) -> dict[str, Any]:
        """Wait for the incident; fails when operations do not see it in time."""

        def fits(one: dict[str, Any]) -> bool:
            return one["kind"] == kind and subject in (None, one["subject"])

        found: dict[str, Any] = await self._operations.until_incidents(
            lambda known: next(filter(fits, known), None),
            f"{self.failure} is seen as {kind} {subject or ''}",
            self._caused + SEEN_WITHIN,
        )
        self._seen = self._seen or time.monotonic()
        return found

    async def told(self, *words: str) -> str:
        """Wait for a mail that says all of this; its text."""
        text = await self._operations.until_told(*words)
        self._seen = self._seen or time.monotonic()
        return text

    def mended(self) -> None:
        """Now it is, by somebody or by itself."""
        self._mended = time.monotonic()

    async def over(self, kind: str, subject: str | None = None, patience: float = OVER_WITHIN) -> None:
        """Wait until no such incident is open, and say how long everything took."""

        def none_left(found: list[dict[str, Any]]) -> bool:
            return not any(one["kind"] == kind and subject in (None, one["subject"]) for one in found)

        await self._operations.until_incidents(
            none_left, f"{self.failure} is over", time.monotonic() + patience
        )
        self.say()

    def say(self) -> None:
        """Into the log of the tests: the times, in seconds from when it was caused."""
        assert self._seen is not None
        assert self._mended is not None
        log.info(
            "%s: seen after %.1f s, mended after %.1f s, over after %.1f s",
            self.failure,
            self._seen - self._caused,
            self._mended - self._caused,
            time.monotonic() - self._caused,
        )


def _words(page: requests.Response) -> str:
    """What it is about: without what every page has around it, and what could be chosen."""
    content = html.fromstring(page.content)
    for choice in list(content.iter("select")):
        choice.drop_tree()
    main = content.find(".//main")
    return " ".join((content if main is None else main).text_content().split())
