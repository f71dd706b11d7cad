"""The command `hub`: run it, use it, look after it."""

from __future__ import annotations

import sys

import typer
from pydantic import ValidationError

from hub import process
from hub.cli import (
    acting,
    administration,
    agency,
    declarant,
    declarations,
    doctor,
    explaining,
    incidents,
    offices,
    running,
    tracking,
    users,
)
from hub.cli.client import ApiProblem
from hub.config.loader import ConfigurationFaults
from hub.embedded import StackFailed
from hub.settings import InsecureSettings
from hub.simulator.environment import EnvironmentMissing
from hub.workbench.unready import Unready

app = typer.Typer(
    name="hub",
    help="The single-window hub: one declaration in, every agency asked, the cargo released or held.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
running.add_to(app)
declarations.add_to(app)
declarant.add_to(app)
explaining.add_to(app)
tracking.add_to(app)
offices.add_to(app)
acting.add_to(app)
administration.add_to(app)
doctor.add_to(app)
incidents.add_to(app)
agency.add_to(app)
users.add_to(app)

_TOLD_PLAINLY = (
    ApiProblem,
    ConfigurationFaults,
    EnvironmentMissing,
    InsecureSettings,
    StackFailed,
    Unready,
)
"""What a person can mend: shown as a message, not as a traceback."""


def _unreadable_settings(error: ValidationError) -> str:
    lines = [f"  HUB_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
    return "\n".join(["settings that cannot be read:", *lines])


def main() -> None:
    """Run the command line and end the process with its status."""
    status = 0
    try:
        app()
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except ValidationError as error:
        # Without the values: some of them are secrets.
        print(f"hub: {_unreadable_settings(error)}", file=sys.stderr)
        status = 1
    except _TOLD_PLAINLY as fault:
        print(f"hub: {fault}", file=sys.stderr)
        status = 1
    process.end(status)
