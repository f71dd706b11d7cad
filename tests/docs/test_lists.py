"""What operators, agencies and callers are told the names of: all of it, and nothing that is not there."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from typing import get_args

import pytest
from fastapi.routing import APIRoute

from hub import journal
from hub.api import app, docs_page
from hub.api.metering import Metrics
from hub.api.problems import KINDS
from hub.clock import utc_now
from hub.config import models
from hub.config.loader import load
from hub.domain import names
from hub.domain.clearance import Outcome
from hub.domain.events import EventType
from hub.domain.referral import Answers, OnExpiry, ReferralState, Verdict, Via
from hub.expressions import functions, roots
from hub.measuring import Measures
from hub.operations.gauges import Gauges
from hub.ports import Role
from hub.simulator.behaviour import Behaviour
from hub.simulator.contracts import KNOWN
from hub.store import create_store
from hub.workbench.certify.behaviours import BEHAVIOURS
from tests.docs.support import ROOT, blocks, rows, spans, text_of

OPERATIONS = text_of("docs/operations.md")
ADDING = text_of("docs/adding-an-agency.md")
CHANNELS = text_of("docs/channels.md")
CERTIFICATION = text_of("docs/certification.md")
POLICY = text_of("docs/policy.md")
REFERENCE = text_of("adapters_config/README.md")
API = text_of("docs/api.md")
GLOSSARY = text_of("docs/glossary.md")


def _column(document: str, after: str, column: int = 0) -> set[str]:
    """The code spans in a column of the first table behind these words."""
    return {span for row in rows(document, after) for span in spans(row[column])}


def test_events() -> None:
    assert _column(OPERATIONS, "## Events\n") == set(EventType)


def test_lines_of_events() -> None:
    """What the line of each event says, and which are warnings: what `hub.journal` makes of them."""
    for event, _, facts in rows(OPERATIONS, "## Events\n"):
        told = {fact for kind in spans(event) for fact in journal.FACTS[EventType(kind)]}
        assert set(spans(facts)) == {journal.NAMES.get(fact, fact) for fact in told}, event
    [warned] = re.findall(r"where something did not go as it should: (.*?)\n\n", OPERATIONS, re.DOTALL)
    assert set(spans(warned)) == journal.WARNINGS


def test_metrics(sqlite_url: str) -> None:
    """Of API and worker as Prometheus sees them, but for `_created` and the parts of histograms."""
    store = create_store(sqlite_url)
    gauges = Gauges(store, store, store, store, store, utc_now)
    text = Metrics(Measures("test").registry).exposition(gauges.read()).decode()
    store.close()
    kinds = re.findall(r"^# TYPE (hub_\w+) (\w+)$", text, re.MULTILINE)
    shown = {name for name, _ in kinds if not name.endswith("_created")}
    assert _column(OPERATIONS, "## Metrics\n") == shown


def test_log_events() -> None:
    """Every line that our code logs beside those of events, read from its text."""
    assert _column(OPERATIONS, "## Logs\n") == set(_logged())


def _logged() -> Iterator[str]:
    levels = {"debug", "info", "warning", "error", "exception"}
    for path in (ROOT / "hub").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in levels
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                [event, *_] = node.args
                assert isinstance(event, ast.Constant), f"{path}:{node.lineno}: an event is a constant"
                yield str(event.value)


def test_roles() -> None:
    assert _column(API, "## Who may do what\n") == set(Role)
    assert set(Role) <= set(spans(OPERATIONS))


def test_search_attributes() -> None:
    shown = {names.SEARCH_OUTCOME, names.SEARCH_PENDING_AGENCIES, names.SEARCH_DUE_AT}
    assert shown <= set(spans(OPERATIONS))
    created = "".join(block.text for block in blocks("sh") if "search-attribute" in block.text)
    assert set(re.findall(r"--name (\w+)", created)) == shown
    for name in re.findall(r"\bHub[A-Z]\w+", OPERATIONS):
        assert name in shown


def test_problems() -> None:
    table = {spans(row[0])[0]: row[1] for row in rows(API, "## Problems\n")}
    assert table == {slug: str(int(kind.status)) for slug, kind in KINDS.items()}


def test_routes() -> None:
    """Every path that the API answers; descriptions of itself are told beside the table."""
    modules = [
        m for m in vars(app).values() if inspect.ismodule(m) and m is not docs_page and hasattr(m, "router")
    ]
    paths = {
        route.path_format
        for module in modules
        for route in module.router.routes
        if isinstance(route, APIRoute)
    }
    first = {span.split()[-1] for span in _column(API, "# The API\n")}
    assert first == paths


def _models() -> list[type[models.FileModel]]:
    found = [o for o in vars(models).values() if inspect.isclass(o) and issubclass(o, models.FileModel)]
    return [model for model in found if model.model_fields]


def _keys(model: type[models.FileModel]) -> set[str]:
    """As they are written in files."""
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("model", _models(), ids=lambda model: model.__name__)
def test_keys_of_the_configuration(model: type[models.FileModel]) -> None:
    """Each stands in a table of the reference, which the guide refers to for types and defaults."""
    assert _keys(model) <= set(re.findall(r"^\| `(\w+)` \|", REFERENCE, re.MULTILINE))


@pytest.mark.parametrize(
    "model",
    [
        models.AgencyFile,
        models.ServiceFile,
        models.ChannelFile,
        models.ChannelAuth,
        models.OperationFile,
        models.ReceiptReading,
        models.DecisionReading,
        models.FeedFile,
        models.CallbackFile,
        models.LoginFile,
        models.Limits,
        models.MaintenanceFile,
        models.WsSecurityAuth,
        models.PolicyFile,
        models.DatedPolicyFile,
        models.RiskFile,
        models.RiskRuleFile,
        models.RandomFile,
        models.CertificateFile,
        models.CalendarFile,
        models.AttributeFile,
    ],
    ids=lambda model: model.__name__,
)
def test_keys_that_the_guide_explains(model: type[models.FileModel]) -> None:
    """What an agency's engineer meets stands in a code span or a block of the guide as well."""
    written = {
        word
        for text in (ADDING, CHANNELS, POLICY)
        for span in spans(text)
        for word in re.findall(r"\w+", span)
    }
    for block in blocks("yaml"):
        written |= set(re.findall(r"(\w+):", block.text))
    assert _keys(model) <= written


@pytest.mark.parametrize("words", [OnExpiry, Answers, Verdict], ids=lambda words: words.__name__)
def test_words_of_the_configuration(words: type[OnExpiry | Answers | Verdict]) -> None:
    text = re.findall(r"[a-z_]+", ADDING + CHANNELS)
    assert set(words) <= set(text)


def test_what_expressions_see() -> None:
    """The roots and the functions beside CEL's own."""
    seen = set().union(*(value for value in vars(roots).values() if isinstance(value, frozenset)))
    assert _column(CHANNELS, "### Expressions\n", 1) == seen
    calls = _column(CHANNELS, "Beside CEL's own functions there are:")
    assert {call.split("(")[0] for call in calls} == set(functions.NAMES)


def test_meanings_of_errors() -> None:
    """Every `means` of an error rule."""
    [means] = [
        field.annotation for name, field in models.ErrorReading.model_fields.items() if name == "means"
    ]
    assert _column(CHANNELS, "The rules of `errors` come first:") == set(get_args(means))


def test_behaviours_and_contracts_of_the_simulator() -> None:
    """What a ucr may ask for, and which contracts can be kept."""
    assert _column(CERTIFICATION, "asked for in the ucr") == set(Behaviour)
    assert set(KNOWN) <= set(spans(CERTIFICATION))


def test_behaviours_of_the_kit() -> None:
    """Each with what has to hold, in the kit's own words and order."""
    table = [(spans(row[0])[0], row[1]) for row in rows(CERTIFICATION, "status is 1 if one failed.\n")]
    assert table == [(behaviour.name, behaviour.expected) for behaviour in BEHAVIOURS]


def test_states_and_outcomes() -> None:
    """In the glossary."""
    assert {row[0] for row in rows(GLOSSARY, "## States of a referral\n")} == set(ReferralState)
    said = re.findall(r"[a-z_]+", GLOSSARY)
    assert {*Outcome, *Via, *Verdict, *OnExpiry} <= set(said)


def test_how_many_agencies_and_services() -> None:
    """Numbers are data; where a document tells them, it tells them right."""
    configuration = load(ROOT / "adapters_config", development=True)
    agency_count, service_count = len(configuration.agencies), len(configuration.catalogue.services)
    assert f"{agency_count} agencies and {service_count} services" in text_of("README.md")
    assert f"{service_count} services of {agency_count} agencies" in text_of("CHANGELOG.md")


def test_how_many_behaviours() -> None:
    """Of the conformance kit."""
    for document in ("README.md", "CHANGELOG.md"):
        assert set(re.findall(r"([0-9]+) behaviours", text_of(document))) == {str(len(BEHAVIOURS))}
