"""
The commands there are, by name. What a command needs is loaded when it is called: `hub --help` needs nothing,
and whoever asks the API loads no worker.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from typing import Any, NamedTuple

import typer
from typer.core import TyperGroup
from typer.main import get_group


class Command(NamedTuple):
    """Where a command, or a group of them, is found, and its line in the list of them."""

    module: str
    """Of this package; its `add_to` adds it."""
    help: str


COMMANDS = {
    "up": Command("stack", "Keep the whole stack running on this machine, agencies simulated, until Ctrl-C."),
    "demo": Command(
        "stack",
        "Lodge real declarations through the whole stack, watch them, and end: 0 if each ended as it should.",
    ),
    "worker": Command("worker", "Carry out workflows and activities, and keep the relays going."),
    "api": Command("api", "Serve the API for customs systems and agencies."),
    "simulate": Command(
        "simulate", "Simulate every agency of the configuration folder, and the cargo system, on one port."
    ),
    "submit": Command("declarations", "Lodge a declaration and print its receipt."),
    "show": Command(
        "declarations",
        "Show a declaration: outcome and why, each referral, and why each agency was asked or not.",
    ),
    "amend": Command(
        "declarant", "Amend a declaration: only agencies that would be told something else are asked again."
    ),
    "withdraw": Command(
        "declarant", "Withdraw a declaration: whoever was asked is told, and nothing of it is released."
    ),
    "questions": Command("declarant", "List what agencies ask the declarant, and until when."),
    "answer": Command("declarant", "Answer what an agency asks, with a text, documents, or both."),
    "explain": Command(
        "explaining",
        "Say why a declaration stands as it does: each reason with its law, its rule and its evidence.",
    ),
    "track": Command("tracking", "Show how far a declaration has got, what is expected next, and by when."),
    "decide": Command(
        "offices", "Decide on a referral by hand: an agency on its own, customs on its own control."
    ),
    "inspect": Command("offices", "Inspections: the diary of an office, confirming, reporting."),
    "duties": Command("offices", "Duties: what is due, and that it is paid or guaranteed."),
    "certificate": Command("offices", "Certificates whose quantity is managed."),
    "cargo": Command("offices", "Where cargo is, as carriers and warehouses report."),
    "referral": Command("offices", "What operators do about one referral."),
    "act": Command(
        "acting",
        "Retry, look up, resend, extend, withdraw; pause or resume an agency, open or close its breaker.",
    ),
    "propose": Command(
        "acting", "Propose what an agency has decided; it counts once a second person has confirmed it."
    ),
    "proposals": Command("acting", "Decisions by hand that wait for a second person, the oldest first."),
    "confirm": Command(
        "acting", "Confirm a decision by hand that another has proposed: from then on it counts."
    ),
    "decline": Command("acting", "Decline a decision by hand, or take back one's own: it never counts."),
    "audit": Command("acting", "Who did what, to what, why, and what came of it; newest first."),
    "bulk": Command("acting", "One action on many referrals."),
    "agencies": Command("administration", "The agencies of the configuration folder."),
    "db": Command("administration", "The database."),
    "clients": Command("administration", "Who may use the API."),
    "callbacks": Command("administration", "What agencies called in."),
    "doctor": Command(
        "doctor",
        "Compare database, Temporal, inbox and outbox; list what disagrees, and mend it where asked to.",
    ),
    "archive": Command(
        "archive", "Closed declarations that have left the database, and those that are to leave."
    ),
    "backup": Command(
        "recovery", "Copy the database while it is in use, whole and at one moment, and check the copy."
    ),
    "restore": Command(
        "recovery",
        "Bring a backup back where no database is, and mark what may have been done since it was made.",
    ),
    "incidents": Command(
        "incidents", "What is wrong, the most serious first; with `--all` the newest 100, over or not."
    ),
    "agency": Command("agency", "One agency's own workbench."),
    "user": Command("users", "Who may sign in to the console."),
}


def new_app(help: str | None = None, cls: type[TyperGroup] | None = None) -> typer.Typer:
    """A command line as all of ours are."""
    return typer.Typer(
        name="hub",
        help=help,
        cls=cls,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


class _Loaded(MutableMapping[str, Any]):
    """The commands themselves; each is loaded, with the others of its module, when it is looked at."""

    def __init__(self) -> None:
        self._loaded: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in self._loaded:
            app = new_app()
            import_module(f"hub.cli.{COMMANDS[name].module}").add_to(app)
            self._loaded.update(get_group(app).commands)
        return self._loaded[name]

    def __setitem__(self, name: str, command: Any) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in COMMANDS

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)


class Commands(TyperGroup):
    """The group of all commands."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = _Loaded()

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The list of them, with nothing loaded."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])
