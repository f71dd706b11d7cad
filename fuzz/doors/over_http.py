"""What the doors of HTTP share: one request, its answer, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.campaign import Outcome
from fuzz.judging import MOST_PROCESSOR_SECONDS
from fuzz.target import Target
from fuzz.vitals import processor_seconds
from fuzz.wire import Line, NotAnswered


class HttpDoor:
    """A connection to the API, and a judgement of each answer that comes over it."""

    name = ""

    def __init__(self, target: Target) -> None:
        self.target = target
        self._line = Line(target.port)
        self._pid = target.pids["api"]

    def ask(
        self,
        kind: str,
        sent: bytes | Sequence[bytes],
        *,
        pause: float = 0.0,
        expects_body: bool = True,
        ends: bool = False,
    ) -> Outcome:
        """Send a request, and judge the answer."""
        whole = sent if isinstance(sent, bytes) else b"".join(sent)
        before = processor_seconds(self._pid)
        try:
            answer = self._line.ask(sent, pause=pause, expects_body=expects_body, ends=ends)
        except NotAnswered as silent:
            return Outcome(kind, "silent", 0.0, whole, (str(silent),))
        faults = self.target.judge.faults(answer, whole)
        cost = processor_seconds(self._pid) - before
        if cost > MOST_PROCESSOR_SECONDS:
            faults.append(f"cost {cost:.1f} s of the processor")
        return Outcome(kind, answer.result, answer.seconds, whole, tuple(faults))

    def close(self) -> None:
        self._line.close()
