"""Credentials of a channel: what must not be written, what must be set, and the files that are named."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from hub.config.certificates import expiring
from hub.config.loader import Fault
from tests.adapters.proof.certificates import Identity, issue
from tests.config.conftest import ENVIRONMENT, Folder

PLANTS, LABS = "agencies/plants.yaml", "agencies/labs.yaml"
SOAP_AUTH = "auth: {ws_security: {username: hub, password: env:PLANTS_PASSWORD}}"
REST_AUTH = "auth: {bearer: env:LABS_TOKEN}"
NOW = datetime.now(UTC)
MTLS = "auth: {mtls: {certificate: env:CERT, key: env:KEY}}"
SIGNATURE = (
    "auth: {ws_security: {signature: {certificate: env:CERT, key: env:KEY, agency_certificate: certs/a.pem}}}"
)
LOGIN = (
    "  secrets: {pw: env:LABS_SECRET}\n  login: {method: POST, path: /login, request: {pw: =secret.pw},"
    " token: =reply.t}\n  submit:"
)


def one(faults: tuple[Fault, ...]) -> Fault:
    assert len(faults) == 1, "\n".join(map(str, faults))
    return faults[0]


@pytest.mark.parametrize(
    ("auth", "key", "what"),
    [
        ("{oauth2: {token_url: env:TOKEN_URL, client_id: a, client_secret: s3cret}}", "oauth2.client_secret",
         "a secret is written in the file"),
        ("{hmac: {secret: s3cret}}", "hmac.secret", "a secret is written in the file"),
        ("{hmac: {secret: env:LABS_SECRET, over: =bodi}}", "hmac.over", "there is no 'bodi' here"),
        ("{hmac: {secret: env:LABS_SECRET, over: body}}", "hmac.over", "does not begin with `=`"),
        ("{oauth2: {token_url: 'http://id.example/t', client_id: a, client_secret: env:LABS_SECRET}}",
         "oauth2.token_url", "it is not https"),
        ("{oauth2: {token_url: id.example, client_id: a, client_secret: env:LABS_SECRET}}",
         "oauth2.token_url", "it is no URL"),
        ("{oauth2: {token_url: env:NOT_SET, client_id: a, client_secret: env:LABS_SECRET}}",
         "oauth2.token_url", "NOT_SET is not set"),
        ("{oauth2: {token_url: 'https://i.example', client_id: env:NOT_SET, client_secret: env:LABS_SECRET}}",
         "oauth2.client_id", "NOT_SET is not set"),
        ("{api_key: {value: env:LABS_SECRET}}", "api_key", "it is not said where the key goes"),
        ("{api_key: {header: X, query: x, value: env:LABS_SECRET}}", "api_key", "the key would go twice"),
        ("{mtls: {certificate: /etc/hub.pem}}", "mtls.certificate", "do not stand in this folder"),
        ("{mtls: {certificate: env:CERT, key: certs/hub.key}}", "mtls.key", "do not stand in this folder"),
        ("{mtls: {certificate: env:cert}}", "mtls.certificate", "not one of an environment variable"),
    ],
)  # fmt: skip
def test_what_proves_the_hub_is_named_and_not_written(
    folder: Folder, tmp_path: Path, auth: str, key: str, what: str
) -> None:
    """One fault each, with the secret itself in none of its words."""
    both = tmp_path / "both.pem"
    identity = issue("hub", curve=True, start=NOW - timedelta(days=1), end=NOW + timedelta(days=99))
    both.write_bytes(identity.pem + identity.key_pem)
    folder.spoil(LABS, REST_AUTH, f"auth: {auth}")
    variables = {**ENVIRONMENT, "TOKEN_URL": "https://id.example/token?tenant=1", "CERT": str(both)}
    fault = one(folder.faults(environment=variables))
    assert fault.key == f"channel.auth.{key}"
    assert what in fault.what
    assert fault.cure or "is no expression" not in fault.what
    assert "s3cret" not in str(fault)


@pytest.mark.parametrize(
    ("auth", "key", "what"),
    [
        ("{ws_security: {}}", "ws_security", "there is nothing in it"),
        ("{ws_security: {username: hub}}", "ws_security.password", "a user without a password"),
        ("{ws_security: {password: env:PLANTS_PASSWORD}}", "ws_security.username", "a password without"),
        ("{ws_security: {timestamp: 0s}}", "ws_security.timestamp", "is no time at all"),
    ],
)
def test_ws_security_has_something_in_it(folder: Folder, auth: str, key: str, what: str) -> None:
    """Half a UsernameToken is none."""
    folder.spoil(PLANTS, SOAP_AUTH, f"auth: {auth}")
    fault = one(folder.faults())
    assert (fault.key, what in fault.what) == (f"channel.auth.{key}", True), str(fault)


def test_a_certificate_in_the_handshake_goes_with_another_kind(folder: Folder, tmp_path: Path) -> None:
    """Any other two kinds are a fault."""
    identity = issue("hub", curve=True, start=NOW - timedelta(days=1), end=NOW + timedelta(days=99))
    certificate, key = identity.put(tmp_path, "hub")
    folder.spoil(
        LABS, REST_AUTH, "auth: {bearer: env:LABS_TOKEN, mtls: {certificate: env:CERT, key: env:KEY}}"
    )
    assert folder.faults(environment={**ENVIRONMENT, "CERT": certificate, "KEY": key}) == ()


# --- sessions ----------------------------------------------------------------------------------------------


def test_a_session_may_stand_in_any_header(folder: Folder) -> None:
    """Also in one that no mapping may fill with a credential of the file."""
    folder.spoil(LABS, "  submit:", LOGIN)
    folder.spoil(LABS, "headers: {Idem", "headers: {Authorization: '=\"Bearer \" + session.token', Idem")
    assert folder.faults() == ()


@pytest.mark.parametrize(
    ("old", "new", "key", "what"),
    [
        ("pw: env:LABS_SECRET", "pw: s3cret", "secrets.pw", "a secret is written in the file"),
        ("pw: env:LABS_SECRET", "pw: env:NOT_SET", "secrets.pw", "NOT_SET is not set"),
        ("token: =reply.t", "token: =repli.t", "login.token", "there is no 'repli' here"),
        ("token: =reply.t", "lasts: 0m, token: =reply.t", "login.lasts", "is no time at all"),
        ("token: =reply.t", "endpoint: 'http://x.example', token: =reply.t", "login.endpoint", "not https"),
        ("token: =reply.t", "errors: [{when: =status == 401, means: logged_out}], token: =reply.t",
         "login.errors[0].means", "logging in needs no session"),
    ],
)  # fmt: skip
def test_a_log_in_is_checked(folder: Folder, old: str, new: str, key: str, what: str) -> None:
    """Its secrets, what is read from its answer, how long it lasts."""
    folder.spoil(LABS, "  submit:", LOGIN)
    folder.spoil(LABS, old, new)
    fault = one(folder.faults())
    assert (fault.key, what in fault.what) == (f"channel.{key}", True), str(fault)
    assert "s3cret" not in str(fault)


def test_without_a_log_in_no_session_ends(folder: Folder) -> None:
    """`logged_out` would be waited for in vain."""
    folder.spoil(PLANTS, "means: refused", "means: logged_out")
    fault = one(folder.faults())
    assert fault.key == "channel.submit.errors[0].means"
    assert "there is no session that could end" in fault.what


def test_an_agencys_own_worker_has_its_credentials_elsewhere(folder: Folder) -> None:
    """Where the hub runs, only what its callbacks need must be set."""
    folder.spoil(LABS, "  adapter: rest", "  own_worker: true\n  adapter: rest")
    folder.spoil(LABS, REST_AUTH, "trust: env:NOT_SET\n  " + MTLS)
    assert folder.faults() == ()
    fault = one(folder.faults(environment={**ENVIRONMENT, "LABS_SECRET": ""}))
    assert fault.key == "channel.callback.auth.hmac.secret"


# --- files of certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hub() -> Identity:
    return issue("hub", start=NOW - timedelta(days=9), end=NOW + timedelta(days=99))


@pytest.fixture(scope="module")
def agency() -> Identity:
    return issue("agency", curve=True, start=NOW - timedelta(days=9), end=NOW + timedelta(days=99))


def signing(folder: Folder, tmp_path: Path, hub: Identity, agency: Identity) -> Mapping[str, str]:
    """A channel that signs, without faults; its variables."""
    certificate, key = hub.put(tmp_path, "hub")
    folder.spoil(PLANTS, SOAP_AUTH, SIGNATURE)
    folder.write("certs/a.pem", agency.pem.decode())
    return {**ENVIRONMENT, "CERT": certificate, "KEY": key}


def test_a_channel_that_signs_is_without_faults(
    folder: Folder, tmp_path: Path, hub: Identity, agency: Identity
) -> None:
    """The certificate of the agency stands in the folder, ours and its key where the hub runs."""
    variables = signing(folder, tmp_path, hub, agency)
    assert folder.faults(environment=variables) == ()


@pytest.mark.parametrize(
    ("name", "content", "key", "what"),
    [
        ("hub.pem", None, "certificate", "the file cannot be read: No such file"),
        ("hub.pem", "x", "certificate", "holds no PEM certificate"),
        ("hub.key", "x", "key", "holds no PEM private key"),
        ("hub.key", "other", "key", "the key is not that of the first certificate"),
        ("hub.key", "encrypted", "key", "the key is encrypted"),
        ("config/certs/a.pem", None, "agency_certificate", "the file cannot be read: No such file"),
        ("config/certs/a.pem", "x", "agency_certificate", "holds no PEM certificate"),
    ],
)
def test_a_file_that_cannot_be_used_is_a_fault(
    folder: Folder,
    tmp_path: Path,
    hub: Identity,
    agency: Identity,
    name: str,
    content: str | None,
    key: str,
    what: str,
) -> None:
    """It is missing, is something else, or is another's."""
    variables = signing(folder, tmp_path, hub, agency)
    if content is None:
        (tmp_path / name).unlink()
    else:
        made = {"other": agency.key_pem, "encrypted": _encrypted(hub)}.get(content, content.encode())
        (tmp_path / name).write_bytes(made)
    fault = one(folder.faults(environment=variables))
    assert fault.key == f"channel.auth.ws_security.signature.{key}"
    assert what in fault.what
    assert str(tmp_path) not in str(fault)


def _encrypted(identity: Identity) -> bytes:
    return identity.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )


def test_a_key_must_go_with_the_algorithm(folder: Folder, tmp_path: Path, agency: Identity) -> None:
    """An elliptic curve makes no RSA signature."""
    curve = issue("hub", curve=True, start=NOW - timedelta(days=9), end=NOW + timedelta(days=99))
    variables = signing(folder, tmp_path, curve, agency)
    fault = one(folder.faults(environment=variables))
    assert fault.key == "channel.auth.ws_security.signature.algorithm"
    assert "write ecdsa-sha256" in fault.cure


def test_a_certificate_whose_time_is_over_or_soon_will_be_is_a_warning(
    folder: Folder, tmp_path: Path, hub: Identity
) -> None:
    """Ours and the agency's; also told by `expiring`, wherever the hub runs."""
    old = issue("old", start=NOW - timedelta(days=90), end=NOW - timedelta(days=2))
    soon = issue("soon", start=NOW - timedelta(days=90), end=NOW + timedelta(days=10))
    variables = signing(folder, tmp_path, soon, soon)
    configuration = folder.load(environment=variables)
    told = [fault for fault in configuration.warnings if "ends on" in fault.what]
    assert {fault.key.rpartition(".")[2] for fault in told} == {"certificate", "agency_certificate"}
    found = list(expiring(configuration.agencies["plants"], variables, NOW, folder.path))
    assert [(one.key[-1], one.subject, one.days) for one in found] == [
        ("certificate", "CN=soon", 9),
        ("agency_certificate", "CN=soon", 9),
    ]
    folder.write("certs/a.pem", old.pem.decode())
    # Time passes by itself: it must not keep a hub from starting for all the other agencies.
    over = [fault for fault in folder.load(environment=variables).warnings if "expired" in fault.what]
    assert [fault.key.rpartition(".")[2] for fault in over] == ["agency_certificate"]
    assert f"CN=old expired on {NOW - timedelta(days=2):%Y-%m-%d}" in over[0].what
    # One of them is in use and the other to come: what is over does no harm beside what is not.
    folder.write("certs/a.pem", (old.pem + hub.pem).decode())
    assert folder.faults(environment=variables) == ()


@pytest.mark.parametrize("text", ["../a.pem", "/etc/a.pem"])
def test_trust_does_not_lead_out_of_the_folder(folder: Folder, text: str) -> None:
    """But by a variable."""
    folder.spoil(LABS, REST_AUTH, f"{REST_AUTH}\n  trust: {text}")
    fault = one(folder.faults())
    assert (fault.key, "leads out of the folder" in fault.what) == ("channel.trust", True)


def test_files_that_only_production_has_are_not_missed_in_development(folder: Folder) -> None:
    """There, variables may stand for whatever the simulator makes of them."""
    folder.spoil(LABS, REST_AUTH, MTLS)
    assert folder.faults(development=True, environment={"CERT": "0a1b", "KEY": "2c3d"}) == ()


# --- secrets of the requests themselves --------------------------------------------------------------------


def test_requests_of_any_operation_may_hold_secrets(folder: Folder) -> None:
    """In headers, query and request, without any log-in."""
    folder.spoil(LABS, REST_AUTH, "secrets: {key: env:LABS_SECRET}")
    folder.spoil(
        LABS, "headers: {Idem", "query: {k: =secret.key}\n    headers: {Authorization: =secret.key, Idem"
    )
    folder.spoil(LABS, "{ids: =ids}", "{ids: =ids, key: =secret.key}")
    assert folder.faults() == ()


@pytest.mark.parametrize(
    ("secrets", "old", "new", "what", "cure"),
    [
        ("", "{ids: =ids}", "{ids: =ids, key: =secret.key}", "there is no 'secret' here",
         "name them under `channel.secrets`"),
        ("secrets: {key: env:LABS_SECRET}", "{ids: =ids}", "{ids: =ids, key: =secret.kay}",
         "there is no 'secret.kay' here", "did you mean 'secret.key'?"),
        ("secrets: {key: env:LABS_SECRET}", "{ids: =ids}", "{ids: =ids, key: =secret.organisation}",
         "there is no 'secret.organisation' here", "as organisation: env:NAME"),
        ("secrets: {key: env:LABS_SECRET}", "messages: =reply", "messages: =secret.key + reply",
         "there is no 'secret' here", "there are"),
        ("secrets: {token_url: env:lower}", "{ids: =ids}", "{ids: =ids, key: =secret.token_url}",
         "not one of an environment variable", "write capital letters"),
    ],
)  # fmt: skip
def test_secrets_of_requests_are_checked(
    folder: Folder, secrets: str, old: str, new: str, what: str, cure: str
) -> None:
    """By their names, and where they are read: answers do not see them."""
    folder.spoil(LABS, REST_AUTH, f"{secrets}\n  {REST_AUTH}" if secrets else REST_AUTH)
    folder.spoil(LABS, old, new)
    fault = one(folder.faults())
    assert (what in fault.what, cure in fault.cure) == (True, True), str(fault)
