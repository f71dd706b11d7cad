"""risk.yaml, checked and turned into the rules of the risk channel."""

from __future__ import annotations

from collections.abc import Mapping

from hub.config.models import RiskFile
from hub.config.schema_faults import FileReport
from hub.config.vocabulary import Conditions, check_text
from hub.domain.catalogue import Attribute
from hub.domain.risk import Channel, RiskRule, RiskRules


def risk_rules(
    file: RiskFile, attributes: Mapping[str, Attribute], conditions: Conditions, report: FileReport
) -> RiskRules:
    """The rules of a file; what is wrong with them goes to the report, and rules at fault are left out."""
    if file.red_from < file.yellow_from:
        report.add(
            ("red_from",),
            f"goods are inspected from {file.red_from}, documents looked at from {file.yellow_from}",
            "write a score for red that is not less than that for yellow",
        )
    rules = []
    first: dict[str, int] = {}
    for place, rule in enumerate(file.rules):
        key = ("rules", place)
        check_text(rule.title, (*key, "title"), report)
        earlier = first.setdefault(rule.name, place)
        if earlier != place:
            line = report.line_of(("rules", earlier))
            report.add(
                (*key, "name"),
                f"the rule in line {line} has this name already",
                "give each a name of its own: it is kept with the declarations",
            )
        if rule.weight == 0:
            report.add((*key, "weight"), "it weighs nothing", "write what it adds, or remove the rule")
        when = conditions.compile(rule.when, (*key, "when"), report)
        if when is not None:
            rules.append(RiskRule(name=rule.name, when=when, weight=rule.weight, title=rule.title))
    return RiskRules(
        rules=tuple(rules),
        attributes=attributes,
        yellow_from=file.yellow_from,
        red_from=file.red_from,
        share=file.random.share if file.random else 0.0,
        drawn_channel=Channel(file.random.channel) if file.random else Channel.YELLOW,
    )
