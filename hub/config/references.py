"""Texts of a channel that prove something, or name a file that does: found by their marks in the models."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from hub.config.faults import Key
from hub.config.models import ChannelFile, FileModel
from hub.config.models.base import Holds

PREFIX = "env:"


@dataclass(frozen=True, slots=True)
class Found:
    """One text, and the way to it in the agency's file."""

    key: Key
    text: str
    holds: Holds

    @property
    def variable(self) -> str | None:
        """The name of the environment variable that it refers to."""
        return self.text.removeprefix(PREFIX) if self.text.startswith(PREFIX) else None


def credential_texts(channel: ChannelFile) -> list[Found]:
    """Every text of a channel's credentials, both ways, in the order of the models."""
    found = list(texts(channel.auth, ("channel", "auth")))
    if channel.trust is not None:
        found.append(Found(("channel", "trust"), channel.trust, Holds.TRUST_FILE))
    found += [
        Found(("channel", "secrets", name), text, Holds.SECRET) for name, text in channel.secrets.items()
    ]
    if channel.callback is not None:
        found += texts(channel.callback.auth, ("channel", "callback", "auth"))
    return found


def texts(model: FileModel, key: Key) -> Iterator[Found]:
    """Every text of a model of credentials, and of the models inside it."""
    for name, holds in _fields(type(model)):
        value = getattr(model, name)
        if isinstance(value, FileModel):
            yield from texts(value, (*key, name))
        elif isinstance(value, str):
            yield Found((*key, name), value, holds)
        elif isinstance(value, Mapping):
            for inner, text in value.items():
                if isinstance(text, str):
                    yield Found((*key, name, inner), text, holds)


@cache
def _fields(model: type[FileModel]) -> tuple[tuple[str, Holds], ...]:
    hints = typing.get_type_hints(model, include_extras=True)
    return tuple((name, _holds(hints[name])) for name in model.model_fields)


def _holds(annotation: Any) -> Holds:
    """By the mark on the type, or on any part of it: `Reference | None` is one too."""
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, Holds):
            return mark
    for part in typing.get_args(annotation):
        held = _holds(part)
        if held is not Holds.OPEN:
            return held
    return Holds.OPEN
