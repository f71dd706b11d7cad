"""The cargo system, told over a real socket."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from hub.adapters.cargo import CargoClient
from hub.domain.clearance import Notice, Outcome, Reason, Rule
from hub.domain.errors import AgencyRefused, AgencyUnavailable, ChannelError, InDoubt, NotUnderstood
from tests.adapters.support import MRN, NOW
from tests.adapters.system import Say, answer, system

NOTICE = Notice(
    key=f"{MRN}-notice-1",
    number=1,
    mrn=MRN,
    ucr="6KR0001234567",
    cargo_management_number="26HDMUK0001I00010001",
    outcome=Outcome.RELEASE,
    reasons=(Reason(rule=Rule.NO_AGENCY_NEEDED),),
    issued_at=NOW,
)


@asynccontextmanager
async def cargo_at(url: str, patience: float = 10.0) -> AsyncIterator[CargoClient]:
    client = CargoClient(url, "cargo-token", lambda: NOW, timeout=patience)
    try:
        yield client
    finally:
        client.close()


async def test_a_notice_is_known_by_its_key() -> None:
    """Sent with its key, as often as it takes; the acknowledgement carries the cargo system's reference."""
    with system(answer(200, '{"reference": "C-1"}')) as running:
        async with cargo_at(running.url + "/") as cargo:
            acknowledgement = await cargo.tell(NOTICE)
    [heard] = running.heard
    assert (heard.method, heard.path) == ("POST", "/cargo/notices")
    assert heard.headers["idempotency-key"] == NOTICE.key
    assert heard.headers["authorization"] == "Bearer cargo-token"
    assert Notice.model_validate(json.loads(heard.body)) == NOTICE
    assert acknowledgement.reference == "C-1"
    assert acknowledgement.at == NOW
    [exchange] = acknowledgement.exchanges
    assert (exchange.kind, exchange.mrn, exchange.reading) == ("notice", MRN, "acknowledged, reference C-1")
    assert "cargo-token" not in exchange.model_dump_json()


async def test_an_acknowledgement_need_not_say_anything() -> None:
    """204 will do."""
    with system(answer(204)) as running:
        async with cargo_at(running.url) as cargo:
            acknowledgement = await cargo.tell(NOTICE)
    assert acknowledgement.reference is None
    assert [exchange.reading for exchange in acknowledgement.exchanges] == ["acknowledged"]


@pytest.mark.parametrize(
    ("say", "sorted_as"),
    [
        (answer(503, Retry_After="3"), AgencyUnavailable),
        (answer(500, "cargo-token is bad"), InDoubt),
        (answer(409, "other content"), AgencyRefused),
        (answer(200, '{"reference": "C-1\\u0000"}'), NotUnderstood),
        (Say(), InDoubt),
        (Say(hold=True), InDoubt),
    ],
)
async def test_what_goes_wrong_is_sorted_as_with_an_agency(say: Say, sorted_as: type[ChannelError]) -> None:
    """Each with its exchange, in which the token is not seen."""
    with system(say) as running:
        async with cargo_at(running.url, patience=1.0 if say.hold else 10.0) as cargo:
            with pytest.raises(ChannelError) as told:
                await cargo.tell(NOTICE)
    assert type(told.value) is sorted_as
    [exchange] = told.value.exchanges
    assert exchange.kind == "notice"
    assert exchange.mrn == MRN
    assert "cargo-token" not in exchange.model_dump_json() + str(told.value)


async def test_nobody_there_is_unavailable() -> None:
    """Nothing was sent."""
    async with cargo_at("http://cargo.invalid") as cargo:
        with pytest.raises(AgencyUnavailable):
            await cargo.tell(NOTICE)
