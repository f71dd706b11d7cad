"""How hub and agency are protected: limits, maintenance, and secrets that stand in no recording."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress
from datetime import timedelta

from hub.clock import utc_now
from hub.domain.errors import AgencyUnavailable
from hub.domain.referral import ReferralState
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours.crowds import keeps_rate, most_at_once
from hub.workbench.certify.behaviours.recordings import everything_recorded, secrets_of
from hub.workbench.certify.finding import Notes, insist
from hub.workbench.certify.scene import Scene
from hub.workbench.certify.stage import Stage
from hub.workbench.certify.wire import Answer, Ask, Cut, Request, saying

_DEFECT = "this is a defect of the hub"
_MOST = 8
"""Requests at a time that are tried out; a channel may allow hundreds."""
_RATE = 4
"""Requests a second that are tried out: a slow enough rate to be seen."""


async def _limits(stage: Stage, notes: Notes) -> None:
    answer = await stage.ordinary_answer()
    own = stage.file.channel.limits.concurrency
    size = min(own, _MOST)
    if size < own:
        notes.saw(f"`concurrency` was lowered from {own} to {size} for this")
    crowd = threading.Barrier(size)

    def crowded(request: Request, ask: Ask) -> Answer | Cut:
        # Answered when as many are under way as may be, so that one more would be seen.
        # Fewer than that, and the barrier breaks: a limit that is not reached is not passed either.
        with suppress(threading.BrokenBarrierError):
            crowd.wait(0.5)
        return answer

    changes = {"limits": {"concurrency": size, "per_second": None, "attempts": 1}}
    async with stage.scene(changes=changes) as scene:
        mark = len(stage.tap.passages)
        with stage.tap.playing(crowded, "submit"):
            taken, busy = await _rush(scene, 2 * size)
        passed = stage.tap.since(mark, "submit")
        most = most_at_once(passed)
        notes.saw(
            f"{2 * size} submissions at once, answered by the proxy: at most {most} under way, "
            f"{taken} taken, {busy} put off"
        )
        insist(most <= size, f"{most} requests at a time, and {size} are allowed", _DEFECT)
        insist(taken, "none of them was taken", "see to `approve` first")
    changes = {"limits": {"concurrency": size, "per_second": _RATE, "attempts": 1}}
    async with stage.scene(changes=changes) as scene:
        mark, started = len(stage.tap.passages), time.monotonic()
        with stage.tap.playing(saying(answer), "submit"):
            taken, busy = await _rush(scene, 2 * _RATE + 2)
        passed = stage.tap.since(mark, "submit")
        began = [one.began for one in passed]
        took = max(began) - min(began) if began else 0.0
        notes.saw(f"`per_second` was set to {_RATE}: {taken} sent within {took:.1f} s, {busy} put off")
        insist(keeps_rate(passed, _RATE, started), f"more than {_RATE} requests a second", _DEFECT)


async def _rush(scene: Scene, number: int) -> tuple[int, int]:
    """So many submissions at once; how many were taken, and how many the hub put off by itself."""
    dossiers = [scene.stage.dossier("approve") for _ in range(number)]
    came = await asyncio.gather(
        *(scene.gateway.submit(dossier) for dossier in dossiers), return_exceptions=True
    )
    for one in came:
        scene.stage.direct += getattr(one, "exchanges", ())
        if isinstance(one, BaseException) and not isinstance(one, AgencyUnavailable):
            raise one
    put_off = sum(isinstance(one, AgencyUnavailable) for one in came)
    return number - put_off, put_off


LIMITS = Behaviour(
    "limits",
    "Limits kept",
    "Never more requests at a time, nor more a second, than the channel allows.",
    _limits,
)


async def _maintenance(stage: Stage, notes: Notes) -> None:
    now = utc_now()
    window = {"start": now - timedelta(hours=1), "end": now + timedelta(hours=1), "note": "certification"}
    async with stage.scene(changes={"maintenance": [window]}) as scene:
        mark = len(stage.tap.passages)
        dossier = scene.lodge()
        attempt = await scene.hand_over(dossier)
        notes.saw(f"a window from an hour ago to an hour ahead was added: {attempt.words}")
        insist(not stage.tap.since(mark), "something was sent during maintenance", _DEFECT)
        insist(attempt.state is ReferralState.PENDING, f"it came to {attempt.words}", _DEFECT)
        insist("maintenance" in (attempt.trouble or ""), "operations are not told why", _DEFECT)


MAINTENANCE = Behaviour(
    "maintenance",
    "Maintenance window",
    "Nothing is sent while the agency's announced maintenance lasts, and operations see why.",
    _maintenance,
)


async def _secrets(stage: Stage, notes: Notes) -> None:
    secrets = secrets_of(stage)
    recorded = await asyncio.to_thread(everything_recorded, stage)
    found = {name for name, forms in secrets.items() for form in forms if form in recorded}
    notes.saw(f"{len(secrets)} credential(s) looked for in {len(recorded)} characters of recordings")
    insist(not found, f"recordings hold {', '.join(sorted(found))}", _DEFECT)


SECRETS = Behaviour(
    "secrets",
    "Secrets in no recording",
    "No credential stands in any exchange, message or event that was recorded in this run.",
    _secrets,
)
