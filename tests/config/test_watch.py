"""watch.yaml: every fault with line and cure, and what it means."""

from __future__ import annotations

from typing import Any

import pytest

from hub.ports import Severity, WatchPolicy

RECEIVERS = """\
receivers:
  - name: duty
    email: duty@customs.example
    language: ko
    severity: critical
    quiet: {from: "22:00", until: "07:00"}
"""


def test_the_file_need_not_be_there_and_makes_no_other_version(folder: Any) -> None:
    """By thresholds no declaration is accepted."""
    before = folder.load()
    assert before.watch_policy == WatchPolicy()
    folder.write("watch.yaml", RECEIVERS)
    after = folder.load()
    assert [one.name for one in after.watch_policy.receivers] == ["duty"]
    assert after.watch_policy.receivers[0].least is Severity.CRITICAL
    assert (after.version, after.policy_version) == (before.version, before.policy_version)


@pytest.mark.parametrize(
    ("written", "line", "what", "cure"),
    [
        ("receivers:\n  - name: a\n", 2, "no way to tell it", "email"),
        (
            "receivers:\n  - name: a\n    email: a@b.example\n    webhook: https://b.example\n",
            2,
            "two ways",
            "either",
        ),
        ("receivers:\n  - name: a\n    email: nobody\n", 3, "no mail address", "duty@"),
        ("receivers:\n  - name: a\n    webhook: b.example\n", 3, "no URL", "https://"),
        (
            "receivers:\n  - name: a\n    webhook: https://b.example\n    secret: s3cret\n",
            4,
            "a secret is written",
            "env:NAME",
        ),
        (
            "receivers:\n  - name: a\n    email: a@b.example\n    secret: env:A\n",
            4,
            "not signed",
            "remove",
        ),
        (
            "receivers:\n  - {name: a, email: a@b.example}\n  - {name: a, email: c@b.example}\n",
            3,
            "has this name already",
            "a name of its own",
        ),
        (
            'receivers:\n  - name: a\n    email: a@b.example\n    quiet: {from: "22:00", until: "22:00"}\n',
            4,
            "ends when it begins",
            "another time",
        ),
        (
            "receivers:\n  - name: a\n    email: a@b.example\n"
            '    quiet: {from: "22:00", until: "07:00", zone: Seoul}\n',
            4,
            "there is no zone",
            "Asia/Seoul",
        ),
        ("thresholds:\n  agency_slow_within: 1h\n", 2, "longer than is looked at", "15m"),
        ("thresholds:\n  disk_free_critical_mb: 4096\n", 2, "not less than", "2048"),
        ("thresholds:\n  clock_skew: 2m\n", 2, "not less than", "60s"),
        ("thresholds:\n  agency_slow_time: 3.0\n", 2, "unknown key", "agency_slow_times"),
        ("grouping: 0s\n", 1, "no time at all", "more than nothing"),
        ("clear_rounds: 0\n", 1, "too small", "1 or more"),
    ],
)
def test_a_fault(folder: Any, written: str, line: int, what: str, cure: str) -> None:
    folder.write("watch.yaml", written)
    found = [fault for fault in folder.faults() if fault.file == "watch.yaml"]
    assert [fault.line for fault in found] == [line]
    assert what in found[0].what
    assert cure in found[0].cure
    assert "s3cret" not in str(found[0])


def test_in_production_webhooks_are_encrypted_and_their_variables_set(folder: Any) -> None:
    folder.write(
        "watch.yaml",
        "receivers:\n"
        "  - {name: a, webhook: 'http://b.example'}\n"
        "  - {name: c, webhook: env:C_URL, secret: env:C_SECRET}\n",
    )
    environment = {"PLANTS_ENDPOINT": "https://plants.example", "PLANTS_PASSWORD": "p"}
    found = [
        fault
        for fault in folder.faults(development=False, environment=environment)
        if fault.file == "watch.yaml"
    ]
    assert [fault.what for fault in found] == [
        "it is not https",
        "the variable C_URL is not set",
        "the variable C_SECRET is not set",
    ]
