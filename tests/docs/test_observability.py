"""What is shipped for Prometheus and Grafana speaks of metrics and runbook sections that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from ruamel.yaml import YAML

from hub.api.metering import Metrics
from hub.clock import utc_now
from hub.measuring import Measures
from hub.operations.gauges import Gauges
from hub.ports import IncidentKind
from hub.store import create_store
from tests.docs.support import ROOT, text_of

FOLDER = ROOT / "observability"
ALERTS = YAML(typ="safe").load(FOLDER / "alerts.yaml")
DASHBOARD = json.loads((FOLDER / "dashboard.json").read_text())
RULES: list[dict[str, Any]] = [rule for group in ALERTS["groups"] for rule in group["rules"]]

OTHERS = {
    "up",  # Prometheus' own
    "process_resident_memory_bytes",
    "temporal_workflow_task_execution_failed_total",
    "temporal_workflow_task_schedule_to_start_latency_seconds_bucket",
    "temporal_activity_schedule_to_start_latency_seconds_bucket",
}
"""Of the engine's native client; `tests/flows/test_traces.py` looks at a real worker."""

_WORDS = re.compile(r"\b[a-z_][a-z0-9_]*\b(?!\s*\()")
_NO_METRICS = re.compile(r"\{[^}]*\}|\[[^\]]*\]|\b(?:by|on|without)\s*\([^)]*\)|\"[^\"]*\"")
_OPERATORS = {"and", "or", "unless", "by", "sum", "max", "count", "bool"}


def metrics_in(expression: str) -> set[str]:
    """The metrics that a PromQL expression reads."""
    return set(_WORDS.findall(_NO_METRICS.sub(" ", expression))) - _OPERATORS


def expressions() -> Iterator[tuple[str, str]]:
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


@pytest.fixture
def shown(sqlite_url: str) -> dict[str, set[str]]:
    """The labels of every metric that API and worker show, by the name of its samples or of its family."""
    store = create_store(sqlite_url)
    measures = Measures("test")
    gauges = Gauges(store, store, store, store, store, utc_now)
    text = Metrics(measures.registry).exposition(gauges.read()).decode()
    store.close()
    names: dict[str, set[str]] = {}
    for family in text_string_to_metric_families(text):
        suffixes = {
            "counter": ["_total"],
            "histogram": ["_bucket", "_sum", "_count"],
        }.get(family.type, [""])
        for suffix in suffixes:
            names[family.name + suffix] = {label for sample in family.samples for label in sample.labels}
    return names


@pytest.mark.parametrize(("where", "expression"), list(expressions()))
def test_every_metric_that_is_read_is_shown(shown: dict[str, set[str]], where: str, expression: str) -> None:
    """By its whole name, with `_total` and `_bucket`."""
    read = metrics_in(expression)
    assert read, where
    assert read <= shown.keys() | OTHERS, where


def test_names_keep_to_the_conventions(shown: dict[str, set[str]]) -> None:
    """A prefix, base units, `_total` for counters and for nothing else."""
    ours = {name for name in shown if not name.startswith(("process_", "temporal_"))}
    assert all(name.startswith("hub_") for name in ours)
    assert not [name for name in ours if re.search(r"_(ms|milliseconds|minutes|hours|kb|mb|percent)\b", name)]
    assert not [name for name in ours if name.endswith("_total") and "_bucket" in name]


def test_each_rule_says_what_to_do() -> None:
    """A name of its own, how bad it is, and a section of the runbook that is there."""
    assert len({rule["alert"] for rule in RULES}) == len(RULES) >= 15
    anchors = set(re.findall(r'<a id="([^"]+)"', text_of("docs/operations.md")))
    anchors |= {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in text_of("docs/operations.md").splitlines()
        if line.startswith("#")
    }
    for rule in RULES:
        assert rule["labels"]["severity"] in {"warning", "critical"}
        document, _, anchor = rule["annotations"]["runbook"].partition("#")
        assert (ROOT / document).exists()
        assert anchor in anchors | {kind.replace("_", "-") for kind in IncidentKind}, rule["alert"]


def test_the_dashboard_is_one() -> None:
    """Ids are unique, nothing lies upon anything else, and the source of data is the reader's to choose."""
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        assert all(t["datasource"]["uid"] == "${datasource}" for t in panel.get("targets", ()))


def test_the_example_scrapes_what_the_rules_speak_of() -> None:
    example = YAML(typ="safe").load(FOLDER / "prometheus.yaml")
    jobs = {job["job_name"] for job in example["scrape_configs"]}
    spoken = {job for _, expression in expressions() for job in re.findall(r'job="([^"]+)"', expression)}
    assert spoken == jobs == {"hub-api", "hub-worker"}
    assert example["rule_files"] == ["alerts.yaml"]


def test_a_process_says_what_it_is() -> None:
    measures = Measures("worker")
    assert b'role="worker"' in generate_latest(measures.registry)
