"""An agency asks, the declarant answers with text and documents, and the agency reads it."""

from __future__ import annotations

import hashlib
import io
import sys
import zipfile
from datetime import timedelta
from typing import Any

import httpx
import pytest

from hub.adapters.scanner import CommandScanner
from hub.api.app import create_app
from hub.api.enclosures import MAX_DOCUMENTS, safe_name
from hub.domain.information import Scan
from hub.domain.referral import ReferralState
from hub.ports import HandOver, Role, ScannerUnavailable
from hub.store import Store
from tests.api.support import NOW, Api, DescribedTransport, EngineFake, parts

OWN = "KR1208147521"
APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n\r\n\x00\xff"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


async def asked(api: Api, id: str = "Q/1") -> str:
    """A declaration about which apqa asks something."""
    mrn: str = (await api.lodge())["mrn"]
    done = [HandOver(referral=f"{mrn}/{service}", state=ReferralState.DELIVERED) for service in (APQA, MFDS)]
    api.store.begin_hand_over(mrn, [APQA, MFDS], NOW)
    api.store.record_hand_overs(mrn, done, NOW)
    called = await api.call_back(
        "apqa", f"{mrn}/{APQA}", verdict="information_required", id=id, remarks="Which slaughterhouse?"
    )
    assert called.status_code == 202, called.text
    return mrn


def declarant(api: Api) -> dict[str, str]:
    return api.key(Role.CUSTOMS, declarant=OWN)


async def questions(api: Api, mrn: str, headers: dict[str, str]) -> list[dict[str, Any]]:
    answer = await api.http.get(f"/v1/declarations/{mrn}/questions", headers=headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["questions"]
    return found


async def answered(
    api: Api,
    mrn: str,
    text: str = "No. 7",
    files: list[tuple[str, bytes, str]] | None = None,
    headers: dict[str, str] | None = None,
    path: str | None = None,
) -> httpx.Response:
    [question] = await questions(api, mrn, api.key(Role.ADMIN))
    return await api.http.post(
        path or question["link"],
        data={"text": text},
        files=[("documents", file) for file in files or [("permit.pdf", PDF, "application/pdf")]],
        headers=headers or declarant(api),
    )


async def test_the_declarant_sees_what_is_asked_and_the_clock_stands_still(api: Api) -> None:
    mrn = await asked(api)
    [question] = await questions(api, mrn, declarant(api))
    assert (question["service"], question["id"], question["state"]) == (APQA, "Q/1", "open")
    assert (question["text"], question["items"], question["answer"]) == ("Which slaughterhouse?", [1], None)
    assert (question["law"]["en"], question["asked_at"]) == ("Act of apqa", "2026-11-20T02:15:00Z")
    shown = (await api.http.get(f"/v1/declarations/{mrn}", headers=declarant(api))).json()
    assert shown["questions"] == [question]
    [apqa, mfds] = shown["referrals"]
    assert (apqa["deadline"], apqa["clock_stopped"]["question"]) == (None, "Q/1")
    assert (mfds["deadline"], mfds["clock_stopped"]) == (mfds["due_at"], None)


async def test_an_answer_is_kept_and_the_agency_reads_it_and_no_other_agency_does(api: Api) -> None:
    mrn = await asked(api)
    files = [("permit.pdf", PDF, "application/pdf"), ("C:\\scans\\stamp \u5370.png", PNG, "image/png")]
    answer = await answered(api, mrn, files=files)
    assert answer.status_code == 200, answer.text
    question = answer.json()["question"]
    assert (question["state"], question["answer"]["text"]) == ("answered", "No. 7")
    assert [(d["name"], d["media_type"], d["size"], d["scan"]) for d in question["answer"]["documents"]] == [
        ("permit.pdf", "application/pdf", len(PDF), "not_scanned"),
        ("stamp \u5370.png", "image/png", len(PNG), "not_scanned"),
    ]
    assert api.engine.nudged == [mrn]
    agency = api.key(Role.AGENCY, agency="apqa")
    [read] = await questions(api, mrn, agency)
    assert read == question
    for document, content in zip(read["answer"]["documents"], (PDF, PNG), strict=True):
        assert document["sha256"] == hashlib.sha256(content).hexdigest()
        got = await api.http.get(document["link"], headers=agency)
        assert (got.content, got.headers["content-type"]) == (content, document["media_type"])
        assert got.headers["content-disposition"].startswith("attachment; filename*=UTF-8''")
        assert (got.headers["x-content-type-options"], got.headers["content-security-policy"]) == (
            "nosniff",
            "sandbox",
        )
    other = api.key(Role.AGENCY, agency="mfds")
    assert await questions(api, mrn, other) == []
    assert (await api.http.get(read["answer"]["documents"][0]["link"], headers=other)).status_code == 404
    assert (await api.http.get(f"/v1/declarations/{mrn}/documents/x", headers=agency)).status_code == 404


async def test_the_same_answer_again_is_the_same_and_another_is_refused(api: Api) -> None:
    mrn = await asked(api)
    first = (await answered(api, mrn)).json()
    assert (await answered(api, mrn)).json() == first
    other = await answered(api, mrn, text="No. 8")
    assert (other.status_code, other.json()["type"]) == (409, "/problems/already-answered")
    events = (await api.http.get(f"/v1/declarations/{mrn}/events", headers=declarant(api))).json()["events"]
    assert [e["type"] for e in events].count("information.given") == 1


async def test_a_text_alone_may_be_json(api: Api) -> None:
    mrn = await asked(api)
    [question] = await questions(api, mrn, declarant(api))
    answer = await api.http.post(question["link"], json={"text": "No. 7"}, headers=declarant(api))
    assert answer.status_code == 200, answer.text
    assert answer.json()["question"]["answer"]["documents"] == []


async def test_a_question_on_content_that_was_amended_is_no_question_any_more(api: Api) -> None:
    mrn = await asked(api)
    [question] = await questions(api, mrn, declarant(api))
    declaration = api.store.view(mrn)
    assert declaration is not None
    content = declaration.acceptance.declaration.model_dump(mode="json")
    content["items"][0]["origin"] = "NZ"
    amended = await api.http.post(f"/v1/declarations/{mrn}/amendments", json=content, headers=declarant(api))
    assert amended.status_code == 202, amended.text
    assert await questions(api, mrn, declarant(api)) == []
    answer = await api.http.post(question["link"], json={"text": "No. 7"}, headers=declarant(api))
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/no-such-question")


async def test_who_answers(api: Api) -> None:
    mrn = await asked(api)
    for role, bound, status in (
        (Role.CUSTOMS, {"declarant": "KR-2"}, 404),
        (Role.AGENCY, {"agency": "apqa"}, 403),
        (Role.OPERATOR, {}, 403),
        (Role.CUSTOMS, {"agency": "apqa"}, 403),
        (Role.CUSTOMS, {}, 200),
    ):
        answer = await answered(api, mrn, headers=api.key(role, **bound))
        assert answer.status_code == status, (role, bound, answer.text)


async def test_nothing_is_asked_of_a_withdrawn_declaration(api: Api) -> None:
    mrn = await asked(api)
    await api.http.post(f"/v1/declarations/{mrn}/withdrawal", json={"reason": "C01"}, headers=declarant(api))
    answer = await answered(api, mrn)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/already-withdrawn")


def _zip(*names: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name in names:
            archive.writestr(name, "<x/>")
    return packed.getvalue()


_WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("name", "content", "declared", "kept"),
    [
        ("a.docx", _zip("[Content_Types].xml", "word/document.xml"), _WORD, _WORD),
        ("a.csv", b"a;b\n1;2\n", "text/csv", "text/csv"),
        ("a.txt", "\ufeff\uc138\uad00".encode(), "text/plain; charset=utf-8", "text/plain"),
        ("a.bin", PDF, "application/octet-stream", "application/pdf"),
        ("a.xml", b"<a/>", "text/xml", "application/xml"),
    ],
)
async def test_documents_of_these_kinds_are_taken(
    api: Api, name: str, content: bytes, declared: str, kept: str
) -> None:
    mrn = await asked(api)
    answer = await answered(api, mrn, files=[(name, content, declared)])
    assert answer.status_code == 200, answer.text
    [document] = answer.json()["question"]["answer"]["documents"]
    assert (document["name"], document["media_type"]) == (name, kept)
    got = await api.http.get(document["link"], headers=declarant(api))
    assert got.content == content


@pytest.mark.parametrize(
    ("name", "content", "declared", "why"),
    [
        ("a.exe", b"MZ\x90\x00\x03\xff", "application/octet-stream", "not of a kind that is taken"),
        ("a.pdf", b"<html></html>", "application/pdf", "is sent as application/pdf and is text/plain"),
        ("a.html", b"<html></html>", "text/html", "is sent as text/html and is text/plain"),
        ("a.zip", _zip("a.txt"), "application/zip", "not of a kind that is taken"),
        ("a.docx", b"PK\x03\x04broken", _WORD, "not of a kind that is taken"),
        ("a.txt", b"", "text/plain", "is empty"),
        ("a.txt", b"a\x00b", "text/plain", "not of a kind that is taken"),
    ],
)
async def test_other_documents_are_refused_with_a_pointer(
    api: Api, name: str, content: bytes, declared: str, why: str
) -> None:
    mrn = await asked(api)
    files = [("permit.pdf", PDF, "application/pdf"), (name, content, declared)]
    answer = await answered(api, mrn, files=files)
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-answer")
    [fault] = answer.json()["errors"]
    assert fault["pointer"] == "/documents/1"
    assert why in fault["detail"]
    assert (await questions(api, mrn, declarant(api)))[0]["state"] == "open"


async def test_limits_and_faults_of_a_form_are_told(api: Api) -> None:
    mrn = await asked(api)
    [question] = await questions(api, mrn, declarant(api))

    async def post(status: int, **body: Any) -> set[str]:
        answer = await api.http.post(
            question["link"], **{**body, "headers": {**declarant(api), **body.get("headers", {})}}
        )
        assert answer.status_code == status, answer.text
        return {fault["pointer"] for fault in answer.json().get("errors", [])}

    many = [("documents", (f"{n}.txt", b"x", "text/plain")) for n in range(MAX_DOCUMENTS + 1)]
    assert await post(422, files=many) == {"/documents"}
    assert await post(422, files={"text": (None, " ")}) == {"/text"}
    assert await post(422, files={"text": (None, "x" * 10_001)}) == {"/text"}
    assert await post(422, files={"text": (None, "x"), "note": (None, "y")}) == {"/note"}
    assert await post(422, json={"text": ""}) == {"/text"}
    assert await post(422, json={"text": " "}) == {"/text"}
    form = {"Content-Type": "multipart/form-data; boundary=b"}
    assert await post(400, content=b"--c\r\nnonsense", headers=form) == set()
    assert await post(400, content=b"x", headers={"Content-Type": "multipart/form-data"}) == set()
    assert await post(415, content=b"x", headers={"Content-Type": "text/plain"}) == set()
    many_more = [("documents", (f"{n}.txt", b"x", "text/plain")) for n in range(MAX_DOCUMENTS + 5)]
    assert await post(422, files=many_more) == {"/documents"}


async def test_an_answer_that_is_too_large_is_refused(store: Store) -> None:
    app = create_app(parts(store, EngineFake(), max_answer_bytes=1000))
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        api = Api(app, store, EngineFake(), http)
        mrn = await asked(api)
        answer = await answered(api, mrn, files=[("a.txt", b"x" * 1001, "text/plain")])
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


class _Scanner:
    """Finds what the tests put in; may be away."""

    def __init__(self) -> None:
        self.away = False
        self.scanned: list[str] = []

    def scan(self, name: str, content: bytes) -> Scan:
        self.scanned.append(name)
        if self.away:
            raise ScannerUnavailable("connection refused")
        return Scan.INFECTED if b"EICAR" in content else Scan.CLEAN


async def test_what_is_infected_is_refused_and_kept_nowhere(store: Store) -> None:
    scanner = _Scanner()
    app = create_app(parts(store, EngineFake(), scanner=scanner))
    async with httpx.AsyncClient(transport=DescribedTransport(app), base_url="http://hub") as http:
        api = Api(app, store, EngineFake(), http)
        mrn = await asked(api)
        bad = b"EICAR test"
        files = [("good.pdf", PDF, "application/pdf"), ("bad.txt", bad, "text/plain")]
        answer = await answered(api, mrn, files=files)
        assert (answer.status_code, answer.json()["type"]) == (422, "/problems/infected-document")
        assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/documents/1"]
        assert store.information(mrn, APQA) == []
        assert store.document(mrn, hashlib.sha256(bad).hexdigest()) is None
        scanner.away = True
        answer = await answered(api, mrn, files=files[:1])
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/scanner-unavailable")
        assert store.information(mrn, APQA) == []
        scanner.away = False
        clean = (await answered(api, mrn, files=files[:1])).json()
        assert [d["scan"] for d in clean["question"]["answer"]["documents"]] == ["clean"]
        # What is refused anyway is not even scanned.
        scanner.scanned.clear()
        assert (await answered(api, mrn, text="other", files=files[:1])).status_code == 409
        assert scanner.scanned == []


def _command(script: str) -> CommandScanner:
    return CommandScanner([sys.executable, "-c", script], timedelta(seconds=20))


def test_the_command_says_by_its_status_what_it_found() -> None:
    by_content = "import sys; sys.exit(b'EICAR' in sys.stdin.buffer.read())"
    assert _command(by_content).scan("a", b"fine" * 100_000) is Scan.CLEAN
    assert _command(by_content).scan("a", b"EICAR") is Scan.INFECTED
    with pytest.raises(ScannerUnavailable, match="status 2: no database"):
        _command("import sys; print('no database'); sys.exit(2)").scan("a", b"")
    with pytest.raises(ScannerUnavailable, match="No such file"):
        CommandScanner(["/nonexistent/scanner"], timedelta(seconds=5)).scan("a", b"")
    slow = CommandScanner([sys.executable, "-c", "import time; time.sleep(30)"], timedelta(seconds=0.2))
    with pytest.raises(ScannerUnavailable, match=r"not done after 0\.2 s"):
        slow.scan("a", b"")


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\a\\b.pdf", "b.pdf"),
        ("a\r\nSet-Cookie: x.pdf", "a__Set-Cookie_ x.pdf"),
        ("\u202egpj.exe", "_gpj.exe"),
        ("...", ""),
        ("x" * 300 + ".pdf", "x" * 251 + ".pdf"),
    ],
)
def test_names_of_documents_mislead_nobody(name: str, safe: str) -> None:
    assert safe_name(name) == safe
