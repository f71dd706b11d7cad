"""Hub and simulator work out the same endpoints and secrets from one seed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import requests

from hub.config.loader import Configuration
from hub.simulator.contracts import NotSimulated, contract
from hub.simulator.environment import EnvironmentMissing, environment, names
from hub.simulator.world import World
from tests.simulator.support import fake_hub, running


def test_every_name_of_every_channel_has_a_value(configuration: Configuration) -> None:
    """Endpoints lie below the base URL; secrets are the same for the same seed, and differ by name."""
    values = environment(configuration.agencies, "http://sim:1/", "seed")
    wanted = {name for agency in configuration.agencies.values() for name in names(agency.channel)}
    assert values.keys() == wanted
    assert values["APQA_ENDPOINT"] == "http://sim:1/apqa"
    assert values == environment(configuration.agencies, "http://sim:1", "seed")
    kept = [value for name, value in values.items() if not name.endswith("_ENDPOINT")]
    assert len(set(kept)) == len(kept)
    other = environment(configuration.agencies, "http://sim:1", "other")
    assert not set(kept) & set(other.values())


def test_missing_names_are_told_all_at_once(configuration: Configuration) -> None:
    """A simulator without its secrets does not start."""
    values = environment(configuration.agencies, "http://sim", "seed")
    del values["APQA_PASSWORD"], values["KMDIA_CALLBACK_SECRET"]
    with pytest.raises(EnvironmentMissing, match=r"APQA_PASSWORD, KMDIA_CALLBACK_SECRET"):
        World(configuration, hub_url="http://hub", environment=values)


def test_a_contract_it_does_not_know_is_an_error(tmp_path: Path) -> None:
    """It says which contracts it can keep."""
    with pytest.raises(NotSimulated, match=r"other.wsdl .* soap11-wrapped"):
        contract(tmp_path / "other.wsdl")


def test_an_agency_that_cannot_be_played_keeps_no_other_from_it(configuration: Configuration) -> None:
    """It is told as unavailable, so that its referrals wait for an endpoint of its own."""
    kats, mfds = configuration.agencies["kats"], configuration.agencies["mfds"]
    channel = kats.channel.model_copy(update={"contract": "contracts/own.wsdl"})
    own = {"kats": kats.model_copy(update={"channel": channel}), "mfds": mfds}
    with fake_hub() as hub, running(replace(configuration, agencies=own), hub) as simulator:
        told = requests.get(simulator.of("kats"), timeout=10)
        assert told.status_code == 503
        assert "kats is not simulated: own.wsdl is not among the contracts" in told.text
        assert requests.get(f"{simulator.of('mfds')}/openapi.yaml", timeout=10).status_code == 200
