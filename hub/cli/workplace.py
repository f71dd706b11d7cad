"""What the commands of the workbench share: the folder, the variables, and where they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hub.settings import Settings
from hub.simulator.environment import environment as simulated_environment
from hub.workbench.bench import Bench, open_bench
from hub.workbench.unready import Unready
from hub.workbench.variables import read_env_file

Name = Annotated[str, typer.Argument(metavar="NAME", help="the agency, as its file is called")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="the configuration folder; else HUB_CONFIG_FOLDER, else adapters_config"),
]
EnvFile = Annotated[
    Path | None,
    typer.Option("--env-file", help="NAME=value lines: variables that the agency's file names"),
]
Simulator = Annotated[
    str | None,
    typer.Option(
        "--simulator",
        metavar="URL",
        help="a running `hub simulate`, as http://127.0.0.1:8090: it plays the agency wherever a variable "
        "is not set",
    ),
]


class Workplace:
    """A configuration folder, the variables of this process and of a file, and whether this is production."""

    def __init__(
        self, config: Path | None = None, env_file: Path | None = None, simulator: str | None = None
    ) -> None:
        """Raises Unready when the file of variables cannot be read."""
        read = {} if env_file is None else read_env_file(env_file)
        self.environment: Mapping[str, str] = {**os.environ, **read}
        # Nothing of the hub itself is run here, so its own settings need not be secure.
        self.settings = Settings(environment="development")
        self.folder = config or self.settings.config_folder
        self.production = self.environment.get("HUB_ENVIRONMENT", "production") != "development"
        self._simulator = simulator or (None if self.production else self.settings.simulator_url)

    def insist_on_test_system(self, *, yes: bool) -> None:
        """Raises Unready in production, unless somebody has said `yes`."""
        if self.production and not yes:
            raise Unready(
                "this is production: a real agency would be sent what nobody has lodged",
                "on a machine of your own set HUB_ENVIRONMENT=development, and the address of the agency's "
                "test system; else say --yes",
            )

    def bench(self, agency: str, *, development: bool = True) -> Bench:
        """One agency, ready to be spoken to. Raises Unready, ConfigurationFaults."""
        bench = open_bench(self.folder, agency, self.environment, development=development)
        if self._simulator is None:
            return bench
        seed = self.settings.simulator_seed.get_secret_value()
        played = simulated_environment({agency: bench.file}, self._simulator, seed)
        return replace(bench, environment={**played, **bench.environment})
