"""The simulated cargo system: takes release and hold notices, once each however often they come."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError

from hub.domain.clearance import Notice
from hub.simulator.agency import now
from hub.simulator.errors import ConnectionCut
from hub.simulator.http import Answer, Call, json_answer
from hub.simulator.journal import Journal

_KIND = "notice"


class CargoBehaviour(StrEnum):
    """What the cargo system does with notices."""

    TAKE = "TAKE"
    DOWN = "DOWN"
    """Cuts every connection; nothing is taken."""
    SLOW = "SLOW"
    """Takes notices, but answers late."""


@dataclass
class Taken:
    """A notice as the cargo system has it."""

    notice: dict[str, Any]
    reference: str
    received_at: str
    times: int
    """How often it came."""


class CargoSystem:
    """Notices by key. Without a token it lets everybody in: only tests do that."""

    def __init__(self, token: str, journal: Journal) -> None:
        self.behaviour = CargoBehaviour.TAKE
        self.delay = timedelta(seconds=2)
        self._token = token
        self._journal = journal
        self._taken: dict[str, Taken] = {key: Taken(**document) for key, document in journal.read(_KIND)}

    async def answer(self, call: Call) -> Answer:
        """Take a notice. Raises ConnectionCut."""
        if self.behaviour is CargoBehaviour.DOWN:
            raise ConnectionCut
        if self.behaviour is CargoBehaviour.SLOW:
            await asyncio.sleep(self.delay.total_seconds())
        expected = f"Bearer {self._token}"
        if self._token and not hmac.compare_digest(
            call.headers.get("authorization", "").encode(), expected.encode()
        ):
            return _problem(401, "the token is missing or wrong", {"WWW-Authenticate": "Bearer"})
        try:
            notice = Notice.model_validate_json(call.body)
        except ValidationError as wrong:
            return _problem(422, f"not a notice: {wrong.error_count()} faults: {wrong.errors()[0]['msg']}")
        if call.headers.get("idempotency-key") != notice.key:
            return _problem(422, "Idempotency-Key is not the notice's key")
        return self._take(notice)

    def _take(self, notice: Notice) -> Answer:
        content = notice.model_dump(mode="json")
        taken = self._taken.get(notice.key)
        if taken is None:
            taken = Taken(content, f"CARGO-{len(self._taken) + 1:06d}", now().isoformat(), 0)
            self._taken[notice.key] = taken
        elif taken.notice != content:
            return _problem(409, f"{notice.key} was taken with another content")
        taken.times += 1
        self._journal.write(_KIND, notice.key, vars(taken))
        return json_answer(200, {"reference": taken.reference, "received_at": taken.received_at})

    def ledger(self, *, ucr: str | None, mrn: str | None) -> list[dict[str, Any]]:
        """The notices in the order of their first coming, with how often each came."""
        return [
            {
                "reference": taken.reference,
                "received_at": taken.received_at,
                "times": taken.times,
                **taken.notice,
            }
            for taken in self._taken.values()
            if ucr in (None, taken.notice["ucr"]) and mrn in (None, taken.notice["mrn"])
        ]

    def clear(self) -> None:
        """Forget every notice, and behave as usual again."""
        self._taken.clear()
        self.behaviour = CargoBehaviour.TAKE


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Answer:
    return json_answer(
        status,
        {"type": "about:blank", "title": "the notice is not taken", "status": status, "detail": detail},
        media_type="application/problem+json",
        headers=headers,
    )
