"""Work in a process of its own: what hangs there, or dies, is seen from here and does no harm."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from fuzz.judging import MOST_PROCESSOR_SECONDS, MOST_SECONDS
from fuzz.vitals import processor_seconds

_STARTING = 60.0
"""Seconds until a process has loaded what it needs."""

Done = TypeVar("Done")


class Hung(Exception):
    """It was not done in the time that one input may take."""


class Died(Exception):
    """The process ended."""


class Apart:
    """A function in another process, for one call after another; a new process follows one that is lost."""

    def __init__(self, make: Callable[..., Callable[[Any], Any]], *given: object) -> None:
        """`make` is called over there, once, with what is given, and returns the function."""
        self._make = make
        self._given = given
        self._process: Any = None
        self._line: Any = None
        self._start()

    @property
    def pid(self) -> int:
        return int(self._process.pid)

    def call(self, asked: object) -> Any:
        """What the function returns. Raises Hung and Died; an exception over there is raised here."""
        self._line.send(asked)
        try:
            if not self._line.poll(MOST_SECONDS):
                self._start()
                raise Hung(f"not done in {MOST_SECONDS:g} s")
            failed, said = self._line.recv()
        except (EOFError, ConnectionError) as end:
            self._process.join()
            status = self._process.exitcode
            self._start()
            raise Died(f"the process ended with status {status}") from end
        if failed:
            raise said
        return said

    def judged(self, asked: object) -> tuple[Any, list[str]]:
        """What the function returns, or the word for its end; and whether that, or its cost, is a fault."""
        before = processor_seconds(self.pid)
        try:
            result = self.call(asked)
            cost = processor_seconds(self.pid) - before
        except (Hung, Died, Escaped) as wrong:
            return type(wrong).__name__.lower(), [str(wrong)]
        return result, [f"cost {cost:.1f} s of the processor"] if cost > MOST_PROCESSOR_SECONDS else []

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._line.close()

    def _start(self) -> None:
        self.close()
        context = multiprocessing.get_context("spawn")
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, self._make, self._given), daemon=True)
        self._process.start()
        theirs.close()
        if not self._line.poll(_STARTING) or self._line.recv() != "ready":
            raise Died("the process does not start")


def _serve(line: Connection, make: Callable[..., Callable[[Any], Any]], given: tuple[object, ...]) -> None:
    work = make(*given)
    line.send("ready")
    while True:
        try:
            asked = line.recv()
        except EOFError:
            return
        try:
            line.send((False, work(asked)))
        except Exception as error:
            # Told as text, for not every exception can be sent.
            line.send((True, Escaped(f"{type(error).__module__}.{type(error).__name__}: {error}"[:500])))


class Escaped(Exception):
    """An exception that nobody over there has expected."""
