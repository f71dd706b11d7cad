"""The virus scanner: a command that is given a document on its standard input."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from datetime import timedelta

import structlog

from hub.domain.information import Scan
from hub.ports import ScannerUnavailable

log = structlog.get_logger()

_CLEAN, _INFECTED = 0, 1
"""Exit statuses, as clamscan(1) and clamdscan(1) have them; 2 is an error of theirs."""
_SHOWN = 300


class CommandScanner:
    """A scanner that is run once for each document. What it writes goes to the log."""

    def __init__(self, command: Sequence[str], within: timedelta) -> None:
        """`command` is the program with its arguments; no shell reads it."""
        self._command = list(command)
        self._within = within.total_seconds()

    def scan(self, name: str, content: bytes) -> Scan:
        """What the command says. Raises ScannerUnavailable when it cannot be run, fails or takes too long."""
        program = self._command[0]
        try:
            ended = subprocess.run(  # noqa: S603 - the operator's own setting
                self._command,
                input=content,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self._within,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise ScannerUnavailable(f"{program} was not done after {self._within:g} s") from error
        except OSError as error:
            raise ScannerUnavailable(f"{program}: {error.strerror}") from error
        said = ended.stdout.decode(errors="replace").strip()[:_SHOWN]
        if ended.returncode == _CLEAN:
            return Scan.CLEAN
        if ended.returncode == _INFECTED:
            log.warning("document.infected", document=name, said=said)
            return Scan.INFECTED
        raise ScannerUnavailable(f"{program} ended with status {ended.returncode}: {said}")
