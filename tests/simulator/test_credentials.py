"""How the simulated agencies know the hub, beside what the contracts' own tests show."""

from __future__ import annotations

import pytest

from hub.config.models import ChannelAuth
from hub.simulator.credentials import HttpCredentials
from hub.simulator.errors import Unauthorised


def test_a_key_may_stand_in_the_query() -> None:
    """It is no parameter of the contract, and taken out before that is checked."""
    auth = ChannelAuth.model_validate({"api_key": {"query": "key", "value": "env:K"}})
    door = HttpCredentials(auth, {"K": "schlüssel"})
    assert door.check({}, {"key": "schlüssel", "limit": "5"}) == {"limit": "5"}
    for query in ({}, {"key": "other"}):
        with pytest.raises(Unauthorised, match="key is missing or wrong"):
            door.check({"key": "schlüssel"}, query)
