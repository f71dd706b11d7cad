"""Ports of the loopback interface for processes that are yet to be started."""

from __future__ import annotations

import random
import socket

_OURS = range(10_000, 32_768)
"""
Below those that the kernel gives to outgoing connections and to whoever asks for any port (Linux: from
32768, others: from 49152). One of those could be given away before the process that is to have it listens.
"""
_given: set[int] = set()


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on now; none is given twice by this process. Raises OSError."""
    ports: list[int] = []
    # By a chance of its own: what a test or a plan draws from a seed is not to be moved by it.
    for port in random.SystemRandom().sample(_OURS, len(_OURS)):
        if len(ports) == count:
            break
        if port not in _given and _is_free(port):
            _given.add(port)
            ports.append(port)
    if len(ports) < count:
        raise OSError(f"there are no {count} free ports from {_OURS.start} to {_OURS.stop - 1}")
    return ports


def free_port() -> int:
    """One such port. Raises OSError."""
    return free_ports(1)[0]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
