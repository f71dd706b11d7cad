"""The command `hub`: run it, use it, look after it."""

from __future__ import annotations

import sys

from pydantic import ValidationError

from hub import process
from hub.cli.commands import Commands, new_app

app = new_app(
    "The single-window hub: one declaration in, every agency asked, the cargo released or held.", Commands
)


@app.callback()
def _hub() -> None:
    """What all commands have in common: nothing."""


_TOLD_PLAINLY = frozenset(
    {
        "hub.cli.client.ApiProblem",
        "hub.config.faults.ConfigurationFaults",
        "hub.embedded.StackFailed",
        "hub.settings.InsecureSettings",
        "hub.simulator.environment.EnvironmentMissing",
        "hub.workbench.unready.Unready",
    }
)
"""What a person can mend: shown as a message, not as a traceback. By name: who raises it has loaded it."""


def _is_told_plainly(error: Exception) -> bool:
    return any(f"{kind.__module__}.{kind.__qualname__}" in _TOLD_PLAINLY for kind in type(error).__mro__)


def _unreadable_settings(error: ValidationError) -> str:
    lines = [f"  HUB_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors()]
    return "\n".join(["settings that cannot be read:", *lines])


def main() -> None:
    """Run the command line and end the process with its status."""
    process.begin()
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
    except Exception as fault:
        if not _is_told_plainly(fault):
            raise
        print(f"hub: {fault}", file=sys.stderr)
        status = 1
    process.end(status)
