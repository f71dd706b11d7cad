"""The files beside the agencies', read and checked: attributes, lists, calendars, policy, risk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from hub.config.calendars import working_calendars
from hub.config.models import (
    AttributesFile,
    CalendarsFile,
    ExemptionsFile,
    FileModel,
    ListsFile,
    PolicyFile,
    RetentionFile,
    RiskFile,
    WatchFile,
)
from hub.config.policy import check_policy
from hub.config.risk import risk_rules
from hub.config.schema_faults import FileReport, validated
from hub.config.services import CheckedAgency
from hub.config.sources import SHARED
from hub.config.vocabulary import Conditions, attributes, code_lists, exemptions
from hub.config.yaml import Document
from hub.domain.catalogue import Attribute, ExemptionCode
from hub.domain.deadlines import WorkingCalendar
from hub.domain.risk import RiskRules
from hub.expressions.compiling import nearest

_M = TypeVar("_M", bound=FileModel)


@dataclass(frozen=True)
class Shared:
    """What the agencies' files are read by."""

    known: Mapping[str, Attribute]
    lists: Mapping[str, tuple[str, ...]]
    calendars: Mapping[str, WorkingCalendar]
    policy: PolicyFile | None
    """None when its file cannot be read at all, as `calendars_file` and `exemptions_file`."""
    calendars_file: CalendarsFile | None
    exemptions_file: ExemptionsFile | None
    conditions: Conditions
    risk: RiskRules | None
    """None where there is no such file, or it cannot be read at all."""
    watch: WatchFile | None
    """None where there is no such file, or it cannot be read at all."""
    retention: RetentionFile | None
    """As `watch`."""
    reports: Mapping[str, FileReport]
    """By the names of the files."""


def read_shared(documents: Mapping[str, Document]) -> Shared:
    """The files beside the agencies', by name; what is wrong with them stands in their reports."""
    reports = {name: FileReport(name, documents[name]) for name in SHARED}

    def file(name: str, model: type[_M]) -> _M | None:
        return validated(model, documents[name], reports[name])

    attributes_file = file("attributes.yaml", AttributesFile)
    lists_file = file("lists.yaml", ListsFile)
    calendars_file = file("calendar.yaml", CalendarsFile)
    policy = file("policy.yaml", PolicyFile)
    known = attributes(attributes_file, reports["attributes.yaml"]) if attributes_file else {}
    lists = code_lists(lists_file) if lists_file else {}
    calendars = working_calendars(calendars_file, reports["calendar.yaml"]) if calendars_file else {}
    if policy:
        check_policy(policy, reports["policy.yaml"])
    unsure = None
    if attributes_file is not None and lists_file is not None:
        unsure = _unsure(reports["attributes.yaml"], reports["lists.yaml"])
    conditions = Conditions(known, lists, unsure=unsure)
    risk = file("risk.yaml", RiskFile)
    return Shared(
        known=known,
        lists=lists,
        calendars=calendars,
        policy=policy,
        calendars_file=calendars_file,
        exemptions_file=file("exemptions.yaml", ExemptionsFile),
        conditions=conditions,
        risk=risk_rules(risk, known, conditions, reports["risk.yaml"]) if risk else None,
        watch=file("watch.yaml", WatchFile),
        retention=file("retention.yaml", RetentionFile),
        reports=reports,
    )


def check_calendars(agencies: Iterable[CheckedAgency], file: CalendarsFile) -> None:
    """Each agency's calendar must be there; `default` is missed in the file of calendars itself."""
    for agency in agencies:
        name = agency.file.calendar
        if name not in file.calendars and name != "default":
            like = nearest(name, file.calendars)
            cure = f"did you mean {like!r}?" if like else f"there are {', '.join(file.calendars)}"
            agency.report.add(("calendar",), f"there is no calendar {name!r} in calendar.yaml", cure)


def exemption_codes(
    file: ExemptionsFile, agencies: Iterable[CheckedAgency], report: FileReport, *, complete: bool
) -> Mapping[str, ExemptionCode]:
    """The reasons a declarant may claim; not `complete`: some services could not be read."""
    law_codes = frozenset(service.law_code for agency in agencies for service in agency.services)
    return exemptions(file, law_codes if complete else None, report)


def _unsure(attributes_report: FileReport, lists_report: FileReport) -> frozenset[str]:
    """How facts begin whose own files are at fault about them."""
    return frozenset(
        f"{prefix}.{name}"
        for prefix, top, report in (
            ("item", "attributes", attributes_report),
            ("list", "lists", lists_report),
        )
        for name in report.names_at_fault(top)
    )
