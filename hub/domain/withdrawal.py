"""The declarant takes a declaration back."""

from __future__ import annotations

from hub.domain.model import Model, UtcDatetime


class Withdrawal(Model):
    """Why, when and by whom. `reason` is a code of policy.yaml."""

    reason: str
    remarks: str = ""
    requested_at: UtcDatetime
    by: str
    """Id of the API client."""
