"""`hub agency preview`, `try` and `record`: what goes to the agency, and what comes back."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from hub.adapters.sample import SAMPLE_MRN, SAMPLE_TIME
from hub.cli.agency_beside import Documents, Reason, Revision, Words, beside_of, revised
from hub.cli.wire_view import console, draw_leaves, draw_message
from hub.cli.workplace import Config, EnvFile, Name, Simulator, Workplace
from hub.clock import utc_now
from hub.domain.declaration import Declaration
from hub.domain.exchange import Dossier
from hub.domain.names import new_mrn
from hub.domain.referral import Receipt
from hub.workbench.asking import SAMPLE, Beside
from hub.workbench.bench import Bench, under_new_lrn
from hub.workbench.operations import OperationName, operation_of
from hub.workbench.preview import preview
from hub.workbench.shown import answer_of, request_of
from hub.workbench.trying import Attempt, attempt, explained
from hub.workbench.unready import Unready

DeclarationFile = Annotated[
    Path | None,
    typer.Option(
        "--declaration",
        metavar="FILE",
        help="a declaration, .json or WCO .xml; else a sample with everything",
    ),
]
Operation = Annotated[OperationName, typer.Option("--operation", help="what the agency is asked")]
Service = Annotated[
    str | None,
    typer.Option("--service", metavar="CODE", help="this service alone, whether or not the goods need it"),
]
Mrn = Annotated[str | None, typer.Option("--mrn", help="under this mrn")]
Reference = Annotated[
    str | None,
    typer.Option("--reference", help="all but submit: the agency's reference, as receipts give it"),
]
Values = Annotated[
    list[str] | None, typer.Option("--value", metavar="NAME=TEXT", help="all but submit: receipt.values.NAME")
]
Ids = Annotated[
    list[str] | None, typer.Option("--id", help="acknowledge, reject: the id of a message; may be repeated")
]
Yes = Annotated[bool, typer.Option("--yes", help="send it although this is production")]


def add_to(agency: typer.Typer) -> None:
    """Add these commands to the workbench."""
    agency.command("preview")(show_preview)
    agency.command("try")(try_it)


def show_preview(
    name: Name,
    declaration: DeclarationFile = None,
    operation: Operation = OperationName.SUBMIT,
    service: Service = None,
    mrn: Mrn = None,
    reference: Reference = None,
    value: Values = None,
    id: Ids = None,
    revision: Revision = None,
    reason: Reason = None,
    text: Words = None,
    document: Documents = None,
    explain: Annotated[bool, typer.Option(help="list each expression and what it gave")] = False,
    raw: Annotated[bool, typer.Option(help="the body byte for byte, not laid out")] = False,
    config: Config = None,
    env_file: EnvFile = None,
    simulator: Simulator = None,
) -> None:
    """
    Show the exact request as it would go over the wire; nothing is sent.

    One request for each service that the declaration needs; without a declaration, one of a sample. Secrets
    are masked. Exit status 1 when a request cannot be written.
    """
    bench = Workplace(config, env_file, simulator).bench(name)
    operation_of(bench.file, operation)
    dossiers: list[Dossier | None] = [None]
    if operation.is_about_a_referral:
        receipt = receipt_of(reference, value)
        lodged = None if declaration is None else bench.declaration(declaration)
        found = bench.dossiers(lodged, service=service, mrn=mrn or SAMPLE_MRN, receipt=receipt)
        needed = [revised(dossier, operation, revision) for dossier in found]
        # The sample fits every service alike: one of them shows enough.
        dossiers = [*needed] if declaration is not None else [needed[0]]
    out, failed, beside = console(), False, beside_of(reason, text, document)
    for place, dossier in enumerate(dossiers):
        shown = preview(bench, operation, dossier=dossier, ids=id or (), beside=beside, at=_when(dossier))
        title = f"{operation} to {name}" + (f", service {shown.service}" if shown.service else "")
        if place:
            out.print()
        if shown.request is not None:
            draw_message(out, title, shown.request, raw=raw)
        else:
            failed = True
            out.print(Text(title, style="bold cyan"))
            out.print(Text(f"  the request cannot be written: {shown.trouble}", style="bold red"))
        if explain:
            out.print()
            draw_leaves(out, shown.at, shown.leaves)
        for note in shown.notes:
            out.print(Text(f"note: {note}", style="yellow"))
    out.print(Text("nothing has been sent", style="dim"))
    if failed:
        raise SystemExit(1)


def try_it(
    name: Name,
    declaration: DeclarationFile = None,
    operation: Operation = OperationName.SUBMIT,
    service: Service = None,
    mrn: Mrn = None,
    reference: Reference = None,
    value: Values = None,
    id: Ids = None,
    revision: Revision = None,
    reason: Reason = None,
    text: Words = None,
    document: Documents = None,
    raw: Annotated[bool, typer.Option(help="bodies byte for byte, not laid out")] = False,
    yes: Yes = False,
    config: Config = None,
    env_file: EnvFile = None,
    simulator: Simulator = None,
) -> None:
    """
    Send one request to the configured endpoint; show request, answer, and how it was read.

    Each try is under a new mrn and lrn, unless --mrn says otherwise. Exit status: 0 understood, 3 the agency
    is not available, 4 it refused, 5 the answer or the mapping does not fit, 6 sent and in doubt.
    """
    place = Workplace(config, env_file, simulator)
    place.insist_on_test_system(yes=yes)
    bench = place.bench(name, development=not place.production)
    receipt = receipt_of(reference, value)
    lodged = None if declaration is None else bench.declaration(declaration)
    beside = beside_of(reason, text, document)
    made = ask_once(
        bench, operation, lodged, service, mrn, receipt, id or [], revision=revision, beside=beside
    )
    out = console()
    draw_attempt(out, bench, made, raw=raw)
    raise SystemExit(made.status)


def ask_once(
    bench: Bench,
    operation: OperationName,
    lodged: Declaration | None,
    service: str | None,
    mrn: str | None,
    receipt: Receipt | None,
    ids: list[str],
    *,
    revision: int | None = None,
    beside: Beside = SAMPLE,
) -> Attempt:
    """Ask the agency once, under a new mrn and lrn unless `mrn` is given. Raises Unready."""
    operation_of(bench.file, operation)
    dossier = None
    if operation.is_about_a_referral:
        as_mrn = mrn or new_mrn(bench.configuration.policy.country, utc_now())
        chosen = bench.dossiers(lodged, service=service, mrn=as_mrn, receipt=receipt)
        dossier = revised(chosen[0], operation, revision)
        if mrn is None:
            fresh = under_new_lrn(dossier.declaration, dossier.terms.mrn)
            dossier = dossier.model_copy(update={"declaration": fresh})
        if len(chosen) > 1 and lodged is not None:
            others = ", ".join(other.terms.service for other in chosen[1:])
            told = f"note: {dossier.terms.service} is tried; the declaration also needs {others} (--service)"
            console().print(Text(told))
    return asyncio.run(attempt(bench, operation, dossier=dossier, ids=ids, beside=beside))


def draw_attempt(out: Console, bench: Bench, made: Attempt, *, raw: bool) -> None:
    """Requests, answers, and how they were read."""
    for exchange in made.exchanges:
        draw_message(out, f"{exchange.kind} to {bench.agency}", request_of(exchange), raw=raw)
        out.print()
        answer = answer_of(exchange)
        if answer is None:
            out.print(Text(f"no answer ({exchange.milliseconds} ms)", style="bold red"))
        else:
            draw_message(out, f"answer ({exchange.milliseconds} ms)", answer, raw=raw)
        out.print()
    out.print(Text("how it was read", style="bold cyan"))
    style = "red" if made.status else "green"
    for place, line in enumerate(explained(made, bench.file)):
        out.print(Text(f"  {line}", style=f"bold {style}" if place == 0 else ""))


def _when(dossier: Dossier | None) -> datetime:
    return dossier.accepted_at if dossier is not None else SAMPLE_TIME


def receipt_of(reference: str | None, values: list[str] | None) -> Receipt | None:
    """What the agency is taken to have said before. Raises Unready."""
    pairs = {}
    for text in values or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise Unready(f"--value {text} names no value", "write it as --value name=text")
        pairs[name] = value
    if reference is None and not pairs:
        return None
    return Receipt(reference=reference, received_at=utc_now(), values=pairs)
