"""Commands for operations: actions, decisions by hand, bulk actions, the audit."""

from __future__ import annotations

import json
import secrets
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer
from rich.markup import escape
from rich.table import Table

from hub.cli.client import Api
from hub.cli.screen import screen
from hub.cli.tables import moment
from hub.domain.referral import Verdict
from hub.domain.stuck import StuckKind
from hub.ports.actions import ActionKind

_OF_AGENCIES = ("pause", "resume", "open_breaker", "close_breaker")

_Reason = Annotated[str, typer.Option(help="why; kept in the audit")]
_Id = Annotated[str | None, typer.Option(help="your id for it: repeated, it is done once")]
_Proposal = Annotated[str, typer.Argument(help="its id, as `hub proposals` lists it")]
_BulkId = Annotated[str, typer.Argument(help="its id, as `hub bulk list` shows it")]


def add_to(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(act)
    app.command()(propose)
    app.command()(proposals)
    app.command()(confirm)
    app.command()(decline)
    bulk = typer.Typer(help="One action on many referrals.", no_args_is_help=True)
    bulk.command("start")(start_bulk)
    bulk.command("list")(list_bulks)
    bulk.command("show")(show_bulk)
    bulk.command("stop")(stop_bulk)
    app.add_typer(bulk, name="bulk")
    app.command()(audit)


def act(
    kind: Annotated[ActionKind, typer.Argument(help="what to do; `decide` is `hub propose`")],
    subject: Annotated[str, typer.Argument(help="an mrn; of pauses and breakers, an agency")],
    service: Annotated[
        str | None, typer.Argument(help="the service's code, where it is of a referral")
    ] = None,
    reason: Annotated[str | None, typer.Option(help="why; kept in the audit")] = None,
    until: Annotated[
        str | None, typer.Option(help="of extend: an instant, as 2026-12-04T18:00:00+09:00")
    ] = None,
    code: Annotated[str | None, typer.Option(help="of withdraw: the code of the reason")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="only say what it would do")] = False,
    id: _Id = None,
) -> None:
    """Retry, look up, resend, extend, withdraw; pause or resume an agency, open or close its breaker."""
    if kind is ActionKind.DECIDE:
        raise typer.BadParameter(
            "a decision by hand is proposed, and confirmed: `hub propose`, `hub confirm`"
        )
    about = {"agency": subject} if kind.value in _OF_AGENCIES else {"mrn": subject, "service": service}
    body: dict[str, Any] = {"kind": kind, **about, "due_at": until, "code": code}
    api = Api()
    if preview:
        _show_preview(api.send("POST", "/v1/operations/actions/preview", body))
        return
    if reason is None:
        raise typer.BadParameter("--reason is needed: it is kept in the audit; --preview needs none")
    _print(api.send("POST", "/v1/operations/actions", {**body, "reason": reason, "id": _id(id)}))


def propose(
    mrn: Annotated[str, typer.Argument(help="movement reference number")],
    service: Annotated[str, typer.Argument(help="the service's code, as apqa-animal-import")],
    verdict: Annotated[Verdict, typer.Argument(help="what the agency has decided")],
    evidence: Annotated[str, typer.Option(help="who said so, when, and where that is kept")],
    item: Annotated[list[int] | None, typer.Option(help="a goods item; all unless given")] = None,
    remarks: Annotated[str | None, typer.Option(help="for the declarant")] = None,
    reference: Annotated[str | None, typer.Option(help="the agency's number for it")] = None,
    decided_at: Annotated[str | None, typer.Option(help="an instant; now unless given")] = None,
    id: _Id = None,
) -> None:
    """Propose what an agency has decided; it counts once a second person has confirmed it."""
    body = {
        "id": _id(id),
        "mrn": mrn,
        "service": service,
        "verdict": verdict,
        "evidence": evidence,
        "items": item or None,
        "remarks": remarks,
        "reference": reference,
        "decided_at": decided_at,
    }
    _print(Api().send("POST", "/v1/operations/proposals", body))


def proposals(
    ended: Annotated[bool, typer.Option("--ended", help="those that have ended, the last first")] = False,
    mrn: Annotated[str | None, typer.Option(help="of this declaration")] = None,
    limit: Annotated[int, typer.Option(help="how many at most")] = 50,
) -> None:
    """Decisions by hand that wait for a second person, the oldest first."""
    asked = {"state": "ended" if ended else "open", "mrn": mrn, "limit": limit}
    table = _table("id", "since", "by", "mrn", "service", "verdict", "state", "evidence")
    for each in Api().get(f"/v1/operations/proposals?{_query(asked)}")["proposals"]:
        table.add_row(
            each["id"],
            moment(each["at"]),
            escape(each["by"]),
            each["mrn"],
            each["service"],
            each["verdict"],
            each["state"],
            escape(each["evidence"]),
        )
    _show(table)


def confirm(
    id: _Proposal, reason: _Reason, request: Annotated[str | None, typer.Option("--id")] = None
) -> None:
    """Confirm a decision by hand that another has proposed: from then on it counts."""
    body = {"id": _id(request), "reason": reason}
    _print(Api().send("POST", f"/v1/operations/proposals/{_quoted(id)}/confirmation", body))


def decline(
    id: _Proposal, reason: _Reason, request: Annotated[str | None, typer.Option("--id")] = None
) -> None:
    """Decline a decision by hand, or take back one's own: it never counts."""
    body = {"id": _id(request), "reason": reason}
    _print(Api().send("POST", f"/v1/operations/proposals/{_quoted(id)}/refusal", body))


def start_bulk(
    kind: Annotated[ActionKind, typer.Argument(help="retry, look_up, resend or extend")],
    reason: Annotated[str | None, typer.Option(help="why; without it only the count is told")] = None,
    count: Annotated[
        int | None, typer.Option(help="as it was counted before: refused when there are more by now")
    ] = None,
    rate: Annotated[float, typer.Option(help="referrals a second, at most 50")] = 5.0,
    agency: Annotated[str | None, typer.Option(help="stuck at this agency")] = None,
    service: Annotated[str | None, typer.Option(help="stuck at this service")] = None,
    why: Annotated[StuckKind | None, typer.Option(help="stuck for this")] = None,
    older_than: Annotated[str | None, typer.Option(help="stuck for longer than this, as PT4H or P2D")] = None,
    declarant: Annotated[str | None, typer.Option(help="of this declarant")] = None,
    chapter: Annotated[str | None, typer.Option(help="HS chapter of the cargo it holds, as 08")] = None,
    office: Annotated[str | None, typer.Option(help="of this customs office")] = None,
    referral: Annotated[
        list[str] | None, typer.Option(help="this one, as MRN/SERVICE; no filter then")
    ] = None,
    until: Annotated[str | None, typer.Option(help="of extend: an instant")] = None,
    id: _Id = None,
) -> None:
    """Begin one action on all stuck work that a filter finds. Without --reason: the count alone."""
    filter = {
        "agency": agency,
        "service": service,
        "kind": why,
        "older_than": older_than,
        "declarant": declarant,
        "chapter": chapter,
        "office": office,
    }
    given = {name: value for name, value in filter.items() if value is not None}
    if referral and given:
        raise typer.BadParameter("--referral names them; a filter finds them: not both")
    picked: dict[str, Any] = {"kind": kind, **({"referrals": referral} if referral else {"filter": given})}
    api = Api()
    counted = api.send("POST", "/v1/operations/bulks/preview", picked)
    if reason is None:
        _print(counted)
        return
    body = {
        **picked,
        "id": _id(id),
        "count": counted["count"] if count is None else count,
        "rate": rate,
        "due_at": until,
        "reason": reason,
    }
    _print(api.send("POST", "/v1/operations/bulks", body))


def list_bulks(limit: Annotated[int, typer.Option(help="how many at most")] = 25) -> None:
    """Bulk actions, the newest first."""
    table = _table("id", "begun", "by", "kind", "state", "done", "refused", "left", "reason")
    for each in Api().get(f"/v1/operations/bulks?limit={limit}")["bulks"]:
        counts = each["counts"]
        table.add_row(
            each["id"],
            moment(each["begun_at"]),
            escape(each["by"]),
            each["kind"],
            each["state"],
            *(str(counts.get(state, 0)) for state in ("done", "refused", "waiting")),
            escape(each["reason"]),
        )
    _show(table)


def show_bulk(
    id: _BulkId, items: Annotated[bool, typer.Option("--items", help="what has become of each")] = False
) -> None:
    """How far a bulk action has come."""
    api, path = Api(), f"/v1/operations/bulks/{_quoted(id)}"
    _print(api.get(path))
    if not items:
        return
    table = _table("place", "mrn", "service", "state", "when", "why not")
    after: int | None = 0
    while after is not None:
        page = api.get(f"{path}/items?limit=1000&after={after}")
        for each in page["items"]:
            why = each["result"] if each["state"] == "refused" else ""
            at = moment(each["at"]) if each["at"] else ""
            table.add_row(str(each["place"]), each["mrn"], each["service"], each["state"], at, escape(why))
        after = page["after"]
    _show(table)


def stop_bulk(id: _BulkId) -> None:
    """Stop a bulk action: none of its referrals is begun any more."""
    _print(Api().send("POST", f"/v1/operations/bulks/{_quoted(id)}/stop", {"id": _id(None)}))


def audit(
    user: Annotated[str | None, typer.Option(help="who; clients of the API are client:ID")] = None,
    action: Annotated[str | None, typer.Option(help="what, as retry, bulk, user.created")] = None,
    mrn: Annotated[str | None, typer.Option(help="about this declaration")] = None,
    agency: Annotated[str | None, typer.Option(help="about this agency")] = None,
    since: Annotated[str | None, typer.Option(help="an instant")] = None,
    before: Annotated[str | None, typer.Option(help="an instant")] = None,
    limit: Annotated[int, typer.Option(help="how many of the latest")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="print it as JSON")] = False,
) -> None:
    """Who did what, to what, why, and what came of it; newest first."""
    asked = {"user": user, "action": action, "mrn": mrn, "agency": agency, "since": since, "before": before}
    api = Api()
    lines: list[dict[str, Any]] = []
    cursor: str | None = None
    while len(lines) < limit:
        page = api.get(
            "/v1/operations/audit?"
            + _query({**asked, "cursor": cursor, "limit": min(limit - len(lines), 200)})
        )
        lines += page["lines"]
        cursor = page["cursor"]
        if cursor is None:
            break
    if as_json:
        _print({"lines": lines})
        return
    table = _table("at", "who", "what", "to what", "reason", "result")
    for line in lines:
        about = " ".join(filter(None, (line["mrn"], line["service"] or line["agency"])))
        table.add_row(
            moment(line["at"]),
            escape(line["user"]),
            line["action"],
            about,
            escape(line["reason"] or ""),
            escape(line["result"]),
        )
    _show(table)


def _show_preview(preview: dict[str, Any]) -> None:
    refusal = preview["why_not"]
    if refusal is not None:
        print(f"cannot be done: {refusal['detail']} ({refusal['code']})")
        raise SystemExit(1)
    for one in preview["will"]:
        values = ", ".join(f"{name} {value}" for name, value in one["words"].items())
        print(one["code"].replace("_", " ") + (f": {values}" if values else ""))


def _id(given: str | None) -> str:
    return given or f"cli-{secrets.token_hex(8)}"


def _query(asked: dict[str, Any]) -> str:
    return urlencode({name: value for name, value in asked.items() if value is not None})


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _print(answer: dict[str, Any]) -> None:
    print(json.dumps(answer, indent=2, ensure_ascii=False))


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        # What is typed again elsewhere is there whole, however narrow the terminal is.
        table.add_column(head, overflow="fold", no_wrap=head == "id")
    return table


def _show(table: Table) -> None:
    screen().print(table)
