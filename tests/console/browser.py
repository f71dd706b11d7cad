"""A real Chromium that lets nothing pass: no message in its console, no error, no request that fails."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, Response

_CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The browser of HUB_CHROMIUM, else one on the path; None where there is none."""
    told = os.environ.get("HUB_CHROMIUM")
    if told:
        return told if Path(told).exists() else None
    return next((found for each in _CANDIDATES if (found := shutil.which(each))), None)


@dataclass
class Window:
    """One window; `trouble` is everything that went wrong in it, and is looked at when the test is over."""

    page: Page
    context: BrowserContext
    url: str
    trouble: list[str] = field(default_factory=list)
    expected: set[int] = field(default_factory=set)
    """Statuses besides success that pages of this test answer with."""

    async def open(self, path: str) -> Response:
        """Go to a page; `load` and the first look of the script have passed."""
        response = await self.page.goto(self.url + path)
        assert response is not None
        return response

    async def text(self) -> str:
        """What the page says."""
        return await self.page.inner_text("main")

    async def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            await self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )

    async def faults(self, impacts: Collection[str] = ("serious", "critical")) -> list[str]:
        """What axe-core finds against WCAG 2.2 AA, of these impacts: rule, element, what is wrong with it."""
        results = await Axe().run(
            self.page,
            options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
        )
        found: list[dict[str, Any]] = results.response["violations"]
        return [
            f"{each['id']} ({each['impact']}): {node['html'][:200]} {node['failureSummary']}"
            for each in found
            if each["impact"] in impacts
            for node in each["nodes"]
        ]

    def watch(self) -> None:
        """Write down what goes wrong from now on."""
        self.page.on("console", lambda said: self._note(f"console {said.type}: {said.text}"))
        self.page.on("pageerror", lambda error: self._note(f"error in a script: {error}"))
        self.page.on("requestfailed", lambda request: self._failed(request.url, request.failure))
        self.page.on("response", self._answered)

    def _note(self, what: str) -> None:
        # Chromium says in its console, too, that a page was answered with an error that the test is about.
        if self.expected and "Failed to load resource" in what:
            return
        self.trouble.append(what)

    def _failed(self, url: str, why: str | None) -> None:
        # A refresh under way when the page is left is given up by the browser itself.
        if why != "net::ERR_ABORTED":
            self.trouble.append(f"request failed: {url}: {why}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status not in self.expected:
            self.trouble.append(f"{response.status} from {response.url}")


@asynccontextmanager
async def window(
    browser: Browser,
    url: str,
    *,
    token: str | None = None,
    width: int = 1280,
    height: int = 900,
    scheme: str = "light",
    language: str = "en",
    scripts: bool = True,
) -> AsyncIterator[Window]:
    """
    A window of its own, signed in by the token of a session. Fails at its end if anything went wrong in it.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=scheme,  # type: ignore[arg-type]
        locale=language,
        java_script_enabled=scripts,
    )
    try:
        if token is not None:
            await context.add_cookies([{"name": "hub-session", "value": token, "url": url}])
        opened = Window(await context.new_page(), context, url)
        opened.page.set_default_timeout(15_000)
        opened.watch()
        yield opened
        assert not opened.trouble, json.dumps(opened.trouble, indent=2, ensure_ascii=False)
    finally:
        await context.close()
