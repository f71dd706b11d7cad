"""The configuration folder: read, checked against the contracts, followed, put in force."""

from __future__ import annotations

from collections.abc import Mapping

from hub import process
from hub.adapters.archive import Archive, Edition
from hub.adapters.channel import Contracts
from hub.adapters.check import ChannelFault, check_channels
from hub.adapters.gateway import Gateway
from hub.adapters.shelf import Shelf
from hub.clock import utc_now
from hub.config.checking import Checker, Environment
from hub.config.folder import Folder
from hub.config.live import LiveConfiguration
from hub.config.loader import Configuration, load
from hub.config.models import AgencyFile
from hub.config.sources import agency_file
from hub.ports import VersionArchive, VersionStore
from hub.settings import EngineSettings, Settings
from hub.simulator.environment import environment as simulated_environment
from hub.variables import Variables


def put_in_force(
    configuration: Configuration, gateway: Gateway, versions: VersionArchive, shelf: Shelf
) -> None:
    """Have a gateway speak to the agencies as a configuration says, and as earlier versions said."""
    support = {slug: configuration.sources[agency_file(slug)].support for slug in configuration.agencies}
    gateway.change(
        {
            slug: Edition(
                file,
                configuration.versions[slug],
                shelf.contracts(support[slug]),
                configuration.calendars[slug].zone,
                support[slug],
            )
            for slug, file in configuration.agencies.items()
        },
        configuration.environment or {},
        Archive(versions, shelf, configuration.zones),
    )


def environment_of(settings: Settings) -> dict[str, str]:
    """What `env:` names of the configuration mean; in development also by the simulator's values."""
    return dict(environment_for(settings)(load(settings.config_folder, development=True).agencies) or {})


def environment_for(settings: EngineSettings) -> Environment:
    """The same, for whichever agencies there are."""
    variables = Variables(settings.secrets_folder)

    def environment(agencies: Mapping[str, AgencyFile]) -> Mapping[str, str]:
        if not settings.simulator_url:
            return variables.read()
        seed = settings.simulator_seed.get_secret_value()
        return {**simulated_environment(agencies, settings.simulator_url, seed), **variables.read()}

    return environment


def load_configuration(settings: Settings, environment: Mapping[str, str]) -> Configuration:
    """
    The configuration folder, checked whole: the files, and each channel against its contract.

    Raises ConfigurationFaults with every fault of every file.
    """
    folder = settings.config_folder
    contracts = Contracts(folder)
    return load(
        folder,
        development=settings.development,
        environment=environment,
        check=lambda agencies: check_channels(agencies, folder, environment, contracts),
    )


def live_configuration(
    settings: EngineSettings, versions: VersionStore, shelf: Shelf, role: str, *, only: str | None = None
) -> LiveConfiguration:
    """
    The configuration folder, checked in the same way, and followed; for an agency's own worker, `only` that
    agency's file. Raises ConfigurationFaults.

    `role` tells the processes of this machine apart where they write down what they did.
    """

    def check(
        name: str, file: AgencyFile, support: Mapping[str, bytes], environment: Mapping[str, str]
    ) -> list[ChannelFault]:
        contracts = shelf.contracts(support)
        return check_channels({name: file}, contracts.folder, environment, contracts)

    checker = Checker(
        settings.config_folder,
        development=settings.development,
        environment=environment_for(settings),
        check=check,
        folder_of=lambda source: shelf.folder(source.support),
        is_agencys=only is not None,
    )
    folder = Folder(settings.config_folder, checker.documents.plain, only)
    secrets = Variables(settings.secrets_folder)
    live = LiveConfiguration(
        folder, checker, versions, utc_now, process.name(role), alone=only is not None, beside=secrets.state
    )
    live.start()
    return live
