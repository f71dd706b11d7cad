"""`hub up`: what it leaves for those who use and operate the hub that it runs."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from pathlib import Path

from hub.embedded import Ports

_READ = 'set -e; cd "$1"; . ./{file}; exec "$2" -m hub {words}'


def in_shell(folder: Path, file: str, words: str) -> subprocess.CompletedProcess[str]:
    """A command of the hub, in a shell that has read a file which `hub up` has left."""
    return subprocess.run(
        ["sh", "-c", _READ.format(file=file, words=words), "sh", folder, sys.executable],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_operators_commands_find_the_hub_that_is_up(tmp_path: Path) -> None:
    """They read database and Temporal themselves; a folder with a blank in its name is no obstacle."""
    folder = tmp_path / "a folder"
    ports = dataclasses.asdict(Ports.free())
    options = [f"--{name.replace('_', '-')}-port={port}" for name, port in ports.items()]
    with subprocess.Popen(
        [sys.executable, "-m", "hub", "up", "--folder", folder, *options], stdout=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout is not None
        try:
            said = ""
            while "Ctrl-C ends it." not in said:
                line = running.stdout.readline()
                assert line, said
                said += line
            assert "hub.env" in said
            listed = in_shell(folder, "hub.env", "clients list")
            assert "embedded" in listed.stdout, listed.stderr
            doctor = in_shell(folder, "hub.env", "doctor")
            assert doctor.returncode == 0, doctor.stdout + doctor.stderr
            for name in ("hub.env", "client.env"):
                assert (folder / name).stat().st_mode & 0o077 == 0
        finally:
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=30)
        assert running.returncode == 0
