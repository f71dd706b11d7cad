"""A configuration folder to work in, and the command line as an agency's engineer uses it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from typer.testing import CliRunner

from hub.cli import app
from hub.config.faults import ConfigurationFaults
from hub.workbench.unready import Unready

AGENCIES = {"apqa", "kahpa", "kats", "mfds", "nibr"}
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


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real folder with a few of its agencies: reading all of them each time would take long."""
    path = tmp_path_factory.mktemp("few") / "config"
    shutil.copytree(REAL, path)
    laws = set()
    for file in (path / "agencies").glob("*.yaml"):
        if file.stem in AGENCIES:
            laws |= set(re.findall(r'law_code: "(\d\d)"', file.read_text(encoding="utf-8")))
        else:
            file.unlink()
    for golden in (path / "golden").iterdir():
        if golden.is_dir() and golden.name not in AGENCIES:
            shutil.rmtree(golden)
    yaml = YAML()
    exemptions = yaml.load((path / "exemptions.yaml").read_text(encoding="utf-8"))
    kept = {code: reason for code, reason in exemptions["exemptions"].items() if code[:2] in laws}
    with (path / "exemptions.yaml").open("w", encoding="utf-8") as out:
        yaml.dump({"exemptions": kept}, out)
    return path


@pytest.fixture
def folder(tmp_path: Path, few: Path) -> WorkFolder:
    path = tmp_path / "config"
    shutil.copytree(few, path)
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
