"""
A configuration folder, read and checked at once.

    agencies/<agency>.yaml   who, when, how
    attributes.yaml, lists.yaml, exemptions.yaml, calendar.yaml, policy.yaml, risk.yaml, watch.yaml,
    retention.yaml
    contracts/               WSDLs and OpenAPI documents
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from hub.config.checking import AgencyFault, Checker, FileCheck
from hub.config.configuration import Configuration
from hub.config.faults import ConfigurationFaults, Fault
from hub.config.folder import Folder
from hub.config.models import AgencyFile
from hub.config.sources import Sources

__all__ = ["AgencyFault", "ChannelCheck", "Configuration", "ConfigurationFaults", "Fault", "load"]

ChannelCheck = Callable[[Mapping[str, AgencyFile]], Iterable[AgencyFault]]
"""
A further check of agencies' files, by the names of the files; it knows what this package may not.

It is put to one file after the other.
"""


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
    by_file: FileCheck | None = None
    if check is not None:
        put = check

        def by_file(name: str, file: AgencyFile, *_: object) -> Iterable[AgencyFault]:
            return put({name: file})

    checker = Checker(folder, development=development, environment=lambda _: environment, check=by_file)
    sources = read_folder(Folder(folder, checker.documents.plain), only)
    reading = checker.check(sources, alone=only is not None)
    if reading.faults:
        raise ConfigurationFaults(reading.faults, reading.warnings)
    return reading.configuration()


def read_folder(folder: Folder, only: str | None = None) -> Sources:
    """The files of a folder. Raises ConfigurationFaults when there is no folder."""
    try:
        return folder.read(only)
    except OSError as wrong:
        raise no_folder(folder) from wrong


def no_folder(folder: Folder) -> ConfigurationFaults:
    """The fault of a folder that is not there."""
    what = f"there is no folder {folder.path.name!r}"
    return ConfigurationFaults([Fault(".", 1, "", what, "name the configuration folder")])
