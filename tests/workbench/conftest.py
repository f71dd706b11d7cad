"""A configuration folder to work in, and the command line as an agency's engineer uses it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app
from hub.config.faults import ConfigurationFaults
from hub.workbench.unready import Unready

REAL = Path(__file__).parents[2] / "adapters_config"
CHERRIES = Path(__file__).parents[2] / "hub" / "demo" / "cherries.json"


@dataclass(frozen=True)
class Ended:
    """What a command came to."""

    status: int
    said: str
    """What it printed, errors included."""


Hub = Callable[..., Ended]


class WorkFolder:
    """A copy of the real folder, to be changed."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def spoil(self, name: str, old: str, new: str) -> None:
        """Replace one text, which must be there."""
        file = self.path / name
        text = file.read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {name}"
        file.write_text(text.replace(old, new, 1), encoding="utf-8")

    def text(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> WorkFolder:
    path = tmp_path / "config"
    shutil.copytree(REAL, path)
    return WorkFolder(path)


@pytest.fixture
def hub(folder: WorkFolder, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Runs `hub agency ...` on the folder, in development; `env` sets variables beside."""
    for name in [name for name in os.environ if name.startswith("HUB_")]:
        monkeypatch.delenv(name)

    def run(*words: str, **env: str) -> Ended:
        variables = {"HUB_ENVIRONMENT": "development", "HUB_CONFIG_FOLDER": str(folder.path), **env}
        ended = CliRunner().invoke(app, ["agency", *words], env=variables)
        if isinstance(ended.exception, ConfigurationFaults | Unready):
            # As `hub.cli.main` tells them.
            return Ended(1, f"{ended.output}hub: {ended.exception}")
        if ended.exception is not None and not isinstance(ended.exception, SystemExit):
            raise ended.exception
        return Ended(ended.exit_code, ended.output)

    return run
