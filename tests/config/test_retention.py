"""retention.yaml: every fault with line and cure, and what it means."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.loader import load
from hub.config.models import RetentionFile
from hub.config.retention import retention_policy
from hub.ports.retention import Pruned, RetentionPolicy


def test_the_file_need_not_be_there_and_makes_no_other_version(folder: Any) -> None:
    """By it no declaration is accepted."""
    before = folder.load()
    assert before.retention_policy == RetentionPolicy()
    folder.write(
        "retention.yaml", 'after: 30d\nwindow: {from: "22:00", until: "04:00"}\nprune: {exchanges: 7d}\n'
    )
    after = folder.load()
    policy = after.retention_policy
    assert (policy.after, policy.window.begins, policy.window.ends) == (timedelta(days=30), time(22), time(4))
    assert policy.prune[Pruned.EXCHANGES] == timedelta(days=7)
    assert policy.prune[Pruned.BULKS] == RetentionPolicy().prune[Pruned.BULKS]
    assert (after.version, after.policy_version) == (before.version, before.policy_version)


def test_what_it_leaves_out_is_as_the_code_has_it() -> None:
    """One set of defaults, whichever way it is come by; the file that ships says the same."""
    assert retention_policy(RetentionFile()) == RetentionPolicy() == retention_policy(None)


def test_the_file_that_ships_says_what_the_law_asks_for(root: Path) -> None:
    assert load(root / "adapters_config", development=True).retention_policy == RetentionPolicy()


@pytest.mark.parametrize(
    ("written", "line", "what", "cure"),
    [
        ("after: 12h\n", 1, "shorter than a day", "1d"),
        ("after: 0d\n", 1, "no time at all", "more than nothing"),
        ("years: {import: 5, export: 3}\n", 1, "transit", "every procedure"),
        ("years: {import: 0, export: 3, transit: 2}\n", 1, "too small", "1 or more"),
        ('window: {from: "01:00", until: "01:00"}\n', 1, "ends when it begins", "another time"),
        ('window: {from: "01:00", until: "05:00", zone: Seoul}\n', 1, "there is no zone", "Asia/Seoul"),
        ("per_file: 0\n", 1, "too small", "1 or more"),
        ("prune:\n  exchange: 7d\n", 2, "unknown key", "exchanges"),
    ],
)
def test_a_fault(folder: Any, written: str, line: int, what: str, cure: str) -> None:
    folder.write("retention.yaml", written)
    faults = folder.faults(
        development=False, environment={"PLANTS_ENDPOINT": "https://plants.example", "PLANTS_PASSWORD": "p"}
    )
    found = [fault for fault in faults if fault.file == "retention.yaml"]
    assert [fault.line for fault in found] == [line]
    assert what in found[0].what
    assert cure in found[0].cure
