"""`hub agency new`: what it writes passes the check, and the agency takes what is sent by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from hub.adapters.gateway import Gateway
from hub.clock import utc_now
from hub.config.loader import Configuration, ConfigurationFaults
from tests.adapters.support import dossier
from tests.simulator.support import FakeHub, running
from tests.workbench.proposals import CONTRACTS, check, command, fill_in, folder, propose

AUTH = "auth: TODO how the hub proves itself (bearer basic api_key oauth2 hmac ws_security; {} if not at all)"
OPEN = {
    "soap11-bare.wsdl": {AUTH: "auth: {api_key: {header: X-Desk-Key, value: env:TESTS_KEY}}"},
    "soap11-oneway.wsdl": {AUTH: "auth: {api_key: {header: X-Exchange-Key, value: env:TESTS_KEY}}"},
    "soap11-rpc.wsdl": {
        AUTH: "auth: {basic: {username: env:TESTS_USER, password: env:TESTS_PASSWORD}}",
        "direction: TODO import, export or transit in the agency's code (direction; one of 1, 2, 3)": (
            'direction: \'={"import": 1, "export": 2, "transit": 3}[declaration.procedure]\''
        ),
    },
    "soap11-wrapped.wsdl": {AUTH: "auth: {basic: {username: env:TESTS_USER, password: env:TESTS_PASSWORD}}"},
    "soap11-wssec.wsdl": {
        AUTH: "auth: {ws_security: {username: env:TESTS_USER, password: env:TESTS_PASSWORD}}"
    },
    "soap12.wsdl": {AUTH: "auth: {bearer: env:TESTS_TOKEN}"},
}
"""What each contract says nothing of."""
EVERY = sorted(path.name for path in CONTRACTS.iterdir())


@pytest.mark.parametrize("contract", EVERY)
async def test_a_proposal_is_taken_by_the_agency(contract: str, tmp_path: Path) -> None:
    """With its business values it has no fault, and the agency's system takes its requests for valid."""
    config = folder(tmp_path / "config")
    propose("tests", CONTRACTS / contract, config)
    fill_in("tests", config, OPEN.get(contract, {}))
    configuration = check(config)
    file = configuration.agencies["tests"]
    with running(configuration, FakeHub("http://127.0.0.1:9")) as simulator:
        gateway = _gateway(configuration, {**simulator.secrets, "TESTS_ENDPOINT": simulator.of("tests")})
        try:
            submission = await gateway.submit(dossier(file))
        finally:
            await gateway.close()
        [taken] = simulator.ledger(agency="tests")["applications"]
    assert submission.receipt.reference or contract == "soap11-oneway.wsdl"
    assert taken["reference"] == "26KR1B2C3D4E5F6G72/tests-import"


@pytest.mark.parametrize("contract", EVERY)
def test_nothing_half_done_goes_live(contract: str, tmp_path: Path) -> None:
    """As it is written, every TODO is a fault that says what to fill in, and there is no other fault."""
    config = folder(tmp_path / "config")
    text = propose("tests", CONTRACTS / contract, config)
    with pytest.raises(ConfigurationFaults) as told:
        check(config)
    assert {fault.what for fault in told.value.faults} == {"this is not filled in yet"}
    assert all(fault.cure.startswith("fill in: ") for fault in told.value.faults)
    lines = [number for number, line in enumerate(text.splitlines(), 1) if "TODO " in line and number > 3]
    assert sorted({fault.line for fault in told.value.faults}) == lines


@pytest.mark.parametrize("contract", ["soap11-rpc.wsdl", "rest-ticket.yaml"])
def test_the_same_contract_gives_the_same_file(contract: str, tmp_path: Path) -> None:
    """To the letter; and lines are short."""
    first = propose("tests", CONTRACTS / contract, folder(tmp_path / "one"))
    second = propose("tests", CONTRACTS / contract, folder(tmp_path / "two"))
    assert first == second
    assert max(map(len, first.splitlines())) <= 110


def _gateway(configuration: Configuration, environment: Mapping[str, str]) -> Gateway:
    return Gateway(
        configuration.agencies,
        configuration.versions,
        configuration.folder,
        environment,
        {slug: calendar.zone for slug, calendar in configuration.calendars.items()},
        utc_now,  # WS-Security tokens are fresh, or refused
    )


def test_a_contract_without_operations_is_told_as_such(tmp_path: Path) -> None:
    """As a WSDL of types and messages that another one imports: there is nothing in it to choose from."""
    contract = tmp_path / "types.wsdl"
    contract.write_text(
        '<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" targetNamespace="urn:types"/>',
        encoding="utf-8",
    )
    told = command("desk", "--wsdl", str(contract), "--config", str(folder(tmp_path / "config")))
    assert told.exit_code == 1
    assert "no operation at all" in str(told.exception)
    assert "the file with the bindings" in str(told.exception)
    assert "listed" not in f"{told.exception}{told.output}"


def test_what_is_told_afterwards_is_proposed_by_its_name(tmp_path: Path) -> None:
    """As far as nothing is left open; what is left open is named, with the key that it is for."""
    config = folder(tmp_path / "config")
    text = propose("tests", CONTRACTS / "rest-ticket.yaml", config)
    for line in (
        "  amend:",
        "    path: /applications/{receipt.reference}\n    request:\n      amendmentNo: =referral.revision",
        "    path: /applications/{receipt.reference}/supplements",
        "      supplementNo: =information.id",
        "    path: /applications/{receipt.reference}/reminders",
        "# also in the contract, and not used here: POST /applications/{ticket}/withdrawal (`withdraw`)",
    ):
        assert line in text
    assert "  withdraw:" not in text


def test_a_withdrawal_that_was_chosen_says_what_is_missing(tmp_path: Path) -> None:
    """The codes of its reasons are the agency's: as long as nobody has given them, the file is not used."""
    config = folder(tmp_path / "config")
    chosen = ("--withdraw", "POST /applications/{ticket}/withdrawal", "--amend", "none")
    text = propose("tests", CONTRACTS / "rest-ticket.yaml", config, *chosen)
    assert "withdrawal.reason" in text
    assert "  amend:" not in text
    with pytest.raises(ConfigurationFaults) as told:
        check(config)
    assert "channel.withdraw.request.reasonCode" in {fault.key for fault in told.value.faults}


def test_a_withdrawal_is_never_taken_for_a_question(tmp_path: Path) -> None:
    """It bears our reference and little else, as a look-up does; asked in doubt, it would end the case."""
    config = folder(tmp_path / "config")
    text = propose("tests", CONTRACTS / "soap12.wsdl", config)
    assert "look_up:" not in text
    assert "not used here: Retract (`withdraw`)" in text
    assert "      number: =referral.revision" in text
