"""The embedded stack: where it listens, and what is said when a part of it does not come up."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

import pytest

from hub.embedded import Ports, Stack, StackFailed
from hub.loopback import free_ports

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
ROOT = Path(__file__).parent.parent


def test_no_port_is_given_twice() -> None:
    """Several stacks are planned before the first of them listens."""
    ports = [port for _ in range(50) for port in (*astuple(Ports.free()), *free_ports(3))]
    assert len(set(ports)) == 50 * 7


@pytest.mark.skipif(not _RANGE.exists(), reason="the kernel does not say which ports it gives away")
def test_the_kernel_gives_no_such_port_away() -> None:
    """A connection of some other process would have taken it before our own process listens."""
    lowest = int(_RANGE.read_text().split()[0])
    assert max(free_ports(500)) < max(lowest, 32_768)


class WithoutEngine(Stack):
    """Of which the engine ends as soon as it is started."""

    def command(self, name: str) -> Sequence[str]:
        if name == "temporal":
            return [sys.executable, "-c", "raise SystemExit('address already in use')"]
        return super().command(name)


async def test_the_process_that_ended_is_named_and_not_the_one_that_waits_for_it(tmp_path: Path) -> None:
    """The API waits for the engine as long as it must; what is wrong stands in the engine's log."""
    stack = WithoutEngine(tmp_path / "stack", Ports.free(), ROOT / "adapters_config")
    try:
        with pytest.raises(StackFailed, match="temporal ended with status 1\naddress already in use"):
            await stack.start()
    finally:
        await stack.stop()
