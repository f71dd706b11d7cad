"""What carriers and warehouses tell of the cargo itself, by its cargo management number."""

from __future__ import annotations

from enum import StrEnum

from hub.domain.model import Model, UtcDatetime


class CargoStep(StrEnum):
    """Where the cargo is on its way, in the order in which it usually goes."""

    ARRIVAL = "arrival"
    UNLOADING = "unloading"
    STORAGE = "storage"
    BONDED_TRANSPORT = "bonded_transport"
    RELEASE = "release"
    """The warehouse lets it go, as the hub's notice allows."""
    GATE_OUT = "gate_out"


class CargoEvent(Model):
    """One step, as reported. The same reporter and message id is the same event."""

    cargo_management_number: str
    step: CargoStep
    at: UtcDatetime
    """When it took place, as reported."""
    place: str | None = None
    reporter: str
    """Id of the API client."""
    message_id: str
    remarks: str | None = None
    received_at: UtcDatetime
