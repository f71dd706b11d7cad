"""The API as the command line uses it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import requests

_CLIENT_FILE = Path(".hub/up/client.env")
_TIMEOUT = 30.0


class ApiProblem(Exception):
    """The API said no, or did not answer; the message is what it said, with every fault."""


class Api:
    """A client of the API; address and key from `HUB_API_URL`, `HUB_API_KEY`, else of a running `hub up`."""

    def __init__(self, url: str | None = None, key: str | None = None) -> None:
        kept = _kept()
        self.url = url or os.environ.get("HUB_API_URL") or kept.get("HUB_API_URL", "http://127.0.0.1:8080")
        self._session = requests.Session()
        found = key or os.environ.get("HUB_API_KEY") or kept.get("HUB_API_KEY", "")
        self._session.headers["Authorization"] = f"Bearer {found}"

    def lodge(self, content: bytes, media_type: str) -> dict[str, Any]:
        """Lodge a declaration. Raises ApiProblem."""
        return self._json("POST", "/v1/declarations", data=content, headers={"Content-Type": media_type})

    def amend(
        self, mrn: str, content: bytes, media_type: str, remarks: str, version: int | None
    ) -> dict[str, Any]:
        """Give a declaration another content; `version` is the one that is meant. Raises ApiProblem."""
        headers = {"Content-Type": media_type} | ({"If-Match": f'"{version}"'} if version else {})
        path = f"/v1/declarations/{mrn}/amendments"
        return self._json("POST", path, data=content, headers=headers, params={"remarks": remarks})

    def answer(self, path: str, text: str, documents: Sequence[tuple[str, bytes, str]]) -> dict[str, Any]:
        """Answer a question; documents are name, content and media type. Raises ApiProblem."""
        parts: list[tuple[str, tuple[str | None, bytes, str]]] = [
            ("text", (None, text.encode(), "text/plain; charset=utf-8"))
        ]
        parts += [("documents", document) for document in documents]
        return self._json("POST", path, files=parts)

    def get(self, path: str, *, language: str = "en") -> dict[str, Any]:
        """Read one page. Raises ApiProblem."""
        return self._json("GET", path, headers={"Accept-Language": language})

    def send(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for something, with a JSON object; members that are None are left out. Raises ApiProblem."""
        return self._json(method, path, json={key: value for key, value in body.items() if value is not None})

    def all_events(self, mrn: str) -> list[dict[str, Any]]:
        """The events of a declaration until now. Raises ApiProblem."""
        events: list[dict[str, Any]] = []
        path, after = f"/v1/declarations/{mrn}/events", 0
        # A page may be empty and not be the last: of some events this client is told nothing.
        while (page := self.get(f"{path}?after={after}"))["last"] > after:
            events += page["events"]
            after = page["last"]
        return events

    def events(self, mrn: str) -> Iterator[dict[str, Any]]:
        """The events of a declaration as they happen, from the first on. Raises ApiProblem."""
        headers = {"Accept": "text/event-stream"}
        path = f"{self.url}/v1/declarations/{mrn}/events"
        try:
            with self._session.get(path, headers=headers, stream=True, timeout=(5, 60)) as answer:
                if answer.status_code != 200:
                    raise ApiProblem(_told(answer))
                for line in answer.iter_lines():
                    if line.startswith(b"data:"):
                        yield json.loads(line[5:])
        except requests.RequestException as error:
            raise ApiProblem(f"{self.url} does not answer: {error}") from error

    def _json(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._session.request(method, self.url + path, timeout=_TIMEOUT, **more)
        except requests.RequestException as error:
            raise ApiProblem(
                f"{self.url} does not answer ({type(error).__name__}); is it running? `hub up` starts a hub"
            ) from error
        if answer.status_code >= 400:
            raise ApiProblem(_told(answer))
        body: dict[str, Any] = answer.json()
        return body


def _told(answer: requests.Response) -> str:
    """A problem (RFC 9457) as lines: what, why, and every fault with its pointer."""
    try:
        problem = answer.json()
    except requests.JSONDecodeError:
        return f"{answer.status_code} {answer.reason}: {answer.text[:500]}"
    lines = [f"{problem.get('title', answer.reason)} ({answer.status_code})"]
    if detail := problem.get("detail"):
        lines.append(f"  {detail}")
    lines += [
        f"  {fault.get('pointer', '')}  {fault.get('detail', '')}" for fault in problem.get("errors", [])
    ]
    return "\n".join(lines)


def _kept() -> dict[str, str]:
    if not _CLIENT_FILE.exists():
        return {}
    pairs = (line.partition("=") for line in _CLIENT_FILE.read_text().splitlines())
    return {name: value for name, _, value in pairs}
