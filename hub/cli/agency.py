"""`hub agency ...`: one agency's own workbench."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from hub.cli import agency_certify, agency_new, agency_record, agency_versions, agency_wire
from hub.cli.wire_view import console
from hub.cli.workplace import Config, EnvFile, Name, Workplace
from hub.clock import utc_now
from hub.config.faults import ConfigurationFaults, Fault
from hub.config.loader import load
from hub.config.models import AgencyFile
from hub.config.schema_faults import FileReport, validated
from hub.config.yaml import read
from hub.expressions.compiling import nearest
from hub.workbench.bench import Bench
from hub.workbench.checking import check_agency
from hub.workbench.golden.case import Case, paths, read_base, read_case
from hub.workbench.golden.running import Played, play
from hub.workbench.unready import Unready


def add_to(app: typer.Typer) -> None:
    """Add the workbench to the command line."""
    agency = typer.Typer(help="One agency's own workbench.", no_args_is_help=True)
    agency_new.add_to(agency)
    agency.command("list")(list_agencies)
    agency.command("check")(check)
    agency_wire.add_to(agency)
    agency_record.add_to(agency)
    agency.command("test")(play_golden)
    agency_certify.add_to(agency)
    agency_versions.add_to(agency)
    app.add_typer(agency, name="agency")


def list_agencies(config: Config = None) -> None:
    """List the agencies of the folder, broken ones too: protocol, contract, services, golden files."""
    folder = Workplace(config).folder
    names = sorted(path.stem for path in (folder / "agencies").glob("*.yaml"))
    if not names:
        raise SystemExit(f"hub: there is no agency in {folder / 'agencies'}; `hub agency new` begins one")
    at_fault = _faults_by_file(folder)
    table = Table(box=None, pad_edge=False)
    for head in ("agency", "adapter", "contract", "services", "answers by", "golden files", ""):
        table.add_column(head)
    for name in names:
        table.add_row(name, *_row(folder, name, at_fault[f"agencies/{name}.yaml"]))
    console().print(table, soft_wrap=False)


def check(
    name: Name,
    config: Config = None,
    env_file: EnvFile = None,
    production: Annotated[
        bool, typer.Option(help="also refuse what is insecure outside development, and unset variables")
    ] = False,
    strict: Annotated[bool, typer.Option(help="warnings make exit status 1 too")] = False,
) -> None:
    """
    Check one agency's file against its contract: every fault, then every warning, each with its cure.

    Exit status 1 when there is a fault. Nothing is sent; neither network nor credentials are needed.
    """
    place = Workplace(config, env_file)
    found = check_agency(place.folder, name, place.environment, development=not production, now=utc_now())
    out = console()
    for kind, style, told in (("fault", "bold red", found.faults), ("warning", "yellow", found.warnings)):
        for one in told:
            out.print(_told(kind, style, one))
    words = [_count(len(found.faults), "fault"), _count(len(found.warnings), "warning")]
    out.print(f"{name}: {', '.join(words)}")
    if found.elsewhere:
        out.print(
            f"{_count(found.elsewhere, 'fault')} in other agencies' files; `hub agencies check` tells them"
        )
    if found.faults or (strict and found.warnings):
        raise SystemExit(1)


def play_golden(
    name: Name,
    case: Annotated[str | None, typer.Argument(help="one case; all of them otherwise")] = None,
    config: Config = None,
) -> None:
    """
    Play the agency's golden files: each request is compared, each answer read, on this machine alone.

    Exit status 1 when something is not as the file says.
    """
    place = Workplace(config)
    bench = place.bench(name)
    chosen = _chosen(bench, case)
    base = read_base(bench.folder)
    out = console()
    failed = 0
    for path in chosen:
        try:
            golden = read_case(path)
            played = asyncio.run(play(bench, golden.file, base))
        except (ConfigurationFaults, Unready) as wrong:
            failed += 1
            out.print(Text.assemble(("FAIL ", "bold red"), path.stem))
            out.print(Text(_indented(str(wrong))))
            continue
        failed += not played.passed
        out.print(_verdict(golden, played))
    out.print(f"{name}: {_count(len(chosen), 'golden file')}, {failed} failed")
    if failed:
        raise SystemExit(1)


def _chosen(bench: Bench, case: str | None) -> list[Path]:
    known = paths(bench.folder, bench.agency)
    if not known:
        raise Unready(
            f"{bench.agency} has no golden file",
            f"`hub agency record {bench.agency} --declaration FILE --as CASE` writes one",
        )
    if case is None:
        return known
    names = {path.stem: path for path in known}
    if case not in names:
        like = nearest(case, names)
        hint = f"did you mean {like!r}?" if like else f"there are {', '.join(names)}"
        raise Unready(f"{bench.agency} has no golden file {case!r}", hint)
    return [names[case]]


def _verdict(case: Case, played: Played) -> Text:
    if played.passed:
        return Text.assemble(("pass ", "green"), case.name, (f"  {case.file.why}", "dim"))
    told = Text.assemble(("FAIL ", "bold red"), case.name, (f"  {case.file.why}", "dim"))
    for difference in played.differences:
        told.append(f"\n     {difference.what}  (- as written down, + as it is now)")
        for line in difference.lines:
            style = {"-": "red", "+": "green"}.get(line[:1], "dim")
            told.append(f"\n       {line}", style=style)
    return told


def _faults_by_file(folder: Path) -> Counter[str]:
    try:
        load(folder, development=True)
    except ConfigurationFaults as found:
        return Counter(fault.file for fault in found.faults)
    return Counter()


def _row(folder: Path, name: str, faults: int) -> tuple[str, ...]:
    document = read((folder / "agencies" / f"{name}.yaml").read_bytes())
    file = validated(AgencyFile, document, FileReport(name, document)) if not faults else None
    if file is None:
        return "", "", "", "", "", f"{_count(faults, 'fault')}: hub agency check {name}"
    ways = dict.fromkeys(service.answers.value for service in file.services.values())
    golden = len(paths(folder, name))
    channel = file.channel
    return channel.adapter, channel.contract, str(len(file.services)), ", ".join(ways), str(golden), ""


def _told(kind: str, style: str, one: Fault) -> Text:
    told = Text.assemble((f"{one.file}:{one.line}", "bold"), "  ", (kind, style), "  ")
    told.append(f"{one.key}  " if one.key else "")
    told.append(one.what)
    if one.cure:
        told.append(f"\n    cure: {one.cure}", style="cyan")
    return told


def _count(number: int, what: str) -> str:
    return f"{number or 'no'} {what}{'' if number == 1 else 's'}"


def _indented(text: str) -> str:
    return "\n".join(f"     {line}" for line in text.splitlines())
