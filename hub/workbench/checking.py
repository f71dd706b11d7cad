"""Everything wrong or unwise about one agency: its file, its contract, and what stands beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hub.adapters.check import ChannelFault, check_channels
from hub.config.certificates import expiring
from hub.config.faults import ConfigurationFaults, Fault
from hub.config.loader import Configuration, load
from hub.config.models import AgencyFile
from hub.config.schema_faults import FileReport
from hub.config.yaml import read
from hub.workbench.finding import find
from hub.workbench.golden.case import paths


@dataclass(frozen=True)
class Findings:
    """What a check found."""

    faults: tuple[Fault, ...]
    """Of the agency's own file and contract, and of the files that all agencies share."""
    warnings: tuple[Fault, ...]
    elsewhere: int
    """Faults in other agencies' files."""


def check_agency(
    folder: Path, agency: str, environment: Mapping[str, str], *, development: bool, now: datetime
) -> Findings:
    """
    Check one agency beside all others, for a service's code may be taken. Raises Unready when the folder has
    no such agency.
    """
    path = find(folder, agency)
    name = f"agencies/{path.name}"
    elsewhere = 0
    try:
        configuration = _load(folder, agency, environment, development, only=None)
    except ConfigurationFaults as found:
        own = tuple(f for f in found.faults if f.file == name or not f.file.startswith("agencies/"))
        elsewhere = len(found.faults) - len(own)
        if own:
            return Findings(own, _of(name, found.warnings), elsewhere)
        configuration = _load(folder, agency, environment, development, only=agency)
    warnings = [*_of(name, configuration.warnings), *_beside(configuration, agency, name, environment, now)]
    return Findings((), tuple(sorted(warnings, key=lambda w: w.line)), elsewhere)


def _load(
    folder: Path, agency: str, environment: Mapping[str, str], development: bool, *, only: str | None
) -> Configuration:
    def check(agencies: Mapping[str, AgencyFile]) -> list[ChannelFault]:
        # Other agencies' contracts take time to read, and are nothing to this one.
        own = {name: file for name, file in agencies.items() if name == agency}
        return check_channels(own, folder, environment)

    return load(folder, development=development, environment=environment, check=check, only=only)


def _of(name: str, warnings: tuple[Fault, ...]) -> tuple[Fault, ...]:
    return tuple(warning for warning in warnings if warning.file == name)


def _beside(
    configuration: Configuration, agency: str, name: str, environment: Mapping[str, str], now: datetime
) -> Iterator[Fault]:
    """What depends on the day, and on the files beside the agency's own."""
    today = now.astimezone(configuration.zone).date()
    report = FileReport(name, read((configuration.folder / name).read_bytes()))
    file = configuration.agencies[agency]
    for code, service in file.services.items():
        end = service.valid.end
        if end is not None and end < today:
            report.warn(
                ("services", code, "valid"),
                f"it was in force until {end}: nobody is asked about it any more",
                "remove the service when no referral of it is open, or correct the day",
            )
    for certificate in expiring(file, environment, now, configuration.folder):
        ends = "has expired" if certificate.days < 0 else f"expires in {certificate.days} days"
        report.warn(
            certificate.key,
            f"the certificate of {certificate.subject} {ends}, on {certificate.ends:%Y-%m-%d}",
            "renew it in time: put the new one beside the old one, if the agency can take both",
        )
    if not paths(configuration.folder, agency):
        report.warn(
            ("agency",),
            "it has no golden file: nothing shows that its answers are read as they are meant",
            f"`hub agency record {agency} --declaration FILE --as CASE` writes one out of a real exchange",
        )
    yield from report.warnings
