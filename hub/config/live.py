"""
The configuration in force, which follows its folder while the process runs.

A change is taken when it has come to rest and is sound, and is written down before it is used. What has
faults is refused and told of, and what was in force stays in force: file by file.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import datetime
from functools import partial

import structlog

from hub.config.checking import Checker
from hub.config.choosing import Choice, choose
from hub.config.configuration import Configuration
from hub.config.faults import ConfigurationFaults
from hub.config.folder import Folder, Watch
from hub.config.loader import no_folder
from hub.config.record import Record
from hub.config.refusals import Refusal, Refusals
from hub.config.sources import Sources, agency_file, agency_of
from hub.ports import Clock, VersionStore

EVERY = 1.0
"""Seconds between two looks at the folder."""
_AGAIN = 0.25
"""Seconds until a change that was seen is looked at once more: it counts when it has come to rest."""

log = structlog.get_logger(__name__)


class LiveConfiguration:
    """
    Follows one folder, for one process.

    `start` and `look` block, and are for one thread at a time; the rest may be read from anywhere.
    """

    def __init__(
        self,
        folder: Folder,
        checker: Checker,
        versions: VersionStore,
        clock: Clock,
        process: str,
        *,
        alone: bool = False,
        beside: Callable[[], Hashable] = lambda: None,
    ) -> None:
        """
        `process` is what this process is called where versions are written down. `alone`: the folder shows
        one agency, and what needs them all is not checked. `beside` gives the state of whatever else the
        check depends on.
        """
        self._folder = folder
        self._check = partial(checker.check, alone=alone)
        self._watch = Watch(folder, beside)
        self._record = Record(versions, clock, process)
        self._refusals = Refusals(versions, clock, process)
        self._current: Configuration | None = None
        self._next: Choice | None = None
        """What is sound, and not written down yet."""
        self._is_written_down = False
        self._trouble = ""

    @property
    def current(self) -> Configuration:
        """What is in force now."""
        assert self._current is not None, "it has not been started"
        return self._current

    @property
    def is_written_down(self) -> bool:
        """Whether the versions in force are in the store; before that nothing is accepted under them."""
        return self._is_written_down

    @property
    def pause(self) -> float:
        """Seconds until it is worth looking again."""
        return _AGAIN if self._watch.is_restless else EVERY

    def since(self, agency: str) -> datetime | None:
        """Since when its version has been in force; None while that is not written down."""
        return self._record.since(agency)

    def refusal(self, agency: str) -> Refusal | None:
        """What stands in the folder for an agency and is not in force, and why."""
        return self._refusals.of(agency_file(agency))

    def refusals(self) -> dict[str, Refusal]:
        """Everything that stands in the folder and is not in force, by the names of the files."""
        return self._refusals.standing()

    @property
    def trouble(self) -> str:
        """Why the folder is not followed at present; "" where it is."""
        return self._trouble

    def start(self) -> None:
        """
        Read the folder. What has faults there is replaced by what was in force last, as the store has it.

        Raises ConfigurationFaults with every fault where the store has nothing to go back to. A store that
        does not answer keeps nobody from starting: it is written to as soon as it does.
        """
        try:
            found = self._watch.first()
        except OSError as wrong:
            raise no_folder(self._folder) from wrong
        reading = self._check(found)
        choice = Choice(reading, {})
        if reading.faults:
            kept = self._record.kept()
            if kept is not None:
                choice = choose(found, kept, self._check)
            if choice.reading.faults:
                raise ConfigurationFaults(reading.faults, reading.warnings)
        self._refusals.are(choice.refused, found, choice.sources)
        self._current = choice.reading.configuration()
        self._next = choice
        self._write_down()

    def look(self) -> bool:
        """Look at the folder once; whether what is in force has changed."""
        before = self.current
        try:
            found = self._watch.look()
        except OSError as wrong:
            # A folder that is gone is not one without agencies.
            self._tell_once(f"the folder cannot be read: {wrong.strerror}")
            return False
        if found is not None:
            self._trouble = ""
            if any(agency_of(name) for name in found):
                self._weigh(found)
            else:
                # A mount that has gone, a checkout half done. Nobody means that nobody is to be asked.
                self._tell_once("there is no agency's file left in the folder")
        self._refusals.write_down()
        if self._next is not None:
            self._write_down()
        return self.current is not before

    def _weigh(self, found: Sources) -> None:
        choice = choose(found, self.current.sources, self._check)
        self._refusals.are(choice.refused, found, self.current.sources)
        if choice.reading.faults:
            # What is in force would not pass today: a variable is gone. It is not given up for that.
            self._tell_once("; ".join(str(fault) for fault in choice.reading.faults))
            return
        current, environment = self.current, choice.reading.environment
        same = choice.sources == current.sources and environment == current.environment
        if not same or self._is_written_down:
            self._next = None if same else choice

    def _write_down(self) -> None:
        """Write versions down; then, and not before, they are in force."""
        assert self._next is not None
        configuration = self._next.reading.configuration()
        try:
            self._record.take(configuration)
        except Exception as wrong:
            # Whatever a store raises when it is gone: it is tried again with the next look.
            self._tell_once(f"versions cannot be written down: {wrong}")
            return
        self._next = None
        self._is_written_down = True
        self._current = configuration

    def _tell_once(self, reason: str) -> None:
        if reason != self._trouble:
            self._trouble = reason
            log.error("configuration.not_followed", reason=reason)


async def follow(live: LiveConfiguration, changed: Callable[[], None], stop: asyncio.Event) -> None:
    """Look at the folder again and again until told to stop; `changed` is called in the event loop."""
    while not stop.is_set():
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), live.pause)
            return
        try:
            if await asyncio.to_thread(live.look):
                changed()
        except Exception:
            # What is in force stays in force, and the next look may go well.
            log.exception("configuration.follow_failed")
