"""The UsernameToken is really checked: digest, window and nonce."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import requests
import zeep.exceptions

from tests.simulator import support
from tests.simulator.support import Simulator, new_mrn, soap_service


def _refused(simulator: Simulator, **token: object) -> str:
    mrn = new_mrn()
    service = soap_service(simulator, "npa", "soap11-wssec", **token)
    with pytest.raises(zeep.exceptions.Fault) as fault:
        service.SubmitLicenceCase(**support.wssec(mrn))
    assert fault.value.code == "wsse:FailedAuthentication"
    assert simulator.ledger(mrn=mrn)["applications"] == []
    return str(fault.value)


def test_a_wrong_password_is_refused(simulator: Simulator) -> None:
    """The digest is worked out again from the agency's own password."""
    assert "digest" in _refused(simulator, password="guess")


def test_the_password_itself_is_refused_where_a_digest_is_agreed(simulator: Simulator) -> None:
    """PasswordText does not do, even when it is the right one."""
    assert "not a digest" in _refused(simulator, use_digest=False)


@pytest.mark.parametrize("minutes", [-6, 6])
def test_a_token_from_outside_the_window_is_refused(simulator: Simulator, minutes: int) -> None:
    """Created may be five minutes off, either way."""
    created = datetime.now(UTC) + timedelta(minutes=minutes)
    assert "window" in _refused(simulator, created=created, zulu_timestamp=True)


def test_a_token_inside_the_window_is_accepted(simulator: Simulator) -> None:
    """Four minutes of difference between two clocks do no harm."""
    created = datetime.now(UTC) - timedelta(minutes=4)
    service = soap_service(simulator, "npa", "soap11-wssec", created=created, zulu_timestamp=True)
    assert service.SubmitLicenceCase(**support.wssec(new_mrn())).CaseId


def test_a_nonce_counts_once(simulator: Simulator) -> None:
    """The same bytes sent again are a replay, and take no effect."""
    sent: list[tuple[bytes, dict[str, str]]] = []
    mrn = new_mrn()
    service = soap_service(simulator, "npa", "soap11-wssec")
    session: requests.Session = service._client.transport.session

    def keep(response: requests.Response, **_: object) -> None:
        assert isinstance(response.request.body, bytes)
        sent.append((response.request.body, dict(response.request.headers)))

    session.hooks["response"].append(keep)
    service.SubmitLicenceCase(**support.wssec(mrn))
    (body, headers) = sent[0]
    again = requests.post(simulator.of("npa"), body, headers=headers, timeout=5)
    assert again.status_code == 500
    assert b"wsse:FailedAuthentication" in again.content
    assert b"nonce" in again.content
    assert simulator.entry("npa", mrn)["effects"] == 1
