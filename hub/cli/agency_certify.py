"""`hub agency certify`: proof that hub and agency behave together before a real declaration meets it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import structlog
import typer
from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.text import Text

from hub.cli.wire_view import console
from hub.cli.workplace import Config, EnvFile, Workplace
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


def add_to(agency: typer.Typer) -> None:
    """Add this command to the workbench."""
    agency.command("certify")(play)


def _outcome(name: str, words: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        f"--{name}", metavar="FILE", help=f"a declaration, .json or WCO .xml, that the agency {words}"
    )
    return option


_Agency = Annotated[str | None, typer.Argument(metavar="NAME", help="the agency, as its file is called")]


def play(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="the agency, as its file is called")
    ] = None,
    simulate: Annotated[bool, typer.Option("--simulate", help="the simulator plays the agency")] = False,
    approve: Annotated[Path | None, _outcome("approve", "approves; else a sample")] = None,
    refuse: Annotated[Path | None, _outcome("refuse", "refuses")] = None,
    conditions: Annotated[Path | None, _outcome("conditions", "approves with conditions")] = None,
    service: Annotated[
        str | None,
        typer.Option("--service", metavar="CODE", help="this service alone; else one for each way to answer"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="BEHAVIOUR", help="this one; may be repeated")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="list the behaviours, and play none")] = False,
    callback_port: Annotated[
        int, typer.Option(help="where the hub takes the agency's callbacks; any free port by default")
    ] = 0,
    callback_host: Annotated[
        str, typer.Option(help="the address to listen at for callbacks; loopback by default")
    ] = "127.0.0.1",
    patience: Annotated[float, typer.Option(min=0.1, help="seconds that a decision is waited for")] = 20.0,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="for the report; else .hub/certify/<agency>-<version>"),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="tell what was sent and seen")] = False,
    config: Config = None,
    env_file: EnvFile = None,
) -> None:
    """
    Play what can happen between hub and agency, and say what passed and what to fix.

    The agency's test endpoint is asked, or the simulator; a proxy between hub and agency delays, cuts and
    replaces answers, so that the hard cases can be played with any agency. Real cases are opened at the
    agency's test system. The report is written as JSON and HTML. Exit status 1 when a behaviour failed.
    """
    out = console()
    if listed:
        _list(out)
        return
    if name is None:
        raise Unready(
            "no agency is named", "hub agency certify NAME; `hub agency list` shows those there are"
        )
    place = Workplace(config, env_file)
    bench = place.bench(name)
    given = {"approve": approve, "refuse": refuse, "conditions": conditions}
    wishes = Wishes(
        simulate=simulate,
        declarations={outcome: path for outcome, path in given.items() if path is not None},
        service=service,
        only=tuple(only or ()),
        callback_host=callback_host,
        callback_port=callback_port,
        patience=patience,
    )
    chosen_behaviours(wishes.only)
    folder = report or Path(".hub/certify") / f"{name}-{bench.configuration.versions[name]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _logs_into(folder / "hub.log"):
            came_to = asyncio.run(certify(bench, wishes, _Teller(out, verbose)))
        _, page = write(came_to, folder)
    except OSError as wrong:
        raise Unready(f"the report cannot be written to {folder}: {wrong.strerror or wrong}") from wrong
    _sum_up(out, came_to, page)
    if not came_to.passed:
        raise SystemExit(1)


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


def _list(out: Console) -> None:
    for behaviour in BEHAVIOURS:
        out.print(Text.assemble((f"{behaviour.name:25}", "bold"), behaviour.expected))


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
