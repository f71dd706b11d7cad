"""What tests of proposals share: an empty folder, the command, and somebody who fills in what is TODO."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from ruamel.yaml import YAML
from typer.testing import CliRunner, Result

from hub.bootstrap.configuration import load_configuration
from hub.cli import agency_new
from hub.config.loader import Configuration
from hub.settings import Settings

FOLDER = Path(__file__).parents[2] / "adapters_config"
CONTRACTS = FOLDER / "contracts"
SHARED = ("attributes.yaml", "lists.yaml", "calendar.yaml", "policy.yaml")

BUSINESS = {
    "name: {en: TODO the agency's name}": "name: {en: Test agency}",
    "contact: TODO who looks after the agency's system": "contact: desk@agency.example",
    "{en: TODO the approval it gives}": "{en: Import approval}",
    "{en: TODO the law it is needed under}": "{en: Test Act}",
    "law_code: TODO two digits": 'law_code: "09"',
    "hs: [TODO HS prefixes in quotes]": 'hs: ["08", "84"]',
    "document: TODO what it issues": "document: Certificate",
    "answer_within: TODO as 3wd or 30d": "answer_within: 3wd",
    "TODO the agency's word for approved: approved": "합격: approved",
    "TODO the agency's word for refused: refused": "불합격: refused",
}
"""What only the agency's people know, whatever the contract."""


def folder(path: Path) -> Path:
    """A configuration folder without any agency."""
    path.mkdir()
    (path / "agencies").mkdir()
    for name in SHARED:
        shutil.copyfile(FOLDER / name, path / name)
    (path / "exemptions.yaml").write_text("exemptions: {}\n", encoding="utf-8")
    return path


def command(*arguments: str) -> Result:
    """`hub agency new ...`"""
    app = typer.Typer()
    agency_new.add_to(app)
    app.command("list")(lambda: None)
    return CliRunner().invoke(app, ["new", *arguments], env={"COLUMNS": "160"})


def propose(name: str, contract: Path, config: Path, *more: str) -> str:
    """The file that the command writes."""
    kind = "--wsdl" if contract.suffix == ".wsdl" else "--openapi"
    told = command(name, kind, str(contract), "--config", str(config), *more)
    assert told.exit_code == 0, told.output or told.exception
    return (config / "agencies" / f"{name}.yaml").read_text(encoding="utf-8")


def fill_in(name: str, config: Path, more: Mapping[str, str]) -> str:
    """Fill in the business values, and what this contract leaves open; nothing else is touched."""
    path = config / "agencies" / f"{name}.yaml"
    text = path.read_text(encoding="utf-8")
    for todo, value in {**BUSINESS, **more}.items():
        if todo in more:
            assert todo in text, f"{todo!r} is not in\n{text}"
        text = text.replace(todo, value)
    left = re.findall(r".*TODO .*", "\n".join(text.splitlines()[3:]))
    assert not left, left
    path.write_text(text, encoding="utf-8")
    return text


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe").load(path.read_text(encoding="utf-8"))


def check(config: Path) -> Configuration:
    """As `hub agencies check` does. Raises ConfigurationFaults."""
    return load_configuration(Settings(environment="development", config_folder=config), {})
