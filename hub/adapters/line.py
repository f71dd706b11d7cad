"""One version of an agency as it is spoken to: connections, limits, and what is prepared from its file."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from hub.adapters.bounds import Bounds
from hub.adapters.callback import CallbackDoor
from hub.adapters.channel import Channel, Contracts, Preparation, prepare
from hub.adapters.entering import Entrance
from hub.adapters.maintenance import raise_if_away
from hub.adapters.messages import UNNAMED
from hub.adapters.rest import RestCall
from hub.adapters.secrets import Scrubber, known_secrets, secret_headers
from hub.adapters.soap import SoapCall
from hub.adapters.transport import Sender
from hub.config.maintenance import maintenance
from hub.config.models import AgencyFile, ChannelFile
from hub.domain.deadlines import parse_duration
from hub.domain.errors import AgencyUnavailable, CallbackRefused
from hub.domain.exchange import Message
from hub.domain.maintenance import Maintenance
from hub.expressions import ExpressionFault
from hub.ports import Clock

_REMEMBERED = 1000
"""Messages without an id of their own that are known to have been handed on."""


class Line:
    """
    One version of an agency: its file, what is prepared from it, and how hard the agency may be pushed.

    Lines of several versions of one agency share its limits.
    """

    def __init__(
        self,
        file: AgencyFile,
        version: str,
        contracts: Contracts,
        environment: Mapping[str, str],
        zone: ZoneInfo,
        clock: Clock,
        *,
        before: Line | None = None,
        beside: Line | None = None,
    ) -> None:
        """
        `before` is the line of the version that this one takes the place of.

        `beside` is the line of the newest version, where this is an earlier one that goes on being served.
        """
        limits = file.channel.limits
        self.file = file
        self.version = version
        self.timeout = parse_duration(limits.timeout).total_seconds()
        self.bounds: Bounds
        if beside is not None:
            self.bounds = beside.bounds
        elif before is not None:
            self.bounds = before.bounds.changed(before.file.channel, file.channel)
        else:
            self.bounds = Bounds.of(file.channel)
        self.slots, self.bucket, self.breaker = self.bounds.slots, self.bounds.bucket, self.bounds.breaker
        self.maintenance: Maintenance = (
            beside.maintenance if beside else maintenance(file.channel.maintenance, zone)
        )
        self.scrubber = Scrubber(known_secrets(file.channel, environment), secret_headers(file.channel))
        self.sender = Sender(
            timeout=self.timeout,
            attempts=limits.attempts,
            connections=limits.concurrency,
            ca_bundle=environment.get("REQUESTS_CA_BUNDLE") or None,
        )
        self.entrance = Entrance()
        if beside is not None and _enter_alike(file, beside.file):
            # The same proof, the same session: nothing is opened twice.
            self.scrubber, self.sender, self.entrance = beside.scrubber, beside.sender, beside.entrance
        self._contracts = contracts
        self._environment = environment
        self._zone = zone
        self._clock = clock
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._submission: SoapCall | RestCall | None = None
        self._door: CallbackDoor | None = None
        self._unnamed: dict[str, None] = {} if before is None else before._unnamed

    def is_of(self, version: str, zone: ZoneInfo, environment: Mapping[str, str]) -> bool:
        """Whether this is how that version is spoken to, where `env:` names mean this."""
        return (self.version, self._zone) == (version, zone) and all(
            self._environment.get(name) == environment.get(name) for name in _variables(self.file.channel)
        )

    def close(self) -> None:
        self.sender.close()

    def channel(self) -> Channel:
        """Prepared when first needed. Raises ChannelUnusable."""
        with self._lock:
            if self._channel is None:
                self._channel = prepare(self.file, self._contracts, self._environment, self._zone)
                shown = self._channel.proof.tls
                self.sender.use(shown.pair, shown.trust)
            return self._channel

    def submission(self) -> SoapCall | RestCall:
        """The submission without address and proof. Prepared when first needed. Raises ChannelUnusable."""
        with self._lock:
            if self._submission is None:
                preparation = Preparation(self.file, self._contracts, self._environment, self._zone)
                self._submission = preparation.submission()
            return self._submission

    def door(self) -> CallbackDoor:
        """Raises KeyError when this agency sends no callbacks, CallbackRefused when they cannot be read."""
        callback = self.file.channel.callback
        if callback is None:
            raise KeyError(self.file.agency)
        with self._lock:
            if self._door is None:
                try:
                    self._door = CallbackDoor(
                        self.file, callback, self._environment, self._zone, self.scrubber
                    )
                except ExpressionFault as wrong:
                    raise CallbackRefused(
                        f"callbacks of {self.file.agency} cannot be read: {wrong}"
                    ) from wrong
            return self._door

    def raise_if_not_asked_now(self) -> None:
        """
        Raises AgencyUnavailable while its system is away as announced, has asked for a pause, or its breaker
        is open.
        """
        raise_if_away(self.file.agency, self.maintenance, self._clock())
        asked_for = self.bounds.pause.wait()
        if asked_for is not None:
            raise AgencyUnavailable(f"{self.file.agency} has asked for a pause", retry_after=asked_for)
        wait = self.breaker.wait()
        if wait is not None:
            raise AgencyUnavailable(
                f"{self.file.agency} is not asked for now: too many requests in a row have failed",
                retry_after=wait,
            )

    def is_news(self, message: Message) -> bool:
        """
        Whether a message of the feed is to be handed on.

        One that tells no id cannot be acknowledged, so it is shown again with every pull: it is handed on
        once, or the feed would never come to its end.
        """
        if not message.message_id.startswith(UNNAMED):
            return True
        if message.message_id in self._unnamed:
            return False
        self._unnamed[message.message_id] = None
        while len(self._unnamed) > _REMEMBERED:
            del self._unnamed[next(iter(self._unnamed))]
        return True


def _enter_alike(one: AgencyFile, other: AgencyFile) -> bool:
    return all(
        getattr(one.channel, name) == getattr(other.channel, name)
        for name in ("adapter", "endpoint", "auth", "secrets", "trust", "login", "callback")
    )


def _variables(channel: ChannelFile) -> set[str]:
    """The variables that a channel names, and the one that every channel heeds."""
    return {"REQUESTS_CA_BUNDLE", *re.findall(r'"env:([A-Z0-9_]+)"', channel.model_dump_json())}
