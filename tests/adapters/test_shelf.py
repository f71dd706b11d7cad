"""The shelf of contracts: it leaves nothing behind, however a process ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from hub.adapters.shelf import Shelf

_SCRIPT = """
import sys
from hub.adapters.shelf import Shelf
shelf = Shelf()
print(shelf.folder({"a.wsdl": b"<a/>"}).parent, flush=True)
if "wait" in sys.argv:
    sys.stdin.read()
raise SystemExit(1)
"""


def _process(place: Path, *words: str) -> tuple[subprocess.Popen[str], Path]:
    """A process with a shelf, and the folder of that."""
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *words],
        env={**os.environ, "TMPDIR": str(place)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_a_process_that_does_not_come_to_its_start_leaves_nothing(tmp_path: Path) -> None:
    """A supervisor starts it again and again while the configuration has faults."""
    process, folder = _process(tmp_path)
    assert process.wait(30) == 1
    process.communicate()
    assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_and_what_is_used_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    killed, forsaken = _process(tmp_path, "wait")
    alive, used = _process(tmp_path, "wait")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    long_ago = time.time() - 3600
    for folder in (forsaken, used):
        os.utime(folder, (long_ago, long_ago))
    shelf = Shelf()
    assert not forsaken.exists()
    assert used.exists()
    assert len(list(tmp_path.iterdir())) == 2
    shelf.close()
    alive.communicate()
    assert list(tmp_path.iterdir()) == []
