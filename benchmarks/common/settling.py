"""What the decisions of a declaration come to: here everybody consents, or it is held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from benchmarks.common.calls import Decision


def settle(approves: dict[str, str], decided: dict[str, Decision]) -> tuple[str, list[dict[str, str]]]:
    """The outcome, with a reason for each agency; `approves` is each agency's word for an approval."""
    reasons = [
        {"agency": slug, "word": decision.word, "reference": decision.reference}
        for slug, decision in sorted(decided.items())
    ]
    consents = all(decision.word == approves[slug] for slug, decision in decided.items())
    return ("release" if consents else "hold"), reasons


def notice(
    mrn: str, declaration: dict[str, Any], outcome: str, reasons: list[dict[str, str]]
) -> dict[str, Any]:
    """What the cargo system is told."""
    return {
        "key": f"{mrn}/1",
        "number": 1,
        "mrn": mrn,
        "ucr": declaration["consignment"]["ucr"],
        "outcome": outcome,
        "reasons": reasons,
        "issued_at": datetime.now(UTC).isoformat(),
    }
