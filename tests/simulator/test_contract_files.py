"""The contract files by themselves: well formed, and each of them in use."""

from __future__ import annotations

import pytest
import zeep
from openapi_spec_validator import validate
from ruamel.yaml import YAML

from hub.config.loader import Configuration
from tests.simulator.support import FOLDER

CONTRACTS = FOLDER / "contracts"


@pytest.mark.parametrize("name", sorted(path.name for path in CONTRACTS.glob("*.yaml")))
def test_openapi_documents_are_valid(name: str) -> None:
    """By the specification's own schema."""
    validate(YAML(typ="safe").load((CONTRACTS / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", sorted(path.name for path in CONTRACTS.glob("*.wsdl")))
def test_wsdls_are_read_in_strict_mode(name: str) -> None:
    """By a client that knows nothing of ours, without a network."""
    client = zeep.Client(str(CONTRACTS / name), settings=zeep.Settings(strict=True, forbid_external=True))
    assert client.wsdl.services


def test_every_contract_is_somebodys(configuration: Configuration) -> None:
    """No agency names a file that is not there, and no file lies about unused."""
    used = {agency.channel.contract for agency in configuration.agencies.values()}
    assert used == {f"contracts/{path.name}" for path in CONTRACTS.iterdir()}


def test_agencies_do_not_share_a_vocabulary(configuration: Configuration) -> None:
    """A table written for one agency cannot pass for another's."""
    tables = [frozenset(agency.verdicts) for agency in configuration.agencies.values()]
    assert len(set(tables)) == len(tables)
