"""What carriers and warehouses report, as it is kept."""

from __future__ import annotations

from typing import Protocol

from hub.domain.cargo import CargoEvent


class CargoStore(Protocol):
    """What carriers and warehouses report. Blocking."""

    def record_cargo(self, event: CargoEvent) -> list[str]:
        """
        Write an event down once, and note it with every declaration of that cargo management number: also
        those lodged later. `cargo.left_unreleased` beside a gate-out of cargo that the hub has not released.
        The mrns; empty when it was known already. Raises ValueError for the same message id with other
        content.
        """

    def cargo_events(self, cargo_management_number: str) -> list[CargoEvent]:
        """In the order in which they took place."""
