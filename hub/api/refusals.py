"""How many refused callbacks are recorded: anybody can send one, and each is a row in the store."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class RefusalLimit:
    """
    A token bucket for each agency and sender: `burst` refusals at once, and `per_second` from then on.

    Only what was refused is counted, so that no flood of forgeries keeps an agency's own callbacks out. At
    most `remembered` senders are kept in mind, those heard of last. For use from several threads.
    """

    def __init__(
        self,
        burst: int = 20,
        per_second: float = 1.0,
        remembered: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._rate = per_second
        self._remembered = remembered
        self._now = monotonic
        self._buckets: OrderedDict[tuple[str, str], _Bucket] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, agency: str, address: str | None) -> float | None:
        """None when this refusal may be recorded; otherwise the seconds until one may be again."""
        with self._lock:
            now = self._now()
            bucket = self._bucket((agency, _sender(address)), now)
            bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._rate)
            bucket.at = now
            if bucket.tokens < 1:
                return (1 - bucket.tokens) / self._rate
            bucket.tokens -= 1
            return None

    def _bucket(self, key: tuple[str, str], now: float) -> _Bucket:
        bucket = self._buckets.setdefault(key, _Bucket(self._burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > self._remembered:
            self._buckets.popitem(last=False)
        return bucket


def _sender(address: str | None) -> str:
    """Who an address stands for: an IPv6 sender has a whole /64 of them."""
    try:
        parsed = IPv6Address(address or "")
    except AddressValueError:
        return address or ""
    if parsed.ipv4_mapped is not None:
        return str(IPv4Address(parsed.ipv4_mapped))
    return parsed.packed[:8].hex()
