"""The runbook: each incident leads to a section: what it looks like, where to look, what to do."""

from __future__ import annotations

import re
from datetime import time, timedelta

import pytest

from hub.config.models.watch import ThresholdsFile, WatchFile
from hub.config.watch import watch_policy
from hub.console.runbook import section
from hub.ports import IncidentKind, Thresholds, WatchPolicy
from tests.docs.support import ROOT, text_of

RUNBOOK = ROOT / "docs" / "operations.md"
_PARTS = ("Symptom.", "Where to look.", "What to do.")


@pytest.mark.parametrize("kind", IncidentKind)
def test_each_kind_of_incident_has_its_section(kind: IncidentKind) -> None:
    """As the console shows it beside the incident, too."""
    found = section(RUNBOOK, kind.anchor)
    assert found is not None
    assert [part for part in _PARTS if f"<em>{part}</em>" in found] == list(_PARTS)
    assert "<script" not in found
    assert "<a " not in found


def test_there_is_no_section_that_nothing_leads_to() -> None:
    text = text_of("docs/operations.md")
    start, end = text.index("## When something is wrong\n"), text.index("## The early warning\n")
    headings = re.findall(r"^### (.+)$", text[start:end], re.MULTILINE)
    anchors = [heading.lower().replace(",", "").replace(" ", "-") for heading in headings]
    others = ["a-withdrawal-that-an-agency-cannot-be-told", "a-declaration-stands-still-and-none-of-these"]
    assert sorted(anchors) == sorted([*(kind.anchor for kind in IncidentKind), *others])


def test_what_watch_yaml_leaves_out_is_as_the_code_has_it() -> None:
    """The defaults of the keys, which the reference shows, are those without a file."""
    assert watch_policy(WatchFile(), {}) == WatchPolicy() == watch_policy(None, None)
    assert set(ThresholdsFile.model_fields) == set(Thresholds.__dataclass_fields__)


def test_a_receiver_as_it_is_written() -> None:
    file = WatchFile.model_validate(
        {
            "receivers": [
                {
                    "name": "room",
                    "webhook": "env:ROOM_URL",
                    "secret": "env:ROOM_SECRET",
                    "severity": "critical",
                    "quiet": {"from": "22:00", "until": "07:00", "zone": "Asia/Seoul"},
                }
            ],
            "thresholds": {"agency_paused_for": "2h"},
        }
    )
    policy = watch_policy(file, {"ROOM_URL": "https://room.example", "ROOM_SECRET": "s"})
    [receiver] = policy.receivers
    assert (receiver.webhook, receiver.secret) == ("https://room.example", "s")
    assert receiver.quiet is not None
    assert (receiver.quiet.start, receiver.quiet.zone.key) == (time(22), "Asia/Seoul")
    assert policy.thresholds.agency_paused_for == timedelta(hours=2)
    assert "secret" not in repr(receiver)
