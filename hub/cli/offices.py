"""Commands for the people of offices and carriers: what they decide, inspect, assess, issue and report."""

from __future__ import annotations

import json
import secrets
from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.table import Table

from hub.cli.client import Api
from hub.cli.screen import screen
from hub.domain.cargo import CargoStep
from hub.domain.duties import CoverKind
from hub.domain.referral import Verdict

_Mrn = Annotated[str, typer.Argument(help="movement reference number")]
_Service = Annotated[str, typer.Argument(help="the service's code, as apqa-animal-import")]
_Items = Annotated[list[int] | None, typer.Option("--item", help="a goods item; all unless given")]
_At = Annotated[str, typer.Argument(help="an instant, as 2026-11-24T10:00:00+09:00")]
_Amount = Annotated[str, typer.Argument(help="as 1840500")]
_Currency = Annotated[str, typer.Argument(help="as KRW")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(decide)
    inspect = typer.Typer(
        help="Inspections: the diary of an office, confirming, reporting.", no_args_is_help=True
    )
    inspect.command("diary")(diary)
    inspect.command("list")(list_inspections)
    inspect.command("confirm")(confirm)
    inspect.command("report")(report)
    app.add_typer(inspect, name="inspect")
    duties = typer.Typer(help="Duties: what is due, and that it is paid or guaranteed.", no_args_is_help=True)
    duties.command("show")(show_duties)
    duties.command("assess")(assess)
    duties.command("cover")(cover)
    app.add_typer(duties, name="duties")
    certificate = typer.Typer(help="Certificates whose quantity is managed.", no_args_is_help=True)
    certificate.command("issue")(issue)
    certificate.command("show")(show_certificate)
    certificate.command("ledger")(ledger)
    app.add_typer(certificate, name="certificate")
    cargo = typer.Typer(help="Where cargo is, as carriers and warehouses report.", no_args_is_help=True)
    cargo.command("report")(report_cargo)
    cargo.command("show")(show_cargo)
    app.add_typer(cargo, name="cargo")
    referral = typer.Typer(help="What operators do about one referral.", no_args_is_help=True)
    referral.command("deadline")(deadline)
    referral.command("withdrawn")(withdrawn)
    app.add_typer(referral, name="referral")


def decide(
    mrn: _Mrn,
    service: _Service,
    verdict: Annotated[Verdict, typer.Argument(help="the office's word")],
    item: _Items = None,
    remarks: Annotated[str | None, typer.Option(help="for the declarant")] = None,
    reference: Annotated[str | None, typer.Option(help="the office's own number for it")] = None,
    id: Annotated[str | None, typer.Option(help="your id for it: repeated, it counts once")] = None,
) -> None:
    """Decide on a referral by hand: an agency on its own, customs on its own control."""
    body = {
        "id": id or f"cli-{secrets.token_hex(8)}",
        "verdict": verdict,
        "items": item or None,
        "remarks": remarks,
        "reference": reference,
    }
    _print(Api().send("POST", f"{_referral(mrn, service)}/decisions", body))


def diary(
    agency: Annotated[
        str | None, typer.Option(help="whose; one's own unless given, customs for customs")
    ] = None,
    from_: Annotated[
        str | None, typer.Option("--from", help="an instant; what is over by then is left out")
    ] = None,
) -> None:
    """The open appointments of an office."""
    api = Api()
    asked = "".join(
        f"&{name}={quote(value, safe='')}" for name, value in (("agency", agency), ("from", from_)) if value
    )
    table = _table("at", "until", "state", "mrn", "id", "items", "where", "who")
    cursor: str | None = ""
    while cursor is not None:
        page = api.get(f"/v1/inspections?limit=200{asked}" + (f"&cursor={quote(cursor)}" if cursor else ""))
        for inspection in page["inspections"]:
            _add_appointment(table, inspection)
        cursor = page["cursor"]
    _show(table)


def list_inspections(mrn: _Mrn) -> None:
    """The inspections of a declaration."""
    table = _table("at", "until", "state", "mrn", "id", "items", "where", "who")
    for inspection in Api().get(f"/v1/declarations/{_quoted(mrn)}/inspections")["inspections"]:
        _add_appointment(table, inspection)
    _show(table)


def confirm(mrn: _Mrn, inspection: Annotated[str, typer.Argument(help="its id, as I1")], at: _At) -> None:
    """Confirm when an inspection takes place: the declarant, or customs."""
    path = f"/v1/declarations/{_quoted(mrn)}/inspections/{_quoted(inspection)}/confirmation"
    _print(Api().send("PUT", path, {"at": at}))


def report(
    mrn: _Mrn,
    inspection: Annotated[str, typer.Argument(help="its id, as I1")],
    service: _Service,
    verdict: Annotated[Verdict, typer.Argument(help="what the office found")],
    item: _Items = None,
    remarks: Annotated[str | None, typer.Option(help="for the declarant")] = None,
) -> None:
    """Report what an inspection found: it becomes the office's decision."""
    path = f"/v1/declarations/{_quoted(mrn)}/inspections/{_quoted(inspection)}/reports"
    body = {"service": service, "verdict": verdict, "items": item or None, "remarks": remarks}
    _print(Api().send("POST", path, body))


def show_duties(mrn: _Mrn) -> None:
    """What is due on a declaration, and whether it is paid or guaranteed."""
    _print(Api().get(_duties(mrn)))


def assess(mrn: _Mrn, amount: _Amount, currency: _Currency) -> None:
    """Say what is due: customs."""
    _print(Api().send("PUT", _duties(mrn), {"amount": {"amount": amount, "currency": currency}}))


def cover(
    mrn: _Mrn,
    kind: Annotated[CoverKind, typer.Argument(help="how it is covered")],
    amount: _Amount,
    currency: _Currency,
    reference: Annotated[str, typer.Argument(help="of the payment or the guarantee")],
) -> None:
    """Confirm that exactly what is due is paid or guaranteed: customs."""
    body = {"kind": kind, "amount": {"amount": amount, "currency": currency}, "reference": reference}
    _print(Api().send("POST", f"{_duties(mrn)}/covers", body))


def issue(
    type: Annotated[str, typer.Argument(help="as declarations name it, as 851")],
    id: Annotated[str, typer.Argument(help="its number")],
    quantity: Annotated[
        tuple[str, str] | None,
        typer.Option(help="the whole of it and its unit, as 24000 KGM", metavar="VALUE UNIT"),
    ] = None,
    agency: Annotated[str | None, typer.Option(help="who issues it; one's own unless given")] = None,
    holder: Annotated[str | None, typer.Option(help="registration number of the importer")] = None,
    valid_from: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    valid_until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    hs: Annotated[list[str] | None, typer.Option(help="a prefix of the HS codes it covers")] = None,
    origin: Annotated[list[str] | None, typer.Option(help="a country of origin it covers, as US")] = None,
    revoked: Annotated[bool, typer.Option("--revoked", help="it is not valid any more")] = False,
) -> None:
    """Issue a certificate, or say what it is from now on: what is left out is not limited."""
    body = {
        "agency": agency,
        "holder": holder,
        "valid_from": valid_from.date().isoformat() if valid_from else None,
        "valid_until": valid_until.date().isoformat() if valid_until else None,
        "hs": hs or None,
        "origins": origin or None,
        "quantity": {"value": quantity[0], "unit": quantity[1]} if quantity else None,
        "revoked": revoked,
    }
    _print(Api().send("PUT", _certificate(type, id), body))


def show_certificate(
    type: Annotated[str, typer.Argument(help="as 851")], id: Annotated[str, typer.Argument(help="its number")]
) -> None:
    """A certificate, and what is left of it."""
    _print(Api().get(_certificate(type, id)))


def ledger(
    type: Annotated[str, typer.Argument(help="as 851")], id: Annotated[str, typer.Argument(help="its number")]
) -> None:
    """What was reserved, written off and given back of a certificate."""
    table = _table("number", "at", "kind", "quantity", "mrn", "service", "item", "by")
    for line in Api().get(f"{_certificate(type, id)}/ledger")["lines"]:
        table.add_row(*(str(line[name] if line[name] is not None else "") for name in line))
    _show(table)


def report_cargo(
    number: Annotated[str, typer.Argument(help="cargo management number")],
    step: Annotated[CargoStep, typer.Argument(help="what took place")],
    at: _At,
    place: Annotated[str | None, typer.Option(help="where")] = None,
    remarks: Annotated[str | None, typer.Option()] = None,
    id: Annotated[str | None, typer.Option(help="your id for it: repeated, it counts once")] = None,
) -> None:
    """Report where cargo is: carriers and warehouses."""
    body = {
        "message_id": id or f"cli-{secrets.token_hex(8)}",
        "step": step,
        "at": at,
        "place": place,
        "remarks": remarks,
    }
    _print(Api().send("POST", f"/v1/cargo/{_quoted(number)}/events", body))


def show_cargo(number: Annotated[str, typer.Argument(help="cargo management number")]) -> None:
    """Where the cargo of a number is, and was."""
    table = _table("at", "step", "place", "remarks", "reported by")
    for event in Api().get(f"/v1/cargo/{_quoted(number)}/events")["events"]:
        shown = (event["at"], event["step"], event["place"], event["remarks"], event["reporter"])
        table.add_row(*(cell or "" for cell in shown))
    _show(table)


def deadline(
    mrn: _Mrn,
    service: _Service,
    at: _At,
    reason: Annotated[str, typer.Option(help="why; kept with the declaration")],
) -> None:
    """Give an agency another deadline: operators."""
    _print(Api().send("POST", f"{_referral(mrn, service)}/deadline", {"due_at": at, "reason": reason}))


def withdrawn(
    mrn: _Mrn,
    service: _Service,
    remarks: Annotated[str, typer.Option(help="whom you told, and how; kept with the declaration")],
) -> None:
    """Record that you have told an agency that an application is withdrawn: operators."""
    _print(Api().send("POST", f"{_referral(mrn, service)}/withdrawn", {"remarks": remarks}))


def _referral(mrn: str, service: str) -> str:
    return f"/v1/declarations/{_quoted(mrn)}/referrals/{_quoted(service)}"


def _duties(mrn: str) -> str:
    return f"/v1/declarations/{_quoted(mrn)}/duties"


def _certificate(type: str, id: str) -> str:
    return f"/v1/certificates/{_quoted(type)}/{quote(id)}"


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _print(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head)
    return table


def _add_appointment(table: Table, inspection: dict[str, Any]) -> None:
    table.add_row(
        inspection["at"] or inspection["opens_at"],
        "" if inspection["at"] else inspection["closes_at"],
        inspection["state"],
        inspection["mrn"],
        inspection["id"],
        ", ".join(map(str, inspection["items"])),
        inspection["place"],
        ", ".join(dict.fromkeys(office["agency"] for office in inspection["offices"])),
    )


def _show(table: Table) -> None:
    screen().print(table)
