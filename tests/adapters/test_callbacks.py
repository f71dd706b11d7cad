"""Callbacks: who is it, and what does it say."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.callback import CallbackDoor
from hub.adapters.gateway import Gateway
from hub.adapters.secrets import Scrubber
from hub.domain.errors import CallbackRefused
from hub.domain.exchange import Message
from tests.adapters.support import MRN, NOW, SEOUL, agency, gateway_to

SECRET = "callback-secret"
BODY = json.dumps(
    {
        "noticeId": "N-1",
        "clientReference": f"{MRN}/mfds-food-import",
        "ticket": "T-1",
        "decision": {"decisionId": "D-1", "result": "적합", "decidedAt": "2026-03-02T09:00:00+09:00"},
    }
).encode()


@pytest.fixture
async def gateway() -> AsyncIterator[Gateway]:
    files = [agency(slug) for slug in ("mfds", "kcl", "apqa", "nibr")]
    extra = {"MFDS_CALLBACK_SECRET": SECRET, "KCL_CALLBACK_TOKEN": "token", "APQA_CALLBACK_SECRET": SECRET}
    async with gateway_to("http://127.0.0.1:1", *files, extra=extra) as running:
        yield running


def signed(body: bytes, timestamp: str, secret: str = SECRET) -> dict[str, str]:
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"x-timestamp": timestamp, "X-SIGNATURE": digest}


def unix(moment: datetime) -> str:
    return str(int(moment.timestamp()))


@pytest.mark.parametrize(
    "timestamp",
    [
        unix(NOW),
        NOW.isoformat(),
        "2026-03-02T09:30:00+09:00",
        unix(NOW - timedelta(minutes=5)),
        unix(NOW + timedelta(minutes=5)),
    ],
)
def test_a_signed_callback_is_read(gateway: Gateway, timestamp: str) -> None:
    """Signed within the window, on either side of now, in seconds or RFC 3339; header names in any case."""
    message = gateway.read_callback("mfds", signed(BODY, timestamp), BODY, NOW)
    assert message.message_id == "N-1"
    assert message.referral == f"{MRN}/mfds-food-import"
    assert message.agency_reference == "T-1"
    assert message.trouble is None
    [decision] = message.decisions
    assert decision.verdict == "approved"
    assert decision.referral == message.referral
    assert decision.exchange == "N-1"
    assert decision.received_at == NOW


@pytest.mark.parametrize(
    "place",
    [
        ("noticeId",),
        ("clientReference",),
        ("ticket",),
        ("decision", "decisionId"),
        ("decision", "result"),
        ("decision", "decidedAt"),
    ],
)
def test_what_is_far_too_long_for_a_name_is_not_understood_and_told_in_short(
    gateway: Gateway, place: tuple[str, ...]
) -> None:
    """It would go along with the declaration wherever that goes; the message itself is kept as evidence."""
    content = json.loads(BODY)
    part = content
    for name in place[:-1]:
        part = part[name]
    part[place[-1]] = "A" * 900_000
    body = json.dumps(content).encode()
    message = gateway.read_callback("mfds", signed(body, unix(NOW)), body, NOW)
    assert message.decisions == ()
    assert message.trouble is not None
    assert "900000 characters" in message.trouble
    assert len(message.model_dump_json(exclude={"raw"})) < 3000


def test_remarks_are_kept_as_far_as_anybody_reads_them(gateway: Gateway) -> None:
    """An agency's decision counts however much it says; the whole of it is in the evidence."""
    content = json.loads(BODY)
    content["decision"]["opinion"] = "A" * 900_000
    body = json.dumps(content).encode()
    [decision] = gateway.read_callback("mfds", signed(body, unix(NOW)), body, NOW).decisions
    assert decision.verdict == "approved"
    assert decision.remarks is not None
    assert 5000 < len(decision.remarks) <= 10_000
    assert decision.remarks.endswith("…")


def _tampered(headers: dict[str, str], **change: str) -> dict[str, str]:
    return {**headers, **change}


GOOD = signed(BODY, unix(NOW))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        pytest.param({}, BODY, id="nothing"),
        pytest.param({"x-timestamp": unix(NOW)}, BODY, id="no-signature"),
        pytest.param({"X-SIGNATURE": GOOD["X-SIGNATURE"]}, BODY, id="no-timestamp"),
        pytest.param(GOOD, BODY.replace(b"T-1", b"T-2"), id="other-body"),
        pytest.param(_tampered(GOOD, **{"x-timestamp": unix(NOW + timedelta(1))}), BODY, id="other-time"),
        pytest.param(signed(BODY, unix(NOW), "else"), BODY, id="other-secret"),
        pytest.param(signed(BODY, unix(NOW - timedelta(minutes=5, seconds=1))), BODY, id="too-old"),
        pytest.param(signed(BODY, unix(NOW + timedelta(minutes=5, seconds=1))), BODY, id="too-new"),
        pytest.param(signed(BODY, "yesterday"), BODY, id="not-a-time"),
        pytest.param(signed(BODY, "2026-03-02T09:30:00"), BODY, id="a-time-without-an-offset"),
        pytest.param(signed(BODY, "9" * 30), BODY, id="a-time-beyond-time"),
        pytest.param(_tampered(GOOD, **{"X-SIGNATURE": "é"}), BODY, id="not-ascii"),
    ],
)
def test_what_is_not_from_the_agency_is_refused(
    gateway: Gateway, headers: dict[str, str], body: bytes
) -> None:
    """A wrong, missing or old signature is refused before the body is read."""
    with pytest.raises(CallbackRefused):
        gateway.read_callback("mfds", headers, body, NOW)


@pytest.mark.parametrize("value", ["", "token", "Basic token", "Bearer wrong", "Bearer"])
def test_a_wrong_bearer_token_is_refused(gateway: Gateway, value: str) -> None:
    """Only the agency's own token opens the door."""
    with pytest.raises(CallbackRefused):
        gateway.read_callback("kcl", {"Authorization": value}, b"<x/>", NOW)


def test_an_agency_without_callbacks_has_no_door(gateway: Gateway) -> None:
    """KeyError, so that the API can answer 404."""
    for name in ("nibr", "nobody"):
        with pytest.raises(KeyError):
            gateway.read_callback(name, {}, b"", NOW)


async def test_without_its_secret_nothing_is_let_in() -> None:
    """A variable that is not set refuses everybody; it does not let anybody in."""
    async with gateway_to(
        "http://127.0.0.1:1", agency("mfds"), extra={"MFDS_CALLBACK_SECRET": ""}
    ) as gateway:
        with pytest.raises(CallbackRefused, match="MFDS_CALLBACK_SECRET"):
            gateway.read_callback("mfds", signed(BODY, unix(NOW), ""), BODY, NOW)


UNREADABLE = [
    pytest.param("mfds", b"{", "not JSON", id="no-json"),
    pytest.param("mfds", b"\xff\xfe", "not JSON", id="no-text"),
    pytest.param("mfds", b"[" * 100_000, "not JSON", id="too-deep"),
    pytest.param("mfds", b'{"a": 1, "a": 2}', "twice", id="a-member-twice"),
    pytest.param("mfds", b'{"noticeId": NaN}', "not JSON", id="not-a-number"),
    pytest.param("mfds", BODY.replace(b"noticeId", b"notice"), "noticeId", id="no-id"),
    pytest.param(
        "mfds",
        BODY.replace(b'"T-1"', b'"T-1", "note\\u0000": 1'),
        "a key of message holds a NUL",
        id="nul-in-a-key",
    ),
    pytest.param(
        "mfds",
        BODY.replace(b'"result": "', b'"result\\u0000": "", "result": "'),
        "a key of message.decision holds a NUL",
        id="nul-in-a-key-that-would-be-read",
    ),
    pytest.param(
        "mfds", BODY.replace(b'"N-1"', b'"N-1\\u0000"'), "message.noticeId holds a NUL", id="nul-in-the-id"
    ),
    pytest.param("apqa", b"<html/>", "not a SOAP envelope", id="no-envelope"),
    pytest.param(
        "apqa",
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>',
        "document type",
        id="external-entity",
    ),
    pytest.param(
        "apqa",
        b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;</l>',
        "document type",
        id="entities-in-entities",
    ),
    pytest.param("apqa", b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', "document type", id="dtd"),
    pytest.param("apqa", b"<a>" * 5000, "not well-formed", id="unclosed"),
]


@pytest.mark.parametrize(("name", "body", "trouble"), UNREADABLE)
def test_what_cannot_be_read_is_kept_with_its_trouble(
    gateway: Gateway, name: str, body: bytes, trouble: str
) -> None:
    """It is from the agency, so it is kept for a person; the same body has the same id."""
    message = gateway.read_callback(name, signed(body, unix(NOW)), body, NOW)
    again = gateway.read_callback(name, signed(body, unix(NOW)), body, NOW)
    assert trouble in (message.trouble or "")
    assert message.decisions == ()
    assert message.message_id == again.message_id
    assert message.raw


def test_a_verdict_that_goes_on_after_a_nul_is_no_verdict(gateway: Gateway) -> None:
    """The expression library would end it there. Whom the message is about can still be told."""
    body = json.dumps(
        {**json.loads(BODY), "decision": {**json.loads(BODY)["decision"], "result": "적합\0x"}}
    ).encode()
    message = gateway.read_callback("mfds", signed(body, unix(NOW)), body, NOW)
    assert message.trouble is not None
    assert message.trouble.startswith("message.decision.result holds a NUL")
    assert message.decisions == ()
    assert (message.message_id, message.referral) == ("N-1", f"{MRN}/mfds-food-import")
    escaped = body.replace(b"\\u0000x", b"\\\\u0000x")  # a backslash, and then the letters u0000
    message = gateway.read_callback("mfds", signed(escaped, unix(NOW)), escaped, NOW)
    assert "\\u0000x" in (message.trouble or "")
    assert "NUL" not in (message.trouble or "")


def test_a_text_that_is_not_unicode_is_kept_with_its_trouble(gateway: Gateway) -> None:
    """JSON can escape half of a surrogate pair; no text can hold it."""
    body = BODY.replace(b'"T-1"', b'"\\ud800"')
    message = gateway.read_callback("mfds", signed(body, unix(NOW)), body, NOW)
    assert message.trouble
    assert message.message_id


@pytest.mark.parametrize("number", ["9" * 5000, f'"{"9" * 5000}"'])
def test_a_goods_item_number_of_thousands_of_digits_is_not_understood(gateway: Gateway, number: str) -> None:
    """Written as a number, or as text: more digits than Python counts with."""
    body = BODY.replace(b'"result"', f'"itemNos": {number}, "result"'.encode())
    message = gateway.read_callback("mfds", signed(body, unix(NOW)), body, NOW)
    assert message.trouble is not None
    assert not message.decisions


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=15,
)
KEYS = st.sampled_from(
    ["noticeId", "clientReference", "ticket", "decision", "result", "decidedAt", "itemNos"]
)


@given(JSON | st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON)))
def test_no_message_whatever_is_in_it_raises(content: Any) -> None:
    """A message is read or comes back with its trouble, and either way has an id."""
    file = agency("mfds")
    assert file.channel.callback is not None
    environment = {"MFDS_CALLBACK_SECRET": SECRET}
    door = CallbackDoor(file, file.channel.callback, environment, SEOUL, Scrubber([]))
    body = json.dumps(content).encode()
    message: Message = door.read(signed(body, unix(NOW)), body, NOW)
    assert message.message_id
    assert (message.trouble is None) or not message.decisions
