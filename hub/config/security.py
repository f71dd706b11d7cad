"""What must not stand in a channel's settings: secrets anywhere, and what is insecure outside development."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from hub.config.credential_files import check_files
from hub.config.faults import Key
from hub.config.models import CallbackAuth, ChannelAuth, ChannelFile, OperationFile, WsSecurityAuth
from hub.config.models.base import Holds
from hub.config.references import PREFIX, Found, credential_texts
from hub.config.schema_faults import FileReport
from hub.config.terms import check_term
from hub.expressions import roots

_LONGEST_WINDOW = timedelta(minutes=15)
_REFERENCE = re.compile(r"^env:[A-Z_][A-Z0-9_]*$")


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


def check_security(channel: ChannelFile, folder: Path, around: Surroundings, report: FileReport) -> None:
    """Endpoints, credentials both ways, and the files that they name."""
    asking, hearing = around.of_requests(channel), around.of_callbacks()
    for endpoint, key in _endpoints(channel):
        _check_endpoint(endpoint, key, asking, report)
    for found in credential_texts(channel):
        _check_credential(found, hearing if found.key[1] == "callback" else asking, report)
    _check_channel_auth(channel, asking, report)
    is_production = not asking.development and asking.environment is not None
    environment = asking.environment if is_production else None
    check_files(channel, folder, environment, datetime.now(UTC), report)
    if channel.login is not None:
        check_term(channel.login.lasts, ("channel", "login", "lasts"), report)
    if channel.callback is not None:
        _check_callback_auth(channel.callback.auth, around, report)


def _endpoints(channel: ChannelFile) -> Iterator[tuple[str, Key]]:
    """The channel's endpoint, and those that single operations have instead."""
    yield channel.endpoint, ("channel", "endpoint")
    feed = channel.feed
    operations: list[tuple[OperationFile | None, Key]] = [
        (channel.login, ("login",)),
        (channel.submit, ("submit",)),
        *((getattr(channel, name), (name,)) for name in roots.FOLLOWING),
        (feed.pull if feed else None, ("feed", "pull")),
        (feed.acknowledge if feed else None, ("feed", "acknowledge")),
        (feed.reject if feed else None, ("feed", "reject")),
    ]
    for operation, key in operations:
        if operation is not None and operation.endpoint is not None:
            yield operation.endpoint, ("channel", *key, "endpoint")


def _check_endpoint(
    endpoint: str, key: Key, around: Surroundings, report: FileReport, *, query: bool = False
) -> None:
    url, source = endpoint, "it"
    if endpoint.startswith(PREFIX):
        if not _check_reference(endpoint, key, around, report):
            return
        name = endpoint.removeprefix(PREFIX)
        url, source = (around.environment or {}).get(name, ""), f"the value of {name}"
        if not url:
            return
    try:
        parts = urlsplit(url)
        well_formed = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or (parts.query and not query) or parts.fragment:
        report.add(
            key, f"{source} is no {'URL' if query else 'base URL'}", "write https://host/path, or env:NAME"
        )
        return
    if parts.username is not None or parts.password is not None:
        report.add(key, f"{source} holds a user name", "give credentials under `auth`, as env:NAME")
    if parts.scheme != "https" and not around.development:
        report.add(key, f"{source} is not https", "use https; http is for development only")


def _check_credential(found: Found, around: Surroundings, report: FileReport) -> None:
    if found.variable is not None:
        if found.holds is Holds.SECRET or found.key[-1] != "token_url":  # else an endpoint, checked as one
            _check_reference(found.text, found.key, around, report)
    elif found.holds is Holds.SECRET:
        # The text itself is not repeated: reports are read by many.
        report.add(
            found.key,
            "a secret is written in the file",
            "write env:NAME, set NAME where the hub runs, and change the secret: it has been seen",
        )
    elif found.holds is Holds.KEY_FILE:
        report.add(
            found.key,
            "keys and their certificates do not stand in this folder",
            "write env:NAME, and set NAME to the path of a PEM file where the hub runs",
        )


def _check_channel_auth(channel: ChannelFile, around: Surroundings, report: FileReport) -> None:
    key: Key = ("channel", "auth")
    auth = channel.auth
    # A certificate shown in the handshake goes with whatever the request itself carries.
    _check_one_kind([kind for kind in _kinds(auth) if kind != "mtls"], key, report)
    if auth.api_key is not None and (auth.api_key.header is None) == (auth.api_key.query is None):
        report.add(
            (*key, "api_key"),
            "it is not said where the key goes" if auth.api_key.header is None else "the key would go twice",
            "write either `header: NAME` or `query: NAME`",
        )
    if auth.oauth2 is not None:
        _check_endpoint(auth.oauth2.token_url, (*key, "oauth2", "token_url"), around, report, query=True)
    if auth.ws_security is not None:
        _check_ws_security(auth.ws_security, channel.adapter, report)


def _check_ws_security(auth: WsSecurityAuth, adapter: str, report: FileReport) -> None:
    key: Key = ("channel", "auth", "ws_security")
    if adapter == "rest" and report.is_sure(("channel", "adapter")):
        report.add(key, "ws_security is for soap only", "use bearer, basic or api_key")
    if (auth.username, auth.password, auth.timestamp, auth.signature) == (None, None, None, None):
        report.add(
            key,
            "there is nothing in it",
            "add `username` and `password`, `timestamp`, `signature`, or several",
        )
    elif auth.username is None and auth.password is not None:
        report.add((*key, "username"), "a password without a user is not sent", "add `username:`")
    elif auth.password is None and auth.username is not None:
        report.add((*key, "password"), "a user without a password is not sent", "add `password:`")
    if auth.timestamp is not None:
        check_term(auth.timestamp, (*key, "timestamp"), report)


def _check_reference(text: str, key: Key, around: Surroundings, report: FileReport) -> bool:
    if not _REFERENCE.match(text):
        report.add(
            key,
            "the name after `env:` is not one of an environment variable",
            "write capital letters, digits and underscores, as env:APQA_KEY",
        )
        return False
    name = text.removeprefix(PREFIX)
    if around.environment is not None and not around.development and not around.environment.get(name):
        report.add(key, f"{name} is not set in the environment", f"set {name} where the hub runs")
        return False
    return True


def _kinds(auth: ChannelAuth | CallbackAuth) -> list[str]:
    return [name for name in type(auth).model_fields if getattr(auth, name) is not None]


def _check_one_kind(kinds: list[str], key: Key, report: FileReport) -> None:
    if len(kinds) > 1:
        report.add(key, f"there are several kinds of auth: {', '.join(kinds)}", "keep one of them")


def _check_callback_auth(auth: CallbackAuth, around: Surroundings, report: FileReport) -> None:
    key: Key = ("channel", "callback", "auth")
    _check_one_kind(_kinds(auth), key, report)
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
