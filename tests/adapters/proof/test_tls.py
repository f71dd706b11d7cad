"""Both ends of a TLS connection prove themselves, over real handshakes."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub.config.models import AgencyFile
from hub.domain.errors import AgencyUnavailable, NotUnderstood
from tests.adapters.proof.certificates import Identity, issue
from tests.adapters.proof.test_requests import RECEIPT, with_auth
from tests.adapters.proof.tls_system import tls_system
from tests.adapters.support import dossier, gateway_to
from tests.adapters.system import answer

# TLS goes by the machine's clock, not by the hub's.
NOW = datetime.now(UTC)
SPAN: dict[str, Any] = {"curve": True, "start": NOW - timedelta(days=30), "end": NOW + timedelta(days=300)}
PAST: dict[str, Any] = {"curve": True, "start": NOW - timedelta(days=300), "end": NOW - timedelta(days=20)}
SAID = answer(200, RECEIPT)


@pytest.fixture(scope="module")
def authority() -> Identity:
    return issue("an authority", authority=True, **SPAN)


@pytest.fixture(scope="module")
def server(authority: Identity) -> Identity:
    return issue("agency.example", authority, **SPAN)


@pytest.fixture(scope="module")
def client(authority: Identity) -> Identity:
    return issue("the hub", authority, **SPAN)


def channel(url: str, auth: dict[str, Any] | None = None, *, trust: str | None = "env:TRUST") -> AgencyFile:
    data = with_auth(auth or {}).model_dump(mode="json")
    data["channel"] |= {"endpoint": f"{url}/v1", "trust": trust}
    return AgencyFile.model_validate(data)


async def submit(file: AgencyFile, **variables: str) -> None:
    async with gateway_to("", file, extra=variables) as gateway:
        submission = await gateway.submit(dossier(file))
    assert submission.receipt.reference == "RV-1"


def trusted(folder: Path, authority: Identity) -> str:
    (folder / "authority.pem").write_bytes(authority.pem)
    return str(folder / "authority.pem")


async def test_the_authorities_that_a_channel_names_are_trusted(
    tmp_path: Path, authority: Identity, server: Identity
) -> None:
    """And those of the machine are not enough: nobody is believed whom the file does not know."""
    trust = trusted(tmp_path, authority)
    with tls_system(SAID, tmp_path, server) as running:
        await submit(channel(running.url), TRUST=trust)
        with pytest.raises(
            AgencyUnavailable, match="not issued by an authority that is trusted here; `trust`"
        ):
            await submit(channel(running.url, trust=None))
    assert len(running.heard) == 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("apart", [True, False])
async def test_the_hub_shows_its_certificate(
    tmp_path: Path,
    authority: Identity,
    server: Identity,
    client: Identity,
    version: ssl.TLSVersion,
    apart: bool,
) -> None:
    """Certificate and key in two files, or in one; beside another kind of proof."""
    certificate, key = client.put(tmp_path, "client")
    mtls = {"certificate": "env:CERT", "key": "env:KEY"}
    if not apart:
        Path(certificate).write_bytes(client.pem + client.key_pem)
        del mtls["key"]
    auth = {"mtls": mtls, "bearer": "env:TOKEN"}
    variables = {"CERT": certificate, "KEY": key, "TOKEN": "t0ken", "TRUST": trusted(tmp_path, authority)}
    with tls_system(SAID, tmp_path, server, clients=authority.pem, version=version) as running:
        await submit(channel(running.url, auth), **variables)
    assert running.shown == ["the hub"]
    assert running.heard[0].headers["authorization"] == "Bearer t0ken"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_certificate_that_is_not_taken_is_told_and_never_in_doubt(
    tmp_path: Path, authority: Identity, server: Identity, version: ssl.TLSVersion
) -> None:
    """The handshake failed, so the request was read by nobody: none shown, a stranger's, an expired one."""
    trust = trusted(tmp_path, authority)
    mtls = {"mtls": {"certificate": "env:CERT", "key": "env:KEY"}}
    shown = [
        (None, "wants a client certificate, and the channel shows none"),
        (issue("stranger", **SPAN), "turns our client certificate down: it does not know the authority"),
        (issue("old", authority, **PAST), "turns our client certificate down: it has expired"),
    ]
    with tls_system(SAID, tmp_path, server, clients=authority.pem, version=version) as running:
        for identity, words in shown:
            certificate, key = identity.put(tmp_path, "c") if identity else ("", "")
            file = channel(running.url, mtls if identity else None)
            with pytest.raises(AgencyUnavailable, match=words):
                await submit(file, CERT=certificate, KEY=key, TRUST=trust)
    assert running.heard == []


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (PAST, f"its certificate expired on {PAST['end']:%Y-%m-%d}"),
        (
            {**SPAN, "start": NOW + timedelta(days=2)},
            "its certificate is not valid yet, but from",
        ),
        ({"host": "127.0.0.9", **SPAN}, "its certificate is not for this address, but for 127.0.0.9"),
    ],
)
async def test_what_is_wrong_with_the_agencys_certificate_is_told_in_words(
    tmp_path: Path, authority: Identity, made: dict[str, Any], words: str
) -> None:
    """Whoever reads it can call the agency; nothing was sent."""
    trust = trusted(tmp_path, authority)
    identity = issue("agency.example", authority, **made)
    with tls_system(SAID, tmp_path, identity) as running, pytest.raises(AgencyUnavailable, match=words):
        await submit(channel(running.url), TRUST=trust)
    assert running.heard == []


async def test_files_that_are_no_certificates_are_a_matter_for_a_person(
    tmp_path: Path, authority: Identity, client: Identity
) -> None:
    """Before a connection is made, and in words that say which file."""
    certificate, _ = client.put(tmp_path, "client")
    file = channel("https://127.0.0.1:1", {"mtls": {"certificate": "env:CERT"}})
    with pytest.raises(NotUnderstood, match=r"auth\.mtls: the file holds no PEM private key"):
        await submit(file, CERT=certificate, TRUST=trusted(tmp_path, authority))
    with pytest.raises(NotUnderstood, match="trust: the file cannot be read: No such file"):
        await submit(channel("https://127.0.0.1:1"), TRUST=str(tmp_path / "nothing.pem"))


async def test_a_certificate_that_disappears_is_no_crash(
    tmp_path: Path, authority: Identity, server: Identity, client: Identity
) -> None:
    """Files are read with each new connection: one that is renewed is used, one that is gone is missed."""
    certificate, key = client.put(tmp_path, "client")
    with tls_system(SAID, tmp_path, server, clients=authority.pem) as running:
        file = channel(running.url, {"mtls": {"certificate": "env:CERT", "key": "env:KEY"}})
        variables = {"CERT": certificate, "KEY": key, "TRUST": trusted(tmp_path, authority)}
        async with gateway_to("", file, extra=variables) as gateway:
            await gateway.submit(dossier(file))
            Path(certificate).unlink()
            with pytest.raises(AgencyUnavailable, match="not sent: "):
                await gateway.submit(dossier(file))
