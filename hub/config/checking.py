"""
Checks the files of a configuration folder, all of them, as often as they change.

A checker remembers what it has found out about each content of a file, so that checking again costs what has
changed and no more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Protocol

from hub.config.advice import advise
from hub.config.certificates import stamps
from hub.config.channels import check_channel
from hub.config.faults import Key
from hub.config.memory import Documents, Memory
from hub.config.models import AgencyFile
from hub.config.reading import Reading
from hub.config.retention import check_retention
from hub.config.schema_faults import FileReport, validated
from hub.config.security import Surroundings
from hub.config.services import CheckedAgency, check_together, services
from hub.config.shared import Shared, check_calendars, exemption_codes, read_shared
from hub.config.sources import AGENCIES, MISSING, OPTIONAL, SHARED, Source, Sources, Unread
from hub.config.watch import check_watch
from hub.config.yaml import Document
from hub.domain.catalogue import ExemptionCode

_VARIABLE = re.compile(rb"env:([A-Z_][A-Z0-9_]*)")


class AgencyFault(Protocol):
    """One thing wrong with an agency's file, found by a check from outside."""

    @property
    def key(self) -> Key: ...

    @property
    def what(self) -> str: ...

    @property
    def cure(self) -> str: ...

    @property
    def warning(self) -> bool:
        """It is legal and unwise, and stops nobody."""


Environment = Callable[[Mapping[str, AgencyFile]], Mapping[str, str] | None]
"""What `env:` names mean, for these agencies; None while nobody knows."""
FileCheck = Callable[[str, AgencyFile, Mapping[str, bytes], Mapping[str, str]], Iterable[AgencyFault]]
"""
A further check of one agency's file; it knows what this package may not.

It is given the name of the agency's file, the file, the files that it names, and what `env:` names mean.
"""


@dataclass(frozen=True)
class _Own:
    """An agency's file, and everything that it shows by itself. Never added to."""

    file: AgencyFile
    report: FileReport
    outside: tuple[AgencyFault, ...]


class Checker:
    """Checks the files of a folder. For one thread at a time."""

    def __init__(
        self,
        folder: Path,
        *,
        development: bool,
        environment: Environment,
        check: FileCheck | None = None,
        folder_of: Callable[[Source], Path] | None = None,
        is_agencys: bool = False,
    ) -> None:
        """
        What is insecure is a fault outside `development`, and so is a variable that is not set.

        `folder_of` gives a folder in which what an agency's file names stands as it was read; without it, it
        is taken to stand in `folder`. `is_agencys`: this is an agency's own worker, and not the hub.
        """
        self.documents = Documents()
        self._folder = folder
        self._development = development
        self._is_agencys = is_agencys
        self._environment = environment
        self._check = check
        self._folder_of = folder_of or (lambda _: folder)
        self._shared: Memory[Shared] = Memory()
        self._models: Memory[tuple[AgencyFile | None, FileReport]] = Memory()
        self._own: Memory[_Own] = Memory()
        self._with_services: Memory[CheckedAgency] = Memory()

    def check(self, sources: Sources, *, alone: bool = False) -> Reading:
        """
        Everything wrong with these files. Raises nothing: faults stand in the reading.

        `alone`: these are not all of the agencies, and what needs them all is not checked.
        """
        names = [name for name in sorted(sources) if name not in SHARED]
        models = {name: self._model(name, sources[name]) for name in names}
        environment = self._environment({file.agency: file for file, _ in models.values() if file})
        shared = self._read_shared(sources)
        if shared.watch is not None and not self._is_agencys:
            around = Surroundings(self._development, environment)
            check_watch(shared.watch, around, shared.reports["watch.yaml"])
        if shared.retention is not None:
            report = shared.reports["retention.yaml"]
            check_retention(shared.retention, report, development=self._development)
        reports = list(shared.reports.values())
        if not names:
            reports.append(self._no_agency())
        found: list[tuple[CheckedAgency, _Own]] = []
        # Not complete: what seems to be missing elsewhere may be what could not be read.
        complete = not alone
        for name in names:
            file, report = models[name]
            if file is None:
                complete = False
            else:
                checked, own = self._agency(name, sources, environment, shared)
                report = checked.report
                complete = complete and report.is_whole(("services",))
                found.append((checked, own))
            reports.append(report)
        agencies = [checked for checked, _ in found]
        reasons = _check_across(agencies, shared, complete=complete)
        for checked, own in found:
            for fault in own.outside:
                tell = checked.report.warn if fault.warning else checked.report.add_unless_told
                tell(fault.key, fault.what, fault.cure)
        return Reading(self._folder, sources, shared, agencies, reasons, environment, reports)

    def _read_shared(self, sources: Sources) -> Shared:
        """The files beside the agencies', with reports that may be added to."""
        key = tuple(_identity(name, sources[name]) for name in SHARED)
        known = self._shared.recall(
            key, lambda: read_shared({name: self._shared_document(name, sources[name]) for name in SHARED})
        )
        return replace(known, reports={name: report.copied() for name, report in known.reports.items()})

    def _shared_document(self, name: str, source: Source) -> Document:
        is_left_out = name in OPTIONAL and source.content == MISSING
        return Document() if is_left_out else self.documents.read(source)

    def _model(self, name: str, source: Source) -> tuple[AgencyFile | None, FileReport]:
        """An agency's file, None when nothing of it can be read, and the report as far as that."""

        def find_out() -> tuple[AgencyFile | None, FileReport]:
            document = self.documents.read(source)
            report = FileReport(name, document)
            return validated(AgencyFile, document, report), report

        return self._models.recall(_identity(name, source), find_out)

    def _agency(
        self, name: str, sources: Sources, environment: Mapping[str, str] | None, shared: Shared
    ) -> tuple[CheckedAgency, _Own]:
        """A file with its services, and a report that may be added to."""
        source = sources[name]
        file, _ = self._model(name, source)
        renewed = () if file is None else stamps(file, environment)
        key = (_identity(name, source), source.support_digest, _values(source, environment), renewed)
        own = self._own.recall(key, partial(self._by_itself, name, source, environment))
        vocabulary = tuple(_identity(each, sources[each]) for each in ("attributes.yaml", "lists.yaml"))

        def with_services() -> CheckedAgency:
            report = own.report.copied()
            return CheckedAgency(own.file, report, services(own.file, shared.conditions, report))

        known = self._with_services.recall((key, vocabulary), with_services)
        return replace(known, report=known.report.copied()), own

    def _by_itself(self, name: str, source: Source, environment: Mapping[str, str] | None) -> _Own:
        file, first = self._model(name, source)
        assert file is not None
        report = first.copied()
        stem = PurePosixPath(name).stem
        if file.agency != stem:
            report.add(
                ("agency",),
                f"the file is called {stem}.yaml, the agency {file.agency!r}",
                f"write agency: {stem}, or rename the file",
            )
        folder = self._folder_of(source)
        around = Surroundings(self._development, environment, self._is_agencys)
        check_channel(file, folder, around, report)
        advise(file, report)
        outside: tuple[AgencyFault, ...] = ()
        if self._check is not None:
            outside = tuple(self._check(stem, file, source.support, environment or {}))
        return _Own(file, report, outside)

    def _no_agency(self) -> FileReport:
        nothing = Source(Unread("there is no agency", "add agencies/<agency>.yaml"))
        return FileReport(AGENCIES.rstrip("/"), self.documents.read(nothing))


def _check_across(
    agencies: Sequence[CheckedAgency], shared: Shared, *, complete: bool
) -> Mapping[str, ExemptionCode]:
    """What no file shows by itself; faults go to the reports. The reasons a declarant may claim."""
    if shared.calendars_file:
        check_calendars(agencies, shared.calendars_file)
    check_together(agencies, complete=complete)
    if not shared.exemptions_file:
        return {}
    report = shared.reports["exemptions.yaml"]
    return exemption_codes(shared.exemptions_file, agencies, report, complete=complete)


def _identity(name: str, source: Source) -> Hashable:
    return (name, source.content if isinstance(source.content, Unread) else source.digest)


def _values(source: Source, environment: Mapping[str, str] | None) -> Hashable:
    """What the variables mean that the file names, whatever else the environment holds."""
    if environment is None or not isinstance(source.content, bytes):
        return None
    named = sorted({match.decode() for match in _VARIABLE.findall(source.content)})
    return tuple((name, environment.get(name)) for name in named)
