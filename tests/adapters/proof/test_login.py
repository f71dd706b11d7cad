"""Two-step protocols: log in for a token, use it, and log in again when it is not taken any more."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hub.adapters import talk
from hub.adapters.gateway import Gateway
from hub.config.models import AgencyFile
from hub.domain.errors import AgencyRefused, AgencyUnavailable, NotUnderstood
from tests.adapters.support import NOW, SEOUL, dossier
from tests.adapters.system import Heard, Say, answer, system

OPENAPI = """\
openapi: 3.0.3
info: {title: Desk, version: "1"}
paths:
  /sessions: {post: {requestBody: &any {content: {application/json: {schema: {type: object}}}}, responses: &ok
    {"200": {description: ok, content: {application/json: {schema: {type: object}}}}}}}
  /cases: {post: {requestBody: *any, responses: *ok}}
  /desks/{session}/cases/{id}:
    get:
      parameters:
        - {name: session, in: path, required: true, schema: {type: string}}
        - {name: id, in: path, required: true, schema: {type: string}}
      responses: *ok
"""
FILE: dict[str, Any] = {
    "agency": "desk",
    "name": {"en": "Desk"},
    "contact": "it@desk.example",
    "services": {
        "desk-import": {
            "name": {"en": "Desk"},
            "law": {"en": "Desk Act"},
            "law_code": "90",
            "procedure": ["import"],
            "hs": ["01"],
            "document": "Certificate",
            "answer_within": "3wd",
            "on_expiry": "hold",
            "answers": "poll",
            "confidence": "assumed",
        }
    },
    "channel": {
        "adapter": "rest",
        "contract": "desk.yaml",
        "endpoint": "env:DESK_ENDPOINT",
        "limits": {"attempts": 1, "timeout": "5s"},
        "secrets": {"user": "env:DESK_USER", "word": "env:DESK_WORD"},
        "login": {
            "method": "POST",
            "path": "/sessions",
            "request": {"user": "=secret.user", "word": "=secret.word"},
            "token": "=reply.session.key",
            "expires_in": "=reply.session.?seconds.orValue(0)",
            "errors": [
                {"when": "=status == 200 && has(reply.error)", "means": "refused", "text": "=reply.error"}
            ],
        },
        "submit": {
            "method": "POST",
            "path": "/cases",
            "query": {"key": "=session.token"},
            "headers": {"X-Desk-Session": "=session.token"},
            "request": {"ref": "=referral.id", "t": "=session.token"},
            "receipt": {"reference": "=reply.case"},
            "errors": [
                {
                    "when": '=reply.?state.orValue("") == "SESSION"',
                    "means": "logged_out",
                    "text": "=reply.state",
                }
            ],
        },
        "poll": {
            "method": "GET",
            "path": "/desks/{session.token}/cases/{receipt.reference}",
            "every": "10m",
            "decision": {"when": "=has(reply.word)", "word": "=reply.word"},
        },
    },
    "verdicts": {"yes": "approved"},
}
DESK = AgencyFile.model_validate(FILE)
VARIABLES = {"DESK_USER": "hub-of-customs", "DESK_WORD": "op3n sesame"}


@dataclass
class Desk:
    """An agency that wants a session; `takes` says whether it takes this one, and what it says if not."""

    takes: Callable[[str], Say | None] = lambda key: None
    seconds: int = 3600
    opens: Callable[[str], Say] | None = None
    keys: list[str] = field(default_factory=list)

    def __call__(self, heard: Heard) -> Say:
        if heard.path == "/sessions":
            self.keys.append(f"k3y-{len(self.keys) + 1}-of-the-desk")
            if self.opens is not None:
                return self.opens(self.keys[-1])
            assert json.loads(heard.body) == {"user": "hub-of-customs", "word": "op3n sesame"}
            told = {"key": self.keys[-1], "renewal": "r3new-this", "seconds": self.seconds}
            return answer(200, json.dumps({"session": told}))
        key = next(key for key in self.keys if key in heard.path)
        turned = self.takes(key)
        if turned is not None:
            return turned
        if heard.method == "GET":
            return answer(200, json.dumps({"word": "yes", "note": f"asked with {key}"}))
        assert heard.headers["x-desk-session"] == key == json.loads(heard.body)["t"]
        return answer(200, json.dumps({"case": "C-1", "note": f"asked with {key}"}))


@asynccontextmanager
async def gateway_to(folder: Path, url: str, file: AgencyFile = DESK) -> AsyncIterator[Gateway]:
    (folder / "desk.yaml").write_text(OPENAPI)
    variables = {**VARIABLES, "DESK_ENDPOINT": url}
    gateway = Gateway({"desk": file}, {"desk": "v1"}, folder, variables, {"desk": SEOUL}, lambda: NOW)
    try:
        yield gateway
    finally:
        await gateway.close()


async def test_one_session_serves_all_requests_and_is_seen_nowhere(tmp_path: Path) -> None:
    """In body, header, query and path; user, password and token are in no recording, even where echoed."""
    with system(Desk()) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            submitted = await gateway.submit(dossier(DESK))
            polled = await gateway.poll(dossier(DESK, receipt="C-1"))
    assert [heard.path.partition("?")[0] for heard in running.heard] == [
        "/sessions",
        "/cases",
        "/desks/k3y-1-of-the-desk/cases/C-1",
    ]
    assert [e.kind for e in (*submitted.exchanges, *polled.exchanges)] == ["login", "submit", "poll"]
    assert submitted.exchanges[0].reading == "logged in, for 3600 s"
    assert submitted.receipt.reference == "C-1"
    assert len(polled.decisions) == 1
    recorded = submitted.model_dump_json() + polled.model_dump_json()
    for secret in ("k3y-1", "r3new", "hub-of-customs", "op3n"):
        assert secret not in recorded


async def test_many_at_once_log_in_once(tmp_path: Path) -> None:
    """The others wait for the session that is being opened."""
    with system(Desk()) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            await asyncio.gather(*(gateway.submit(dossier(DESK)) for _ in range(5)))
    assert [heard.path for heard in running.heard].count("/sessions") == 1


@pytest.mark.parametrize("status", [401, 403])
async def test_a_session_that_has_ended_is_opened_again(tmp_path: Path, status: int) -> None:
    """The request that was turned down had no effect; it is put once more."""
    ended: set[str] = set()
    with system(Desk(takes=lambda key: answer(status, "{}") if key in ended else None)) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            await gateway.submit(dossier(DESK))
            ended.add("k3y-1-of-the-desk")
            submission = await gateway.submit(dossier(DESK))
    assert submission.receipt.reference == "C-1"
    assert [e.kind for e in submission.exchanges] == ["submit", "login", "submit"]
    assert f"turned away (status {status})" in submission.exchanges[0].reading


async def test_an_agency_may_say_in_its_own_words_that_the_session_has_ended(tmp_path: Path) -> None:
    """`logged_out`, inside an ordinary answer."""
    out = answer(200, '{"state": "SESSION"}')
    with system(Desk(takes=lambda key: out if key.startswith("k3y-1") else None)) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            submission = await gateway.submit(dossier(DESK))
    assert [e.kind for e in submission.exchanges] == ["login", "submit", "login", "submit"]
    assert "it does not know our session: SESSION" in submission.exchanges[1].reading


async def test_a_session_that_is_never_taken_is_tried_again_later(tmp_path: Path) -> None:
    """Perhaps another logs in with our name; nothing took effect."""
    with system(Desk(takes=lambda key: answer(200, '{"state": "SESSION"}'))) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            with pytest.raises(AgencyUnavailable, match="does not know our session") as told:
                await gateway.submit(dossier(DESK))
    assert [e.kind for e in told.value.exchanges] == ["login", "submit", "login", "submit"]


async def test_forbidden_with_a_session_just_opened_is_what_it_says(tmp_path: Path) -> None:
    """It cannot have ended yet, so logging in again would not help."""
    with system(Desk(takes=lambda key: answer(403, '{"why": "not yours"}'))) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            with pytest.raises(AgencyRefused, match="not yours"):
                await gateway.submit(dossier(DESK))
    assert len(running.heard) == 2


@pytest.mark.parametrize(
    ("said", "error", "words"),
    [
        (
            answer(401, '{"why": "wrong word op3n sesame"}'),
            NotUnderstood,
            "desk does not let us log in: status 401",
        ),
        (answer(200, '{"error": "unknown user"}'), NotUnderstood, "does not let us log in: unknown user"),
        (answer(503), AgencyUnavailable, "status 503"),
        (Say(), AgencyUnavailable, "closed without an answer"),
        (
            answer(200, '{"session": {"token": "hidden-somewhere"}}'),
            NotUnderstood,
            "`login.token` finds no text",
        ),
        (
            answer(200, '{"session": {"key": ["hidden-somewhere"]}}'),
            NotUnderstood,
            "`login.token` finds no text",
        ),
        (answer(200, "key: hidden-somewhere"), NotUnderstood, "with what does not fit the contract"),
    ],
)
async def test_a_log_in_that_fails_is_not_the_declarations_fault(
    tmp_path: Path, said: Say, error: type[Exception], words: str
) -> None:
    """Never refused, never in doubt; and what may be a token is not recorded."""
    with system(Desk(opens=lambda key: said)) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            with pytest.raises(error, match=words) as told:
                await gateway.submit(dossier(DESK))
    assert {heard.path for heard in running.heard} == {"/sessions"}
    [exchange] = told.value.exchanges  # type: ignore[attr-defined]
    assert exchange.kind == "login"
    whole = exchange.model_dump_json() + str(told.value)
    assert "hidden-somewhere" not in whole
    assert "op3n" not in whole


async def test_work_that_was_given_up_sends_nothing_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever waited was told that nothing took effect: a log-in that is answered late must not belie it."""
    monkeypatch.setattr(talk, "GRACE", -4.95)
    release = threading.Event()

    def late(key: str) -> Say:
        release.wait(5)
        return answer(200, json.dumps({"session": {"key": key}}))

    with system(Desk(opens=late)) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            with pytest.raises(AgencyUnavailable, match="no answer within") as told:
                await gateway.submit(dossier(DESK))
            release.set()
    assert [exchange.kind for exchange in told.value.exchanges] == ["login"]
    assert {heard.path for heard in running.heard} == {"/sessions"}


async def test_a_session_without_a_length_lasts_as_the_file_says(tmp_path: Path) -> None:
    """`lasts` stands in where the answer tells nothing of use."""
    with system(Desk(seconds=0)) as running:
        async with gateway_to(tmp_path, running.url) as gateway:
            submission = await gateway.submit(dossier(DESK))
            await gateway.submit(dossier(DESK))
    assert submission.exchanges[0].reading == "logged in, for 600 s"
    assert [heard.path for heard in running.heard].count("/sessions") == 1


# --- the same over SOAP ------------------------------------------------------------------------------------

WSDL = """\
<definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:x="http://www.w3.org/2001/XMLSchema"
    xmlns:s="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:d="urn:desk" targetNamespace="urn:desk">
  <types><x:schema targetNamespace="urn:desk" elementFormDefault="qualified">
    <x:element name="Login"><x:complexType><x:sequence>
      <x:element name="User" type="x:string"/><x:element name="Word" type="x:string"/>
    </x:sequence></x:complexType></x:element>
    <x:element name="LoginResponse"><x:complexType><x:sequence>
      <x:element name="Key" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="Open"><x:complexType><x:sequence>
      <x:element name="Ref" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="OpenResponse"><x:complexType><x:sequence>
      <x:element name="Case" type="x:string"/></x:sequence></x:complexType></x:element>
    <x:element name="Session"><x:complexType><x:sequence>
      <x:element name="Key" type="x:string"/></x:sequence></x:complexType></x:element>
  </x:schema></types>
  <message name="LoginIn"><part name="parameters" element="d:Login"/></message>
  <message name="LoginOut"><part name="parameters" element="d:LoginResponse"/></message>
  <message name="OpenIn"><part name="parameters" element="d:Open"/></message>
  <message name="OpenOut"><part name="parameters" element="d:OpenResponse"/></message>
  <message name="SessionIn"><part name="session" element="d:Session"/></message>
  <portType name="Desk">
    <operation name="Login"><input message="d:LoginIn"/><output message="d:LoginOut"/></operation>
    <operation name="Open"><input message="d:OpenIn"/><output message="d:OpenOut"/></operation>
  </portType>
  <binding name="Desk" type="d:Desk"><s:binding transport="http://schemas.xmlsoap.org/soap/http"/>
    <operation name="Login"><s:operation soapAction="login"/>
      <input><s:body use="literal"/></input><output><s:body use="literal"/></output></operation>
    <operation name="Open"><s:operation soapAction="open"/>
      <input><s:header message="d:SessionIn" part="session" use="literal"/><s:body use="literal"/></input>
      <output><s:body use="literal"/></output></operation>
  </binding>
  <service name="Desk"><port name="Desk" binding="d:Desk"><s:address location="http://desk.invalid"/></port></service>
</definitions>
"""


def envelope(body: str, status: int = 200) -> Say:
    return answer(
        status,
        f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{body}</s:Body></s:Envelope>',
        Content_Type="text/xml",
    )


async def test_soap_sessions_go_into_the_header_and_end_with_a_security_fault(tmp_path: Path) -> None:
    """A fault about our token drops the session, whatever its status is."""
    data = json.loads(json.dumps(FILE))
    data["channel"] |= {
        "adapter": "soap",
        "contract": "desk.wsdl",
        "login": {
            "operation": "Login",
            "request": {"User": "=secret.user", "Word": "=secret.word"},
            "token": "=reply.Key",
        },
        "submit": {
            "operation": "Open",
            "soap_header": {"session": {"Key": "=session.token"}},
            "request": {"Ref": "=referral.id"},
            "receipt": {"reference": "=reply.Case"},
        },
    }
    del data["channel"]["poll"]
    (tmp_path / "desk.wsdl").write_text(WSDL)
    keys: list[str] = []

    def desk(heard: Heard) -> Say:
        if heard.headers["soapaction"] == '"login"':
            assert b"op3n sesame" in heard.body
            keys.append(f"k3y-{len(keys) + 1}-of-the-desk")
            return envelope(f'<LoginResponse xmlns="urn:desk"><Key>{keys[-1]}</Key></LoginResponse>')
        if keys[-1] == "k3y-1-of-the-desk":
            return envelope(
                '<s:Fault><faultcode xmlns:w="urn:w">w:InvalidSecurityToken</faultcode>'
                "<faultstring>the key has run out</faultstring></s:Fault>",
                500,
            )
        assert b"k3y-2-of-the-desk" in heard.body.partition(b"Body")[0]
        return envelope('<OpenResponse xmlns="urn:desk"><Case>C-1</Case></OpenResponse>')

    file = AgencyFile.model_validate(data)
    with system(desk) as running:
        async with gateway_to(tmp_path, running.url, file) as gateway:
            submission = await gateway.submit(dossier(file))
    assert [e.kind for e in submission.exchanges] == ["login", "submit", "login", "submit"]
    assert "the key has run out" in submission.exchanges[1].reading
    assert submission.receipt.reference == "C-1"
    for secret in ("k3y-", "op3n", "hub-of-customs"):
        assert secret not in submission.model_dump_json()
