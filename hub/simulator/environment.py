"""What the `env:` names of channels mean when the agencies are simulated."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from typing import Any

from hub.config.models import AgencyFile, ChannelFile

_MARK = "env:"


class EnvironmentMissing(Exception):
    """Names that channels need and the environment does not hold; the message lists all of them."""


def environment(agencies: Mapping[str, AgencyFile], base_url: str, seed: str) -> dict[str, str]:
    """
    A value for every `env:` name in every channel.

    An endpoint's name is the agency's address below `base_url`; any other name is a secret derived from the
    seed and the name alone, so that hub and simulator work out the same ones without telling each other.
    """
    values: dict[str, str] = {}
    for slug, agency in agencies.items():
        for name in names(agency.channel):
            values[name] = _secret(seed, name)
        if agency.channel.endpoint.startswith(_MARK):
            values[agency.channel.endpoint.removeprefix(_MARK)] = f"{base_url.rstrip('/')}/{slug}"
    return values


def names(channel: ChannelFile) -> set[str]:
    """The names behind the `env:` references of a channel."""
    return {text.removeprefix(_MARK) for text in _texts(channel.model_dump()) if text.startswith(_MARK)}


def resolve(text: str, environment: Mapping[str, str]) -> str:
    """The value of an `env:` reference; other text stands for itself. Raises EnvironmentMissing."""
    if not text.startswith(_MARK):
        return text
    name = text.removeprefix(_MARK)
    if not environment.get(name):
        raise EnvironmentMissing(f"{name} is not set")
    return environment[name]


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _secret(seed: str, name: str) -> str:
    return hmac.new(seed.encode(), name.encode(), hashlib.sha256).hexdigest()[:40]
