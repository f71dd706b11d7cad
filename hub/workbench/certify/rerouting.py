"""The agency's file as a run uses it: led through the proxies, and changed where a behaviour wants it so."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hub.config.models import AgencyFile

_MARK = "env:"


def rerouted(
    file: AgencyFile,
    environment: Mapping[str, str],
    way: Callable[[str], str],
    changes: Mapping[str, Any] | None = None,
) -> AgencyFile:
    """
    The file with each of its addresses led another way: `way` gives what stands for an origin.

    `changes` are of the channel, as `{"limits": {"timeout": "1s"}}`; what they do not name stays.
    """
    data = file.model_dump(by_alias=True, exclude_unset=True)
    channel = data["channel"] = _merged(data["channel"], changes or {})
    for place, key in _addresses(channel):
        place[key] = _led(_resolved(place[key], environment), way)
    return AgencyFile.model_validate(data)


def addresses(file: AgencyFile, environment: Mapping[str, str]) -> list[str]:
    """Every address that requests go to, the endpoint first."""
    channel = file.model_dump(by_alias=True, exclude_unset=True)["channel"]
    return [_resolved(place[key], environment) for place, key in _addresses(channel)]


def origin(address: str) -> str:
    """Scheme, host and port of an address, without user and password."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _addresses(channel: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    yield channel, "endpoint"
    oauth2 = (channel.get("auth") or {}).get("oauth2")
    if oauth2:
        yield oauth2, "token_url"
    parts = {name: part for name, part in channel.items() if name != "secrets"}
    for operation in (*parts.values(), *(channel.get("feed") or {}).values()):
        if isinstance(operation, dict) and operation.get("endpoint"):
            yield operation, "endpoint"


def _led(address: str, way: Callable[[str], str]) -> str:
    parts, other = urlsplit(address), urlsplit(way(origin(address)))
    user, at, _ = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(scheme=other.scheme, netloc=f"{user}{at}{other.netloc}"))


def _resolved(text: str, environment: Mapping[str, str]) -> str:
    return environment.get(text.removeprefix(_MARK), "") if text.startswith(_MARK) else text


def _merged(base: Any, change: Any) -> Any:
    if not (isinstance(base, Mapping) and isinstance(change, Mapping)):
        return change
    return {**base, **{name: _merged(base.get(name), value) for name, value in change.items()}}
