"""An agency's file of an earlier version, read again."""

from __future__ import annotations

from collections.abc import Mapping

from hub.config.models import AgencyFile
from hub.config.schema_faults import FileReport, validated
from hub.config.sources import agency_file
from hub.config.yaml import read


class VersionUnreadable(Exception):
    """A version that this hub cannot read any more; the message says why."""


def archived_file(
    agency: str, version: str, files: Mapping[str, bytes]
) -> tuple[AgencyFile, dict[str, bytes]]:
    """The agency's file, and the files that it names. Raises VersionUnreadable."""
    name = agency_file(agency)
    if name not in files:
        raise VersionUnreadable(f"version {version} of {agency} has no file")
    document = read(files[name])
    report = FileReport(name, document)
    file = validated(AgencyFile, document, report)
    if file is None or report.faults:
        fault = report.faults[0]
        where = f"line {fault.line}, {fault.key}"
        raise VersionUnreadable(
            f"version {version} of {agency} cannot be read any more: {where}: {fault.what}"
        )
    return file, {other: content for other, content in files.items() if other != name}
