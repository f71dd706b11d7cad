"""What must not stand in a channel's settings: secrets anywhere, and what is insecure outside development."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

from hub.config.faults import Key
from hub.config.models import CallbackAuth, ChannelAuth, ChannelFile, FileModel
from hub.config.schema_faults import FileReport
from hub.config.terms import check_term

_LONGEST_WINDOW = timedelta(minutes=15)
_REFERENCE = re.compile(r"^env:[A-Z_][A-Z0-9_]*$")
_PREFIX = "env:"


@dataclass(frozen=True)
class Surroundings:
    """Where the configuration is to run. Without `environment` nobody knows yet what it will hold."""

    development: bool
    environment: Mapping[str, str] | None
    is_agencys: bool = False
    """It is the agency's own worker that runs there, and not the hub."""

    def of_requests(self, channel: ChannelFile) -> Surroundings:
        """Where requests are sent from: an agency's own worker has what they need, the hub then has not."""
        here = not channel.own_worker or self.is_agencys
        return self if here else replace(self, environment=None)

    def of_callbacks(self) -> Surroundings:
        """Where callbacks come in: always at the hub."""
        return replace(self, environment=None) if self.is_agencys else self


def check_security(channel: ChannelFile, around: Surroundings, report: FileReport) -> None:
    """Endpoint, credentials and callback of a channel."""
    asking, hearing = around.of_requests(channel), around.of_callbacks()
    _check_endpoint(channel.endpoint, asking, report)
    for key, text, secret in _credentials(channel):
        where = hearing if key[1] == "callback" else asking
        _check_credential(text, key, where, report, secret=secret)
    _check_one_kind(channel.auth, ("channel", "auth"), report)
    is_rest = channel.adapter == "rest" and report.is_sure(("channel", "adapter"))
    if channel.auth.ws_security is not None and is_rest:
        report.add(
            ("channel", "auth", "ws_security"),
            "ws_security is for soap only",
            "use bearer, basic or api_key",
        )
    if channel.callback is not None:
        _check_callback_auth(channel.callback.auth, around, report)


def _check_endpoint(endpoint: str, around: Surroundings, report: FileReport) -> None:
    key: Key = ("channel", "endpoint")
    url, source = endpoint, "it"
    if endpoint.startswith(_PREFIX):
        if not _check_reference(endpoint, key, around, report):
            return
        name = endpoint.removeprefix(_PREFIX)
        url, source = (around.environment or {}).get(name, ""), f"the value of {name}"
        if not url:
            return
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or parts.query or parts.fragment:
        report.add(key, f"{source} is no base URL", "write https://host/path, or env:NAME")
        return
    if parts.username is not None or parts.password is not None:
        report.add(key, f"{source} holds a user name", "give credentials under `auth`, as env:NAME")
    if parts.scheme != "https" and not around.development:
        report.add(key, f"{source} is not https", "use https; http is for development only")


def _credentials(channel: ChannelFile) -> Iterator[tuple[Key, str, bool]]:
    """Each text of a credential, with the way to it and whether it is secret."""
    for place, auth in (("auth", channel.auth), ("callback", channel.callback)):
        key: Key = ("channel", place)
        if isinstance(auth, ChannelAuth):
            yield from _texts(auth, key)
        elif auth is not None:
            yield from _texts(auth.auth, (*key, "auth"))


_SECRETS = {"bearer", "password", "value", "secret"}
_OPEN = {"username"}


def _texts(auth: FileModel, key: Key) -> Iterator[tuple[Key, str, bool]]:
    for name in type(auth).model_fields:
        value = getattr(auth, name)
        if isinstance(value, FileModel):
            yield from _texts(value, (*key, name))
        elif isinstance(value, str) and name in _SECRETS | _OPEN:
            yield (*key, name), value, name in _SECRETS


def _check_credential(text: str, key: Key, around: Surroundings, report: FileReport, *, secret: bool) -> None:
    if text.startswith(_PREFIX):
        _check_reference(text, key, around, report)
    elif secret:
        # The text itself is not repeated: reports are read by many.
        report.add(
            key,
            "a secret is written in the file",
            "write env:NAME, set NAME where the hub runs, and change the secret: it has been seen",
        )


def _check_reference(text: str, key: Key, around: Surroundings, report: FileReport) -> bool:
    if not _REFERENCE.match(text):
        report.add(
            key,
            "the name after `env:` is not one of an environment variable",
            "write capital letters, digits and underscores, as env:APQA_KEY",
        )
        return False
    name = text.removeprefix(_PREFIX)
    if around.environment is not None and not around.development and not around.environment.get(name):
        report.add(key, f"{name} is not set in the environment", f"set {name} where the hub runs")
        return False
    return True


def _kinds(auth: ChannelAuth | CallbackAuth) -> list[str]:
    return [name for name in type(auth).model_fields if getattr(auth, name) is not None]


def _check_one_kind(auth: ChannelAuth | CallbackAuth, key: Key, report: FileReport) -> None:
    kinds = _kinds(auth)
    if len(kinds) > 1:
        report.add(key, f"there are several kinds of auth: {', '.join(kinds)}", "keep one of them")


def _check_callback_auth(auth: CallbackAuth, around: Surroundings, report: FileReport) -> None:
    key: Key = ("channel", "callback", "auth")
    _check_one_kind(auth, key, report)
    if not _kinds(auth) and not around.development:
        report.add(key, "anybody could send a callback", "add `hmac` or `bearer`")
    if auth.hmac is None:
        return
    window = check_term(auth.hmac.window, (*key, "hmac", "window"), report)
    if window is not None and window > _LONGEST_WINDOW and not around.development:
        report.add(
            (*key, "hmac", "window"),
            f"a callback of {auth.hmac.window} ago could be sent once more",
            "write 15m or less",
        )
