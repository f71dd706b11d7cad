"""The declarant's commands, and the case file at a terminal, against a served API on a real store."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
import uvicorn
from typer.testing import CliRunner, Result

from hub.api.app import create_app
from hub.api.clients import new_key
from hub.cli import app
from hub.domain.exchange import Message
from hub.domain.referral import Decision, ReferralState, Verdict, Via
from hub.ports import ApiClient, HandOver, Role
from hub.store import Store, create_store
from tests.api.support import NOW, EngineFake, beef, parts

APQA, MFDS = "apqa-animal-import", "mfds-livestock-import"
Hub = Callable[..., Result]


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    store = create_store(sqlite_url, sync="normal")
    yield store
    store.close()


@pytest.fixture
def hub(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """The command line, as an operator of an installation that is served here."""
    server = uvicorn.Server(
        uvicorn.Config(create_app(parts(store, EngineFake())), port=0, log_level="critical")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.005)
        assert thread.is_alive()
    key, hashed = new_key()
    store.add_client(ApiClient(id="ops", name="Ops", role=Role.ADMIN, created_at=NOW), hashed)
    port = server.servers[0].sockets[0].getsockname()[1]
    monkeypatch.setenv("HUB_API_URL", f"http://127.0.0.1:{port}")
    monkeypatch.setenv("HUB_API_KEY", key)
    monkeypatch.setenv("COLUMNS", "200")
    # What the server logs is not what the command prints.
    with structlog.testing.capture_logs():
        yield lambda *words: CliRunner().invoke(app, [str(word) for word in words])
    server.should_exit = True
    thread.join(10)


def said(result: Result) -> str:
    """What it printed. A command that fails is shown with why."""
    assert result.exit_code == 0, f"{result.output}\n{result.exception!r}"
    return result.output


def lodged(hub: Hub, folder: Path) -> str:
    file = folder / "declaration.json"
    file.write_text(json.dumps(beef()))
    mrn: str = json.loads(said(hub("submit", file)))["mrn"]
    return mrn


def delivered(store: Store, mrn: str) -> None:
    store.begin_hand_over(mrn, [APQA, MFDS], NOW)
    done = [HandOver(referral=f"{mrn}/{service}", state=ReferralState.DELIVERED) for service in (APQA, MFDS)]
    store.record_hand_overs(mrn, done, NOW)


def decided(store: Store, mrn: str, service: str, id: str, verdict: Verdict, remarks: str) -> None:
    agency = service.partition("-")[0]
    decision = Decision(
        id=id,
        referral=f"{mrn}/{service}",
        verdict=verdict,
        word=verdict,
        remarks=remarks,
        decided_at=NOW,
        received_at=NOW,
        via=Via.CALLBACK,
        exchange=id,
    )
    store.receive(
        Message(
            agency=agency,
            message_id=id,
            referral=decision.referral,
            decisions=(decision,),
            raw=f"{verdict} {remarks}",
            via=Via.CALLBACK,
            received_at=NOW,
        )
    )


def test_a_declaration_is_amended_and_withdrawn(hub: Hub, store: Store, tmp_path: Path) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    new: dict[str, Any] = beef()
    new["items"][0]["description"] = "Frozen beef, boneless"
    file = tmp_path / "new.json"
    file.write_text(json.dumps(new))
    told = said(hub("amend", mrn, file, "--remarks", "as packed", "--version", 1))
    assert "version 2" in told
    assert [line.split()[:3] for line in told.splitlines()[1:]] == [
        ["stands", APQA, "apqa"],
        ["asked", "again", MFDS],
    ]
    new["items"][0]["description"] = "Beef"
    file.write_text(json.dumps(new))
    moved = hub("amend", mrn, file, "--version", 1)
    assert "it has version 2, not" in str(moved.exception)
    assert "version 2: amended" in said(hub("show", mrn))
    which = hub("withdraw", mrn)
    assert which.exit_code != 0
    assert "C02  Lodged twice" in which.output
    taken_back = said(hub("withdraw", mrn, "--reason", "C01", "--remarks", "diverted"))
    assert f"{MFDS}  mfds  is being told" in taken_back


def test_a_question_is_answered(hub: Hub, store: Store, tmp_path: Path) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    assert said(hub("questions", mrn)).strip() == "nothing is asked"
    assert "asks nothing of the kind" in hub("answer", mrn, APQA, "--text", "7").output
    decided(store, mrn, APQA, "Q-1", Verdict.INFORMATION_REQUIRED, "Which slaughterhouse?")
    decided(store, mrn, APQA, "Q-2", Verdict.INFORMATION_REQUIRED, "Which vessel?")
    asked = said(hub("questions", mrn))
    assert "(Q-1): Which slaughterhouse?" in asked
    several = hub("answer", mrn, APQA, "--text", "No. 7")
    assert "say which with --question" in several.output
    permit = tmp_path / "permit.pdf"
    permit.write_bytes(b"%PDF-1.7 permit")
    told = said(hub("answer", mrn, APQA, "--text", "No. 7", "--file", permit, "--question", "Q-1"))
    assert "on its way to the agency" in told
    assert "permit.pdf" in told
    # One is left, so it is plain which is meant.
    assert "Q-2: answered" in said(hub("answer", mrn, APQA, "--text", "9436355"))
    [first, second] = json.loads(said(hub("questions", mrn, "--json")))["questions"]
    assert (first["answer"]["documents"][0]["media_type"], second["answer"]["text"]) == (
        "application/pdf",
        "9436355",
    )


def test_progress_is_told_and_links_are_made_listed_and_revoked(
    hub: Hub, store: Store, tmp_path: Path
) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    decided(store, mrn, MFDS, "Q-1", Verdict.INFORMATION_REQUIRED, "the number of the plant")
    told = said(hub("track", mrn))
    assert "Something is asked of the declarant." in told
    assert "! Agency mfds asks for information about goods item 1." in told
    assert "the number of the plant" in told
    assert "Agencies: 0 of 2 have answered" in told
    assert "신고인이 처리할 일이 있습니다." in said(hub("track", mrn, "--korean"))
    assert json.loads(said(hub("track", mrn, "--json")))["headline"] == "asked_of_you"
    assert "there is no link" in said(hub("track", mrn, "--links"))
    made = json.loads(said(hub("track", mrn, "--link", "--json")))
    assert f"/track/{made['code']}" in made["url"]
    listed = said(hub("track", mrn, "--links"))
    assert made["id"] in listed
    assert made["code"] not in listed
    assert "no, revoked" in said(hub("track", mrn, "--revoke", made["id"]))
    assert "It is not shown again." in said(hub("track", mrn, "--link"))


def test_the_case_file_is_read_at_a_terminal(hub: Hub, store: Store, tmp_path: Path) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    decided(store, mrn, APQA, "Q-1", Verdict.INFORMATION_REQUIRED, "Which slaughterhouse?")
    said(hub("answer", mrn, APQA, "--text", "No. [7]"))
    shown = said(hub("show", mrn, "--full"))
    for words in (
        "in progress",
        f"goods item 1: {MFDS} answer awaited",
        "Act of mfds",
        "the clock stands still since",
        "Which slaughterhouse?",
        "No. [7]",
        "Frozen boneless beef",
        "message Q-1",
        "information.given",
        "Routing, by the law of 2026-11-20",
    ):
        assert words in shown, words
    assert json.loads(said(hub("show", mrn, "--full", "--json")))["mrn"] == mrn


def test_an_outcome_is_explained_and_worked_out_once_more(hub: Hub, store: Store, tmp_path: Path) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    decided(store, mrn, APQA, "M-1", Verdict.APPROVED, "fine")
    assert "consented" in said(hub("explain", mrn))
    verified = said(hub("explain", mrn, "--verify"))
    assert "0 failed" in verified
    assert "event 4: decision M-1 of apqa-animal-import" in verified


def test_a_declarant_is_told_that_it_is_not_shown_enough_to_verify(
    hub: Hub, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing differs: others are shown the rest."""
    mrn = lodged(hub, tmp_path)
    key, hashed = new_key()
    own = beef()["declarant"]["id"]
    store.add_client(
        ApiClient(id="broker", name="Broker", role=Role.CUSTOMS, declarant=own, created_at=NOW), hashed
    )
    monkeypatch.setenv("HUB_API_KEY", key)
    found = hub("explain", mrn, "--verify")
    assert found.exit_code == 2
    assert "customs and staff can verify" in found.output
    assert "DIFFERS" not in found.output


def test_what_was_changed_behind_the_hubs_back_is_found(
    hub: Hub, store: Store, sqlite_url: str, tmp_path: Path
) -> None:
    mrn = lodged(hub, tmp_path)
    delivered(store, mrn)
    decided(store, mrn, APQA, "M-1", Verdict.REFUSED, "no permit")
    database = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    with database:
        database.execute("UPDATE inbox SET raw = 'approved fine' WHERE message_id = 'M-1'")
    database.close()
    found = hub("explain", mrn, "--verify")
    assert found.exit_code == 1
    assert "DIFFERS" in found.output
    assert "1 failed" in found.output
