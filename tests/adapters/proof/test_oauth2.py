"""OAuth 2.0 client credentials: tokens fetched, kept, renewed and never seen."""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import pytest

from hub.adapters.proof.held import Held, Token
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable, NotUnderstood
from tests.adapters.proof.test_requests import RECEIPT, with_auth
from tests.adapters.support import changed, dossier, gateway_to
from tests.adapters.system import Heard, Say, answer, system

SECRET = "client s3cret/+="
TOKEN = "/id/token"


@dataclass
class Agency:
    """An authorisation server and the agency behind it, on one socket."""

    lasts: int | None = 3600
    good: Callable[[str], bool] = lambda token: True
    token: Callable[[Heard], Say] | None = None
    given: list[str] = field(default_factory=list)

    def __call__(self, heard: Heard) -> Say:
        if heard.path == TOKEN:
            if self.token is not None:
                return self.token(heard)
            self.given.append(f"acc3ss-{len(self.given) + 1}-token")
            told: dict[str, Any] = {"access_token": self.given[-1], "token_type": "Bearer"}
            if self.lasts is not None:
                told["expires_in"] = self.lasts
            return answer(200, json.dumps(told))
        scheme, _, token = heard.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.given or not self.good(token):
            return answer(401, json.dumps({"error": f"{token} is not taken"}))
        return answer(200, RECEIPT)


def file(**auth: Any) -> AgencyFile:
    oauth2 = {"token_url": "env:TOKEN_URL", "client_id": "hub", "client_secret": "env:SECRET", **auth}
    return with_auth({"oauth2": oauth2})


def variables(url: str) -> dict[str, str]:
    return {"TOKEN_URL": url + TOKEN, "SECRET": SECRET}


async def test_a_token_is_fetched_once_and_used_for_all() -> None:
    """One exchange of kind token, recorded without its secrets; the requests that follow use the same."""
    script = Agency()
    with system(script) as running:
        async with gateway_to(
            running.url, file(scope="a b", audience="urn:x"), extra=variables(running.url)
        ) as gateway:
            submissions = [await gateway.submit(dossier(file())) for _ in range(3)]
    asked, *others = running.heard
    assert (
        asked.headers["authorization"] == "Basic " + base64.b64encode(b"hub:client+s3cret%2F%2B%3D").decode()
    )
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "audience": ["urn:x"],
    }
    assert [heard.headers["authorization"] for heard in others] == ["Bearer acc3ss-1-token"] * 3
    assert [[e.kind for e in s.exchanges] for s in submissions] == [
        ["token", "submit"],
        ["submit"],
        ["submit"],
    ]
    assert submissions[0].exchanges[0].reading == "a token, for 3600 s"
    recorded = "".join(s.model_dump_json() for s in submissions)
    assert "s3cret" not in recorded
    assert "acc3ss" not in recorded


async def test_the_client_may_prove_itself_in_the_body() -> None:
    """Where a server does not take HTTP Basic."""
    with system(Agency()) as running:
        async with gateway_to(running.url, file(send="body"), extra=variables(running.url)) as gateway:
            submission = await gateway.submit(dossier(file()))
    asked = parse_qs(running.heard[0].body.decode())
    assert (asked["client_id"], asked["client_secret"]) == (["hub"], [SECRET])
    assert "authorization" not in running.heard[0].headers
    assert "s3cret" not in submission.model_dump_json()


async def test_many_at_once_fetch_one_token() -> None:
    """The others wait for it."""
    release = threading.Event()
    script = Agency()
    plain = script.__call__

    def slow(heard: Heard) -> Say:
        if heard.path == TOKEN:
            release.wait(5)
        return plain(heard)

    with system(slow) as running:
        async with gateway_to(running.url, file(), extra=variables(running.url)) as gateway:
            several = [asyncio.create_task(gateway.submit(dossier(file()))) for _ in range(4)]
            while not running.heard:
                await asyncio.sleep(0.005)
            release.set()
            await asyncio.gather(*several)
    assert Counter(heard.path == TOKEN for heard in running.heard) == {True: 1, False: 4}


async def test_a_token_that_is_turned_down_is_renewed_once() -> None:
    """The request had no effect; it is put once more, with a new token."""
    script = Agency(good=lambda token: token != "acc3ss-1-token")
    with system(script) as running:
        async with gateway_to(running.url, file(), extra=variables(running.url)) as gateway:
            submission = await gateway.submit(dossier(file()))
    assert submission.receipt.reference == "RV-1"
    assert [e.kind for e in submission.exchanges] == ["token", "submit", "token", "submit"]
    assert submission.exchanges[1].reading == "turned away (status 401); asked again after entering anew"
    assert "acc3ss" not in submission.model_dump_json()


async def test_a_new_token_that_is_turned_down_too_is_no_reason_to_go_on() -> None:
    """Once: then it is as the agency says."""
    with system(Agency(good=lambda token: False)) as running:
        async with gateway_to(running.url, file(), extra=variables(running.url)) as gateway:
            with pytest.raises(AgencyRefused, match="status 401") as told:
                await gateway.submit(dossier(file()))
    assert len(running.heard) == 4
    assert "acc3ss" not in str(told.value)


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (
            answer(401, '{"error": "invalid_client", "error_description": "no such  client"}'),
            NotUnderstood,
            r"gives us no token: invalid_client: it does not know this client_id, or not with this "
            r"client_secret: no such client",
        ),
        (answer(400, '{"error": "invalid_scope"}'), NotUnderstood, "does not give this client the scope"),
        (answer(400, '{"error": "odd_thing"}'), NotUnderstood, "gives us no token: odd_thing"),
        (answer(400, '{"error": "temporarily_unavailable"}'), AgencyUnavailable, "for now"),
        (answer(503, "down", Retry_After="7"), AgencyUnavailable, "token endpoint answers with status 503"),
        (answer(429, "slow"), AgencyUnavailable, "status 429"),
        (answer(403, "<html>"), NotUnderstood, r"\(status 403\) holds no access_token"),
        (answer(200, "<html>"), NotUnderstood, r"\(status 200\) holds no access_token"),
        (answer(200, "[1]"), NotUnderstood, "is no token"),
        (answer(200, b"\xff\xfe"), NotUnderstood, "is no token"),
        (answer(200, '{"access_token": "a\\r\\nb"}'), NotUnderstood, "that a header could carry"),
        (answer(200, '{"access_token": "x", "token_type": "mac"}'), NotUnderstood, "of type 'mac'"),
        (answer(302, Location="https://elsewhere.invalid"), NotUnderstood, "redirects are not followed"),
        (Say(), AgencyUnavailable, "the connection was closed without an answer"),
    ],
)
async def test_why_there_is_no_token_is_told_in_words(said: Say, error: type[Exception], words: str) -> None:
    """And nothing of the declaration has been sent: it is never in doubt."""
    with system(Agency(token=lambda _: said)) as running:
        async with gateway_to(running.url, file(), extra=variables(running.url)) as gateway:
            with pytest.raises(error, match=words) as told:
                await gateway.submit(dossier(file()))
    assert {heard.path for heard in running.heard} == {TOKEN}
    assert [exchange.kind for exchange in told.value.exchanges] == ["token"]  # type: ignore[attr-defined]
    if said.pieces and b"Retry-After" in said.pieces[0]:
        assert told.value.retry_after == 7.0  # type: ignore[attr-defined]


async def test_an_authorisation_server_that_is_down_opens_the_breaker() -> None:
    """It belongs to the agency's system, and is spared as the rest of it is."""
    down = changed(file(), limits={"breaker_failures": 2, "breaker_pause": "1m"})
    with system(Agency(token=lambda _: answer(503))) as running:
        async with gateway_to(running.url, down, extra=variables(running.url)) as gateway:
            for _ in range(2):
                with pytest.raises(AgencyUnavailable, match="status 503"):
                    await gateway.submit(dossier(down))
            with pytest.raises(AgencyUnavailable, match="in a row"):
                await gateway.submit(dossier(down))
    assert len(running.heard) == 2


def test_a_token_is_renewed_before_it_ends() -> None:
    """Half a minute before, or a tenth of its life; without a word about its life, after five minutes."""
    now = [1000.0]
    fetched = [Token("a", 600), Token("b", 10), Token("c"), Token("d", 600)]
    held = Held(lambda: now[0])

    def fetch() -> Token:
        return fetched.pop(0)

    def used_after(seconds: float) -> str:
        now[0] += seconds
        return held.get(fetch).text

    assert [used_after(0), used_after(569), used_after(2)] == ["a", "a", "b"]
    assert [used_after(8.9), used_after(0.2)] == ["b", "c"]
    assert [used_after(269), used_after(2)] == ["c", "d"]
    held.drop("c")
    assert used_after(0) == "d"


def test_those_who_wait_share_a_failure() -> None:
    """One wrong password is tried once, not once for every referral that waits."""
    held, tried, entered, go_on = Held(), [], threading.Event(), threading.Event()

    def fetch() -> Token:
        tried.append(1)
        entered.set()
        go_on.wait(5)
        raise NotUnderstood("wrong password")

    told: list[BaseException] = []

    def get() -> None:
        try:
            held.get(fetch)
        except NotUnderstood as error:
            told.append(error)

    first = threading.Thread(target=get)
    first.start()
    assert entered.wait(5)
    joined = [threading.Thread(target=get) for _ in range(3)]
    for thread in joined:
        thread.start()
    while any(thread.is_alive() and not _waits(thread) for thread in joined):
        threading.Event().wait(0.001)
    go_on.set()
    for thread in (first, *joined):
        thread.join(5)
    assert len(tried) == 1
    assert len(told) == len({id(error) for error in told}) == 4


def _waits(thread: threading.Thread) -> bool:
    """Whether a thread has come as far as waiting for the token that is being fetched."""
    frame = sys._current_frames().get(thread.ident or 0)
    while frame is not None:
        if frame.f_code.co_name == "_shared":
            return True
        frame = frame.f_back
    return False
