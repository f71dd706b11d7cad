"""Run the demonstration and say how it went."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from ruamel.yaml import YAML

from hub.cli.client import Api
from hub.cli.screen import screen
from hub.cli.tables import OUTCOME_STYLE, plain_reason, referral_marks, verdict_of
from hub.embedded import Stack

_PATIENCE = 45.0
"""Seconds for all declarations together: generous, for a busy machine."""

_TOLD = {
    "cargo.released": "released",
    "cargo.partly_released": "partly released",
    "cargo.held": "held",
    "cargo.refused": "refused",
    "cargo.withdrawn": "withdrawn",
}


@dataclass
class Story:
    """A declaration to lodge, and how it must end."""

    title: str
    content: bytes
    media_type: str
    referred: list[str] | None
    """Services that must be asked; None where the story does not say."""
    path: list[str]
    """What the cargo system must be told, in order."""
    then: dict[str, Any] = field(default_factory=dict)
    """What the declarant does once: `answer`, `amend` (the first goods item) or `withdraw`."""
    mrn: str = ""
    view: dict[str, Any] = field(default_factory=dict)
    done: bool = False
    told: list[str] = field(default_factory=list)

    @property
    def ended(self) -> bool:
        """The path is complete; whatever else happened stands in `told`, and is a fault."""
        return len(self.told) >= len(self.path)

    @property
    def faults(self) -> list[str]:
        """In what it differs from what was expected."""
        faults = []
        if self.told != self.path:
            faults.append(f"cargo system was told {self.told or 'nothing'}, expected {self.path}")
        if self.referred is not None:
            asked = sorted(referral["service"] for referral in self.view.get("referrals", []))
            if asked != sorted(self.referred):
                faults.append(f"asked {asked}, expected {sorted(self.referred)}")
        return faults


def stories() -> list[Story]:
    """All stories: those of stories.yaml, and the WCO XML files beside it."""
    folder = resources.files("hub.demo")
    found = []
    for number, told in enumerate(YAML(typ="safe").load(folder.joinpath("stories.yaml").read_text()), 1):
        items = [{"number": n, **item} for n, item in enumerate(told["items"], 1)]
        ucr = f"26KRDEMO{number:03}" + (f"-{told['ucr']}" if "ucr" in told else "")
        declaration = {
            "lrn": f"DEMO-{number:03}",
            "procedure": "import",
            "declarant": {"id": "KR-BROKER-1", "name": "Hanbit Customs Brokers"},
            "importer": {"id": "123-45-67890", "name": "Saebyeok Trading", "country": "KR"},
            "exporter": {"name": "Overseas Supply", "country": items[0]["origin"]},
            "office": told.get("office", "KRICN"),
            "consignment": {
                "ucr": ucr,
                "cargo_management_number": f"26DEMO{number:05}I",
                "country_of_dispatch": items[0]["origin"],
                "country_of_destination": "KR",
            },
            "items": items,
        }
        content = json.dumps(declaration).encode()
        then = told.get("then", {})
        found.append(Story(told["title"], content, "application/json", told["referred"], told["path"], then))
    for title, file, path in (
        ("WCO XML: apples and pears", "wco-apples.xml", ["released"]),
        ("WCO XML: three kinds of goods", "wco-mixed.xml", ["released"]),
    ):
        found.append(Story(title, folder.joinpath(file).read_bytes(), "application/xml", None, path))
    return found


async def run_demo(stack: Stack, stop: asyncio.Event) -> int:
    """Start the stack, lodge every story, watch them all; 0 if every one ended as it should."""
    console = screen()
    began = time.monotonic()
    console.print("Starting Temporal, the simulated agencies, the API and a worker ...")
    try:
        await stack.start()
        console.print(
            f"Ready after {time.monotonic() - began:.1f} s. "
            f"API {stack.api_url}, Temporal's UI {stack.temporal_ui_url}\n"
        )
        told = stories()
        began = time.monotonic()
        await _lodge_and_watch(stack, told, console, stop)
        return _report(told, console, time.monotonic() - began)
    finally:
        await stack.stop()


async def _lodge_and_watch(stack: Stack, told: list[Story], console: Console, stop: asyncio.Event) -> None:
    api = Api(stack.api_url, stack.api_key)
    live = Live(console=console, refresh_per_second=8) if console.is_terminal else None
    if live:
        live.start()
    reported: set[str] = set()
    try:
        for story in told:
            accepted = await asyncio.to_thread(api.lodge, story.content, story.media_type)
            story.mrn = accepted["mrn"]
        deadline = time.monotonic() + _PATIENCE
        while not stop.is_set() and time.monotonic() < deadline:
            stack.check_alive()
            for story in told:
                if not story.ended:
                    await _refresh(api, story)
                    await asyncio.to_thread(_go_on, api, story)
                    _report_progress(story, console, reported, quiet=live is not None)
            if live:
                live.update(_table(told))
            if all(story.ended for story in told):
                return
            await asyncio.sleep(0.1)
    finally:
        if live:
            live.update(_table(told))
            live.stop()


async def _refresh(api: Api, story: Story) -> None:
    # Events first: what they tell of, the view that is read after them shows.
    page = await asyncio.to_thread(api.get, f"/v1/declarations/{story.mrn}/events")
    story.view = await asyncio.to_thread(api.get, f"/v1/declarations/{story.mrn}")
    story.told = [_TOLD[event["type"]] for event in page["events"] if event["type"] in _TOLD]


def _go_on(api: Api, story: Story) -> None:
    """What the declarant does of his own accord, as soon as there is occasion to. Raises ApiProblem."""
    itself = f"/v1/declarations/{story.mrn}"
    if not story.then or story.done:
        return
    if "answer" in story.then:
        questions = [q for q in api.get(f"{itself}/questions")["questions"] if q["state"] == "open"]
        for question in questions:
            api.send("POST", question["link"], {"text": story.then["answer"]})
        story.done = bool(questions)
    elif all(referral["state"] != "pending" for referral in story.view["referrals"]):
        if "amend" in story.then:
            declaration = json.loads(story.content)
            declaration["items"][0] |= story.then["amend"]
            api.send("POST", f"{itself}/amendments", declaration)
        else:
            api.send("POST", f"{itself}/withdrawal", {"reason": story.then["withdraw"]})
        story.done = True


def _report_progress(story: Story, console: Console, reported: set[str], *, quiet: bool) -> None:
    """Without a terminal to draw on, each change of a referral is a line."""
    for referral in story.view.get("referrals", []):
        state = verdict_of(referral) or referral["state"]
        line = f"{story.mrn} {referral['service']} {state}"
        if line not in reported:
            reported.add(line)
            if not quiet:
                console.print(f"  {story.title[:38]:38}  {referral['service']:26} {state}")


def _table(told: list[Story]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("declaration", "mrn", "agencies", "outcome"):
        table.add_column(head, no_wrap=True)
    for story in told:
        outcome = story.view.get("outcome", "")
        table.add_row(
            story.title,
            story.mrn,
            referral_marks(story.view.get("referrals", [])),
            f"[{OUTCOME_STYLE.get(outcome, '')}]{outcome or '...'}[/]" if outcome else "...",
        )
    return table


def _report(told: list[Story], console: Console, seconds: float) -> int:
    console.print()
    wrong = 0
    for story in told:
        faults = story.faults
        wrong += bool(faults)
        word = " then ".join(story.told) or "nothing yet"
        mark = "[red]WRONG[/]" if faults else "[green]ok[/]   "
        line = f"{mark} {story.mrn}  {story.title:38} {word:20} {plain_reason(story.view)}"
        console.print(line, highlight=False, soft_wrap=True)
        for fault in faults:
            console.print(f"      {fault}", style="red", highlight=False)
    console.print(
        f"\n{len(told)} declarations, {len(told) - wrong} as expected, {wrong} not; {seconds:.1f} s.",
        highlight=False,
    )
    return 1 if wrong else 0
