"""Ports of the loopback interface for processes that are yet to be started."""

from __future__ import annotations

import random
import socket

_OURS = range(10_000, 32_768)
"""
Below those that the kernel gives to outgoing connections and to whoever asks for any port (Linux: from
32768, others: from 49152). One of those could be given away before the process that is to have it listens.
"""
_DRAWS = 1000
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on now; none is given twice by this process. Raises OSError."""
    return [free_port() for _ in range(count)]


def free_port() -> int:
    """One such port. Raises OSError."""
    # By a chance of its own: what a test or a plan draws from a seed is not to be moved by it.
    chance = random.SystemRandom()
    for _ in range(_DRAWS):
        port = chance.choice(_OURS)
        if port not in _given and _is_free(port):
            _given.add(port)
            return port
    raise OSError(f"of {_DRAWS} ports from {_OURS.start} to {_OURS.stop - 1} none was free")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
