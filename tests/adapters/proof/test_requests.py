"""What requests carry: keys, passwords and tokens where the agency wants them, and signatures over them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest

from hub.adapters.channel import Contracts, prepare
from hub.adapters.context import dossier_context
from hub.adapters.proof import PLACEHOLDER
from hub.config.models import AgencyFile
from hub.domain.errors import NotUnderstood
from tests.adapters.support import FOLDER, NOW, SEOUL, agency, changed, dossier, environment, gateway_to
from tests.adapters.system import Heard, answer, system

KATS = agency("kats")
MFDS = agency("mfds")
RECEIPT = '{"review_id": "RV-1", "reference": "x"}'
SECRET = 'k3y&with="signs"/ü'


def with_auth(auth: dict[str, Any], **operation: Any) -> AgencyFile:
    data = KATS.model_dump(mode="json")
    data["channel"]["auth"] = auth
    data["channel"]["submit"].update(operation)
    return changed(
        AgencyFile.model_validate(data), limits={"attempts": 1, "timeout": "5s", "per_second": None}
    )


async def sent(file: AgencyFile, **variables: str) -> tuple[Heard, str]:
    """The request as it arrived, and everything that was recorded of it."""
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file, extra=variables) as gateway:
            submission = await gateway.submit(dossier(file))
    return running.heard[0], submission.model_dump_json()


async def test_a_key_goes_where_the_agency_wants_it() -> None:
    """In a header, or in the query beside what the operation puts there; recorded in neither."""
    heard, recorded = await sent(
        with_auth({"api_key": {"header": "X-Desk", "value": "env:K"}}), K="s3cret-key"
    )
    assert heard.headers["x-desk"] == "s3cret-key"
    assert "s3cret-key" not in recorded
    heard, recorded = await sent(with_auth({"api_key": {"query": "key", "value": "env:K"}}), K=SECRET)
    assert heard.path.endswith("?key=k3y%26with%3D%22signs%22%2F%C3%BC")
    assert "k3y" not in recorded
    file = with_auth({"api_key": {"query": "key", "value": "env:K"}}, query={"lang": "ko"})
    heard, _ = await sent(file, K="s3cret-key")
    assert heard.path.endswith("?lang=ko&key=s3cret-key")


async def test_users_and_bearer_tokens_are_headers() -> None:
    """RFC 7617 in UTF-8, RFC 6750."""
    heard, recorded = await sent(
        with_auth({"basic": {"username": "env:U", "password": "env:P"}}), U="hub-user", P="pässword"
    )
    assert (
        base64.b64decode(heard.headers["authorization"].removeprefix("Basic "))
        == "hub-user:pässword".encode()
    )
    heard, recorded = await sent(with_auth({"bearer": "env:T"}), T="t0ken-of-ours")
    assert heard.headers["authorization"] == "Bearer t0ken-of-ours"
    assert "t0ken-of-ours" not in recorded


async def test_a_signed_request_can_be_checked_by_whoever_shares_the_secret() -> None:
    """By default over time and body, in hexadecimal."""
    heard, recorded = await sent(with_auth({"hmac": {"secret": "env:S", "key_id": "hub-1"}}), S=SECRET)
    timestamp = heard.headers["x-timestamp"]
    assert timestamp == str(int(NOW.timestamp()))
    expected = hmac.new(SECRET.encode(), timestamp.encode() + b"." + heard.body, hashlib.sha256)
    assert heard.headers["x-signature"] == expected.hexdigest()
    assert heard.headers["x-key-id"] == "hub-1"
    assert expected.hexdigest() not in recorded


async def test_a_signature_covers_what_the_agency_says() -> None:
    """Method, path and query as they are sent, the body's hash, a nonce; SHA-512 in base64, with a prefix."""
    over = r'=method + "\n" + path + "\n" + query + "\n" + body_sha256 + "\n" + timestamp + "\n" + nonce'
    signing = {
        "secret": "env:S",
        "algorithm": "sha512",
        "encoding": "base64",
        "prefix": "HMAC ",
        "header": "X-Proof",
        "timestamp": "rfc3339",
        "nonce_header": "X-Nonce",
        "over": over,
    }
    file = with_auth({"hmac": signing}, query={"q": "한 글&x", "n": "=1 + 1"})
    heard, recorded = await sent(file, S=SECRET)
    path, _, query = heard.path.partition("?")
    assert set(query.split("&")) == {"q=%ED%95%9C+%EA%B8%80%26x", "n=2"}
    parts = [heard.method, path, query, hashlib.sha256(heard.body).hexdigest()]
    parts += [heard.headers["x-timestamp"], heard.headers["x-nonce"]]
    assert heard.headers["x-timestamp"] == "2026-03-02T00:30:00Z"
    made = base64.b64encode(hmac.digest(SECRET.encode(), "\n".join(parts).encode(), "sha512")).decode()
    assert heard.headers["x-proof"] == f"HMAC {made}"
    assert made not in recorded
    mfds = AgencyFile.model_validate(
        {
            **MFDS.model_dump(mode="json"),
            "channel": {**MFDS.channel.model_dump(mode="json"), "auth": {"hmac": signing}},
        }
    )
    with system(answer(200, '{"ticket": "T/1", "state": "PENDING"}')) as running:
        async with gateway_to(running.url, mfds, extra={"S": SECRET}) as gateway:
            await gateway.poll(dossier(mfds, receipt="T/한 1"))
    [polled] = running.heard
    assert polled.path == "/applications/T%2F%ED%95%9C%201"
    parts = ["GET", polled.path, "", hashlib.sha256(b"").hexdigest()]
    parts += [polled.headers["x-timestamp"], polled.headers["x-nonce"]]
    made = base64.b64encode(hmac.digest(SECRET.encode(), "\n".join(parts).encode(), "sha512")).decode()
    assert polled.headers["x-proof"] == f"HMAC {made}"
    again, _ = await sent(file, S=SECRET)
    assert again.headers["x-nonce"] != heard.headers["x-nonce"]


async def test_what_cannot_be_signed_is_not_sent() -> None:
    """An expression that gives no text is a matter for a person."""
    file = with_auth({"hmac": {"secret": "env:S", "over": "=size(body)"}})
    with system(answer(200, RECEIPT)) as running:
        async with gateway_to(running.url, file, extra={"S": SECRET}) as gateway:
            with pytest.raises(NotUnderstood, match="cannot be signed: `over` is"):
                await gateway.submit(dossier(file))
    assert running.heard == []


def test_a_request_can_be_completed_without_being_sent() -> None:
    """For showing it: a token that was not fetched is a placeholder, and nothing touches the network."""
    oauth2 = {"token_url": "https://id.invalid/token", "client_id": "hub", "client_secret": "env:S"}
    file = with_auth({"oauth2": oauth2})
    variables = {**environment(file, "https://agency.invalid"), "S": SECRET}
    channel = prepare(file, Contracts(FOLDER), variables, SEOUL)
    written = channel.submit.call.write(dossier_context(dossier(file), file), NOW)
    shown = channel.proof.complete(written, NOW, PLACEHOLDER)
    assert shown.headers["Authorization"] == "Bearer <token>"
    assert json.loads(shown.body)
    assert "Authorization" not in written.headers
