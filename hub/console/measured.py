"""What was measured of an incident, as a page shows it."""

from __future__ import annotations

from collections.abc import Mapping

from hub.console.i18n import Words
from hub.operations.watch.words import EVIDENCE, MOMENTS, moment_of


def measured(evidence: Mapping[str, str], words: Words) -> list[tuple[str, str]]:
    """Names in the reader's words, and figures; moments by the clock of the office, as everywhere else."""
    return [
        (
            words.text_of(EVIDENCE.get(name)) or name,
            words.moment(moment_of(value)) if name in MOMENTS else value,
        )
        for name, value in evidence.items()
    ]
