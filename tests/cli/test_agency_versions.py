"""`hub agency history` and `hub agency diff`, as they are typed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hub.cli import app
from hub.ports import SHARED_FILES, AgencyFiles, ToldFault
from hub.store import create_store
from tests.plugins.databases import sqlite_url  # noqa: F401 - a fixture
from tests.store import sample

T0 = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
YAML = "agency: apqa\nverdicts: {{{}: approved}}\n"
WSDL = b"<definitions/>"
FAULTS = [
    ToldFault(file="agencies/apqa.yaml", line=2, key="verdicts.x", what="no verdict", cure="correct it"),
    ToldFault(file="agencies/apqa.yaml", line=3, key="note", what="an unknown key", cure="remove it"),
]


def version(name: str, word: str, wsdl: bytes = WSDL) -> AgencyFiles:
    files = {"agencies/apqa.yaml": YAML.format(word).encode(), "contracts/apqa.wsdl": wsdl}
    return AgencyFiles(agency="apqa", version=name, files=files)


@pytest.fixture
def kept(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811 - a fixture
    """Two versions, the first of which was refused once in between, and a referral under each."""
    monkeypatch.setenv("HUB_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("HUB_ENVIRONMENT", "development")
    monkeypatch.setenv("COLUMNS", "250")
    store = create_store(sqlite_url)
    steps = iter(T0 + timedelta(hours=n) for n in range(9))
    store.record_applied([version("v1", "fine")], next(steps), "api 7 on here")
    store.record_refused("apqa", "bad", FAULTS, next(steps), "api 7 on here")
    store.record_applied([version("b2", "granted", b"\xff\x00")], next(steps), "worker 8 on here")
    shared = AgencyFiles(agency=SHARED_FILES, version="s1", files={"lists.yaml": b"lists: {}\n"})
    store.record_applied([shared], next(steps), "worker 8 on here")
    store.lodge(sample.acceptance(sample.PLANT))
    store.close()


def hub(*words: str) -> Result:
    return CliRunner().invoke(app, ["agency", *words])


@pytest.mark.usefixtures("kept")
def test_history_lists_versions_and_refusals_newest_first() -> None:
    """With the referrals of each version, and why a change was refused."""
    shown = hub("history", "apqa")
    assert shown.exit_code == 0, shown.output
    _, newest, refused, first = shown.output.splitlines()
    assert newest.split()[3:6] == ["b2", "in", "force"]
    assert newest.rstrip().endswith("worker 8 on here")
    assert "refused" in refused
    assert "agencies/apqa.yaml:2  verdicts.x  no verdict (and 1 more)" in refused
    assert first.split()[3:7] == ["v1", "applied", "1", "1"]


@pytest.mark.usefixtures("kept")
def test_history_of_all_shows_the_shared_files_too() -> None:
    """Who did what, without anybody being named."""
    shown = hub("history")
    assert shown.exit_code == 0, shown.output
    assert "(shared)" in shown.output.splitlines()[1]
    assert len(shown.output.splitlines()) == 5


@pytest.mark.usefixtures("kept")
def test_diff_shows_what_differs_between_the_last_two_versions() -> None:
    """A unified diff of the texts; of what is no text, that it differs."""
    shown = hub("diff", "apqa")
    assert shown.exit_code == 0, shown.output
    assert "-verdicts: {fine: approved}" in shown.output.splitlines()
    assert "+verdicts: {granted: approved}" in shown.output.splitlines()
    assert "+++ agencies/apqa.yaml (b2)" in shown.output.splitlines()
    assert "its 14 bytes became 2 others; they are no text" in shown.output.splitlines()
    turned = hub("diff", "apqa", "b", "v")
    assert "+verdicts: {fine: approved}" in turned.output.splitlines()
    assert hub("diff", "apqa", "v1", "v1").output == "no differences between v1 and v1\n"


@pytest.mark.usefixtures("kept")
def test_diff_compares_with_the_folder(tmp_path: Path) -> None:
    """What would change if it were taken, or why it was not."""
    (tmp_path / "agencies").mkdir()
    (tmp_path / "agencies/apqa.yaml").write_text(YAML.format("granted") + "note: new\n")
    shown = hub("diff", "apqa", "--folder", "--config", str(tmp_path))
    assert shown.exit_code == 0, shown.output
    assert "+note: new" in shown.output.splitlines()
    assert "+++ agencies/apqa.yaml (folder)" in shown.output.splitlines()


@pytest.mark.usefixtures("kept")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("history", "apqq"),
            "no version of apqq has ever been in force in this database; did you mean 'apqa'?",
        ),
        (("diff", "apqa", "x9"), "no version begins with x9: b2, v1"),
        (("diff", SHARED_FILES), "* has had one version only, s1"),
    ],
)
def test_what_there_is_not_is_told_plainly(words: tuple[str, ...], told: str) -> None:
    """One sentence, and status 1."""
    shown = hub(*words)
    assert isinstance(shown.exception, SystemExit)
    assert told in str(shown.exception)
