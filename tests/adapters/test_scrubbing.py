"""No secret is ever seen in a recording."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from urllib.parse import quote
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.adapters.reading import Kind
from hub.adapters.recording import Recording, new_exchange_id
from hub.adapters.secrets import BODY_LIMIT, MASK, Scrubber
from hub.adapters.wire import WireReply, WireRequest
from tests.adapters.support import NOW

# A secret made of what it is replaced with could not be told from its replacement.
SECRETS = st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=6, max_size=24).filter(
    lambda text: text.strip() == text and not text.isspace()
)
FORMS = st.sampled_from(
    [
        lambda secret: secret,
        escape,
        lambda secret: escape(secret, {'"': "&quot;"}),
        lambda secret: json.dumps({"said": secret}),
        lambda secret: json.dumps({"said": secret}, ensure_ascii=False),
        lambda secret: quote(secret, safe=""),
        lambda secret: base64.b64encode(secret.encode()).decode(),
    ]
)


@given(secret=SECRETS, other=SECRETS, form=FORMS, before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_secret_appears_anywhere_in_an_exchange(
    secret: str, other: str, form: object, before: str, after: str
) -> None:
    """Wherever an agency or we ourselves write a credential, in whatever encoding, the recording hides it."""
    written = before.replace("\ud800", "") + form(secret) + after  # type: ignore[operator]
    recording = Recording(
        agency="a",
        kind=Kind.SUBMIT,
        mrn=None,
        service=None,
        started_at=NOW,
        config_version="",
        scrubber=Scrubber([secret, other], ["X-Desk-Key"]),
        request=WireRequest(
            "POST",
            f"https://user:{quote(secret, safe='')}@host/x?k={quote(secret, safe='')}",
            {"X-Desk-Key": "plain", "X-Other": written, "Authorization": "Bearer x"},
            written.encode("utf-8", "replace"),
        ),
    )
    recording.ended(WireReply(200, {"set-cookie": "session=1", "x-echo": written}, written.encode()), 1)
    exchange = recording.exchange(f"refused: {written}")
    # What stands beside the secret must not be the secret itself by chance.
    spilt = [exchange.request, exchange.reply, exchange.reading]
    clean = Scrubber([secret, other]).text(before) + Scrubber([secret, other]).text(after)
    for text in _texts(spilt):
        assert secret not in text or secret in clean or secret in MASK
    assert exchange.request["headers"]["X-Desk-Key"] == MASK
    assert exchange.request["headers"]["Authorization"] == MASK
    assert exchange.reply is not None
    assert exchange.reply["headers"]["set-cookie"] == MASK
    assert "@" not in exchange.request["url"].split("/")[2]


def _texts(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for part in tree.values() for text in _texts(part)]
    if isinstance(tree, list):
        return [text for part in tree for text in _texts(part)]
    return [tree] if isinstance(tree, str) else []


def test_what_proves_something_is_hidden_by_its_name() -> None:
    """A password digest and a nonce are no credential of ours as such, and are hidden all the same."""
    scrub = Scrubber([])
    sent = '<w:Password Type="d">cd9</w:Password><Nonce>YWJj</Nonce><Name>keep</Name>'
    assert (
        scrub.text(sent) == f'<w:Password Type="d">{MASK}</w:Password><Nonce>{MASK}</Nonce><Name>keep</Name>'
    )
    told = '{"password": "x\\"y", "access_token":"t", "name": "keep"}'
    assert scrub.text(told) == f'{{"password": "{MASK}", "access_token":"{MASK}", "name": "keep"}}'


NAMES = [
    "password",
    "passwd",
    "secret",
    "client_secret",
    "client_assertion",
    "apikey",
    "api_key",
    "access_token",
    "refresh_token",
    "id_token",
    "Password",
    "API_KEY",
    "Access_Token",
    "paſſwd",
    "apı_Key",
]


@pytest.mark.parametrize("name", NAMES)
def test_each_name_hides_its_value(name: str) -> None:
    """As a member of JSON and as a field of a form, in whatever letters it is written."""
    scrub = Scrubber([])
    assert scrub.text(f'{{"{name}": "s3cr3t", "a": 1}}') == f'{{"{name}": "{MASK}", "a": 1}}'
    assert scrub.text(f"a=1&{name}=s3cr3t&b=2") == f"a=1&{name}={MASK}&b=2"


def test_a_long_body_is_cut_after_it_is_scrubbed() -> None:
    """A secret on the cut does not survive it in half, and the note says how much is missing."""
    secret = "a-rather-long-secret"
    body = b"x" * (BODY_LIMIT - 5) + secret.encode() + b"y" * 1000
    kept = Scrubber([secret]).body(body)
    assert secret[:5] not in kept
    assert "are not kept]" in kept
    assert len(kept.encode()) < BODY_LIMIT + 100


def test_ids_of_exchanges_sort_by_time() -> None:
    """The later exchange has the greater id."""
    ids = [new_exchange_id(NOW + timedelta(milliseconds=n)) for n in range(50)]
    assert ids == sorted(ids)
    assert len(set(ids)) == 50


def test_a_secret_of_a_letter_is_one_only_as_a_word_of_its_own() -> None:
    """It stands in every other word, and a recording without them could not be read."""
    scrubber = Scrubber(["t"])
    assert scrubber.text('the token is "t", t=t') == 'the token is "***", ***=***'
