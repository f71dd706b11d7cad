"""The kit with an agency nobody has seen: a log-in or an OAuth2 token first, a poll afterwards, over TLS."""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import secrets
import ssl
from collections.abc import Callable
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, unquote_plus, urlsplit

import pytest

from hub.workbench.bench import open_bench
from hub.workbench.certify.certificates import Authority
from hub.workbench.certify.finding import Finding, Mark
from hub.workbench.certify.kit import Wishes, certify
from hub.workbench.certify.proxy import Proxy, Tap
from hub.workbench.unready import Unready
from tests.adapters.system import Heard, Say, answer, system
from tests.workbench.conftest import WorkFolder

CONTRACT = """
openapi: 3.0.3
info: {title: Permit office, version: "1"}
paths:
  /sessions:
    post:
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {"200": {description: "", content: {application/json: {schema: {type: object}}}}}
  /permits:
    post:
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {"201": {description: "", content: {application/json: {schema: {type: object}}}}}
    get:
      parameters: [{name: ours, in: query, schema: {type: string}}]
      responses: {"200": {description: "", content: {application/json: {schema: {type: object}}}}}
  /permits/{number}:
    get:
      parameters: [{name: number, in: path, required: true, schema: {type: string}}]
      responses: {"200": {description: "", content: {application/json: {schema: {type: object}}}}}
"""

AGENCY = """
agency: office
name: {en: Permit office}
contact: it@office.example
services:
  office-permit:
    name: {en: Permit}
    law: {en: Permit Act (invented)}
    law_code: "91"
    procedure: [import]
    hs: ["0809"]
    document: Permit
    answer_within: 3d
    on_expiry: hold
    answers: poll
    confidence: assumed
channel:
  adapter: rest
  contract: contracts/office.yaml
  endpoint: env:OFFICE_ENDPOINT
  %s
  limits: {timeout: 10s, concurrency: 3}
  submit:
    method: POST
    path: /permits
    headers: %s
    request: {ours: =referral.id, goods: '=items.map(i, {"hs": i.hs_code})'}
    receipt: {reference: =reply.number}
  look_up:
    method: GET
    path: /permits
    query: {ours: =referral.id}
    headers: %s
    found: =size(reply.permits) > 0
    receipt: {reference: '=reply.permits[0].number'}
  poll:
    method: GET
    path: /permits/{receipt.reference}
    headers: %s
    every: 10m
    decision: {when: =has(reply.verdict), word: =reply.verdict}
verdicts: {yes: approved, "no": refused}
"""

LOGIN = """secrets: {password: env:OFFICE_PASSWORD}
  login:
    method: POST
    path: /sessions
    request: {user: hub, password: =secret.password}
    token: =reply.token"""
OAUTH2 = (
    "auth: {oauth2: {token_url: env:OFFICE_TOKEN_URL, client_id: hub, client_secret: env:OFFICE_PASSWORD}}"
)
PASSWORD = "a password of the office"
PLAYED = ("approve", "cut-connection", "fault", "wrong-credential", "secrets")


def office() -> Callable[[Heard], Say]:
    """Opens a case for every request, decides at the second question, and knows those it gave a token to."""
    tokens: set[str] = set()
    cases: dict[str, str] = {}
    asked: dict[str, int] = {}
    numbers = count(1)

    def said(status: int, content: object) -> Say:
        return answer(status, json.dumps(content), Content_Type="application/json")

    def script(heard: Heard) -> Say:
        url = urlsplit(heard.path)
        if url.path in ("/sessions", "/token"):
            if PASSWORD.replace(" ", "+") not in heard.body.decode().replace(" ", "+"):
                proved = heard.headers.get("authorization", "")
                if url.path == "/sessions" or not proved.startswith("Basic") or _wrong(proved):
                    return said(401, {"error": "invalid_client", "message": "nobody knows you"})
            tokens.add(token := secrets.token_hex(12))
            return said(
                200, {"token": token, "access_token": token, "token_type": "Bearer", "expires_in": 600}
            )
        if heard.headers.get("authorization", "").removeprefix("Bearer ") not in tokens:
            return said(401, {"message": "log in first"})
        if heard.method == "POST":
            try:
                ours = json.loads(heard.body)["ours"]
            except ValueError:
                return said(400, {"message": "half a request is none"})
            number = f"PO-{next(numbers)}"
            cases[number] = ours
            return said(201, {"number": number})
        if url.path == "/permits":
            [ours] = parse_qs(url.query)["ours"]
            return said(200, {"permits": [{"number": n} for n, known in cases.items() if known == ours]})
        number = url.path.rpartition("/")[2]
        asked[number] = asked.get(number, 0) + 1
        return said(200, {"number": number, **({"verdict": "yes"} if asked[number] > 1 else {})})

    return script


def _wrong(proved: str) -> bool:
    # RFC 6749 section 2.3.1: the secret is form-encoded first.
    return PASSWORD not in unquote_plus(base64.b64decode(proved.removeprefix("Basic ")).decode())


def played(
    folder: WorkFolder, agency: str, environment: dict[str, str], only: tuple[str, ...]
) -> list[Finding]:
    (folder.path / "agencies" / "office.yaml").write_text(agency, encoding="utf-8")
    (folder.path / "contracts" / "office.yaml").write_text(CONTRACT, encoding="utf-8")
    bench = open_bench(folder.path, "office", environment)
    report = asyncio.run(certify(bench, Wishes(only=only, patience=5)))
    return list(report.behaviours)


def assert_all_pass(findings: list[Finding]) -> None:
    told = "\n".join(f"{one.name} {one.mark}: {one.reason} {one.seen}" for one in findings)
    assert {one.mark for one in findings} == {Mark.PASSED}, told
    assert len(findings) > 0


def test_an_agency_that_must_be_logged_in_to(folder: WorkFolder) -> None:
    """Tricks are played on submissions and not on log-ins; the token stands in no recording."""
    bearer = "{Authorization: '=\"Bearer \" + session.token'}"
    with system(office()) as running:
        assert_all_pass(
            played(
                folder,
                AGENCY % (LOGIN, bearer, bearer, bearer),
                {"OFFICE_ENDPOINT": running.url, "OFFICE_PASSWORD": PASSWORD},
                PLAYED,
            )
        )


def test_a_token_from_elsewhere_over_tls(folder: WorkFolder, tmp_path: Path) -> None:
    """OAuth2 at an origin of its own; the agency itself speaks https, and is checked by `trust`."""
    authority = Authority(tmp_path)
    with system(office()) as running:
        # A proxy of the kit's own, used as the agency's front with TLS.
        front = Proxy(running.url, Tap(lambda *_: "other"), tls=authority.server(expired=False))
        try:
            assert front.url.startswith("https://")
            assert_all_pass(
                played(
                    folder,
                    (AGENCY % (OAUTH2, "{}", "{}", "{}")).replace(
                        "  adapter: rest", "  adapter: rest\n  trust: env:OFFICE_AUTHORITY"
                    ),
                    {
                        "OFFICE_ENDPOINT": front.url,
                        "OFFICE_TOKEN_URL": f"{running.url}/token",
                        "OFFICE_PASSWORD": PASSWORD,
                        "OFFICE_AUTHORITY": str(authority.pem),
                    },
                    ("cut-connection", "expired-certificate", "secrets"),
                )
            )
        finally:
            front.close()


def test_an_agency_whose_certificate_nobody_trusts_is_not_asked(folder: WorkFolder, tmp_path: Path) -> None:
    """What stands between hub and agency does not make the hub trust more than the file says."""
    authority = Authority(tmp_path)
    with system(office()) as running:
        front = Proxy(running.url, Tap(lambda *_: "other"), tls=authority.server(expired=False))
        try:
            with pytest.raises(Unready, match=r"cannot be reached .*certificate") as told:
                played(
                    folder,
                    AGENCY % ("auth: {}", "{}", "{}", "{}"),
                    {"OFFICE_ENDPOINT": front.url},
                    ("approve",),
                )
        finally:
            front.close()
    assert "channel.trust" in str(told.value)
    assert running.heard == []


@pytest.mark.parametrize("expired", [True, False])
def test_certificates_of_the_kit(tmp_path: Path, expired: bool) -> None:
    """The one is refused by a client of Python's own for being expired, the other is taken."""
    authority = Authority(tmp_path)
    with system(answer(200, "hello")) as running:
        front = Proxy(running.url, Tap(lambda *_: "other"), tls=authority.server(expired=expired))
        try:
            context = ssl.create_default_context(cafile=str(authority.pem))
            host = urlsplit(front.url)
            assert host.port is not None
            line = http.client.HTTPSConnection("127.0.0.1", host.port, context=context, timeout=5)
            if expired:
                with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
                    line.request("GET", "/")
            else:
                line.request("GET", "/")
                assert line.getresponse().read() == b"hello"
            line.close()
        finally:
            front.close()
