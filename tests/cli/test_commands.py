"""What the command line loads: what is called, and no more."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module

import pytest
import typer

from hub import cli
from hub.cli import app
from hub.cli.commands import COMMANDS

_WHAT_IS_LOADED = """
import json, sys
from hub.cli import app
try:
    app(sys.argv[1:])
except SystemExit as ended:
    assert not ended.code, ended.code
print(json.dumps(sorted(sys.modules)))
"""
_HEAVY = {
    "fastapi",
    "hub.bootstrap",
    "hub.store",
    "hub.workflows",
    "lxml",
    "sqlalchemy",
    "temporalio",
    "zeep",
}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_says_of_each_command_what_it_says_itself(name: str) -> None:
    group = typer.main.get_command(app)
    commands = getattr(group, "commands")  # noqa: B009 - typer's own class is private
    assert COMMANDS[name].help == commands[name].get_short_help_str(200)


def test_every_command_of_a_module_is_in_the_list() -> None:
    for module in {command.module for command in COMMANDS.values()}:
        of_module = typer.Typer()
        import_module(f"hub.cli.{module}").add_to(of_module)
        found = getattr(typer.main.get_group(of_module), "commands")  # noqa: B009
        assert set(found) == {name for name, command in COMMANDS.items() if command.module == module}


@pytest.mark.parametrize("words", ["--help", "show --help", "user add --help"])
def test_who_only_asks_loads_no_part_of_the_hub(words: str) -> None:
    """No engine, no database, no web server: a command answers at once."""
    ended = subprocess.run(
        [sys.executable, "-c", _WHAT_IS_LOADED, *words.split()], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    *said, modules = ended.stdout.splitlines()
    assert "Usage:" in said[0] + said[1]
    assert _HEAVY.isdisjoint(json.loads(modules))


def test_what_is_told_plainly_is_there_to_be_raised() -> None:
    for name in cli._TOLD_PLAINLY:
        module, _, kind = name.rpartition(".")
        assert issubclass(getattr(import_module(module), kind), Exception)
        assert getattr(import_module(module), kind).__module__ == module


_LOADED_BY = """
import json, sys
from importlib import import_module
for module in sys.argv[1:]:
    import_module(module)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.mark.parametrize(
    ("modules", "not_needed"),
    [
        ("hub.cli.running hub.worker", {"fastapi", "uvicorn", "authlib", "hub.api", "hub.console"}),
        ("hub.agency_worker", {"fastapi", "uvicorn", "authlib", "sqlalchemy", "hub.store", "hub.console"}),
        ("hub.cli.simulate", {"temporalio", "sqlalchemy", "authlib", "hub.store", "hub.console"}),
        ("hub.bootstrap.configuration", {"temporalio", "fastapi", "sqlalchemy", "hub.store"}),
    ],
)
def test_a_process_loads_the_parts_of_its_role(modules: str, not_needed: set[str]) -> None:
    """What is loaded is waited for at each start."""
    ended = subprocess.run(
        [sys.executable, "-c", _LOADED_BY, *modules.split()], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    assert not_needed.isdisjoint(json.loads(ended.stdout))
