"""
The pictures of the documents: `python -m tests.console.screenshots FOLDER`.

A store is filled with sample declarations, `hub api` runs on it, and a real Chromium goes through the pages.
`make screenshots` writes them into `docs/images`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import async_playwright
from sqlalchemy import text

from benchmarks.fill import fill
from benchmarks.pages import api, tracking_code
from hub.clock import utc_now
from hub.console.security import new_token, token_hash
from hub.ports import User, UserRole
from hub.store import create_store
from hub.store.engine import Database
from tests.console.browser import Window, chromium, window

_DECLARATIONS = 1200
_CONTENTS = 5
_LARGEST = 200_000
"""Bytes of a picture: they are kept with the code."""


@dataclass(frozen=True)
class Picture:
    """One page, as it is shown."""

    name: str
    path: str
    width: int = 1200
    height: int = 780
    scheme: str = "light"
    language: str = "en"
    signed_in: bool = True


def pictures(stuck: str, code: str) -> list[Picture]:
    """What is shown: of the declaration `stuck`, and of one that a declarant follows by `code`."""
    return [
        Picture("now", "/console"),
        Picture("now-dark-korean", "/console", scheme="dark", language="ko"),
        Picture("stuck", "/console/stuck"),
        Picture("declaration", f"/console/declarations/{stuck}#timeline"),
        Picture("agency", "/console/agencies/mfds#times"),
        Picture("tracking", f"/track/{code}", width=420, height=860, signed_in=False),
    ]


async def take(url: str, folder: Path, token: str, which: list[Picture]) -> None:
    """Write them. Raises AssertionError when anything goes wrong in the browser, or one is too large."""
    folder.mkdir(parents=True, exist_ok=True)
    executable = chromium()
    if executable is None:
        raise SystemExit("there is no Chromium: install one, or say in HUB_CHROMIUM where it is")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for picture in which:
            async with window(
                browser,
                url,
                token=token if picture.signed_in else None,
                width=picture.width,
                height=picture.height,
                scheme=picture.scheme,
                language=picture.language,
            ) as at:
                await _take_one(at, picture, folder / f"{picture.name}.png")
        await browser.close()


async def _take_one(at: Window, picture: Picture, path: Path) -> None:
    await at.open(picture.path)
    await at.page.screenshot(path=path, animations="disabled")
    size = path.stat().st_size
    assert size <= _LARGEST, f"{path.name} has {size} bytes"


def _session(url: str) -> str:
    """The token of a new user's session."""
    store = create_store(url)
    token = new_token()
    now = utc_now()
    store.add_user(
        User(name="kim.minji", display="Kim Minji", role=UserRole.SUPERVISOR, created_at=now), None, None
    )
    store.open_session(token_hash(token), "kim.minji", now, None)
    store.close()
    return token


def _subjects(url: str) -> tuple[str, str]:
    """A declaration that is stuck, and the code of one that is under way."""
    database = Database(url)
    with database.read() as connection:
        stuck = connection.execute(
            text("SELECT mrn FROM attention WHERE kind = 'unreachable' ORDER BY mrn LIMIT 1")
        ).scalar_one()
        followed = connection.execute(
            text("SELECT mrn FROM decisions GROUP BY mrn HAVING count(*) = 1 ORDER BY mrn LIMIT 1")
        ).scalar_one()
    database.close()
    store = create_store(url)
    code = tracking_code(store, followed)
    store.close()
    return stuck, code


def main() -> None:
    reading = argparse.ArgumentParser(description="Write the pictures of the documents.")
    reading.add_argument("folder", type=Path)
    reading.add_argument("--store", help="a store that benchmarks.fill has filled; made otherwise")
    told = reading.parse_args()
    config = Path("adapters_config")
    with tempfile.TemporaryDirectory() as made:
        url = told.store or f"sqlite:///{made}/hub.sqlite"
        if told.store is None:
            fill(url, _DECLARATIONS, config, contents=_CONTENTS)
        stuck, code = _subjects(url)
        token = _session(url)
        with api(url, config) as (base, _process):
            asyncio.run(take(base, told.folder, token, pictures(stuck, code)))


if __name__ == "__main__":
    main()
