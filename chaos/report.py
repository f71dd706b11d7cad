"""What a campaign did and found: as data for machines, as Markdown for people."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from chaos.campaign import Leg
from chaos.checks import Invariant
from chaos.plan import FaultKind

_FILE = "leg.json"
_SHOWN = 50
"""Breaches shown in the report; all of them are in the data."""

Data = dict[str, Any]


def as_data(leg: Leg) -> Data:
    """A leg as JSON."""
    accepted = [history for history in leg.histories if history.mrn is not None]
    kinds = Counter(history.lot.kind.value for history in leg.histories)
    outcomes = Counter(leg.evidence.outcomes.get(history.mrn or "", "?") for history in accepted)
    return {
        "seed": leg.plan.seed,
        "database": leg.plan.database,
        "holds": leg.holds,
        "whole": leg.whole,
        "declarations": len(leg.histories),
        "accepted": len(accepted),
        "kinds": dict(kinds.most_common()),
        "outcomes": dict(outcomes.most_common()),
        "left_undone": {history.mrn: history.left_undone for history in accepted if history.left_undone},
        "requests": sum(history.tries for history in leg.histories),
        "kills": dict(Counter(one.fault.target for one in leg.done if one.fault.kind is FaultKind.KILL)),
        "faults": dict(
            Counter(
                f"{one.fault.kind} {one.fault.target}"
                if one.fault.kind not in _OF_FILES
                else str(one.fault.kind)
                for one in leg.done
                if one.fault.kind is not FaultKind.KILL
            ).most_common()
        ),
        "cut": dict(leg.cuts),
        "callbacks": dict(leg.messages),
        "forged": len(leg.evidence.forgeries),
        "ended_by_themselves": dict(Counter(leg.ended)),
        "applications": len(leg.evidence.applications),
        "notices": len(leg.evidence.notices),
        "notices_sent_again": sum(one.times - 1 for one in leg.evidence.notices),
        "events": sum(len(events) for events in leg.evidence.events.values()),
        "seconds": round(leg.seconds, 1),
        "seconds_to_rest": round(leg.seconds_to_rest, 1),
        "breaches": [asdict(one) for one in leg.breaches],
    }


_OF_FILES = frozenset({FaultKind.EDIT, FaultKind.BREAK})


def save_leg(leg: Leg, data: Data, *, keep: bool) -> None:
    """Write a leg down; of one that holds, databases and logs are removed unless they are to be kept."""
    (leg.folder / _FILE).write_text(json.dumps(data, indent=1, ensure_ascii=False))
    for mrn in sorted({breach.mrn for breach in leg.breaches if breach.mrn}):
        _save_case(leg, mrn)
    if leg.holds and not keep:
        for path in leg.folder.iterdir():
            if path.name != _FILE:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _save_case(leg: Leg, mrn: str) -> None:
    """Everything that is known of one declaration, for whoever looks for the cause."""
    found = leg.evidence
    history = next((one for one in leg.histories if one.mrn == mrn), None)
    case = {
        "history": asdict(history) if history else None,
        "applications": [asdict(one) for one in found.applications_of[mrn]],
        "notices": [asdict(one) for one in found.notices_of[mrn]],
        "events": [asdict(one) for one in found.events.get(mrn, ())],
    }
    text = json.dumps(case, indent=1, ensure_ascii=False, default=str)
    (leg.folder / f"{mrn}.json").write_text(text)


def load_leg(folder: Path) -> Data | None:
    """A leg that was played to its end before; None where there is none."""
    path = folder / _FILE
    if not path.exists():
        return None
    data: Data = json.loads(path.read_text())
    return data


def as_markdown(seed: str, legs: Sequence[Data], *, rerun: str) -> str:
    """The report of a campaign."""
    broken = [breach for leg in legs for breach in leg["breaches"]]
    verdict = "Every promise was kept." if all(leg["holds"] for leg in legs) else "**Promises were broken.**"
    lines = [
        f"# Fault campaign, seed {seed}",
        "",
        f"{verdict} Rerun it with `{rerun}`.",
        "",
        "| what | how many |",
        "| --- | --- |",
        *_row("declarations lodged", _sum(legs, "declarations")),
        *_row("accepted", _sum(legs, "accepted")),
        *_row("requests of their people, repeated ones too", _sum(legs, "requests")),
        *_row("processes killed with -9", sum(_counted(legs, "kills").values())),
        *_row("other faults", sum(_counted(legs, "faults").values())),
        *_row("connections cut", sum(_counted(legs, "cut").values())),
        *_row("callbacks forged", _sum(legs, "forged")),
        *_row("applications in the agencies' books", _sum(legs, "applications")),
        *_row("notices in the cargo system's book", _sum(legs, "notices")),
        *_row("of these sent again, and taken once", _sum(legs, "notices_sent_again")),
        *_row("events", _sum(legs, "events")),
        *_row("minutes", round(sum(leg["seconds"] + leg["seconds_to_rest"] for leg in legs) / 60, 1)),
        "",
        "| promise | broken |",
        "| --- | --- |",
    ]
    by_promise = Counter(breach["invariant"] for breach in broken)
    lines += [f"| {promise} | {by_promise[promise]} |" for promise in Invariant]
    for title, name in (
        ("Declarations by kind", "kinds"),
        ("Outcomes", "outcomes"),
        ("Killed with -9", "kills"),
        ("Other faults", "faults"),
        ("Callbacks disturbed", "callbacks"),
        ("Processes that ended by themselves and were started again", "ended_by_themselves"),
    ):
        counts = _counted(legs, name)
        if counts:
            lines += ["", f"## {title}", "", "| what | how many |", "| --- | --- |"]
            lines += [f"| {what} | {count} |" for what, count in counts.most_common()]
    lines += [
        "",
        "## Legs",
        "",
        "| seed | database | declarations | kills | to rest | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {leg['seed']} | {leg['database']} | {leg['declarations']} | {sum(leg['kills'].values())} |"
        f" {leg['seconds_to_rest']:.0f} s | {_verdict(leg)} |"
        for leg in legs
    ]
    if broken:
        lines += ["", "## Broken", ""]
        lines += [
            f"- {one['invariant']}: {one['mrn'] or 'no mrn'} (lot {one['lot']}). Expected: {one['expected']}."
            f" Found: {one['found']}."
            for one in broken[:_SHOWN]
        ]
    return "\n".join(lines) + "\n"


def _verdict(leg: Data) -> str:
    if leg["holds"]:
        return "holds"
    return f"{len(leg['breaches'])} broken" if leg["whole"] else "not all of it was played"


def _row(what: str, count: float) -> list[str]:
    return [f"| {what} | {count:,} |"]


def _sum(legs: Sequence[Data], name: str) -> int:
    return sum(leg[name] for leg in legs)


def _counted(legs: Sequence[Data], name: str) -> Counter[str]:
    counts: Counter[str] = Counter()
    for leg in legs:
        counts.update(leg[name])
    return counts
