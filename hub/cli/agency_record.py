"""`hub agency record`: a real exchange becomes a golden file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hub.adapters.context import rfc3339
from hub.cli.administration import opened_store
from hub.cli.agency_beside import Documents, Reason, Revision, Words, beside_of
from hub.cli.agency_wire import (
    Ids,
    Operation,
    Reference,
    Service,
    Values,
    Yes,
    ask_once,
    draw_attempt,
    receipt_of,
)
from hub.cli.wire_view import console
from hub.cli.workplace import Config, EnvFile, Name, Simulator, Workplace
from hub.domain.declaration import Declaration
from hub.workbench.bench import Bench
from hub.workbench.golden.case import read_base
from hub.workbench.golden.from_record import of_attempt, of_exchange
from hub.workbench.golden.writing import Subject, place_of, write_case
from hub.workbench.operations import OperationName
from hub.workbench.unready import Unready


def add_to(agency: typer.Typer) -> None:
    """Add this command to the workbench."""
    agency.command("record")(record)


def record(
    name: Name,
    case: Annotated[str, typer.Option("--as", metavar="CASE", help="what it does, as in refuses-one-item")],
    why: Annotated[str | None, typer.Option(help="one sentence for whoever reads the file")] = None,
    declaration: Annotated[
        Path | None,
        typer.Option(
            "--declaration",
            metavar="FILE",
            help="a declaration, .json or WCO .xml; else golden/base.yaml, if it is there, else a sample",
        ),
    ] = None,
    operation: Operation = OperationName.SUBMIT,
    service: Service = None,
    reference: Reference = None,
    value: Values = None,
    id: Ids = None,
    revision: Revision = None,
    reason: Reason = None,
    text: Words = None,
    document: Documents = None,
    exchange: Annotated[
        str | None, typer.Option("--from", metavar="EXCHANGE", help="an exchange that the hub has recorded")
    ] = None,
    mrn: Annotated[
        str | None,
        typer.Option("--mrn", help="the latest recorded exchange of this declaration and --operation"),
    ] = None,
    under: Annotated[
        str | None, typer.Option("--under", metavar="MRN", help="a try under the mrn of a try before it")
    ] = None,
    force: Annotated[bool, typer.Option(help="write over a file of that name")] = False,
    yes: Yes = False,
    config: Config = None,
    env_file: EnvFile = None,
    simulator: Simulator = None,
) -> None:
    """
    Turn a real exchange into a golden file, golden/NAME/CASE.yaml of the configuration folder.

    Without --from and --mrn it is tried now, as `hub agency try` does. With them it is taken from the
    database (HUB_DATABASE_URL), and whoever is named in the declaration is replaced by the sample's. Secrets
    are masked. The file is played before it is written.
    """
    place = Workplace(config, env_file, simulator)
    out = console()
    if exchange is None and mrn is None:
        place.insist_on_test_system(yes=yes)
        bench = place.bench(name, development=not place.production)
        place_of(bench, case, force=force)
        lodged = _lodged(bench, declaration)
        if declaration is None and lodged is not None:
            # The declaration that golden files start from is nobody's goods: routing has no say in it.
            service = service or next(iter(bench.file.services))
        beside, receipt = beside_of(reason, text, document), receipt_of(reference, value)
        made = ask_once(
            bench, operation, lodged, service, under, receipt, id or [], revision=revision, beside=beside
        )
        draw_attempt(out, bench, made, raw=False)
        out.print()
        subject = of_attempt(bench, made, lodged=lodged, ids=id or [], why=why)
    else:
        bench = place.bench(name)
        place_of(bench, case, force=force)
        subject = _recorded(bench, exchange, mrn, operation, service, why)
    written = asyncio.run(write_case(bench, case, subject, read_base(bench.folder), force=force))
    for note in written.notes:
        out.print(Text(f"note: {note}", style="yellow"))
    out.print(f"{written.path} is written; `hub agency test {name} {case}` plays it")
    if why is None:
        out.print("its `why` was made up: write there what the case is about")


def _lodged(bench: Bench, declaration: Path | None) -> Declaration | None:
    """The declaration of a file; else the one that golden files start from; else none, for the sample."""
    if declaration is not None:
        return bench.declaration(declaration)
    base = read_base(bench.folder)
    return None if base is None else Declaration.model_validate(base)


def _recorded(
    bench: Bench,
    id: str | None,
    mrn: str | None,
    operation: OperationName,
    service: str | None,
    why: str | None,
) -> Subject:
    agency = bench.agency
    with opened_store() as store:
        if id is not None:
            found = store.exchange(id)
            if found is None:
                raise Unready(f"the database has no exchange {id}", "name its declaration with --mrn")
        else:
            assert mrn is not None
            known = [one for one in store.exchanges(mrn) if one.agency == agency]
            fitting = [o for o in known if o.kind == operation and service in (None, o.service) and o.reply]
            if not fitting:
                listed = [f"  {o.id}  {o.kind}  {rfc3339(o.started_at)}  {o.reading}" for o in known]
                head = f"no answered {operation} of {mrn} with {agency} is recorded" + (
                    "; there are:" if listed else ""
                )
                raise Unready("\n".join([head, *listed]), "name one with --from, or --operation")
            found = fitting[-1]
        if found.agency != agency:
            raise Unready(f"exchange {found.id} was with {found.agency}, not {agency}")
        view = None if found.mrn is None else store.view(found.mrn)
        return of_exchange(bench.file, found, view, read_base(bench.folder), why=why)
