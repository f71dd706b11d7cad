"""
From the files of the configuration folder to what the hub works by, or to everything wrong with them.

    agencies/<agency>.yaml   who, when, how
    attributes.yaml, lists.yaml, exemptions.yaml, calendar.yaml, policy.yaml
    contracts/               WSDLs and OpenAPI documents
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from hub.config.advice import advise
from hub.config.calendars import working_calendars
from hub.config.channels import check_channel
from hub.config.faults import ConfigurationFaults, Fault, Key
from hub.config.models import (
    AgencyFile,
    AttributesFile,
    CalendarsFile,
    ExemptionsFile,
    FileModel,
    ListsFile,
    PolicyFile,
)
from hub.config.schema_faults import FileReport, validated
from hub.config.security import Surroundings
from hub.config.services import CheckedAgency, check_together, services
from hub.config.terms import check_term
from hub.config.vocabulary import Conditions, attributes, code_lists, exemptions
from hub.config.yaml import Document, YamlFault, read
from hub.domain.case import CasePolicy
from hub.domain.catalogue import Attribute, Catalogue, ExemptionCode
from hub.domain.deadlines import WorkingCalendar
from hub.domain.intake import Rulebook
from hub.expressions.compiling import nearest

__all__ = ["AgencyFault", "ChannelCheck", "Configuration", "ConfigurationFaults", "Fault", "load"]

_M = TypeVar("_M", bound=FileModel)
_VERSION_LENGTH = 12


class AgencyFault(Protocol):
    """One thing wrong with an agency's file, found by a check from outside."""

    @property
    def agency(self) -> str: ...

    @property
    def key(self) -> Key: ...

    @property
    def what(self) -> str: ...

    @property
    def cure(self) -> str: ...

    @property
    def warning(self) -> bool:
        """It is legal and unwise, and stops nobody."""


ChannelCheck = Callable[[Mapping[str, AgencyFile]], Iterable[AgencyFault]]
"""A further check of the agencies' files, by the names of the files; it knows what this package may not."""


@dataclass(frozen=True)
class Configuration:
    """
    A configuration folder, read and found free of faults.

    Versions are the first twelve hexadecimal digits of a SHA-256.
    """

    folder: Path
    catalogue: Catalogue
    agencies: Mapping[str, AgencyFile]
    """By slug, in its order."""
    versions: Mapping[str, str]
    """Version of each agency's file."""
    calendars: Mapping[str, WorkingCalendar]
    """By agency."""
    policy: PolicyFile
    version: str
    """Of all files together, contracts included."""
    policy_version: str
    zone: ZoneInfo
    """Of the `default` calendar: the administration's."""
    warnings: tuple[Fault, ...] = ()
    """What is legal and unwise in the agencies' files, in the order of the files."""

    def rulebook(self) -> Rulebook:
        """What accepting a declaration reads."""
        return Rulebook(
            catalogue=self.catalogue,
            calendars=self.calendars,
            versions=self.versions,
            policy=CasePolicy(version=self.policy_version, refusal_open_for=self.policy.refusal_open_for),
            country=self.policy.country,
            zone=self.zone,
        )


def load(
    folder: Path,
    *,
    development: bool,
    environment: Mapping[str, str] | None = None,
    check: ChannelCheck | None = None,
    only: str | None = None,
) -> Configuration:
    """
    Read and check a configuration folder. Raises ConfigurationFaults with every fault of every file.

    Settings that are insecure are faults unless in `development`. Whether the variables named by `env:` are
    set is checked where `environment` is given, and not in development. `check` is put to every agency's file
    that could be read, also to those in which other faults were found, so that all are told at once.

    `only` names one agency: no other agency's file is read then, and what needs them all is not checked.
    """
    if not folder.is_dir():
        raise ConfigurationFaults(
            [Fault(".", 1, "", f"there is no folder {folder.name!r}", "name the configuration folder")]
        )
    return _Loading(folder, Surroundings(development, environment), check, only).run()


class _Loading:
    """One pass over a folder, gathering faults on its way."""

    def __init__(
        self, folder: Path, around: Surroundings, check: ChannelCheck | None, only: str | None
    ) -> None:
        self._folder = folder
        self._only = only
        self._around = around
        self._check = check
        self._reports: list[FileReport] = []
        self._hashes: dict[str, str] = {}

    def run(self) -> Configuration:
        attributes_file, attributes_report = self._file("attributes.yaml", AttributesFile)
        lists_file, lists_report = self._file("lists.yaml", ListsFile)
        calendars_file, calendars_report = self._file("calendar.yaml", CalendarsFile)
        policy, policy_report = self._file("policy.yaml", PolicyFile)
        exemptions_file, exemptions_report = self._file("exemptions.yaml", ExemptionsFile)

        known = attributes(attributes_file, attributes_report) if attributes_file else {}
        lists = code_lists(lists_file) if lists_file else {}
        calendars = working_calendars(calendars_file, calendars_report) if calendars_file else {}
        if policy:
            check_term(policy.refusal_open_for, ("refusal_open_for",), policy_report, may_be_zero=True)
        conditions = Conditions(
            known,
            lists,
            unsure=_unsure(attributes_file, attributes_report, lists_file, lists_report),
        )

        # Not complete: what seems to be missing elsewhere may be what could not be read.
        agencies, complete = self._agencies(conditions)
        if calendars_file:
            _check_calendars(agencies, calendars_file)
        check_together(agencies, complete=complete)
        self._check_from_outside(agencies)
        reasons = {}
        if exemptions_file:
            law_codes = frozenset(s.law_code for agency in agencies for s in agency.services)
            reasons = exemptions(exemptions_file, law_codes if complete else None, exemptions_report)

        faults = [fault for report in self._reports for fault in report.faults]
        if faults or policy is None:
            raise ConfigurationFaults(faults, self._warnings())
        return self._configuration(known, lists, reasons, calendars, policy, agencies)

    def _warnings(self) -> list[Fault]:
        return [warning for report in self._reports for warning in report.warnings]

    def _agencies(self, conditions: Conditions) -> tuple[list[CheckedAgency], bool]:
        agencies = []
        complete = self._only is None
        paths = self._agency_paths()
        for path in paths:
            name = f"agencies/{path.name}"
            document = self._document(name)
            report = self._report(name, document)
            file = validated(AgencyFile, document, report)
            if file is None:
                complete = False
                continue
            if file.agency != path.stem:
                report.add(
                    ("agency",),
                    f"the file is called {path.name}, the agency {file.agency!r}",
                    f"write agency: {path.stem}, or rename the file",
                )
            complete = complete and report.is_whole(("services",))
            check_channel(file, self._folder, self._around, report)
            advise(file, report)
            agencies.append(CheckedAgency(file, report, services(file, conditions, report)))
        return agencies, complete

    def _check_from_outside(self, agencies: Iterable[CheckedAgency]) -> None:
        if self._check is None:
            return
        # By the name of the file: two files may claim to be the same agency.
        checked = {Path(agency.report.file).stem: agency for agency in agencies}
        for fault in self._check({name: agency.file for name, agency in checked.items()}):
            report = checked[fault.agency].report
            tell = report.warn if fault.warning else report.add_unless_told
            tell(fault.key, fault.what, fault.cure)

    def _agency_paths(self) -> list[Path]:
        folder = self._folder / "agencies"
        if self._only is not None:
            return [folder / f"{self._only}.yaml"]
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
        for path in entries:
            if path.suffix.lower() in (".yml", ".yaml") and path.suffix != ".yaml":
                self._misplaced(
                    f"agencies/{path.name}", "only .yaml files are read", f"rename it to {path.stem}.yaml"
                )
        paths = [path for path in entries if path.suffix == ".yaml" and not path.name.startswith(".")]
        if not paths:
            self._misplaced("agencies", "there is no agency", "add agencies/<agency>.yaml")
        return paths

    def _file(self, name: str, model: type[_M]) -> tuple[_M | None, FileReport]:
        document = self._document(name)
        report = self._report(name, document)
        return validated(model, document, report), report

    def _document(self, name: str) -> Document:
        try:
            content = (self._folder / name).read_bytes()
        except FileNotFoundError:
            return _unread("the file is missing", "add it")
        except OSError as wrong:
            return _unread(f"the file cannot be read: {wrong.strerror}", "see that it is a file one may read")
        self._hashes[name] = hashlib.sha256(content).hexdigest()
        return read(content)

    def _report(self, name: str, document: Document) -> FileReport:
        report = FileReport(name, document)
        self._reports.append(report)
        return report

    def _misplaced(self, name: str, what: str, cure: str) -> None:
        self._report(name, _unread(what, cure))

    def _version(self, name: str) -> str:
        return self._hashes[name][:_VERSION_LENGTH]

    def _configuration(
        self,
        known: Mapping[str, Attribute],
        lists: Mapping[str, tuple[str, ...]],
        reasons: Mapping[str, ExemptionCode],
        calendars: Mapping[str, WorkingCalendar],
        policy: PolicyFile,
        checked: Iterable[CheckedAgency],
    ) -> Configuration:
        files = {agency.file.agency: agency.file for agency in checked}
        for contract in {file.channel.contract for file in files.values()}:
            content = (self._folder / contract).read_bytes()
            self._hashes[contract] = hashlib.sha256(content).hexdigest()
        listing = "\n".join(f"{name} {digest}" for name, digest in sorted(self._hashes.items()))
        version = hashlib.sha256(listing.encode()).hexdigest()[:_VERSION_LENGTH]
        return Configuration(
            folder=self._folder,
            catalogue=Catalogue(
                services=tuple(service for agency in checked for service in agency.services),
                attributes=known,
                exemptions=reasons,
                lists=lists,
                version=version,
                agencies={slug: file.name for slug, file in files.items()},
                hs_digits=policy.hs_digits,
            ),
            agencies=files,
            versions={slug: self._version(f"agencies/{slug}.yaml") for slug in files},
            calendars={slug: calendars[file.calendar] for slug, file in files.items()},
            policy=policy,
            version=version,
            policy_version=self._version("policy.yaml"),
            zone=calendars["default"].zone,
            warnings=tuple(sorted(self._warnings(), key=lambda warning: (warning.file, warning.line))),
        )


def _unread(what: str, cure: str) -> Document:
    return Document(faults=[YamlFault(1, (), what, cure)])


def _unsure(
    attributes_file: AttributesFile | None,
    attributes_report: FileReport,
    lists_file: ListsFile | None,
    lists_report: FileReport,
) -> frozenset[str] | None:
    """How facts begin whose own files are at fault about them; None when a file could not be read at all."""
    if attributes_file is None or lists_file is None:
        return None
    return frozenset(
        f"{prefix}.{name}"
        for prefix, top, report in (
            ("item", "attributes", attributes_report),
            ("list", "lists", lists_report),
        )
        for name in report.names_at_fault(top)
    )


def _check_calendars(agencies: Iterable[CheckedAgency], file: CalendarsFile) -> None:
    for agency in agencies:
        name = agency.file.calendar
        if name not in file.calendars and name != "default":
            like = nearest(name, file.calendars)
            cure = f"did you mean {like!r}?" if like else f"there are {', '.join(file.calendars)}"
            agency.report.add(("calendar",), f"there is no calendar {name!r} in calendar.yaml", cure)
