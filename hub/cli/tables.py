"""How declarations are drawn for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hub.domain.clearance import Rule
from hub.domain.wording import RULES

OUTCOME_STYLE = {
    "release": "bold green",
    "hold": "bold yellow",
    "refusal": "bold red",
    "in_progress": "cyan",
    "partial_release": "bold yellow",
    "withdrawn": "bold dim",
}
_STATE_STYLE = {
    "pending": ("dim", "·"),
    "delivered": ("cyan", "○"),
    "decided": ("green", "●"),
    "expired": ("yellow", "!"),
    "undeliverable": ("red", "x"),
    "withdrawn": ("dim", "-"),
}
_VERDICT_STYLE = {
    "approved": ("green", "●"),
    "approved_with_conditions": ("green", "◐"),
    "refused": ("red", "●"),
    "information_required": ("yellow", "?"),
    "inspection_required": ("yellow", "?"),
}
_OF_INTEREST = (
    Rule.WITHDRAWN,
    Rule.PROHIBITED,
    Rule.REFUSED,
    Rule.DEEMED_REFUSED,
    Rule.INFORMATION_NOT_GIVEN,
    Rule.UNDELIVERABLE,
    Rule.INFORMATION_REQUIRED,
    Rule.INFORMATION_OVERDUE,
    Rule.INSPECTION_REQUIRED,
    Rule.CERTIFICATE_EXHAUSTED,
    Rule.EXPIRED,
    Rule.ESCALATED,
    Rule.AWAITED,
    Rule.DUTIES_DUE,
)
"""What stands in the way of a release, the weightiest first."""


def verdict_of(referral: dict[str, Any]) -> str | None:
    """The latest verdict on what a referral asks about now, if there is one."""
    decisions = [d for d in referral["decisions"] if d["revision"] == referral["revision"]]
    if referral["state"] == "withdrawn":
        return None
    return max(decisions, key=lambda d: d["decided_at"])["verdict"] if decisions else None


def referral_marks(referrals: Iterable[dict[str, Any]]) -> Text:
    """All referrals of a declaration in one line: a mark and the service for each."""
    line = Text()
    for referral in referrals:
        style, mark = _mark(referral)
        line.append(f"{mark} ", style=style)
        line.append(f"{referral['service']}  ", style="" if verdict_of(referral) else "dim")
    return line


def plain_reason(view: dict[str, Any]) -> str:
    """Why the outcome is what it is, in one line: whatever stands in the way, else who consented."""
    reasons = view.get("reasons", [])
    for rule in _OF_INTEREST:
        about = [r for r in reasons if r["rule"] == rule]
        if about:
            who = ", ".join(dict.fromkeys(r["service"] for r in about if r["service"]))
            why = next((f": {r['remarks']}" for r in about if r["remarks"]), "")
            return f"{who} {RULES[rule]}{why}".strip()
    services = list(dict.fromkeys(r["service"] for r in reasons if r["service"]))
    if not services:
        return "no agency need consent"
    return f"{', '.join(services)} consented"


def declaration_panel(view: dict[str, Any]) -> RenderableType:
    """A declaration as it stands: heading, referrals, and what the outcome rests on."""
    heading = Text.assemble(
        (view["mrn"], "bold"),
        f"  lrn {view['lrn']}, {view['procedure']}, ucr {view['ucr']}, {view['goods_items']} goods item(s)\n",
        "outcome ",
        (view["outcome"], OUTCOME_STYLE.get(view["outcome"], "")),
        "" if view["final"] else " (may still change)",
        f": {plain_reason(view)}",
    )
    if view["version"] > 1:
        heading.append(f"\nversion {view['version']}: amended since it was lodged")
    if view["released_items"] and view["outcome"] != "release":
        heading.append(f"\nreleased: goods item(s) {', '.join(map(str, view['released_items']))}", "green")
    if not view["engine_started"]:
        heading.append("\naccepted; the engine is away and will take it up when it is back", style="yellow")
    parts: list[RenderableType] = [heading]
    if view["referrals"]:
        parts.append(Padding(_referral_table(view["referrals"]), (1, 0, 0, 2)))
    parts += [question_line(q) for q in view["questions"] if q["state"] in ("open", "overdue")]
    if view["notice"]:
        notice = view["notice"]
        acknowledged = notice["acknowledged_at"]
        told = f"acknowledged {moment(acknowledged)}" if acknowledged else "not acknowledged yet"
        trouble = f" ({notice['trouble']})" if notice.get("trouble") and not acknowledged else ""
        parts.append(Text(f"\ncargo system: notice {notice['number']} {notice['outcome']}, {told}{trouble}"))
    return Group(*parts)


def question_line(question: dict[str, Any]) -> RenderableType:
    """A question to the declarant, and how it is answered."""
    until = f", until {moment(question['due_at'])}" if question["due_at"] else ""
    late = " (the time has passed; it may still be answered)" if question["state"] == "overdue" else ""
    return Text.assemble(
        ("\n? ", "yellow"),
        f"{question['service']} asks the declarant ({question['id']}{until}){late}",
        f": {question['text']}" if question["text"] else "",
    )


def routing_panel(routing: dict[str, Any]) -> RenderableType:
    """The routing explanation, goods item by goods item, in sentences."""
    lines: list[RenderableType] = [
        Text(f"\nRouting, by the law of {routing['day']} (catalogue {routing['catalogue_version'][:12]})")
    ]
    kinds = (("required", "must consent", "green"), ("prohibited", "prohibits", "red"),
             ("ruled_out", "need not consent", "dim"))  # fmt: skip
    items = sorted({c["item"] for kind, _, _ in kinds for c in routing[kind]})
    for item in items:
        lines.append(Text(f"  goods item {item}", style="bold"))
        for kind, words, style in kinds:
            for candidate in (c for c in routing[kind] if c["item"] == item):
                lines.append(
                    Text.assemble(f"    {candidate['service']} ", (words, style), f": {candidate['because']}")
                )
                if candidate["predicate"]:
                    lines.append(Text(f"      rule: {candidate['predicate']}", style="dim"))
    if not items:
        lines.append(Text("  no service's requirement table names any of these goods"))
    return Group(*lines)


def event_lines(events: Iterable[dict[str, Any]]) -> RenderableType:
    """The events in order, one line each."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for event in events:
        data = ", ".join(
            f"{key} {value}" for key, value in event["data"].items() if isinstance(value, str | int | float)
        )
        table.add_row(
            str(event["seq"]), moment(event["at"]), event["type"], event["service"] or "", escape(data)
        )
    return Group(Text("\nEvents"), Padding(table, (0, 0, 0, 2)))


def moment(text: str) -> str:
    """A time for people, in their own zone, which is named: the hub's agencies may be in another."""
    return f"{datetime.fromisoformat(text).astimezone():%Y-%m-%d %H:%M %Z}"


def _referral_table(referrals: Iterable[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in ("", "service", "state", "due", "agency's reference"):
        table.add_column(head, no_wrap=True)
    table.add_column("note")
    for referral in referrals:
        style, mark = _mark(referral)
        verdict = verdict_of(referral)
        receipt = referral["receipt"] or {}
        remarks = [d["remarks"] for d in referral["decisions"] if d["remarks"]]
        table.add_row(
            Text(mark, style=style),
            referral["service"],
            Text(verdict or referral["state"], style=style),
            moment(referral["deadline"]) if referral["deadline"] else "clock stopped",
            escape(receipt.get("reference") or ""),
            escape(referral.get("trouble") or (remarks[-1] if remarks else _asked_about(referral))),
        )
    return table


def _asked_about(referral: dict[str, Any]) -> str:
    items = ", ".join(map(str, referral["items"]))
    return f"goods item{'s' if len(referral['items']) > 1 else ''} {items}"


def _mark(referral: dict[str, Any]) -> tuple[str, str]:
    verdict = verdict_of(referral)
    return _VERDICT_STYLE[verdict] if verdict else _STATE_STYLE[referral["state"]]
