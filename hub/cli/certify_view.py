"""How a certification is told at a terminal while it is played, and summed up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from hub.workbench.bench import Bench
from hub.workbench.certify.behaviour import Behaviour
from hub.workbench.certify.behaviours import BEHAVIOURS
from hub.workbench.certify.finding import Finding, Mark
from hub.workbench.certify.kit import Listener, Wishes, certify, chosen_behaviours
from hub.workbench.certify.report import MARKS, Report, write
from hub.workbench.certify.stage import Stage
from hub.workbench.unready import Unready

_STYLES = {
    Mark.PASSED: "green",
    Mark.FAILED: "bold red",
    Mark.NOT_APPLICABLE: "dim",
    Mark.NOT_PLAYED: "yellow",
}
_MARK_WIDTH = 12


def tell(out: Console, bench: Bench, wishes: Wishes, folder: Path, *, verbose: bool) -> Report:
    """
    Certify, telling of each behaviour as it ends, and write report and log into a folder. Raises Unready.
    """
    chosen_behaviours(wishes.only)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _logs_into(folder / "hub.log"):
            report = asyncio.run(certify(bench, wishes, _Teller(out, verbose)))
        _, page = write(report, folder)
    except OSError as wrong:
        raise Unready(f"the report cannot be written to {folder}: {wrong.strerror or wrong}") from wrong
    _sum_up(out, report, page)
    return report


def list_behaviours(out: Console) -> None:
    """Their names, and what each expects."""
    for behaviour in BEHAVIOURS:
        out.print(Text.assemble((f"{behaviour.name:25}", "bold"), behaviour.expected))


class _Teller(Listener):
    """Tells of each behaviour as it ends."""

    def __init__(self, out: Console, verbose: bool) -> None:
        self._out = out
        self._verbose = verbose
        self._status: Status | None = None

    def opened(self, stage: Stage) -> None:
        file = stage.file
        where = "the simulator" if stage.simulator is not None else "its endpoint"
        self._out.print(Text(f"{file.agency} ({file.channel.adapter}), played by {where}", style="bold"))
        if file.channel.callback is not None and stage.simulator is None:
            self._out.print(f"callbacks are taken at {stage.door.url}")
        self._out.print()

    def begins(self, behaviour: Behaviour) -> None:
        if self._out.is_terminal:
            self._status = self._out.status(f"{behaviour.title} ...")
            self._status.start()

    def ended(self, finding: Finding) -> None:
        if self._status is not None:
            self._status.stop()
        style = _STYLES[finding.mark]
        line = Text(f"{MARKS[finding.mark]:{_MARK_WIDTH}}", style=style)
        line.append(f"{finding.title:42}", style="dim" if finding.mark is Mark.NOT_APPLICABLE else "")
        if finding.mark is Mark.NOT_APPLICABLE:
            line.append(finding.reason, style="dim")
        elif finding.seconds >= 0.1:
            line.append(f"{finding.seconds:.1f} s", style="dim")
        self._out.print(line)
        if finding.mark in (Mark.FAILED, Mark.NOT_PLAYED):
            self._explain("why", finding.reason, style)
            self._explain("fix" if finding.mark is Mark.FAILED else "needs", finding.cure, "")
        if self._verbose or finding.mark is Mark.FAILED:
            for seen in finding.seen:
                self._explain("", seen, "dim")

    def _explain(self, word: str, text: str, style: str) -> None:
        if text:
            line = Text.assemble((f"{word:6}", "bold"), (text, style))
            self._out.print(Padding(line, (0, 0, 0, _MARK_WIDTH), expand=False), soft_wrap=False)


def _sum_up(out: Console, report: Report, page: Path) -> None:
    counts = {mark: report.counts[mark.value] for mark in Mark}
    words = {
        Mark.PASSED: "passed",
        Mark.FAILED: "failed",
        Mark.NOT_APPLICABLE: "not applicable",
        Mark.NOT_PLAYED: "not played",
    }
    said = ", ".join(f"{counts[mark]} {words[mark]}" for mark in Mark)
    out.print()
    out.print(Text(f"{report.agency}: {said}; {report.seconds:g} s", style="bold"))
    out.print(f"report: {page}")


@contextmanager
def _logs_into(path: Path) -> Iterator[None]:
    """What the hub's parts log goes into a file: the terminal is for the behaviours."""
    before, root = structlog.get_config(), logging.getLogger()
    handlers = root.handlers
    with path.open("w", encoding="utf-8") as stream:
        structlog.configure(
            processors=[
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
            logger_factory=structlog.WriteLoggerFactory(file=stream),
            cache_logger_on_first_use=False,
        )
        root.handlers = [logging.StreamHandler(stream)]
        try:
            yield
        finally:
            root.handlers = handlers
            structlog.configure(**before)
