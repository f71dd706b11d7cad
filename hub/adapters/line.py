"""One agency as it is spoken to: its connections, its limits, and what is prepared from its file."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from hub.adapters.callback import CallbackDoor
from hub.adapters.channel import Channel, Contracts, prepare
from hub.adapters.entering import Entrance
from hub.adapters.limits import Breaker, Slots, TokenBucket
from hub.adapters.maintenance import raise_if_away
from hub.adapters.messages import UNNAMED
from hub.adapters.secrets import Scrubber, known_secrets
from hub.adapters.transport import Sender
from hub.config.maintenance import maintenance
from hub.config.models import AgencyFile
from hub.domain.deadlines import parse_duration
from hub.domain.errors import AgencyUnavailable, CallbackRefused
from hub.domain.exchange import Message
from hub.expressions import ExpressionFault
from hub.ports import Clock

_REMEMBERED = 1000
"""Messages without an id of their own that are known to have been handed on."""


class Line:
    """One agency: its file, what is prepared from it, and how hard it may be pushed."""

    def __init__(
        self,
        file: AgencyFile,
        version: str,
        contracts: Contracts,
        environment: Mapping[str, str],
        zone: ZoneInfo,
        clock: Clock,
    ) -> None:
        limits, auth = file.channel.limits, file.channel.auth
        self.file = file
        self.version = version
        self.timeout = parse_duration(limits.timeout).total_seconds()
        self.slots = Slots(limits.concurrency)
        self.bucket = None if limits.per_second is None else TokenBucket(limits.per_second, limits.per_second)
        self.breaker = Breaker(limits.breaker_failures, parse_duration(limits.breaker_pause).total_seconds())
        self.maintenance = maintenance(file.channel.maintenance, zone)
        named = [auth.api_key.header] if auth.api_key is not None and auth.api_key.header else []
        if file.channel.callback is not None and file.channel.callback.auth.hmac is not None:
            named.append(file.channel.callback.auth.hmac.header)
        self.scrubber = Scrubber(known_secrets(file.channel, environment), named)
        self.sender = Sender(
            timeout=self.timeout,
            attempts=limits.attempts,
            connections=limits.concurrency,
            ca_bundle=environment.get("REQUESTS_CA_BUNDLE") or None,
        )
        self.entrance = Entrance()
        self._contracts = contracts
        self._environment = environment
        self._zone = zone
        self._clock = clock
        self._lock = threading.Lock()
        self._channel: Channel | None = None
        self._door: CallbackDoor | None = None
        self._unnamed: dict[str, None] = {}

    def close(self) -> None:
        self.sender.close()

    def channel(self) -> Channel:
        """Prepared when first needed. Raises ChannelUnusable."""
        with self._lock:
            if self._channel is None:
                self._channel = prepare(self.file, self._contracts, self._environment, self._zone)
            return self._channel

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
        """Raises AgencyUnavailable while its system is away as announced, or its breaker is open."""
        raise_if_away(self.file.agency, self.maintenance, self._clock())
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
