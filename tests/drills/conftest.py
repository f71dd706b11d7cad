"""A whole stack that is broken on purpose, and the people who mend it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from hub.embedded import Ports, Stack
from tests.drills.operations import Operations
from tests.flows.doors import Doors
from tests.operations.watch.sinks import MailSink

ROOT = Path(__file__).parent.parent.parent
DISK_MB = 96
"""Of the disk that is filled: a multiple of what all drills write."""
QUICK = {"HUB_WATCH_SCALE": "0.1"}
"""The early warning looks ten times as often as it does where nobody waits for it."""
WATCH = """\
thresholds:
  agency_slow_least: 1s
  agency_slow_within: 1m
  not_understood_within: 10s
  refused_callbacks_within: 5s
  cargo_oldest: 3s
  process_silent: 3s
  disk_free_warning_mb: 16
  disk_free_critical_mb: 8
  duplicates: 20
receivers:
  - {name: duty-desk, email: duty@customs.example, severity: info}
grouping: 1s
clear_rounds: 2
reopen_within: 1s
"""
"""What is found within a minute or more is found within seconds, and is over as soon; everybody is told."""
OFTEN_TRIED = ("limits: {", "limits: {breaker_failures: 3, breaker_pause: 1s, attempts: 1, ")
CHANGES = {
    "apqa": OFTEN_TRIED,
    "kmdia": ("answer_within: 3wd", "answer_within: 4s"),
}
"""By agency, what is different in its file."""


def configuration(folder: Path) -> Path:
    """A copy of the project's configuration, for drills to break."""
    copy = folder / "adapters_config"
    shutil.copytree(ROOT / "adapters_config", copy)
    (copy / "watch.yaml").write_text(WATCH)
    for agency, (usual, instead) in CHANGES.items():
        file = copy / "agencies" / f"{agency}.yaml"
        text = file.read_text()
        assert usual in text
        file.write_text(text.replace(usual, instead))
    return copy


@asynccontextmanager
async def stack_of(folder: Path, **overrides: str) -> AsyncIterator[Stack]:
    """Temporal, simulator, API and worker, as `hub up` runs them; settings may differ."""
    stack = Stack(folder / "stack", Ports.free(), configuration(folder), overrides={**QUICK, **overrides})
    try:
        await stack.start()
        yield stack
    finally:
        await stack.stop()


@pytest.fixture(scope="package")
def mails() -> Iterator[MailSink]:
    """Where the early warning's mails arrive."""
    sink = MailSink().open()
    yield sink
    sink.close()


@pytest.fixture(scope="package")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | None]:
    """A small disk for the stack's database, to be filled; None where this user may mount none."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "hub-drills", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        yield None
        return
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stack(
    tmp_path_factory: pytest.TempPathFactory, mails: MailSink, disk: Path | None
) -> AsyncIterator[Stack]:
    """The one that most drills break."""
    overrides = {"HUB_SMTP_URL": mails.url}
    if disk is not None:
        overrides["HUB_DATABASE_URL"] = f"sqlite:///{disk / 'hub.sqlite'}"
    async with stack_of(tmp_path_factory.mktemp("drills"), **overrides) as stack:
        yield stack


@pytest_asyncio.fixture(loop_scope="session")
async def doors(stack: Stack) -> AsyncIterator[Doors]:
    """Of customs, agencies and the cargo system; a drill that fails leaves no failure to the next one."""
    doors = Doors(stack)
    yield doors
    await doors.calm()


@pytest.fixture(scope="package")
def operations(stack: Stack, mails: MailSink) -> Operations:
    """Of whoever operates it."""
    return Operations(stack, mails)
