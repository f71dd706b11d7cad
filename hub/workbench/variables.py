"""The `env:` names of a channel: what they mean here, and which of them nobody has set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from hub.config.faults import Key, written
from hub.config.models import AgencyFile
from hub.config.models.base import Holds
from hub.config.references import credential_texts
from hub.workbench.unready import Unready

_MARK = "env:"
_FILES = (Holds.KEY_FILE, Holds.TRUST_FILE)


@dataclass(frozen=True)
class Variable:
    """One environment variable that a channel names, and the first place where it does."""

    name: str
    key: Key
    is_file: bool = False
    """Whether it holds the path of a PEM file."""

    @property
    def is_for_callbacks(self) -> bool:
        """Whether it proves the agency to the hub, so that asking the agency needs nothing of it."""
        return self.key[:2] == ("channel", "callback")

    @property
    def is_address(self) -> bool:
        return self.key[-1] in ("endpoint", "token_url") and self.key[:2] != ("channel", "secrets")

    @property
    def holds(self) -> str:
        """What is to be set, in words."""
        if self.is_address:
            return "an address, as https://host/path"
        if self.is_file:
            return "the path of a PEM file"
        return "a user name" if self.key[-1] == "username" else "a secret"


def variables_of(file: AgencyFile) -> list[Variable]:
    """Each variable that the agency's channel names, once, in the order of the file's model."""
    files = {one.key for one in credential_texts(file.channel) if one.holds in _FILES}
    found: dict[str, Variable] = {}
    for key, name in _named(file.channel.model_dump(mode="json", by_alias=True), ("channel",)):
        known = found.get(name)
        # One used by requests and by callbacks alike is needed for requests.
        if known is None or known.is_for_callbacks:
            found[name] = Variable(name, key, key in files)
    return list(found.values())


def unset(file: AgencyFile, environment: Mapping[str, str]) -> list[Variable]:
    """The variables that asking the agency needs and that are not set."""
    return [v for v in variables_of(file) if not v.is_for_callbacks and not environment.get(v.name)]


def require(file: AgencyFile, environment: Mapping[str, str]) -> None:
    """Raises Unready, with every variable that is not set and what it holds."""
    missing = unset(file, environment)
    if missing:
        lines = [f"  {v.name}  {v.holds}  ({written(v.key)})" for v in missing]
        raise Unready(
            "\n".join(
                [f"{len(missing)} variable(s) that {file.agency} needs are not set:", *lines],
            ),
            "set them in the environment, or write them NAME=value into a file and give --env-file",
        )


def read_env_file(path: Path) -> dict[str, str]:
    """The variables of a file of `NAME=value` lines. Raises Unready with the line that is neither."""
    try:
        with path.open(encoding="utf-8-sig") as stream:
            read: dict[str, str] = {}
            for binding in parse_stream(stream):
                if binding.error or (binding.key is not None and binding.value is None):
                    raise Unready(
                        f"{path}:{binding.original.line}  this is no variable", "write NAME=value lines"
                    )
                if binding.key is not None and binding.value is not None:
                    read[binding.key] = binding.value
            return read
    except (OSError, UnicodeDecodeError) as wrong:
        reason = getattr(wrong, "strerror", None) or "it is not UTF-8"
        raise Unready(f"the file of variables {path} cannot be read: {reason}") from wrong


def _named(tree: Any, key: Key) -> Iterator[tuple[Key, str]]:
    if isinstance(tree, dict):
        for name, part in tree.items():
            yield from _named(part, (*key, name))
    elif isinstance(tree, list):
        for place, part in enumerate(tree):
            yield from _named(part, (*key, place))
    elif isinstance(tree, str) and tree.startswith(_MARK):
        yield key, tree.removeprefix(_MARK)
