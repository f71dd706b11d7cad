"""Closed declarations leave for files, and whatever dies on the way, each is in one place in the end."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hub.domain.archive import NotWhole
from hub.operations.retention.archiver import Archiver
from hub.operations.retention.folder import SUFFIX, ArchiveFolder
from hub.operations.retention.verifying import in_a_row, verify_file
from hub.ports import AuditFilter, UserRole
from hub.ports.retention import NotNow, RetentionPolicy, Window
from hub.store import Store
from tests.store import sample
from tests.store.sample import FOOD, PLANT, T0

POLICY = RetentionPolicy(per_file=3)
AFTER = T0 + timedelta(days=91)
ME = "worker 1 on here"


class Killed(BaseException):
    """As by kill -9: nothing of the process does anything after it."""


class Fuse:
    """Counts steps, and kills at one of them; from then on nothing is done any more."""

    def __init__(self, step: int | None = None) -> None:
        self.left = step
        self.taken = 0

    def step(self) -> None:
        self.taken += 1
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class Mortal:
    """What a process calls outside itself, which may be the last it does: before it is done, or after."""

    def __init__(self, target: object, fuse: Fuse) -> None:
        self._target = target
        self._fuse = fuse

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._target, name)

        def call(*args: Any, **named: Any) -> Any:
            self._fuse.step()
            result = method(*args, **named)
            self._fuse.step()
            return result

        return call


class MortalFolder(ArchiveFolder):
    """The same of the folder."""

    def __init__(self, path: Path, fuse: Fuse) -> None:
        super().__init__(path)
        self.fuse = fuse

    def write(self, *args: Any) -> Any:
        self.fuse.step()
        written = super().write(*args)
        self.fuse.step()
        return written

    def publish(self, *args: Any) -> None:
        self.fuse.step()
        super().publish(*args)
        self.fuse.step()


def archiver(
    store: Store, folder: Path, *, at: datetime = AFTER, fuse: Fuse | None = None, me: str = ME
) -> Archiver:
    fuse = fuse or Fuse()
    mortal: Any = Mortal(store, fuse)
    ticks = itertools.count()

    def clock() -> datetime:
        return at + next(ticks) * timedelta(milliseconds=1)

    return Archiver(mortal, MortalFolder(folder, fuse), clock, me, store.note_audit)


def closed(store: Store, count: int) -> list[str]:
    """Declarations of two referrals each, decided and closed one hour after the other."""
    mrns = []
    for number in range(count):
        accepted = sample.acceptance(PLANT, FOOD)
        mrn = accepted.mrn
        store.lodge(accepted)
        store.begin_hand_over(mrn, [PLANT, FOOD], T0)
        taken = [sample.delivered(mrn, service, sample.decision(mrn, service)) for service in (PLANT, FOOD)]
        store.record_hand_overs(mrn, taken, T0)
        store.mark_started(mrn)
        store.close_case(mrn, T0 + timedelta(hours=number))
        mrns.append(mrn)
    return mrns


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob(f"*{SUFFIX}"))


def run_out(archive: Archiver) -> int:
    """Rounds until nothing is left to do; how many left the store."""
    left = 0
    while True:
        done = archive.go_round(POLICY, "test")
        left += done.left
        if done.file is None:
            return left


def test_what_is_old_enough_leaves_whole_and_can_be_read_again(store: Store, tmp_path: Path) -> None:
    """Line for line as it was, by its tombstone; files of three, each naming the one before it."""
    mrns = closed(store, 7)
    records = {mrn: store.record_of(mrn) for mrn in mrns}
    archive = archiver(store, tmp_path)
    assert [one.mrn for one in archive.plan(POLICY)] == mrns
    assert run_out(archive) == 7
    for mrn in mrns:
        stone = store.tombstone(mrn)
        assert stone is not None
        assert archive.record(stone) == records[mrn]
    found = [verify_file(path) for path in files_in(tmp_path)]
    assert [(one.declarations, one.faults) for one in found] == [(3, ()), (3, ()), (1, ())]
    assert in_a_row(found) == []
    assert in_a_row([found[0], found[2]]) != []
    lines = store.audit(AuditFilter(action="archive"), None, 9).lines
    assert [line.result for line in lines] == ["1 declarations archived"] + ["3 declarations archived"] * 2


def test_a_file_is_read_without_this_program(store: Store, tmp_path: Path) -> None:
    """It is gzip, and each line is JSON that says what it is; the heading says what the kinds are."""
    [mrn] = closed(store, 1)
    archiver(store, tmp_path).go_round(POLICY, "test")
    with gzip.open(files_in(tmp_path)[0], "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    assert {line["kind"] for line in lines[1:]} <= set(lines[0]["kinds"])
    kinds = [line["kind"] for line in lines]
    assert kinds[:2] == ["archive", "declaration"]
    assert kinds[-2:] == ["end", "contents"]
    assert kinds.count("event") == 5
    assert lines[-1]["declarations"][0]["mrn"] == mrn
    assert lines[-1]["declarations"][0]["keep_until"].startswith("2031-03-02")


@pytest.mark.parametrize("fuse", range(40))
def test_killed_at_any_step_nothing_is_lost_and_nothing_is_doubled(
    store: Store, tmp_path: Path, fuse: int
) -> None:
    """Before and after everything it does; another process goes on when the lease is over."""
    mrns = closed(store, 4)
    records = {mrn: store.record_of(mrn) for mrn in mrns}
    doomed = archiver(store, tmp_path, fuse=Fuse(fuse))
    try:
        run_out(doomed)
    except Killed:
        pass
    else:
        assert fuse > 30, "the campaign has become longer than the steps there are"
    # Whatever has been taken out by now is in a file that stands.
    for mrn in mrns:
        stone = store.tombstone(mrn)
        assert (stone is None) == (store.view(mrn) is not None)
        if stone is not None:
            assert ArchiveFolder(tmp_path).record(stone.file, stone.offset, stone.digest) == records[mrn]
    run_out(archiver(store, tmp_path, at=AFTER + timedelta(minutes=10), me="another"))
    found = [verify_file(path) for path in files_in(tmp_path)]
    assert all(not one.faults for one in found)
    assert sum(one.declarations for one in found) == 4
    for mrn in mrns:
        stone = store.tombstone(mrn)
        assert stone is not None
        assert ArchiveFolder(tmp_path).record(stone.file, stone.offset, stone.digest) == records[mrn]
    assert list(tmp_path.rglob("*.part")) == []
    assert store.archive_files(under_way=True) == []


def test_one_archives_at_a_time(store: Store, tmp_path: Path) -> None:
    """The other is told so, and does nothing."""
    closed(store, 1)
    assert store.lease_retention("another", AFTER, timedelta(minutes=1))
    with pytest.raises(NotNow):
        archiver(store, tmp_path).go_round(POLICY, "test")
    assert files_in(tmp_path) == []
    assert archiver(store, tmp_path, at=AFTER + timedelta(minutes=2)).go_round(POLICY, "test").left == 1


def test_nothing_is_deleted_when_the_file_is_not_there(store: Store, tmp_path: Path) -> None:
    """Another disk was mounted, say: what the store knows to be written must be found first."""
    [mrn] = closed(store, 1)

    class Doomed(ArchiveFolder):
        def publish(self, name: str, sha256: str) -> None:
            raise Killed

    doomed = Archiver(store, Doomed(tmp_path / "one"), lambda: AFTER, ME, store.note_audit)
    with pytest.raises(Killed):
        doomed.go_round(POLICY, "test")
    assert store.archive_files(under_way=True) != []
    later = archiver(store, tmp_path / "other", at=AFTER + timedelta(hours=1))
    with pytest.raises(NotWhole, match="is not in"):
        later.go_round(POLICY, "test")
    assert store.view(mrn) is not None


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda text: text.replace(b'"outcome"', b'"outcame"', 1), id="a word"),
        pytest.param(
            lambda text: b"\n".join(text.split(b"\n")[:3] + text.split(b"\n")[4:]), id="a line gone"
        ),
        pytest.param(lambda text: b"".join(text.splitlines(True)[:-1]), id="the end"),
    ],
)
def test_what_is_changed_in_a_file_is_noticed(
    store: Store, tmp_path: Path, spoil: Callable[[bytes], bytes]
) -> None:
    """Also by somebody who packs it again properly."""
    closed(store, 2)
    archiver(store, tmp_path).go_round(POLICY, "test")
    [path] = files_in(tmp_path)
    assert verify_file(path).faults == ()
    members = [gzip.decompress(b"\x1f\x8b\x08" + one) for one in path.read_bytes().split(b"\x1f\x8b\x08")[1:]]
    members[1] = spoil(members[1])
    path.write_bytes(b"".join(gzip.compress(one) for one in members))
    assert verify_file(path).faults != ()


def test_a_file_cut_short_is_noticed(store: Store, tmp_path: Path) -> None:
    """Wherever it is cut."""
    closed(store, 2)
    archiver(store, tmp_path).go_round(POLICY, "test")
    [path] = files_in(tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert verify_file(path).faults != (), length


def test_a_document_or_an_outcome_that_is_not_true_is_noticed(store: Store, tmp_path: Path) -> None:
    """The chain is whole, since the hub wrote it so; what is said does not follow from the events."""
    [mrn] = closed(store, 1)
    record = store.record_of(mrn)
    record[0]["outcome"] = "release"

    class Lying:
        def __getattr__(self, name: str) -> Any:
            return (lambda mrn: record) if name == "record_of" else getattr(store, name)

    lying: Any = Lying()
    archive = Archiver(lying, ArchiveFolder(tmp_path), lambda: AFTER, ME, store.note_audit)
    done = archive.go_round(POLICY, "test")
    assert (done.exported, done.left, done.stayed) == (1, 0, 1)
    [path] = files_in(tmp_path)
    assert any("shown today" in fault for fault in verify_file(path).faults)


def test_what_is_held_stays_and_the_audit_says_who_held_it(store: Store, tmp_path: Path) -> None:
    """And who let it go."""
    [mrn] = closed(store, 1)
    archive = archiver(store, tmp_path)
    assert archive.hold(mrn, "lee", UserRole.ADMIN, "court")
    assert not archive.hold(mrn, "kim", UserRole.ADMIN, "court")
    assert run_out(archive) == 0
    assert archive.lift(mrn, "kim", UserRole.ADMIN, "over")
    assert not archive.lift(mrn, "kim", UserRole.ADMIN, "over")
    assert run_out(archive) == 1
    lines = store.audit(AuditFilter(mrn=mrn), None, 9).lines
    assert [(line.action, line.user) for line in lines] == [("archive.lift", "kim"), ("archive.hold", "lee")]


@pytest.mark.parametrize(
    ("begins", "ends", "hour", "within"),
    [
        (1, 5, 1, True),
        (1, 5, 5, False),
        (1, 5, 0, False),
        (22, 4, 23, True),
        (22, 4, 3, True),
        (22, 4, 4, False),
    ],
)
def test_the_window_may_go_over_midnight(begins: int, ends: int, hour: int, within: bool) -> None:
    """In its own zone."""
    zone = ZoneInfo("Asia/Seoul")
    window = Window(time(begins), time(ends), zone)
    assert window.holds(datetime(2026, 3, 2, hour, 0, tzinfo=zone)) is within


@pytest.mark.parametrize(
    ("procedure", "year"), [("import", 2029), ("export", 2027), ("transit", 2026), ("another", 2029)]
)
def test_records_are_kept_as_the_law_says_for_each_procedure(procedure: str, year: int) -> None:
    """From the acceptance; a 29 February comes to its end on the next day there is."""
    accepted = datetime.fromisoformat("2024-02-29T12:00:00+00:00")
    until = RetentionPolicy().keep_until(procedure, accepted)
    assert (until.year, until.month, until.day) == (year, 3, 1)
