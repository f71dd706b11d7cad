"""What a part writes while it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.loopback import free_port
from hub.store import upgrade


@pytest.mark.slow
def test_every_line_of_a_worker_is_an_event(tmp_path: Path) -> None:
    """The native client of the engine and Python's warnings included; here the engine is away."""
    port = free_port()
    database = f"sqlite:///{tmp_path / 'hub.sqlite'}"
    upgrade(database)
    script = (
        "import asyncio, warnings; from hub import process, worker; work = worker.work\n"
        "async def once(hub, stop):\n"
        "    asyncio.get_running_loop().call_later(2.5, stop.set)\n"
        "    warnings.warn('a library is growing old', stacklevel=1)\n"
        "    await work(hub, stop)\n"
        "worker.work = once\n"
        "from hub.cli.worker import worker as command; command()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HUB_ENVIRONMENT": "development",
            "HUB_DATABASE_URL": database,
            "HUB_TEMPORAL_ADDRESS": f"127.0.0.1:{port}",
            "HUB_SIMULATOR_URL": "http://127.0.0.1:1",
        },
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == ""
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert "engine.unavailable" in {line["event"] for line in lines}
    assert any("growing old" in line["event"] for line in lines)
