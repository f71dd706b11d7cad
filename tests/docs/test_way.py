"""The way of the guide, from a WSDL to an agency that is certified and live, walked as it is written."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from ruamel.yaml import YAML

from hub.api.app import create_app
from hub.api.clients import new_key
from hub.bootstrap.doors import api_parts
from hub.bootstrap.joined import build
from hub.clock import utc_now
from hub.config.loader import load
from hub.loopback import free_port
from hub.ports import ApiClient, Role
from hub.settings import Settings
from hub.simulator.server import serve
from hub.store import create_store, upgrade
from hub.workbench.certify import scene
from tests.docs.support import ROOT, Block, blocks
from tests.docs.walk import Walk

LIVE = Path(".hub/live")
WAY = [block for block in blocks("sh", "diff") if block.path.name == "adding-an-agency.md" and block.mark]


def test_the_way_is_found() -> None:
    """A walk past nothing proves nothing."""
    marks = [block.mark.split()[0].rstrip(":") for block in WAY]
    assert marks.count("walk") > 10
    assert [mark for mark in marks if mark != "walk"] == ["fill", "simulator", "hub"]


@pytest.fixture
def port() -> int:
    """A port that nobody listens at, in the place of the one that the guide names."""
    return free_port()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the reader stands: in a checkout that is set up, without variables of the hub."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)
    for name in ("adapters_config", "hub"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.setenv("PATH", os.environ["PATH"])
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_from_a_wsdl_to_an_agency_that_is_live(
    checkout: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Every block, in order; and each ends as the guide says it does.

    What the reader runs in other terminals, the simulator and the hub's API, runs in threads here; the hub
    with two agencies beside the new one, which come up sooner than thirty-eight.
    """
    # An agency's test system is asked every second; the one that is played here need not be spared.
    monkeypatch.setitem(scene._EVERY, False, timedelta(milliseconds=100))
    walk = Walk({"8190": port}, monkeypatch.setenv)
    said: dict[str, str] = {}
    with _terminals() as start:
        for block in WAY:
            match block.mark.split()[0]:
                case "fill:":
                    walk.fill(block)
                case "simulator":
                    start(lambda stop: _simulator(port, stop))
                    _until_there(f"http://127.0.0.1:{port}/_simulator/agencies")
                    _decide_at_once(port)
                case "hub":
                    _prepare_live(checkout)
                    start(_api)
                    _until_there(Path(".hub/up/client.env").read_text().split()[0].split("=")[1] + "/healthz")
                case _:
                    said[_first_hub_line(block)] = walk.run(block)
    assert "sfb: no faults, 1 warning" in said["hub agency check sfb"]
    assert "26KREXAMPLE0001" in said["hub agency preview sfb"]
    assert "received: the agency's reference is SFB-" in said["hub agency try sfb"]
    assert "sfb: no faults, no warnings" in said["hub agency record sfb"]
    _certified(said["hub agency certify sfb"])
    assert json.loads(said["curl"])["configuration"]["version"]
    assert "in force" in said["hub agency history sfb"]


def _certified(said: str) -> None:
    """As the guide shows it, and the report stands where it says."""
    [shown] = [block.text.strip() for block in blocks("text") if block.text.startswith("sfb: ")]
    assert shown in said
    [report] = Path(".hub/certify").glob("sfb-*/report.json")
    assert json.loads(report.read_text())["passed"] is True
    assert report.with_suffix(".html").is_file()


def _first_hub_line(block: Block) -> str:
    """The first command of the hub in a block, in three words more; else the first word of its last line."""
    for line in block.text.splitlines():
        if line.startswith("hub "):
            return " ".join(line.split()[:4])
    return block.text.splitlines()[-1].split()[0]


def _prepare_live(checkout: Path) -> None:
    """The folder of the hub that runs, and what `hub up` leaves for its clients."""
    shutil.copytree(ROOT / "adapters_config", LIVE)
    for path in (LIVE / "agencies").glob("*.yaml"):
        if path.stem not in ("apqa", "mfds"):
            path.unlink()
    known = YAML(typ="safe").load((ROOT / "adapters_config/exemptions.yaml").read_text())["exemptions"]
    laws = {
        service["law_code"]
        for path in (LIVE / "agencies").glob("*.yaml")
        for service in YAML(typ="safe").load(path.read_text())["services"].values()
    }
    kept = {code: reason for code, reason in known.items() if reason["law"] in laws}
    (LIVE / "exemptions.yaml").write_text(json.dumps({"exemptions": kept}, default=str))
    Path(".hub/secrets").mkdir(parents=True)
    up = Path(".hub/up")
    up.mkdir()
    upgrade(f"sqlite:///{up / 'hub.sqlite'}")
    store = create_store(f"sqlite:///{up / 'hub.sqlite'}")
    key, hashed = new_key()
    store.add_client(ApiClient(id="walk", name="Walk", role=Role.ADMIN, created_at=utc_now()), hashed)
    store.close()
    port = free_port()
    (up / "client.env").write_text(f"HUB_API_URL=http://127.0.0.1:{port}\nHUB_API_KEY={key}\n")


async def _simulator(port: int, stop: asyncio.Event) -> None:
    """`hub simulate`."""
    configuration = load(Path(".hub/stone-fruit"), development=True)
    environment = {**os.environ, "HUB_CARGO_TOKEN": "unused"}
    await serve(
        configuration,
        host="127.0.0.1",
        port=port,
        hub_url="http://127.0.0.1:9",
        environment=environment,
        stop=stop,
    )


async def _api(stop: asyncio.Event) -> None:
    """`hub api`, as `hub up` runs it; the engine is away, which accepting and reading do not need."""
    settings = Settings(
        environment="development",
        config_folder=LIVE,
        secrets_folder=Path(".hub/secrets"),
        database_url="sqlite:///.hub/up/hub.sqlite",
        temporal_address="127.0.0.1:9",
        simulator_url="http://127.0.0.1:9",
    )
    url = Path(".hub/up/client.env").read_text().split()[0]
    hub = await build(settings, "api")
    config = uvicorn.Config(
        create_app(api_parts(hub)), port=int(url.rpartition(":")[2]), log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    serving, following = asyncio.create_task(server.serve()), asyncio.create_task(hub.follow(stop))
    await stop.wait()
    server.should_exit = True
    await asyncio.gather(serving, following)
    await hub.close()


Main = Callable[[asyncio.Event], Coroutine[Any, Any, None]]


@contextmanager
def _terminals() -> Iterator[Callable[[Main], None]]:
    """Other terminals: each is a thread with an event loop of its own, told to stop at the end."""
    running: list[tuple[threading.Thread, asyncio.AbstractEventLoop, asyncio.Event]] = []

    def start(main: Main) -> None:
        loop, stop = asyncio.new_event_loop(), asyncio.Event()
        thread = threading.Thread(target=lambda: loop.run_until_complete(main(stop)))
        thread.start()
        running.append((thread, loop, stop))

    try:
        yield start
    finally:
        for thread, loop, stop in running:
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            assert not thread.is_alive()
            loop.close()


def _until_there(url: str) -> None:
    for _ in range(300):
        with suppress(requests.ConnectionError):
            requests.get(url, timeout=5)
            return
        threading.Event().wait(0.05)
    raise AssertionError(f"nobody listens at {url}")


def _decide_at_once(port: int) -> None:
    """The reader can wait for a decision of the simulator; tests should not."""
    timings = {"poll": 150, "retry": 50, "retry_most": 500}
    answer = requests.put(f"http://127.0.0.1:{port}/_simulator/timings", json=timings, timeout=5)
    answer.raise_for_status()
