"""The case file for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from hub.cli.tables import OUTCOME_STYLE, event_lines, moment, routing_panel
from hub.domain.wording import OUTCOMES, RULES

_STATE_STYLE = {"released": "green", "consented": "green", "refused": "red", "held": "yellow"}


def casefile_view(file: dict[str, Any]) -> RenderableType:
    """Everything about a declaration, section by section."""
    view = file["declaration"]
    return Group(
        outcome_lines(file),
        *_section("Withdrawal", _withdrawal(view["withdrawal"])),
        *_section("Goods items", _items(view["items"])),
        *_section("Referrals", *map(_referral, view["referrals"])),
        *_section("Questions and answers", *map(_question, view["questions"])),
        *_section("Inspections", *map(_inspection, view["inspections"])),
        *_section("Duties", _duties(view["duties"])),
        *_section("Certificates", *map(_claim, view["certificates"])),
        *_section("Cargo", *map(_step, view["cargo"])),
        *_section("Risk channel, for customs only", _assessment(view["assessment"])),
        *_section("Versions", *map(_version, file["versions"])),
        routing_panel(file["routing"]),
        event_lines(file["events"]),
        *_section("Evidence that is kept", _evidence(file["evidence"])),
    )


def outcome_lines(file: dict[str, Any]) -> RenderableType:
    """The outcome, and each reason with its law, its rule and what it rests on."""
    outcome = file["outcome"]
    view = file["declaration"]
    heading = Text.assemble(
        (file["mrn"], "bold"),
        f"  lrn {view['lrn']}, {view['procedure']}, version {view['version']}\n",
        (OUTCOMES[outcome["outcome"]], OUTCOME_STYLE.get(outcome["outcome"], "")),
        "" if outcome["final"] else " (may still change)",
        f", since {moment(outcome['settled_at'])}, policy {outcome['policy_version']}",
    )
    return Group(heading, *map(_reason, outcome["reasons"]))


def _reason(reason: dict[str, Any]) -> RenderableType:
    item = f"goods item {reason['item']}: " if reason["item"] is not None else ""
    who = f"{reason['service']} " if reason["service"] else ""
    about = [
        ("law", _named(reason["law"])),
        ("rule", " ".join(filter(None, (reason["rule"], _version_of(reason["rule_version"]))))),
        ("verdict", _verdict(reason)),
        ("decision", _decision(reason)),
        ("by hand by", reason["by"]),
        ("evidence", _proof(reason)),
        ("remarks", reason["remarks"]),
    ]
    return Group(Text(f"\n  {item}{who}{RULES[reason['rule']]}"), _pairs(about))


def _version_of(version: str | None) -> str:
    return f"of {version}" if version else ""


def _verdict(reason: Mapping[str, Any]) -> str:
    if not reason["verdict"]:
        return ""
    word = f' ("{reason["word"]}")' if reason["word"] not in (None, reason["verdict"]) else ""
    return f"{_plain(reason['verdict'])}{word}"


def _decision(reason: Mapping[str, Any]) -> str:
    if not reason["decision"]:
        return ""
    when = f", {moment(reason['decided_at'])}" if reason["decided_at"] else ""
    return f"{reason['decision']}{when}{', by ' + _plain(reason['via']) if reason['via'] else ''}"


def _proof(reason: Mapping[str, Any]) -> str:
    sha256 = f", SHA-256 {reason['evidence_sha256']}" if reason["evidence_sha256"] else ""
    return f"{reason['evidence']}{sha256}" if reason["evidence"] else ""


def _withdrawal(withdrawal: dict[str, Any] | None) -> RenderableType | None:
    if withdrawal is None:
        return None
    knows = [f"{r['service']} {'knows' if r['told'] else 'is being told'}" for r in withdrawal["referrals"]]
    return _pairs(
        [
            ("reason", f"{withdrawal['reason']} {_named(withdrawal['reason_name'])}"),
            ("remarks", withdrawal["remarks"]),
            ("requested", moment(withdrawal["requested_at"])),
            ("agencies", ", ".join(knows)),
        ]
    )


def _items(items: Iterable[dict[str, Any]]) -> RenderableType:
    table = Table(box=None, pad_edge=False, show_header=False)
    for item in items:
        state = Text(_plain(item["state"]), style=_STATE_STYLE.get(item["state"], ""))
        table.add_row(str(item["item"]), item["hs_code"], Text(item["description"]), state)
    return Padding(table, (0, 0, 0, 2))


def _referral(referral: dict[str, Any]) -> RenderableType:
    stopped = referral["clock_stopped"]
    if stopped:
        due = f"the clock stands still since {moment(stopped['since'])}, for question {stopped['question']}"
    else:
        due = f"until {moment(referral['deadline'])}" if referral["deadline"] else ""
    receipt = referral["receipt"] or {}
    told = f", still to be told: {referral['to_be_told']}" if referral["to_be_told"] != "none" else ""
    head = Text(f"\n  {referral['service']} ({referral['agency']})")
    about = [
        ("law", _named(referral["law"])),
        ("id", f"{referral['id']}, content {referral['revision']}"),
        ("before", ", ".join(referral["former"])),
        ("state", f"{_plain(referral['state'])}{told}"),
        ("time", f"{referral['answer_within']}, {due}; then {_plain(referral['on_expiry'])}"),
        ("reminders", str(referral["reminders"] or "")),
        ("delivered", moment(referral["delivered_at"]) if referral["delivered_at"] else ""),
        ("reference", receipt.get("reference")),
        ("file", referral["config_version"]),
        ("trouble", referral.get("trouble")),
    ]
    about += [("decision", _said(decision)) for decision in referral["decisions"]]
    return Group(head, _pairs(about))


def _said(decision: dict[str, Any]) -> str:
    items = f", items {', '.join(map(str, decision['items']))}" if decision["items"] else ""
    by = f", {decision['by']}" if decision["by"] else ""
    remarks = f": {decision['remarks']}" if decision["remarks"] else ""
    when, how = moment(decision["decided_at"]), _plain(decision["via"])
    content = f", on content {decision['revision']}"
    return f"{when} {_plain(decision['verdict'])} ({decision['id']}, by {how}{by}{content}{items}){remarks}"


def _question(question: dict[str, Any]) -> RenderableType:
    answer = question["answer"]
    about = [
        ("asked", moment(question["asked_at"])),
        ("until", moment(question["due_at"]) if question["due_at"] else ""),
        ("question", question["text"]),
        ("state", _plain(question["state"])),
    ]
    if answer:
        about += [("answered", moment(answer["given_at"])), ("answer", answer["text"])]
        about += [
            (
                "document",
                f"{d['name']}, {d['media_type']}, {d['size']} octets, {_plain(d['scan'])}, {d['sha256']}",
            )
            for d in answer["documents"]
        ]
    return Group(Text(f"\n  {question['service']} {question['id']}"), _pairs(about))


def _inspection(one: dict[str, Any]) -> RenderableType:
    when = moment(one["at"]) if one["at"] else f"{moment(one['opens_at'])} to {moment(one['closes_at'])}"
    who = ", ".join(f"{p['service']}{' (reported)' if p['reported'] else ''}" for p in one["parties"])
    return Text(
        f"  {one['id']} {_plain(one['state'])}, {when}, {one['place'] or 'place not declared'}: {who}"
    )


def _duties(duties: dict[str, Any] | None) -> RenderableType | None:
    if duties is None:
        return None
    amount, cover = duties["amount"], duties["cover"]
    due = f"{amount['amount']} {amount['currency']}" if amount else "not assessed yet"
    covered = f"{cover['kind']} {cover['reference']}, {moment(cover['at'])}" if cover else "no"
    return _pairs([("due", due), ("covered", covered)])


def _claim(claim: dict[str, Any]) -> RenderableType:
    certificate = f"{claim['certificate']['type']} {claim['certificate']['id']}"
    quantity = claim["quantity"] if claim["quantity"] is not None else "not limited"
    stands = ", stands for the consent" if claim["reused"] else ""
    state = f"{_plain(claim['state'])}{stands}"
    return Text(f"  {certificate}: {claim['service']} item {claim['item']}, {quantity}, {state}")


def _step(step: dict[str, Any]) -> RenderableType:
    return Text(f"  {moment(step['at'])} {_plain(step['step'])} {step['place'] or ''}")


def _assessment(assessment: dict[str, Any] | None) -> RenderableType | None:
    if assessment is None:
        return None
    reasons = ", ".join(f"{r['rule']} ({r['weight']})" for r in assessment["reasons"])
    drawn = ", drawn at random" if assessment["drawn"] else ""
    return _pairs(
        [
            ("channel", f"{assessment['channel']}, score {assessment['score']}{drawn}"),
            ("because", reasons),
            ("rules", f"{assessment['rules_version']}, seed {assessment['seed']}"),
        ]
    )


def _version(version: dict[str, Any]) -> RenderableType:
    items = f"{len(version['declaration']['items'])} goods item(s)"
    lodged_at = moment(version["lodged_at"])
    return Text(f"  {version['version']}  {lodged_at}  {items}  {version['content_hash']}")


def _evidence(evidence: Iterable[dict[str, Any]]) -> RenderableType | None:
    kept = list(evidence)
    if not kept:
        return None
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in kept:
        what = Text(f"{_plain(one['kind'])} {one['id']}")
        table.add_row(moment(one["at"]), what, one["agency"], Text(one["reading"]), one["sha256"])
    return Padding(table, (0, 0, 0, 2))


def _section(title: str, *parts: RenderableType | None) -> Iterator[RenderableType]:
    """A heading and what stands under it; nothing where there is nothing."""
    shown = [part for part in parts if part is not None]
    if shown:
        yield Text(f"\n{title}", style="bold")
        yield from shown


def _pairs(pairs: Iterable[tuple[str, str | None]]) -> RenderableType:
    """What is known, a line each, with its name."""
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in pairs:
        if value:
            table.add_row(Text(name, style="dim"), Text(value))
    return Padding(table, (0, 0, 0, 4))


def _named(text: Mapping[str, str]) -> str:
    return text.get("en") or next(iter(text.values()), "")


def _plain(word: str) -> str:
    return word.replace("_", " ")
